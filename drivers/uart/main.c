/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of a 16550 serial port: a byte stream to one client (the console). Touches its eight
 * ports and its link; trusts neither the client nor the device: each turn does bounded work.
 *
 * The interrupt is an edge: all causes must be gone at the end of a turn, or no further one comes.
 * The "empty" interrupt is enabled only while there is more to send than the device has room for;
 * enabling it when the device is empty raises it at once, so none is missed.
 */
#include "drivers/uart/uart.h"

#include "lib/driver/driver.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/mmio/mmio.h"
#include "lib/start/start.h"
#include "lib/stream/stream.h"
#include "lib/time/time.h"

enum {
    ROUNDS  = 64,     /* of one turn: four full FIFOs at least */
    RETRY_MS = 20,    /* a wedged device is looked at again after this */
};

static uint16_t port;
static struct ring client;
static bool unfinished;      /* the device still had something to say after ROUNDS */
static bool awaiting_empty;

static uint8_t device_read(enum uart_register which) {
    return port_read8((uint16_t)(port + which));
}

static void device_write(enum uart_register which, uint8_t value) {
    port_write8((uint16_t)(port + which), value);
}

static void await_empty(bool wanted) {
    if (awaiting_empty == wanted)
        return;
    awaiting_empty = wanted;
    device_write(UART_INTERRUPTS, wanted ? IER_RECEIVED | IER_EMPTY : IER_RECEIVED);
}

static void start_device(void) {
    device_write(UART_INTERRUPTS, 0);
    device_write(UART_LINE_CONTROL, LCR_DLAB);
    device_write(UART_DATA, UART_DIVISOR);
    device_write(UART_INTERRUPTS, 0);
    device_write(UART_LINE_CONTROL, LCR_8N1);
    device_write(UART_IDENTIFY, FCR_ENABLE | FCR_CLEAR);
    device_write(UART_MODEM_CONTROL, MCR_READY | MCR_OUT2);
    device_write(UART_INTERRUPTS, IER_RECEIVED);
}

/* A byte that the client has no room for is lost, as on any serial line. */
static void receive(void) {
    uint8_t byte = device_read(UART_DATA);

    stream_write(&client, &byte, 1);
}

static bool transmit(void) {
    uint8_t bytes[UART_FIFO];
    uint32_t count = stream_read(&client, bytes, sizeof(bytes));

    await_empty(false);
    for (uint32_t i = 0; i < count; i++)
        device_write(UART_DATA, bytes[i]);
    return count > 0;
}

/* One look at the device: whether there was anything to do. */
static bool serve_device(void) {
    bool idle = (device_read(UART_IDENTIFY) & IIR_NONE) != 0;
    uint8_t status = device_read(UART_LINE_STATUS);
    bool received = (status & LSR_RECEIVED) != 0;
    bool sent = (status & LSR_EMPTY) != 0 && transmit();

    if (received)
        receive();
    return !idle || received || sent;
}

static void turn(void) {
    stream_check(&client);
    unfinished = true;
    for (unsigned i = 0; i < ROUNDS && unfinished; i++)
        unfinished = serve_device();
}

static bool settle(uint32_t *notify) {
    ring_flush_before_wait(&client, notify);
    if (stream_sleep(&client))
        return true;
    if ((device_read(UART_LINE_STATUS) & LSR_EMPTY) != 0)
        return false;
    await_empty(true);
    return true;
}

static uint64_t deadline(void) {
    return unfinished ? time_after_ms(RETRY_MS) : BH_FOREVER;
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };
    const struct bh_manifest_entry *ports = manifest_need(BH_ENTRY_PORTS, "uart0");
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "client0");

    port = (uint16_t)ports->address;
    stream_open(&client, link, time_generation());
    manifest_need(BH_ENTRY_INTERRUPT, "irq0");
    start_device();
    service_run(&program);
}
