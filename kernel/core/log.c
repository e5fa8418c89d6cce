/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's log in memory (abi/info.h), read-only to those whom the plan lets read it, and on
 * the serial port until programs start. One lock, held for one line.
 */
#include "core/log.h"

#include "core/atomic.h"
#include "core/core.h"
#include "core/thread.h"

#define LINE_BYTES 240u

static struct bh_log memory __attribute__((aligned(BH_PAGE_SIZE)));
static struct lock lock;
static bool to_serial = true;
static uint32_t channel = BH_NONE;

static void append(const char *text, uint32_t length) {
    uint64_t written = memory.written;

    for (uint32_t i = 0; i < length; i++)
        memory.text[(written + i) % BH_LOG_BYTES] = text[i];
    atomic_store(&memory.written, written + length);
    if (to_serial)
        serial_write(text, length);
}

static void append_line(const char *format, va_list arguments) {
    char line[LINE_BYTES];
    uint32_t length = format_text(line, LINE_BYTES - 1, format, arguments);

    line[length] = '\n';
    append(line, length + 1);
}

void log_line(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    lock_take(&lock);
    append_line(format, arguments);
    lock_drop(&lock);
    va_end(arguments);
    channel_signal(channel);
}

/* Without the lock: its holder may have been stopped. */
void panic(const char *format, ...) {
    static const char prefix[] = "bulkhead: stopped: ";
    va_list arguments;

    core_stop_others();
    to_serial = true;
    append(prefix, sizeof prefix - 1);
    va_start(arguments, format);
    append_line(format, arguments);
    core_stop_this();
}

void log_to_programs(uint32_t log_channel) {
    to_serial = false;
    channel = log_channel;
}

void log_framebuffer(const struct bh_framebuffer *told) { memory.framebuffer = *told; }

paddr_t log_memory(void) { return image_physical(&memory); }
