/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard controller at ports 0x60 and 0x64, with nothing plugged in: it answers the commands
 * by which software looks for it, keeps its command byte and output port, and never has a key.
 * Pure state under the device lock.
 *
 * References: IBM PS/2 Hardware Interface Technical Reference, keyboard and auxiliary device
 * controller; Intel 8242 data sheet.
 */
#ifndef VMM_I8042_H
#define VMM_I8042_H

#include <stdbool.h>
#include <stdint.h>

#define I8042_PORT_DATA    0x60u
#define I8042_PORT_COMMAND 0x64u

struct i8042 {
    uint8_t control;                 /* the command byte */
    uint8_t port;                    /* the output port: bit 0 no reset, bit 1 address line 20 */
    uint8_t answer;
    bool    has_answer;
    uint8_t command;                 /* whose data byte comes next; 0: none */
    bool    by_command;              /* what was written last: status bit 3 */
};

void i8042_reset(struct i8042 *controller);
uint8_t i8042_read_status(const struct i8042 *controller);
uint8_t i8042_read_data(struct i8042 *controller);
void i8042_write_command(struct i8042 *controller, uint8_t value);
void i8042_write_data(struct i8042 *controller, uint8_t value);

#endif
