/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550A at ports 0x3f8 to 0x3ff. vCPU threads serve the guest's accesses, the I/O thread moves
 * bytes between the two FIFOs and the stream link; both hold the device lock. Pure state.
 *
 * References: National Semiconductor PC16550D data sheet, section 8.
 */
#ifndef VMM_SERIAL_H
#define VMM_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_PORT  0x3f8u
#define SERIAL_PORTS 8u
#define SERIAL_PIN   4u
#define SERIAL_SENT  1024u           /* bytes that wait for the link */
#define SERIAL_FIFO  16u

struct serial {
    uint8_t interrupt_enable;
    uint8_t line_control;
    uint8_t modem_control;
    uint8_t scratch;
    uint8_t divisor[2];
    bool fifo;
    bool transmit_event;             /* the transmitter became empty and nobody was told */
    bool overrun;
    uint8_t received[SERIAL_FIFO];
    uint32_t received_first;
    uint32_t received_count;
    uint8_t sent[SERIAL_SENT];
    uint32_t sent_first;
    uint32_t sent_count;
};

void serial_reset(struct serial *serial);
uint8_t serial_read(struct serial *serial, unsigned reg);
void serial_write(struct serial *serial, unsigned reg, uint8_t value);

/* The level of the interrupt output. */
bool serial_interrupt(const struct serial *serial);

/* No more is taken from the guest until the I/O thread has sent something, or dropped it. */
bool serial_full(const struct serial *serial);

/* The I/O thread's side: contiguous bytes to send, then how many were taken; bytes received. */
uint32_t serial_outgoing(const struct serial *serial, const uint8_t **bytes);
void serial_taken(struct serial *serial, uint32_t count);
uint32_t serial_room(const struct serial *serial);
void serial_receive(struct serial *serial, const uint8_t *bytes, uint32_t count);

#endif
