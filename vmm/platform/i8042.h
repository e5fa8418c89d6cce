/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard controller at ports 0x60 and 0x64: it answers the commands by which software looks
 * for it and keeps its command byte and output port. The keyboard at its first line is there in a
 * VM with a screen; at its second line, the mouse's, nothing is. Pure state under the device lock.
 *
 * References: IBM PS/2 Hardware Interface Technical Reference, keyboard and auxiliary device
 * controller; Intel 8242 data sheet.
 */
#ifndef VMM_I8042_H
#define VMM_I8042_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/platform/keyboard.h"

#define I8042_PORT_DATA    0x60u
#define I8042_PORT_COMMAND 0x64u
#define I8042_PIN          1u

struct i8042 {
    uint8_t control;                 /* the command byte */
    uint8_t port;                    /* the output port: bit 0 no reset, bit 1 address line 20 */
    uint8_t answer;
    bool    has_answer;
    uint8_t command;                 /* whose data byte comes next; 0: none */
    bool    by_command;              /* what was written last: status bit 3 */
    struct keyboard keyboard;
};

/* Power-on; a keyboard as a BIOS leaves it: on, with its interrupt, codes translated to set 1. */
void i8042_reset(struct i8042 *controller);
uint8_t i8042_read_status(const struct i8042 *controller);
uint8_t i8042_read_data(struct i8042 *controller);
void i8042_write_command(struct i8042 *controller, uint8_t value);
void i8042_write_data(struct i8042 *controller, uint8_t value);

/* Keys of the seat (keyboard.h). */
void i8042_keys(struct i8042 *controller, const uint8_t *codes, size_t count);

/* The level of the keyboard's interrupt. It falls when a byte is read, and rises again with the
 * next one, which i8042_advance moves up: whoever drives the line looks before and after. */
bool i8042_interrupt(const struct i8042 *controller);
bool i8042_advance(struct i8042 *controller);

#endif
