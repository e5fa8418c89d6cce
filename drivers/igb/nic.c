/* SPDX-License-Identifier: BSD-2-Clause */
/* The 82576's own pool (drivers/igb/nic.h). Touches its registers, its rings and its link. */
#include "drivers/igb/nic.h"

#include "lib/mmio/mmio.h"

enum { CARD_RECEIVED = CAUSE_RECEIVED, CARD_SENT = CAUSE_SENT, CARD_ALWAYS = 0 };

static uint32_t get(struct nic *nic, uint32_t which) {
    return mmio_read32(nic->registers, which);
}

static void set(struct nic *nic, uint32_t which, uint32_t value) {
    mmio_write32(nic->registers, which, value);
}

static void card_give(struct nic *nic, uint32_t at, uint64_t address) {
    nic->rings->receive[at].address = address;
    nic->rings->receive[at].status = 0;
    nic->rings->receive[at].length = 0;
    nic->rings->receive[at].vlan = 0;
}

static void card_give_until(struct nic *nic, uint32_t at) {
    set(nic, IGB_RDT, at);
}

static uint32_t card_received(const struct nic *nic, uint32_t at) {
    uint32_t status = nic->rings->receive[at].status;

    return (status & RX_DONE) != 0 ? status : 0;
}

static bool card_whole(const struct nic *nic, uint32_t at, uint32_t status) {
    (void)nic;
    (void)at;
    return (status & (RX_LAST | RX_ERROR)) == RX_LAST;
}

static uint16_t card_length(const struct nic *nic, uint32_t at) {
    return nic->rings->receive[at].length;
}

static void card_send(struct nic *nic, uint32_t at, uint64_t address, uint16_t length) {
    volatile struct igb_transmit *descriptor = &nic->rings->transmit[at];

    descriptor->address = address;
    descriptor->command = length | TX_DATA | TX_LAST | TX_CRC | TX_REPORT | TX_ADVANCED;
    descriptor->status = (uint32_t)length * TX_PAYLOAD;
}

static void card_send_until(struct nic *nic, uint32_t at) {
    set(nic, IGB_TDT, at);
}

static bool card_sent(const struct nic *nic, uint32_t at) {
    return (nic->rings->transmit[at].status & TX_DONE) != 0;
}

static void card_arm(struct nic *nic, uint32_t causes) {
    set(nic, IGB_EIMS, causes);
}

#include "lib/nic/core.h"

/* The PHY agrees with its peer about the speed; the link comes up half a second later. */
static void start_link(struct nic *nic) {
    set(nic, IGB_CTRL, get(nic, IGB_CTRL) | CTRL_SLU);
    set(nic, IGB_MDIC, MDIC_WRITE | PHY_CONTROL | PHY_NEGOTIATE);
    for (unsigned i = 0; i < NIC_RESET_POLLS && (get(nic, IGB_MDIC) & MDIC_READY) == 0; i++)
        continue;
}

/* 4.2.1.6. A read of a device that is gone answers all ones. */
bool nic_reset(struct nic *nic) {
    set(nic, IGB_EIMC, CAUSE_ALL);
    set(nic, IGB_CTRL, get(nic, IGB_CTRL) | CTRL_RST);
    for (unsigned i = 0; i < NIC_RESET_POLLS; i++) {
        if ((get(nic, IGB_CTRL) & CTRL_RST) == 0) {
            set(nic, IGB_IMC, UINT32_MAX);
            get(nic, IGB_ICR);
            start_link(nic);
            return true;
        }
    }
    return false;
}

void nic_stop(struct nic *nic) {
    nic->running = false;
    set(nic, IGB_EIMC, CAUSE_RECEIVED | CAUSE_SENT);
    set(nic, IGB_RXDCTL, 0);
    set(nic, IGB_TXDCTL, 0);
}

static void clear_rings(struct nic *nic) {
    for (uint32_t i = 0; i < NIC_DEPTH; i++) {
        nic->rings->receive[i] = (struct igb_receive){ 0 };
        nic->rings->transmit[i] = (struct igb_transmit){ 0 };
    }
}

static void set_ring(struct nic *nic, uint32_t first_register, uint64_t iova, uint32_t bytes) {
    uint32_t base = first_register - IGB_RDBAL;

    set(nic, base + IGB_RDBAL, (uint32_t)iova);
    set(nic, base + IGB_RDBAH, (uint32_t)(iova >> 32));
    set(nic, base + IGB_RDLEN, bytes);
    set(nic, base + IGB_RDH, 0);
    set(nic, base + IGB_RDT, 0);
}

static void start_queues(struct nic *nic) {
    set(nic, IGB_SRRCTL, SRRCTL_2K | SRRCTL_ADVANCED | SRRCTL_DROP);
    set_ring(nic, IGB_RDBAL, nic->rings_iova + offsetof(struct nic_rings, receive),
             sizeof(nic->rings->receive));
    set(nic, IGB_RXDCTL, DCTL_ENABLE | DCTL_WRITE_BACK_1);
    set_ring(nic, IGB_TDBAL, nic->rings_iova + offsetof(struct nic_rings, transmit),
             sizeof(nic->rings->transmit));
    set(nic, IGB_TXDCTL, DCTL_ENABLE | DCTL_WRITE_BACK_1);
}

/* Our queues only: the virtual functions go on. */
bool nic_start(struct nic *nic) {
    nic_stop(nic);
    clear_state(nic);
    clear_rings(nic);
    start_queues(nic);
    refill(nic, 1);
    nic->running = true;
    return true;
}

void nic_interrupted(struct nic *nic, uint32_t cause) {
    set(nic, IGB_EIMC, cause);
    nic->armed &= ~cause;
}

uint32_t nic_link_speed(struct nic *nic) {
    static const uint32_t speeds[] = { 10, 100, 1000, 1000 };
    uint32_t status = get(nic, IGB_STATUS);
    uint32_t speed = (status & STATUS_LU) != 0 ? speeds[(status & STATUS_SPEED) >> 6] : 0;

    tell_speed(nic, speed);
    return speed;
}

void nic_address(struct nic *nic, uint8_t mac[6]) {
    uint64_t address = get(nic, IGB_RAL) | (uint64_t)get(nic, IGB_RAH) << 32;

    for (unsigned i = 0; i < NET_MAC_BYTES; i++)
        mac[i] = (uint8_t)(address >> 8 * i);
}
