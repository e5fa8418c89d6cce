/* SPDX-License-Identifier: BSD-2-Clause */
/* A 16550 by port instructions (PC16550D data sheet, table II). Nothing is read but the line
 * status. */
#include "core/log.h"

#include "x86/cpu.h"

enum uart_register { UART_DATA, UART_INTERRUPTS, UART_FIFO, UART_LINE, UART_MODEM, UART_STATUS };

#define LINE_8N1           0x03
#define LINE_DIVISOR       0x80
#define DIVISOR_115200     1
#define FIFO_ON_CLEARED    0x07
#define MODEM_DTR_RTS_OUT2 0x0b
#define STATUS_ROOM        0x20
#define MAX_POLLS          100000u

static uint16_t base;

void serial_open(uint32_t port) {
    base = (uint16_t)port;
    if (base == 0)
        return;
    port_out8(base + UART_INTERRUPTS, 0);
    port_out8(base + UART_LINE, LINE_DIVISOR);
    port_out8(base + UART_DATA, DIVISOR_115200);
    port_out8(base + UART_INTERRUPTS, 0);
    port_out8(base + UART_LINE, LINE_8N1);
    port_out8(base + UART_FIFO, FIFO_ON_CLEARED);
    port_out8(base + UART_MODEM, MODEM_DTR_RTS_OUT2);
}

static void put(char character) {
    for (uint32_t i = 0; i < MAX_POLLS && !(port_in8(base + UART_STATUS) & STATUS_ROOM); i++)
        ;
    port_out8(base + UART_DATA, (uint8_t)character);
}

void serial_write(const char *text, uint32_t length) {
    if (base == 0)
        return;
    for (uint32_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            put('\r');
        put(text[i]);
    }
}
