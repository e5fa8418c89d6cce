/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the 82540EM's transmit ring to the link: gathers a packet from its descriptors in a private
 * copy, cuts it where the driver asked for that, and may stop between any two steps.
 */
#include "vmm/e1000/parts.h"

#include "lib/c/string.h"

enum { STEPS_A_FRAME = 4, FRAME_PADDED = 60, VLAN_AT = 12, VLAN_BYTES = 4, VLAN_TYPE = 0x8100 };

enum step {
    STEP_DONE,                       /* something moved */
    STEP_NOTHING,                    /* the ring is empty, or broken */
    STEP_BLOCKED,                    /* the link has no room */
};

static enum step broke(struct e1000 *e1000) {
    e1000->broken = true;
    return STEP_NOTHING;
}

/* A link that is down takes everything: there is nobody to wait for. */
static bool has_room(struct e1000 *e1000) {
    return !ring_up(&e1000->link) || net_capacity(&e1000->link) > 0;
}

/* ---- Frames ---- */

static uint32_t put_tagged(uint8_t *to, const struct e1000_packet *packet) {
    memcpy(to, packet->frame, VLAN_AT);
    to[VLAN_AT] = VLAN_TYPE >> 8;
    to[VLAN_AT + 1] = VLAN_TYPE & 0xff;
    to[VLAN_AT + 2] = (uint8_t)(packet->tag >> 8);
    to[VLAN_AT + 3] = (uint8_t)packet->tag;
    memcpy(to + VLAN_AT + VLAN_BYTES, packet->frame + VLAN_AT, packet->filled - VLAN_AT);
    return packet->filled + VLAN_BYTES;
}

static uint32_t put_plain(uint8_t *to, const struct e1000_packet *packet) {
    memcpy(to, packet->frame, packet->filled);
    return packet->filled;
}

static uint32_t pad(const struct e1000 *e1000, uint8_t *frame, uint32_t length) {
    if (!(e1000->send_control & TCTL_PAD) || length >= FRAME_PADDED)
        return length;
    memset(frame + length, 0, FRAME_PADDED - length);
    return FRAME_PADDED;
}

/* Needs has_room(). */
static void send_frame(struct e1000 *e1000, const struct e1000_packet *packet) {
    uint32_t size = packet->filled + (packet->tagged ? VLAN_BYTES : 0);
    bool good = packet->filled >= NET_FRAME_MIN && size <= NET_FRAME_MAX && !packet->too_long;
    if (!good || !ring_up(&e1000->link)) {
        e1000->dropped++;
        return;
    }
    uint8_t *slot = net_slot(&e1000->link);
    uint32_t length = packet->tagged ? put_tagged(slot, packet) : put_plain(slot, packet);
    net_send(&e1000->link, (uint16_t)pad(e1000, slot, length));
    e1000->good_sent++;
}

/* ---- Packets ---- */

static void send_whole(struct e1000 *e1000, struct e1000_packet *packet) {
    if (packet->legacy_checksum)
        e1000_put_checksum(packet->frame, packet->filled, packet->legacy_start, 0,
                           packet->legacy_at);
    e1000_insert_checksums(packet->frame, packet->filled, &packet->context, packet->options);
    send_frame(e1000, packet);
}

/* A piece of a segmented packet: the driver's header, patched, and the data behind it. */
static void send_piece(struct e1000 *e1000, struct e1000_packet *packet, bool last) {
    const struct e1000_context *context = &packet->context;
    bool payload_sum = (packet->options & OPTION_PAYLOAD_CHECKSUM) != 0;
    if (packet->filled < context->header_length) {
        e1000->dropped++;            /* the packet ended within its own header */
        return;
    }
    if (packet->segment == 0)
        memcpy(packet->header, packet->frame, context->header_length);
    else
        memcpy(packet->frame, packet->header, context->header_length);
    e1000_cut_header(packet->frame, packet->filled, context, packet->segment, last, payload_sum);
    e1000_insert_checksums(packet->frame, packet->filled, context, packet->options);
    send_frame(e1000, packet);
    packet->filled = context->header_length;
    packet->segment++;
}

/* false: it is to be cut, and the context doesn't fit that. */
static bool begin_packet(struct e1000 *e1000, const struct e1000_send *d, uint8_t command) {
    struct e1000_packet *packet = &e1000->transmit.packet;
    const struct e1000_context *context = &e1000->transmit.context;
    bool extended = (command & SEND_EXTENDED) != 0;
    packet->context = *context;
    packet->begun = true;
    packet->too_long = packet->tagged = packet->legacy_checksum = false;
    packet->filled = packet->segment = 0;
    packet->segmented = extended && (command & SEND_SEGMENTED);
    packet->limit = packet->segmented ? context->header_length + context->segment_size
                                      : NET_FRAME_MAX;
    packet->options = extended ? d->options : 0;
    return !packet->segmented || e1000_context_good(context);
}

/* What a packet's last descriptor says of it; of one to be cut, each. */
static void note_wishes(struct e1000 *e1000, const struct e1000_send *d, uint8_t command) {
    struct e1000_packet *packet = &e1000->transmit.packet;
    packet->tagged = (command & SEND_VLAN) && (e1000->control & CTRL_VLAN);
    packet->tag = d->special;
    packet->legacy_checksum = !(command & SEND_EXTENDED) && (command & SEND_LEGACY_CHECKSUM);
    packet->legacy_start = d->options;
    packet->legacy_at = (uint8_t)(d->length_type_command >> 16);
}

/* ---- Descriptors ---- */

static void complete(struct e1000 *e1000, uint8_t command) {
    if (command & (SEND_REPORT | SEND_REPORT_SENT)) {
        e1000_queue_sent(e1000, &e1000->send);
        e1000->causes |= CAUSE_SENT;
    }
    e1000_queue_advance(&e1000->send);
    if (e1000_queue_count(&e1000->send) == 0)
        e1000->causes |= CAUSE_SEND_EMPTY;
}

static void take_context(struct e1000 *e1000, const struct e1000_send *d) {
    struct e1000_send_context raw;
    uint8_t command = (uint8_t)(d->length_type_command >> 24);
    memcpy(&raw, d, sizeof(raw));
    e1000->transmit.context = (struct e1000_context){
        .ip_start = raw.ip_start, .ip_at = raw.ip_at, .ip_end = raw.ip_end,
        .payload_start = raw.payload_start, .payload_at = raw.payload_at,
        .payload_end = raw.payload_end, .header_length = raw.header_length,
        .segment_size = raw.segment_size,
        .tcp = (command & CONTEXT_TCP) != 0, .ipv4 = (command & CONTEXT_IPV4) != 0,
    };
    complete(e1000, command);
}

static bool is_context(const struct e1000_send *d, uint8_t command) {
    return (command & SEND_EXTENDED) && (d->length_type_command >> 20 & 0xf) == TYPE_CONTEXT;
}

/* The next descriptor; a buffer of no length may be anywhere. */
static enum step take_descriptor(struct e1000 *e1000) {
    struct e1000_transmit *transmit = &e1000->transmit;
    struct e1000_send d;
    if (!e1000_queue_good(&e1000->send) || !e1000_queue_fetch(e1000, &e1000->send, &d))
        return broke(e1000);
    uint8_t command = (uint8_t)(d.length_type_command >> 24);
    if (is_context(&d, command)) {
        take_context(e1000, &d);
        return STEP_DONE;
    }
    uint32_t size = d.length_type_command & (command & SEND_EXTENDED ? 0xfffff : 0xffff);
    const uint8_t *bytes = guest_range(e1000->memory, (struct gpa){ d.address }, size);
    if (!bytes && size != 0)
        return broke(e1000);
    if (!transmit->packet.begun && !begin_packet(e1000, &d, command))
        return broke(e1000);
    if (transmit->packet.segmented || (command & SEND_LAST))
        note_wishes(e1000, &d, command);
    transmit->buffer = (struct e1000_buffer){ .present = true, .bytes = bytes, .size = size,
                                              .command = command };
    return STEP_DONE;
}

/* Copies what fits into the frame. */
static void gather(struct e1000_transmit *transmit) {
    struct e1000_packet *packet = &transmit->packet;
    struct e1000_buffer *buffer = &transmit->buffer;
    uint32_t left = buffer->size - buffer->taken;
    uint32_t room = packet->limit - packet->filled;
    uint32_t part = left < room ? left : room;
    if (part == 0)
        return;
    memcpy(packet->frame + packet->filled, buffer->bytes + buffer->taken, part);
    packet->filled += part;
    buffer->taken += part;
}

static enum step end_packet(struct e1000 *e1000) {
    struct e1000_packet *packet = &e1000->transmit.packet;
    if (!has_room(e1000))
        return STEP_BLOCKED;
    if (packet->segmented)
        send_piece(e1000, packet, true);
    else
        send_whole(e1000, packet);
    packet->begun = false;
    return STEP_DONE;
}

/* The frame is full and there is more of the packet. */
static enum step overflow(struct e1000 *e1000) {
    struct e1000_transmit *transmit = &e1000->transmit;
    if (!transmit->packet.segmented) {
        transmit->packet.too_long = true;
        transmit->buffer.taken = transmit->buffer.size;
        return STEP_DONE;
    }
    if (!has_room(e1000))
        return STEP_BLOCKED;
    send_piece(e1000, &transmit->packet, false);
    return STEP_DONE;
}

static enum step take_step(struct e1000 *e1000) {
    struct e1000_buffer *buffer = &e1000->transmit.buffer;
    if (!buffer->present)
        return e1000_queue_good(&e1000->send) && e1000_queue_count(&e1000->send) == 0
                   ? STEP_NOTHING : take_descriptor(e1000);
    gather(&e1000->transmit);
    if (buffer->taken < buffer->size)
        return overflow(e1000);
    if ((buffer->command & SEND_LAST) && end_packet(e1000) == STEP_BLOCKED)
        return STEP_BLOCKED;
    buffer->present = false;
    complete(e1000, buffer->command);
    return STEP_DONE;
}

bool e1000_send_some(struct e1000 *e1000, unsigned budget) {
    for (unsigned i = 0; i < STEPS_A_FRAME * budget; i++)
        if (take_step(e1000) != STEP_DONE)
            return false;
    return true;
}

bool e1000_send_waits(const struct e1000 *e1000) {
    return e1000->transmit.buffer.present || e1000_queue_count(&e1000->send) > 0;
}
