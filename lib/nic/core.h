/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions of lib/nic/nic.h, compiled into a driver so that they cost no call a frame. One
 * file of the driver includes this, and before it defines what only its card knows:
 *
 *   card_give, card_give_until   a receive descriptor's buffer; the card's up to this one
 *   card_received                the descriptor's status word, zero while the card has it
 *   card_whole, card_length      is it one frame without an error, and how long
 *   card_send, card_send_until   a transmit descriptor's frame; the card's up to this one
 *   card_sent                    the card has read it
 *   card_arm                     lets these causes interrupt: CARD_RECEIVED, CARD_SENT, CARD_ALWAYS
 */
#ifndef BULKHEAD_LIB_NIC_CORE_H
#define BULKHEAD_LIB_NIC_CORE_H

#include "lib/mmio/mmio.h"
#include "lib/nic/nic.h"

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

static void refill(struct nic *nic, uint32_t least) {
    uint32_t room = NIC_DEPTH - 1 - (nic->receive_filled - nic->receive_next);
    uint32_t count = room < nic->free_count ? room : nic->free_count;

    if (count < least || count == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = nic->receive_filled++ % NIC_DEPTH;
        uint16_t buffer = nic->free[--nic->free_count];

        nic->in_descriptor[at] = buffer;
        card_give(nic, at, nic->pool.iova + (uint64_t)buffer * NET_SLOT);
    }
    mmio_publish();
    card_give_until(nic, nic->receive_filled % NIC_DEPTH);
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
static bool good_length(uint16_t length) {
    return length >= NET_FRAME_MIN && length <= NET_FRAME_MAX;
}

static void receive_frame(struct nic *nic, uint32_t at, uint32_t status) {
    uint16_t buffer = nic->in_descriptor[at];
    uint16_t length = card_length(nic, at);

    if (!card_whole(nic, at, status) || !good_length(length)) {
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
    return nic->receive_next != nic->receive_filled &&
           card_received(nic, nic->receive_next % NIC_DEPTH) != 0;
}

/* Answers how many frames the device had. */
static uint32_t receive(struct nic *nic) {
    uint32_t space = ring_space(&nic->link);
    uint32_t share = space < NIC_SHARE ? space : NIC_SHARE;
    uint32_t before = nic->receive_next;

    for (uint32_t i = 0; i < share && nic->receive_next != nic->receive_filled; i++) {
        uint32_t at = nic->receive_next % NIC_DEPTH;
        uint32_t status = card_received(nic, at);

        if (status == 0)
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

        if (!card_sent(nic, at))
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

    nic->position[at] = nic->link.next - 1;
    card_send(nic, at, nic->area[frame.port].iova + frame.offset, frame.length);
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
    card_send_until(nic, nic->transmit_filled % NIC_DEPTH);
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
    uint32_t wanted = CARD_ALWAYS;

    if (!nic->pace.on)
        wanted |= CARD_RECEIVED;
    if (ring_release_wanted(&nic->link) || transmit_full(nic))
        wanted |= CARD_SENT;
    wanted &= ~nic->armed;
    if (wanted == 0)
        return;
    nic->armed |= wanted;
    card_arm(nic, wanted);
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

/* Tells the switch how fast the cable is; zero: it is out. */
static void tell_speed(struct nic *nic, uint32_t speed) {
    if (ring_space(&nic->link) == 0)
        return;
    nic->at_switch[nic->link.tail % NIC_POOL_MOST] = NIC_NO_BUFFER;
    ring_put(&nic->link, (struct ring_descriptor){ .kind = NET_LINK, .extra = speed });
}

#endif
