/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 16550A's registers.
 */
#include "vmm/platform/serial.h"

enum serial_register {
    REG_DATA = 0, REG_INTERRUPT_ENABLE = 1, REG_IDENTIFY = 2, REG_LINE_CONTROL = 3,
    REG_MODEM_CONTROL = 4, REG_LINE_STATUS = 5, REG_MODEM_STATUS = 6, REG_SCRATCH = 7,
};

enum serial_bit {
    ENABLE_RECEIVE = 1u << 0, ENABLE_TRANSMIT = 1u << 1, ENABLE_LINE = 1u << 2,
    IDENTIFY_NONE = 1, IDENTIFY_TRANSMIT = 2, IDENTIFY_RECEIVE = 4, IDENTIFY_LINE = 6,
    IDENTIFY_FIFO = 0xc0,
    FIFO_ENABLE = 1u << 0, FIFO_CLEAR_RECEIVE = 1u << 1,
    LINE_DIVISOR = 1u << 7,
    MODEM_OUT2 = 1u << 3, MODEM_LOOP = 1u << 4,
    STATUS_DATA = 1u << 0, STATUS_OVERRUN = 1u << 1, STATUS_HOLDING_EMPTY = 1u << 5,
    STATUS_EMPTY = 1u << 6,
    MODEM_STATUS_CTS = 1u << 4, MODEM_STATUS_DSR = 1u << 5, MODEM_STATUS_RI = 1u << 6,
    MODEM_STATUS_DCD = 1u << 7,
};

void serial_reset(struct serial *serial) {
    *serial = (struct serial){ .divisor = { 1, 0 } };
}

static bool divisor_latch(const struct serial *serial) {
    return (serial->line_control & LINE_DIVISOR) != 0;
}

bool serial_full(const struct serial *serial) {
    return SERIAL_SENT - serial->sent_count < SERIAL_FIFO;
}

/* The pending interrupt of the highest priority. */
static uint8_t identify(const struct serial *serial) {
    if ((serial->interrupt_enable & ENABLE_LINE) && serial->overrun)
        return IDENTIFY_LINE;
    if ((serial->interrupt_enable & ENABLE_RECEIVE) && serial->received_count > 0)
        return IDENTIFY_RECEIVE;
    if ((serial->interrupt_enable & ENABLE_TRANSMIT) && serial->transmit_event)
        return IDENTIFY_TRANSMIT;
    return IDENTIFY_NONE;
}

bool serial_interrupt(const struct serial *serial) {
    bool connected = (serial->modem_control & MODEM_OUT2) && !(serial->modem_control & MODEM_LOOP);
    return connected && identify(serial) != IDENTIFY_NONE;
}

static uint8_t take_received(struct serial *serial) {
    if (serial->received_count == 0)
        return 0;
    uint8_t byte = serial->received[serial->received_first];
    serial->received_first = (serial->received_first + 1) % SERIAL_FIFO;
    serial->received_count--;
    return byte;
}

static uint8_t read_identify(struct serial *serial) {
    uint8_t value = identify(serial);
    if (value == IDENTIFY_TRANSMIT)
        serial->transmit_event = false;
    return serial->fifo ? value | IDENTIFY_FIFO : value;
}

static uint8_t read_line_status(struct serial *serial) {
    uint8_t value = 0;
    if (serial->received_count > 0)
        value |= STATUS_DATA;
    if (serial->overrun)
        value |= STATUS_OVERRUN;
    if (!serial_full(serial))
        value |= STATUS_HOLDING_EMPTY | STATUS_EMPTY;
    serial->overrun = false;
    return value;
}

/* In loop-back the modem outputs are its inputs (section 8.6): RTS, DTR, OUT1, OUT2. */
static uint8_t read_modem_status(const struct serial *serial) {
    uint8_t control = serial->modem_control;
    if (!(control & MODEM_LOOP))
        return MODEM_STATUS_CTS | MODEM_STATUS_DSR | MODEM_STATUS_DCD;
    return (uint8_t)((control & 2 ? MODEM_STATUS_CTS : 0) | (control & 1 ? MODEM_STATUS_DSR : 0) |
                     (control & 4 ? MODEM_STATUS_RI : 0) | (control & 8 ? MODEM_STATUS_DCD : 0));
}

uint8_t serial_read(struct serial *serial, unsigned reg) {
    if (divisor_latch(serial) && reg <= REG_INTERRUPT_ENABLE)
        return serial->divisor[reg];
    switch (reg) {
    case REG_DATA: return take_received(serial);
    case REG_INTERRUPT_ENABLE: return serial->interrupt_enable;
    case REG_IDENTIFY: return read_identify(serial);
    case REG_LINE_CONTROL: return serial->line_control;
    case REG_MODEM_CONTROL: return serial->modem_control;
    case REG_LINE_STATUS: return read_line_status(serial);
    case REG_MODEM_STATUS: return read_modem_status(serial);
    default: return serial->scratch;
    }
}

static void send(struct serial *serial, uint8_t byte) {
    if (serial->modem_control & MODEM_LOOP) {
        serial_receive(serial, &byte, 1);
    } else if (serial->sent_count < SERIAL_SENT) {
        serial->sent[(serial->sent_first + serial->sent_count) % SERIAL_SENT] = byte;
        serial->sent_count++;
    }
    serial->transmit_event = !serial_full(serial);
}

static void write_interrupt_enable(struct serial *serial, uint8_t value) {
    bool newly = (value & ENABLE_TRANSMIT) && !(serial->interrupt_enable & ENABLE_TRANSMIT);
    serial->interrupt_enable = value & 0x0f;
    if (newly)
        serial->transmit_event = !serial_full(serial);
}

static void write_fifo_control(struct serial *serial, uint8_t value) {
    serial->fifo = (value & FIFO_ENABLE) != 0;
    if (value & FIFO_CLEAR_RECEIVE)
        serial->received_count = 0;
}

void serial_write(struct serial *serial, unsigned reg, uint8_t value) {
    if (divisor_latch(serial) && reg <= REG_INTERRUPT_ENABLE) {
        serial->divisor[reg] = value;
        return;
    }
    switch (reg) {
    case REG_DATA: send(serial, value); break;
    case REG_INTERRUPT_ENABLE: write_interrupt_enable(serial, value); break;
    case REG_IDENTIFY: write_fifo_control(serial, value); break;
    case REG_LINE_CONTROL: serial->line_control = value; break;
    case REG_MODEM_CONTROL: serial->modem_control = value & 0x1f; break;
    case REG_SCRATCH: serial->scratch = value; break;
    default: break;
    }
}

uint32_t serial_outgoing(const struct serial *serial, const uint8_t **bytes) {
    uint32_t to_end = SERIAL_SENT - serial->sent_first;
    *bytes = serial->sent + serial->sent_first;
    return serial->sent_count < to_end ? serial->sent_count : to_end;
}

void serial_taken(struct serial *serial, uint32_t count) {
    bool was_full = serial_full(serial);
    serial->sent_first = (serial->sent_first + count) % SERIAL_SENT;
    serial->sent_count -= count;
    if (was_full && !serial_full(serial))
        serial->transmit_event = true;
}

uint32_t serial_room(const struct serial *serial) {
    return SERIAL_FIFO - serial->received_count;
}

void serial_receive(struct serial *serial, const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (serial->received_count == SERIAL_FIFO) {
            serial->overrun = true;
            return;
        }
        serial->received[(serial->received_first + serial->received_count) % SERIAL_FIFO] =
            bytes[i];
        serial->received_count++;
    }
}
