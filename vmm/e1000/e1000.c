/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82540EM's life: power-on, reset, interrupt output, the I/O thread's turn.
 */
#include "vmm/e1000/parts.h"

#include "lib/c/string.h"

enum { VENDOR = 0x8086, DEVICE = 0x100e, CLASS_ETHERNET = 0x020000, REVISION = 2 };

/* The address that a driver finds after a reset is the EEPROM's: SDM 13.5.2. */
static void load_address(struct e1000 *e1000) {
    const uint16_t *word = e1000->eeprom;
    e1000->address[0] = word[0] | (uint32_t)word[1] << 16;
    e1000->address[1] = word[2] | RAH_VALID;
}

/* SDM 13.4.1, RST: registers as after power-on; PHY, EEPROM and configuration space stay. */
void e1000_reset(struct e1000 *e1000) {
    struct e1000 old = *e1000;
    *e1000 = (struct e1000){
        .pci = old.pci, .memory = old.memory, .link = old.link, .present = old.present,
        .dropped = old.dropped, .io_address = old.io_address,
    };
    memcpy(e1000->eeprom, old.eeprom, sizeof(old.eeprom));
    memcpy(e1000->phy, old.phy, sizeof(old.phy));
    load_address(e1000);
}

void e1000_create(struct e1000 *e1000, const uint8_t mac[NET_MAC_BYTES],
                  const struct guest_memory *memory, uint32_t memory_base, uint16_t port_base,
                  uint8_t interrupt_line) {
    pci_create(&e1000->pci, VENDOR, DEVICE, CLASS_ETHERNET, DEVICE);
    e1000->pci.config[PCI_CLASS] = REVISION;
    pci_add_memory_bar(&e1000->pci, E1000_MEMORY_BAR, memory_base, E1000_MEMORY_SIZE);
    pci_add_io_bar(&e1000->pci, E1000_IO_BAR, port_base, E1000_IO_SIZE);
    pci_add_interrupt_pin(&e1000->pci, interrupt_line);
    e1000->memory = memory;
    e1000->present = true;
    e1000_eeprom_fill(e1000, mac);
    e1000_phy_reset(e1000);
    e1000_reset(e1000);
}

bool e1000_interrupt(const struct e1000 *e1000) {
    return (e1000->causes & e1000->mask) != 0 && pci_interrupt_pin_open(&e1000->pci);
}

/* ---- The I/O thread's turn ---- */

static bool works(const struct e1000 *e1000) {
    return !e1000->broken && pci_may_master(&e1000->pci);
}

static bool may_send(const struct e1000 *e1000) {
    return works(e1000) && (e1000->send_control & TCTL_ENABLE);
}

static bool may_receive(const struct e1000 *e1000) {
    return works(e1000) && (e1000->receive_control & RCTL_ENABLE);
}

/* While the receiver is off, what comes for it is lost, as on a cable. */
static void drop_all(struct e1000 *e1000) {
    for (uint32_t n = ring_available(&e1000->link); n > 0; n--) {
        ring_get(&e1000->link);
        ring_done(&e1000->link, 1);
        e1000->missed++;
    }
}

bool e1000_run(struct e1000 *e1000, unsigned budget) {
    bool more = false;
    if (!e1000->present)
        return false;
    ring_check(&e1000->link);
    if (may_send(e1000))
        more |= e1000_send_some(e1000, budget);
    if (may_receive(e1000))
        more |= e1000_receive_some(e1000, budget);
    else
        drop_all(e1000);
    ring_flush(&e1000->link);
    return more;
}

/* Frames that wait for buffers are no work: the driver's next write of the tail wakes us. */
static bool settle_receive(struct e1000 *e1000) {
    bool quiet = ring_sleep(&e1000->link);
    bool starved = may_receive(e1000) && ring_available(&e1000->link) > 0 &&
                   !e1000_receive_room(e1000);
    return quiet || starved;
}

static bool settle_send(struct e1000 *e1000) {
    if (!may_send(e1000) || !e1000_send_waits(e1000))
        return true;
    bool full = ring_up(&e1000->link) && net_capacity(&e1000->link) == 0;
    return full && ring_await_space(&e1000->link);
}

bool e1000_settle(struct e1000 *e1000) {
    if (!e1000->present)
        return true;
    bool receive_quiet = settle_receive(e1000);
    bool send_quiet = settle_send(e1000);
    return receive_quiet && send_quiet;
}
