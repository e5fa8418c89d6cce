/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the 82540EM's model need from one another.
 */
#ifndef VMM_E1000_PARTS_H
#define VMM_E1000_PARTS_H

#include "vmm/e1000/e1000.h"
#include "vmm/e1000/layout.h"

enum { IPV4_SIZE = 20, IPV6_SIZE = 40, TCP_SIZE = 20, UDP_SIZE = 8 };   /* headers, no options */

/* nvm.c: EEPROM and PHY. */
void e1000_eeprom_fill(struct e1000 *e1000, const uint8_t mac[NET_MAC_BYTES]);
uint32_t e1000_eeprom_lines(const struct e1000 *e1000);
void e1000_eeprom_drive(struct e1000 *e1000, uint32_t lines);
uint32_t e1000_eeprom_word(const struct e1000 *e1000, uint32_t request);
void e1000_phy_reset(struct e1000 *e1000);
uint32_t e1000_phy_access(struct e1000 *e1000, uint32_t request);

/* rules.c: the queue has no index beyond its ring; a packet can be cut by the context. */
bool e1000_queue_good(const struct e1000_queue *queue);
bool e1000_context_good(const struct e1000_context *context);

/* queue.c: descriptor rings. */
static inline uint32_t e1000_queue_entries(const struct e1000_queue *queue) {
    return queue->length / DESCRIPTOR_SIZE;
}
uint32_t e1000_queue_count(const struct e1000_queue *queue);    /* of a good queue */
bool e1000_queue_fetch(const struct e1000 *e1000, const struct e1000_queue *queue, void *to);
bool e1000_queue_sent(const struct e1000 *e1000, const struct e1000_queue *queue);
bool e1000_queue_received(const struct e1000 *e1000, const struct e1000_queue *queue,
                          const struct e1000_received *received);
void e1000_queue_advance(struct e1000_queue *queue);

/* transmit.c: one turn over the transmit ring; true: the budget ended it. */
bool e1000_send_some(struct e1000 *e1000, unsigned budget);
bool e1000_send_waits(const struct e1000 *e1000);

/* offload.c: what the device writes into a frame. */
void e1000_cut_header(uint8_t *frame, uint32_t length, const struct e1000_context *context,
                      uint32_t segment, bool last, bool payload_sum);
void e1000_insert_checksums(uint8_t *frame, uint32_t length, const struct e1000_context *context,
                            uint8_t options);
void e1000_put_checksum(uint8_t *frame, uint32_t length, uint32_t start, uint32_t end, uint32_t at);

/* receive.c: one turn over what the switch sent; true: the budget ended it. */
bool e1000_receive_some(struct e1000 *e1000, unsigned budget);
bool e1000_receive_room(const struct e1000 *e1000);

/* e1000.c: what the driver's reset does. */
void e1000_reset(struct e1000 *e1000);

#endif
