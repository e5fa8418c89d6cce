/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest program that shows life: says hello on the serial port that it owns, by polling, once
 * at its start and then once a second. Needs PORTS "uart0" and nobody else.
 */
#include <stdint.h>

#include "lib/c/format.h"
#include "lib/call/call.h"
#include "lib/manifest/manifest.h"
#include "lib/mmio/mmio.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { LINE_STATUS = 5, TRANSMIT_EMPTY = 1u << 5 };

static void say(uint16_t port, const char *text) {
    for (; *text != 0; text++) {
        while ((port_read8((uint16_t)(port + LINE_STATUS)) & TRANSMIT_EMPTY) == 0) {
        }
        port_write8(port, (uint8_t)*text);
    }
}

int main(void) {
    uint16_t port = (uint16_t)manifest_need(BH_ENTRY_PORTS, "uart0")->address;
    char line[80];
    uint64_t bits;

    for (uint32_t count = 0;; count++) {
        format_text(line, sizeof(line), "hello %u from %s\r\n", count, manifest()->compartment);
        say(port, line);
        call_wait(time_after_ms(1000), &bits);
    }
}
