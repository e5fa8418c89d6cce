/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82540EM's register file, as the guest reads and writes it.
 */
#include "vmm/e1000/parts.h"

#include "lib/c/string.h"

/* Registers that only keep what is written: their function isn't modelled, or needs no model. */
static const uint16_t plain_registers[] = {
    REG_CTRL_EXT, REG_FCAL, REG_FCAH, REG_FCT, REG_VET, REG_ITR, REG_FCTTV, REG_TXCW, REG_TIPG,
    REG_AIT, REG_LEDCTL, REG_PBA, REG_FCRTL, REG_FCRTH, REG_RDTR, REG_RXDCTL, REG_RADV, REG_TIDV,
    REG_TXDCTL, REG_TADV, REG_RXCSUM, REG_WUC, REG_WUFC, REG_MANC,
};

_Static_assert(sizeof(plain_registers) / sizeof(*plain_registers) == E1000_PLAIN, "one word each");

static uint32_t *plain(struct e1000 *e1000, uint32_t offset) {
    for (unsigned i = 0; i < E1000_PLAIN; i++)
        if (plain_registers[i] == offset)
            return &e1000->plain[i];
    return NULL;
}

/* The word of a table of registers, or NULL. */
static uint32_t *table_word(struct e1000 *e1000, uint32_t offset) {
    if (offset >= REG_MTA && offset < REG_MTA_END)
        return &e1000->multicast[(offset - REG_MTA) / 4];
    if (offset >= REG_RA && offset < REG_RA_END)
        return &e1000->address[(offset - REG_RA) / 4];
    if (offset >= REG_VFTA && offset < REG_VFTA_END)
        return &e1000->vlan[(offset - REG_VFTA) / 4];
    return plain(e1000, offset);
}

/* The queue whose registers an offset is among, and which one; NULL: none. */
static struct e1000_queue *queue_at(struct e1000 *e1000, uint32_t offset, uint32_t *inner) {
    *inner = offset % QUEUE_REGISTERS;
    if (offset - *inner == REG_RX_QUEUE)
        return &e1000->receive;
    return offset - *inner == REG_TX_QUEUE ? &e1000->send : NULL;
}

/* ---- Reads ---- */

static uint32_t take(uint32_t *counter) {
    uint32_t value = *counter;
    *counter = 0;
    return value;
}

/* SDM, statistics registers: a read clears. Those that nothing counts are zero. */
static uint32_t read_statistic(struct e1000 *e1000, uint32_t offset) {
    switch (offset) {
    case STAT_MISSED: return take(&e1000->missed);
    case STAT_GOOD_RECEIVED: return take(&e1000->good_received);
    case STAT_GOOD_SENT: return take(&e1000->good_sent);
    default: return 0;
    }
}

static uint32_t read_queue(const struct e1000_queue *queue, uint32_t inner) {
    switch (inner) {
    case QUEUE_BASE_LOW: return (uint32_t)queue->base;
    case QUEUE_BASE_HIGH: return (uint32_t)(queue->base >> 32);
    case QUEUE_LENGTH: return queue->length;
    case QUEUE_HEAD: return queue->head;
    case QUEUE_TAIL: return queue->tail;
    default: return 0;
    }
}

static uint32_t read_other(struct e1000 *e1000, uint32_t offset) {
    uint32_t inner;
    const struct e1000_queue *queue = queue_at(e1000, offset, &inner);
    if (queue && inner <= QUEUE_TAIL)
        return read_queue(queue, inner);
    if (offset >= REG_STATISTICS && offset < REG_STATISTICS_END)
        return read_statistic(e1000, offset);
    const uint32_t *word = table_word(e1000, offset);
    return word ? *word : 0;
}

static uint32_t read_status(const struct e1000 *e1000) {
    uint32_t link = e1000->control & CTRL_LINK_UP ? STATUS_LINK_UP : 0;
    return STATUS_FULL_DUPLEX | STATUS_SPEED_1000 | link;
}

static uint32_t read_register(struct e1000 *e1000, uint32_t offset) {
    switch (offset) {
    case REG_CTRL: return e1000->control;
    case REG_STATUS: return read_status(e1000);
    case REG_EECD: return e1000_eeprom_lines(e1000);
    case REG_EERD: return e1000->eeprom_read;
    case REG_MDIC: return e1000->phy_access;
    case REG_ICR: return take(&e1000->causes);
    case REG_IMS: return e1000->mask;
    case REG_RCTL: return e1000->receive_control;
    case REG_TCTL: return e1000->send_control;
    default: return read_other(e1000, offset);
    }
}

/* ---- Writes: true, the I/O thread has something to do ---- */

static bool write_control(struct e1000 *e1000, uint32_t value) {
    if (value & CTRL_PHY_RESET)
        e1000_phy_reset(e1000);
    e1000->control = value & ~(CTRL_RESET | CTRL_PHY_RESET);
    if (value & CTRL_RESET)
        e1000_reset(e1000);
    return false;
}

static bool write_phy(struct e1000 *e1000, uint32_t value) {
    e1000->phy_access = e1000_phy_access(e1000, value);
    if (value & MDIC_INTERRUPT)
        e1000->causes |= CAUSE_MDIO;
    return false;
}

static bool write_queue(struct e1000_queue *queue, uint32_t inner, uint32_t value) {
    switch (inner) {
    case QUEUE_BASE_LOW: queue->base = (queue->base & ~0xffffffffull) | (value & ~15u); break;
    case QUEUE_BASE_HIGH: queue->base = (uint32_t)queue->base | (uint64_t)value << 32; break;
    case QUEUE_LENGTH: queue->length = value & 0xfff80; break;
    case QUEUE_HEAD: queue->head = value & 0xffff; break;
    case QUEUE_TAIL: queue->tail = value & 0xffff; break;
    default: break;
    }
    return inner == QUEUE_TAIL;
}

static bool write_other(struct e1000 *e1000, uint32_t offset, uint32_t value) {
    uint32_t inner;
    struct e1000_queue *queue = queue_at(e1000, offset, &inner);
    if (queue && inner <= QUEUE_TAIL) {
        /* Another ring: what was begun in the old one is forgotten. */
        if (queue == &e1000->send && inner != QUEUE_TAIL)
            memset(&e1000->transmit, 0, sizeof(e1000->transmit));
        return write_queue(queue, inner, value);
    }
    uint32_t *word = table_word(e1000, offset);
    if (word)
        *word = value;
    return false;
}

static bool write_register(struct e1000 *e1000, uint32_t offset, uint32_t value) {
    switch (offset) {
    case REG_CTRL: return write_control(e1000, value);
    case REG_EECD: e1000_eeprom_drive(e1000, value); return false;
    case REG_EERD: e1000->eeprom_read = e1000_eeprom_word(e1000, value); return false;
    case REG_MDIC: return write_phy(e1000, value);
    case REG_ICR: e1000->causes &= ~value; return false;
    case REG_ICS: e1000->causes |= value & CAUSE_ALL; return false;
    case REG_IMS: e1000->mask |= value & CAUSE_ALL; return false;
    case REG_IMC: e1000->mask &= ~value; return false;
    case REG_RCTL: e1000->receive_control = value; return true;
    case REG_TCTL: e1000->send_control = value; return true;
    default: return write_other(e1000, offset, value);
    }
}

/* ---- The two windows ---- */

uint64_t e1000_read(struct e1000 *e1000, uint32_t offset, unsigned size) {
    if (size < 4)
        return 0;
    uint64_t value = read_register(e1000, offset);
    if (size == 8)
        value |= (uint64_t)read_register(e1000, offset + 4) << 32;
    return value;
}

bool e1000_write(struct e1000 *e1000, uint32_t offset, unsigned size, uint64_t value) {
    if (size < 4)
        return false;
    bool work = write_register(e1000, offset, (uint32_t)value);
    if (size == 8)
        work |= write_register(e1000, offset + 4, (uint32_t)(value >> 32));
    return work;
}

enum io_window { IO_ADDRESS = 0, IO_DATA = 4 };

uint32_t e1000_read_port(struct e1000 *e1000, uint32_t offset, unsigned size) {
    if (size == 4 && offset == IO_ADDRESS)
        return e1000->io_address;
    return size == 4 && offset == IO_DATA ? read_register(e1000, e1000->io_address) : 0;
}

bool e1000_write_port(struct e1000 *e1000, uint32_t offset, unsigned size, uint32_t value) {
    if (size == 4 && offset == IO_ADDRESS)
        e1000->io_address = value & (E1000_MEMORY_SIZE - 4);
    return size == 4 && offset == IO_DATA && write_register(e1000, e1000->io_address, value);
}
