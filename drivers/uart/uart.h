/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 16550's registers. References: National Semiconductor PC16550D data sheet, section 8.
 */
#ifndef BULKHEAD_DRIVERS_UART_H
#define BULKHEAD_DRIVERS_UART_H

enum uart_register {              /* port offsets; the second meaning with LCR_DLAB set */
    UART_DATA            = 0,     /* RBR, THR; divisor low */
    UART_INTERRUPTS      = 1,     /* IER; divisor high */
    UART_IDENTIFY        = 2,     /* IIR when read, FCR when written */
    UART_LINE_CONTROL    = 3,
    UART_MODEM_CONTROL   = 4,
    UART_LINE_STATUS     = 5,
    UART_MODEM_STATUS    = 6,
};

enum uart_bits {
    IER_RECEIVED       = 1 << 0,
    IER_EMPTY          = 1 << 1,  /* the transmitter's FIFO ran empty */
    IIR_NONE           = 1 << 0,  /* no interrupt is pending */
    FCR_ENABLE         = 1 << 0,
    FCR_CLEAR          = 3 << 1,  /* both FIFOs */
    LCR_8N1            = 3,
    LCR_DLAB           = 1 << 7,
    MCR_READY          = 3,       /* DTR and RTS */
    MCR_OUT2           = 1 << 3,  /* connects the interrupt line on a PC */
    LSR_RECEIVED       = 1 << 0,
    LSR_EMPTY          = 1 << 5,  /* room for UART_FIFO bytes */
};

enum {
    UART_FIFO          = 16,
    UART_DIVISOR       = 1,       /* 115200 baud */
};

#endif
