/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of the emulated 82540EM, and the switch behind it, for unit tests.
 */
#ifndef BULKHEAD_TESTS_E1000_DRIVER_H
#define BULKHEAD_TESTS_E1000_DRIVER_H

#include "tests/unit/vm_fake.h"
#include "vmm/e1000/layout.h"

enum { CARD = 1, ENTRIES = 8, RX_RING = 0x100000, TX_RING = 0x101000, BUFFERS = 0x200000 };
enum { FRAME = 64, CHECKSUM = 4 };
/* A frame of TCP over IPv4: where the headers begin and end; and into what pieces it is cut. */
enum { IP = 14, TCP = 34, HEADERS = 54, MSS = 100 };
enum { SUMS = OPTION_IP_CHECKSUM | OPTION_PAYLOAD_CHECKSUM, TCP4 = CONTEXT_TCP | CONTEXT_IPV4 };

extern const uint8_t card_address[6];
extern uint32_t card_tail;           /* of the transmit ring, as the driver counts */

void card_write(uint32_t reg, uint32_t value);
uint32_t card_read(uint32_t reg);
void card_run(void);                 /* a turn of the I/O thread */
uint8_t *card_ram(uint64_t at, uint64_t size);

/* As a driver sets the card up: both rings, receive buffers of 2 KiB. */
void card_set_ring(uint32_t registers, uint64_t base);
void card_start(void);
bool card_broken(void);
void card_reset(void);
int card_setup(void **state);
int card_teardown(void **state);

/* Descriptors of the transmit ring, and the word in them; then the card is told of all. */
uint32_t card_word(uint32_t length, unsigned type, unsigned command);
void card_put(struct e1000_send d);
void card_put_legacy(uint64_t at, uint16_t length, unsigned command);
void card_put_data(uint64_t at, uint32_t length, unsigned command, uint8_t options);
void card_put_context(struct e1000_send_context context, unsigned command);
void card_kick(void);
struct e1000_send_context card_tcp_context(uint8_t header, uint16_t mss);

/* The next frame that the switch got, or NULL. */
const uint8_t *card_sent(uint32_t *length);
void card_expect_sent(uint64_t from, uint32_t size);
void card_expect_nothing(void);
void card_fill_frame(uint64_t at, uint32_t size);

/* The switch sends a frame; the second one to the card's address, with a turn. */
void card_deliver_to(const uint8_t to[6], uint16_t length);
void card_deliver(uint16_t length);
void card_offer(uint32_t until);     /* the receive ring's tail */
struct e1000_received card_received(unsigned index);

#endif
