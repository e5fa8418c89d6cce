/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the driver's rings and segmentations must hold to before the 82540EM's model uses them. A
 * file of its own, so that the red team's control can be built without it.
 */
#include "vmm/e1000/parts.h"

/* A ring of no length is good while it is empty: that is how a driver finds it. */
bool e1000_queue_good(const struct e1000_queue *queue) {
    bool unused = queue->length == 0 && queue->head == 0 && queue->tail == 0;
    uint32_t entries = e1000_queue_entries(queue);
    return unused || (queue->head < entries && queue->tail < entries);
}

/* Whether a packet can be cut by it: both headers lie in the header part, in order, with the fields
 * that are patched, and a whole piece is a legal frame. */
bool e1000_context_good(const struct e1000_context *context) {
    uint32_t ip_size = context->ipv4 ? IPV4_SIZE : IPV6_SIZE;
    uint32_t payload_size = context->tcp ? TCP_SIZE : UDP_SIZE;
    bool headers = context->ip_start >= NET_FRAME_MIN &&
                   context->payload_start >= context->ip_start + ip_size &&
                   context->header_length >= context->payload_start + payload_size;
    bool sums = context->ip_at + 2 <= context->header_length &&
                context->payload_at + 2 <= context->header_length;
    return headers && sums && context->segment_size > 0 &&
           context->header_length + context->segment_size <= NET_FRAME_MAX;
}
