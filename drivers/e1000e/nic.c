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

static void clear_state(struct nic *nic) {
    uint64_t fit = nic->pool.size / NET_SLOT;

    nic->buffers = fit < NIC_POOL_MOST ? (uint32_t)fit : NIC_POOL_MOST;
    nic->receive_next = nic->receive_filled = 0;
    nic->transmit_next = nic->transmit_filled = 0;
    nic->returned = nic->link.acked;
    nic->armed = 0;
    pace_stop(&nic->pace);
    nic->free_count = 0;
    for (uint32_t i = 0; i < nic->buffers; i++)
        nic->free[nic->free_count++] = (uint16_t)i;
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

static void refill(struct nic *nic, uint32_t least) {
    uint32_t room = NIC_DEPTH - 1 - (nic->receive_filled - nic->receive_next);
    uint32_t count = room < nic->free_count ? room : nic->free_count;

    if (count < least || count == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = nic->receive_filled++ % NIC_DEPTH;
        uint16_t buffer = nic->free[--nic->free_count];

        nic->in_descriptor[at] = buffer;
        nic->rings->receive[at].address = nic->pool.iova + (uint64_t)buffer * NET_SLOT;
        nic->rings->receive[at].status = 0;
    }
    mmio_publish();
    set(nic, NIC_RDT, nic->receive_filled % NIC_DEPTH);
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

/* Buffers that the switch is done with. */
static void take_back(struct nic *nic) {
    uint32_t acked;

    ring_space(&nic->link);
    acked = nic->link.acked;
    for (; nic->returned != acked; nic->returned++) {
        uint16_t buffer = nic->at_switch[nic->returned % NIC_POOL_MOST];

        if (buffer != NIC_NO_BUFFER)
            nic->free[nic->free_count++] = buffer;
    }
}

/* The device's word: its length is believed as far as one buffer goes. */
static bool good_frame(uint16_t length, uint8_t status, uint8_t errors) {
    return (status & RX_LAST) != 0 && (errors & RX_ERRORS) == 0 && length >= NET_FRAME_MIN &&
           length <= NET_FRAME_MAX;
}

static void receive_frame(struct nic *nic, uint32_t at, uint8_t status) {
    uint16_t buffer = nic->in_descriptor[at];
    uint16_t length = nic->rings->receive[at].length;
    uint8_t errors = nic->rings->receive[at].errors;

    if (!good_frame(length, status, errors)) {
        nic->free[nic->free_count++] = buffer;
        nic->dropped++;
        return;
    }
    nic->at_switch[nic->link.tail % NIC_POOL_MOST] = buffer;
    ring_put(&nic->link, (struct ring_descriptor){
        .offset = (uint32_t)buffer * NET_SLOT, .length = length, .kind = NET_FRAME });
    nic->received++;
}

static bool received_more(const struct nic *nic) {
    uint32_t at = nic->receive_next % NIC_DEPTH;

    return nic->receive_next != nic->receive_filled &&
           (nic->rings->receive[at].status & RX_DONE) != 0;
}

/* Answers how many frames the device had. */
static uint32_t receive(struct nic *nic) {
    uint32_t space = ring_space(&nic->link);
    uint32_t share = space < NIC_SHARE ? space : NIC_SHARE;
    uint32_t before = nic->receive_next;

    for (uint32_t i = 0; i < share && nic->receive_next != nic->receive_filled; i++) {
        uint32_t at = nic->receive_next % NIC_DEPTH;
        uint8_t status = nic->rings->receive[at].status;

        if ((status & RX_DONE) == 0)
            break;
        receive_frame(nic, at, status);
        nic->receive_next++;
    }
    return nic->receive_next - before;
}

/* Frames that the device has read, in order. Requests that were refused go back with the next one,
 * or at once when none is in flight. */
static void reap(struct nic *nic) {
    uint32_t until = nic->link.released;

    for (; nic->transmit_next != nic->transmit_filled; nic->transmit_next++) {
        uint32_t at = nic->transmit_next % NIC_DEPTH;

        if ((nic->rings->transmit[at].status & TX_DONE) == 0)
            break;
        until = nic->position[at] + 1;
    }
    if (nic->transmit_next == nic->transmit_filled)
        until = nic->link.next;
    ring_done_until(&nic->link, until);
}

static bool good_request(const struct nic *nic, struct ring_descriptor frame) {
    return frame.port < NIC_AREAS && net_valid(frame, nic->area[frame.port].size);
}

static void fill_transmit(struct nic *nic, struct ring_descriptor frame) {
    uint32_t at = nic->transmit_filled++ % NIC_DEPTH;
    volatile struct nic_transmit *descriptor = &nic->rings->transmit[at];

    nic->position[at] = nic->link.next - 1;
    descriptor->address = nic->area[frame.port].iova + frame.offset;
    descriptor->length = frame.length;
    descriptor->checksum_offset = 0;
    descriptor->command = TX_LAST | TX_CRC | TX_REPORT;
    descriptor->status = 0;
    nic->sent++;
}

static void transmit(struct nic *nic) {
    uint32_t before = nic->transmit_filled;
    uint32_t room = NIC_DEPTH - 1 - (before - nic->transmit_next);
    uint32_t count = ring_available(&nic->link);

    for (uint32_t i = 0; i < count && i < room && i < NIC_SHARE; i++) {
        struct ring_descriptor frame = ring_get(&nic->link);

        if (good_request(nic, frame))
            fill_transmit(nic, frame);
        else
            nic->dropped++;
    }
    if (nic->transmit_filled == before)
        return;
    mmio_publish();
    set(nic, NIC_TDT, nic->transmit_filled % NIC_DEPTH);
}

void nic_turn(struct nic *nic, uint64_t now) {
    if (!nic->running || !ring_up(&nic->link))
        return;
    take_back(nic);
    pace_looked(&nic->pace, now, receive(nic));
    refill(nic, NIC_REFILL);
    reap(nic);
    transmit(nic);
}

static bool transmit_full(const struct nic *nic) {
    return nic->transmit_filled - nic->transmit_next == NIC_DEPTH - 1;
}

static void arm(struct nic *nic) {
    uint32_t wanted = CAUSE_OTHER | CAUSE_LSC;

    if (!nic->pace.on)
        wanted |= CAUSE_RXQ0;
    if (ring_release_wanted(&nic->link) || transmit_full(nic))
        wanted |= CAUSE_TXQ0;
    wanted &= ~nic->armed;
    if (wanted == 0)
        return;
    nic->armed |= wanted;
    set(nic, NIC_IMS, wanted);
}

/* When the switch holds the buffers that the device needs, or the link is full, its next release is
 * waited for. */
static bool await_switch(struct nic *nic) {
    bool starved = nic->receive_filled - nic->receive_next < NIC_REFILL;
    bool full = received_more(nic);

    if (nic->link.tail == nic->link.acked || !(starved || full))
        return true;
    return ring_await_release(&nic->link, 1);
}

bool nic_settle(struct nic *nic, uint32_t *notify) {
    bool settled;

    ring_flush_before_wait(&nic->link, notify);
    settled = ring_sleep(&nic->link);
    if (!nic->running || !ring_up(&nic->link))
        return true;
    arm(nic);
    if (received_more(nic) && ring_space(&nic->link) > 0)
        return false;
    return await_switch(nic) && (settled || transmit_full(nic));
}

void nic_interrupted(struct nic *nic, uint32_t cause) {
    nic->armed &= ~cause;
}

uint32_t nic_link_speed(struct nic *nic) {
    static const uint32_t speeds[] = { 10, 100, 1000, 1000 };
    uint32_t status = get(nic, NIC_STATUS);
    uint32_t speed = (status & STATUS_LU) != 0 ? speeds[(status & STATUS_SPEED) >> 6] : 0;

    set(nic, NIC_ICR, CAUSE_OTHER | CAUSE_LSC);
    if (ring_space(&nic->link) > 0) {
        nic->at_switch[nic->link.tail % NIC_POOL_MOST] = NIC_NO_BUFFER;
        ring_put(&nic->link, (struct ring_descriptor){ .kind = NET_LINK, .extra = speed });
    }
    return speed;
}

void nic_address(struct nic *nic, uint8_t mac[6]) {
    uint64_t address = get(nic, NIC_RAL0) | (uint64_t)get(nic, NIC_RAH0) << 32;

    for (unsigned i = 0; i < NET_MAC_BYTES; i++)
        mac[i] = (uint8_t)(address >> 8 * i);
}
