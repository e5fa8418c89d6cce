/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's core under arbitrary keys and arbitrary output of clients. In the overview nothing
 * but printable text, line ends and our own clear-line sequence may reach the line.
 */
#include <stdint.h>
#include <stdlib.h>

#include "abi/info.h"
#include "lib/call/call.h"
#include "services/console/console.h"
#include "services/console/monitor.h"
#include "tests/fake/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct console console;
static struct bh_counters counters;

static int allowed(char byte) {
    return (byte >= ' ' && byte < 0x7f) || byte == '\r' || byte == '\n' || byte == '\t' ||
           byte == '\b' || byte == '\033';
}

/* ESC comes from us only: as "\r ESC [ K". */
static void check_line(int focused) {
    static char bytes[CONSOLE_SCREEN];
    uint32_t count = console_take(&console, bytes, sizeof(bytes));

    for (uint32_t i = 0; i < count && !focused; i++) {
        int clears = bytes[i] != '\033' || (i > 0 && bytes[i - 1] == '\r' && i + 2 < count &&
                                            bytes[i + 1] == '[' && bytes[i + 2] == 'K');
        if (!allowed(bytes[i]) || !clears)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t now = 0;
    int focused = 0;

    fake_manifest_start();
    fake_manifest_add(BH_ENTRY_COMPARTMENT, "a")->slot = 1;
    fake_manifest_add(BH_ENTRY_COUNTERS, "counters")->address = (uint64_t)&counters;
    console_init(&console);
    monitor_start();
    console_add(&console, "a");
    console_add(&console, "a.serial");
    while (size >= 2) {
        unsigned client = data[0] % 4;
        uint32_t count = data[1] % 64;

        data += 2;
        size -= 2;
        count = count < size ? count : (uint32_t)size;
        if (client < 2)
            console_client_output(&console, client, (const char *)data, count, now);
        else
            console_keys(&console, (const char *)data, count);
        console.typed_length = 0;
        data += count;
        size -= count;
        console_tick(&console, now += 100);
        focused |= console.focus != CONSOLE_OVERVIEW || client >= 2;
        check_line(focused);
        focused = console.focus != CONSOLE_OVERVIEW;
    }
    return 0;
}
