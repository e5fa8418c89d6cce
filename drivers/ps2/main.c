/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of a PC's keyboard: passes scan codes of set 1 as a byte stream to one client, the seat.
 * Touches the 8042's data port and its link, and trusts neither the client nor the device.
 *
 * It has port 0x60 only. Port 0x64 would let it reset the machine (command 0xfe), and isn't needed:
 * firmware leaves the controller with keyboard, interrupt and translation on. Whether there is a byte
 * can't be asked, but each interrupt stands for one: the controller raises its line when it has a
 * byte, lowers it when that is read, and raises it anew for the next one.
 */
#include "lib/driver/driver.h"
#include "lib/manifest/manifest.h"
#include "lib/mmio/mmio.h"
#include "lib/start/start.h"
#include "lib/stream/stream.h"
#include "lib/time/time.h"

static uint16_t port;
static struct ring client;

/* A byte that the client has no room for is lost, as in any keyboard's buffer. */
static void receive(void *context) {
    uint8_t byte = port_read8(port);

    (void)context;
    stream_check(&client);
    stream_write(&client, &byte, 1);
}

/* A byte of before our time would keep the line raised, and no interrupt would come. */
static void lower_line(void) {
    port_read8(port);
}

static void turn(void) {
    stream_check(&client);
}

static bool settle(uint32_t *notify) {
    ring_flush_before_wait(&client, notify);
    return true;
}

int main(void) {
    static const struct service_program program = { turn, settle, NULL };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "client0");

    port = (uint16_t)manifest_need(BH_ENTRY_PORTS, "keyboard")->address;
    stream_open(&client, link, time_generation());
    driver_on_interrupt("irq0", receive, NULL);
    lower_line();
    service_run(&program);
}
