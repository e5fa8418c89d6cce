/* SPDX-License-Identifier: BSD-2-Clause */
/* The 82574L's core (drivers/e1000e/nic.h). Touches its registers, its rings and its link. */
#include "drivers/e1000e/nic.h"

#include "lib/mmio/mmio.h"

static uint32_t get(struct nic *nic, uint32_t which) {
    return mmio_read32(nic->registers, which);
}

static void set(struct nic *nic, uint32_t which, uint32_t value) {
    mmio_write32(nic->registers, which, value);
}

enum {
    CARD_RECEIVED = CAUSE_RXQ0, CARD_SENT = CAUSE_TXQ0, CARD_ALWAYS = CAUSE_OTHER | CAUSE_LSC,
};

static void card_give(struct nic *nic, uint32_t at, uint64_t address) {
    nic->rings->receive[at].address = address;
    nic->rings->receive[at].status = 0;
}

static void card_give_until(struct nic *nic, uint32_t at) {
    set(nic, NIC_RDT, at);
}

static uint32_t card_received(const struct nic *nic, uint32_t at) {
    uint8_t status = nic->rings->receive[at].status;

    return (status & RX_DONE) != 0 ? status : 0;
}

static bool card_whole(const struct nic *nic, uint32_t at, uint32_t status) {
    return (status & RX_LAST) != 0 && (nic->rings->receive[at].errors & RX_ERRORS) == 0;
}

static uint16_t card_length(const struct nic *nic, uint32_t at) {
    return nic->rings->receive[at].length;
}

static void card_send(struct nic *nic, uint32_t at, uint64_t address, uint16_t length) {
    volatile struct nic_transmit *descriptor = &nic->rings->transmit[at];

    descriptor->address = address;
    descriptor->length = length;
    descriptor->checksum_offset = 0;
    descriptor->command = TX_LAST | TX_CRC | TX_REPORT;
    descriptor->status = 0;
}

static void card_send_until(struct nic *nic, uint32_t at) {
    set(nic, NIC_TDT, at);
}

static bool card_sent(const struct nic *nic, uint32_t at) {
    return (nic->rings->transmit[at].status & TX_DONE) != 0;
}

static void card_arm(struct nic *nic, uint32_t causes) {
    set(nic, NIC_IMS, causes);
}

#include "lib/nic/core.h"

/* Datasheet 4.6.1 and 4.6.2. A read of a device that is gone answers all ones. */
static bool reset(struct nic *nic) {
    set(nic, NIC_IMC, CAUSE_ALL);
    set(nic, NIC_RCTL, 0);
    set(nic, NIC_TCTL, 0);
    set(nic, NIC_CTRL, get(nic, NIC_CTRL) | CTRL_RST);
    for (unsigned i = 0; i < NIC_RESET_POLLS; i++) {
        if ((get(nic, NIC_CTRL) & CTRL_RST) == 0) {
            set(nic, NIC_IMC, CAUSE_ALL);
            get(nic, NIC_ICR);
            return true;
        }
    }
    return false;
}

static void clear_rings(struct nic *nic) {
    for (uint32_t i = 0; i < NIC_DEPTH; i++) {
        nic->rings->receive[i] = (struct nic_receive){ 0 };
        nic->rings->transmit[i] = (struct nic_transmit){ 0 };
    }
}

static void set_ring(struct nic *nic, uint32_t first_register, uint64_t iova, uint32_t bytes) {
    uint32_t base = first_register - NIC_RDBAL;

    set(nic, base + NIC_RDBAL, (uint32_t)iova);
    set(nic, base + NIC_RDBAH, (uint32_t)(iova >> 32));
    set(nic, base + NIC_RDLEN, bytes);
    set(nic, base + NIC_RDH, 0);
    set(nic, base + NIC_RDT, 0);
}

static void start_receiver(struct nic *nic) {
    for (uint32_t i = 0; i < 128; i++)
        set(nic, NIC_MTA + 4 * i, 0);
    set(nic, NIC_RXCSUM, 0);
    set(nic, NIC_RFCTL, 0);
    set(nic, NIC_MRQC, 0);
    set(nic, NIC_RDTR, 0);
    set(nic, NIC_RADV, 0);
    set(nic, NIC_RXDCTL, DCTL_GRANULARITY | DCTL_WRITE_BACK_1);
    set_ring(nic, NIC_RDBAL, nic->rings_iova + offsetof(struct nic_rings, receive),
             sizeof(nic->rings->receive));
    set(nic, NIC_RCTL, RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_SECRC);
}

static void start_transmitter(struct nic *nic) {
    set(nic, NIC_TIDV, 0);
    set(nic, NIC_TADV, 0);
    set(nic, NIC_TXDCTL, DCTL_GRANULARITY | DCTL_WRITE_BACK_1 | TXDCTL_RESERVED);
    set(nic, NIC_TIPG, TIPG_COPPER);
    set_ring(nic, NIC_TDBAL, nic->rings_iova + offsetof(struct nic_rings, transmit),
             sizeof(nic->rings->transmit));
    set(nic, NIC_TCTL, TCTL_EN | TCTL_PSP | TCTL_COLLISIONS);
}

/* Each message clears and disables its own cause; nic_settle enables what is needed. */
static void start_interrupts(struct nic *nic) {
    set(nic, NIC_CTRL_EXT, get(nic, NIC_CTRL_EXT) | (uint32_t)CTRL_EXT_PBA_CLEAR);
    set(nic, NIC_EIAC, CAUSE_RXQ0 | CAUSE_TXQ0);
    set(nic, NIC_IVAR, IVAR_VALUE);
    for (uint32_t message = 0; message < 3; message++)
        set(nic, NIC_EITR + 4 * message, 0);
}

bool nic_start(struct nic *nic) {
    nic->running = false;
    if (!reset(nic))
        return false;
    clear_state(nic);
    clear_rings(nic);
    start_interrupts(nic);
    set(nic, NIC_CTRL, get(nic, NIC_CTRL) | CTRL_SLU);
    start_transmitter(nic);
    start_receiver(nic);
    refill(nic, 1);
    nic->running = true;
    return true;
}

void nic_stop(struct nic *nic) {
    nic->running = false;
    set(nic, NIC_IMC, CAUSE_ALL);
    set(nic, NIC_RCTL, 0);
    set(nic, NIC_TCTL, 0);
}

void nic_interrupted(struct nic *nic, uint32_t cause) {
    nic->armed &= ~cause;
}

uint32_t nic_link_speed(struct nic *nic) {
    static const uint32_t speeds[] = { 10, 100, 1000, 1000 };
    uint32_t status = get(nic, NIC_STATUS);
    uint32_t speed = (status & STATUS_LU) != 0 ? speeds[(status & STATUS_SPEED) >> 6] : 0;

    set(nic, NIC_ICR, CAUSE_OTHER | CAUSE_LSC);
    tell_speed(nic, speed);
    return speed;
}

void nic_address(struct nic *nic, uint8_t mac[6]) {
    uint64_t address = get(nic, NIC_RAL0) | (uint64_t)get(nic, NIC_RAH0) << 32;

    for (unsigned i = 0; i < NET_MAC_BYTES; i++)
        mac[i] = (uint8_t)(address >> 8 * i);
}
