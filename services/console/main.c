/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console service: moves bytes between the links, the kernel's log and the core
 * (services/console/console.h). Each turn takes a bounded share from each client, so that none can
 * keep the line from the others, and nothing from clients while the line is behind.
 */
#include "abi/info.h"
#include "lib/call/call.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/stream/stream.h"
#include "lib/time/time.h"
#include "services/console/console.h"
#include "services/console/monitor.h"
#include "services/console/names.h"

enum {
    SHARE    = 256,      /* bytes of a client in a turn */
    CATCH_UP_MS = 20,    /* when a client without allowance is looked at again */
};

static struct console console;
static struct ring clients[CONSOLE_CLIENTS];
static struct ring uart;
static const struct bh_log *kernel_log;
static uint64_t kernel_log_read;
static bool behind;      /* somebody has more to say than may be said now */

static uint64_t now_ms(void) {
    return time_now() / time_khz();
}

/* Copies first, then looks whether the copy was overwritten meanwhile (abi/info.h). */
static uint32_t read_kernel_log(char *bytes, uint32_t size) {
    uint64_t written = __atomic_load_n(&kernel_log->written, __ATOMIC_ACQUIRE);
    uint32_t count = 0;

    if (written - kernel_log_read > BH_LOG_BYTES)
        kernel_log_read = written - BH_LOG_BYTES;
    while (count < size && kernel_log_read + count < written) {
        bytes[count] = kernel_log->text[(kernel_log_read + count) % BH_LOG_BYTES];
        count++;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    written = __atomic_load_n(&kernel_log->written, __ATOMIC_RELAXED);
    if (written - kernel_log_read > BH_LOG_BYTES) {
        kernel_log_read = written - BH_LOG_BYTES;
        return 0;
    }
    kernel_log_read += count;
    return count;
}

static bool kernel_log_empty(void) {
    return kernel_log == NULL ||
           __atomic_load_n(&kernel_log->written, __ATOMIC_ACQUIRE) == kernel_log_read;
}

static void serve_kernel_log(void) {
    bool room = console.screen_length < CONSOLE_SCREEN - CONSOLE_RESERVE / 2;
    char bytes[SHARE];

    if (kernel_log_empty())
        return;
    if (room)
        console_kernel_output(&console, bytes, read_kernel_log(bytes, sizeof(bytes)));
    behind |= !room;
}

static void serve_client(unsigned number) {
    struct ring *ring = &clients[number];
    uint32_t allowance = console_allowance(&console, number, now_ms());
    char bytes[SHARE];
    uint32_t count;

    stream_check(ring);
    count = stream_read(ring, bytes, allowance < SHARE ? allowance : SHARE);
    if (count > 0)
        console_client_output(&console, number, bytes, count, now_ms());
    behind |= count == 0 && ring_available(ring) > 0;
    stream_flush(ring);
}

static void deliver_keys(void) {
    if (console.focus != CONSOLE_OVERVIEW) {
        stream_write(&clients[console.focus], console.typed, console.typed_length);
        stream_flush(&clients[console.focus]);
    }
    console.typed_length = 0;
}

static void serve_keys(void) {
    char keys[CONSOLE_TYPED];
    uint32_t count = stream_read(&uart, keys, sizeof(keys));
    uint32_t taken = 0;

    while (taken < count) {
        taken += console_keys(&console, keys + taken, count - taken);
        deliver_keys();
    }
}

static void drain_screen(void) {
    char bytes[512];
    uint32_t room = ring_space(&uart);
    uint32_t count;

    while (room > 0 && console.screen_length > 0) {
        count = console_take(&console, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
        stream_write(&uart, bytes, count);
        room -= count;
    }
}

static void turn(void) {
    behind = false;
    stream_check(&uart);
    serve_keys();
    serve_kernel_log();
    for (unsigned i = 0; i < console.client_count; i++)
        serve_client(i);
    drain_screen();
}

/* A client that may not speak now is woken for by the clock, not by its bytes. */
static bool settle(uint32_t *notify) {
    bool settled;

    ring_flush_before_wait(&uart, notify);
    settled = stream_sleep(&uart) && (kernel_log_empty() || behind);

    for (unsigned i = 0; i < console.client_count; i++)
        settled &= stream_sleep(&clients[i]) || behind;
    if (console.screen_length > 0)
        settled &= stream_await_space(&uart);
    return settled;
}

static uint64_t deadline(void) {
    uint64_t now = now_ms();
    uint64_t next = console_tick(&console, now);

    if (behind && (next == 0 || next > now + CATCH_UP_MS))
        next = now + CATCH_UP_MS;
    return next == 0 ? BH_FOREVER : time_after_ms(next - now);
}

static void open_clients(void) {
    unsigned count = manifest_count(BH_ENTRY_LINK, "client", CONSOLE_CLIENTS);

    for (unsigned i = 0; i < count; i++) {
        const struct bh_manifest_entry *link =
            manifest_find_numbered(BH_ENTRY_LINK, "client", i, "");

        stream_open(&clients[console_add(&console, link->link.peer)], link, time_generation());
    }
}

static void open_kernel(void) {
    const struct bh_manifest_entry *log = manifest_find(BH_ENTRY_REGION, "log");
    const struct bh_manifest_entry *plan = manifest_find(BH_ENTRY_REGION, "plan");

    if (log != NULL)
        kernel_log = manifest_address(log);
    if (plan != NULL)
        names_set_plan(manifest_address(plan));
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };

    console_init(&console);
    monitor_start();
    open_kernel();
    stream_open(&uart, manifest_need(BH_ENTRY_LINK, "uart"), time_generation());
    open_clients();
    console_print(&console, "\nBulkhead console: %s. `help` lists the commands.\n",
                  manifest()->system);
    console_keys(&console, "\r", 1);
    service_run(&program);
}
