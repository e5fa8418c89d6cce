/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's log: lines of text for people, each naming who, what and where. Bounded work; may be
 * called on any core. Formats: %s, and %u, %x, %lu, %lx with a width and 0 flag.
 */
#pragma once

#include <stdarg.h>

#include "abi/info.h"
#include "core/address.h"

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An invariant is broken, or the machine can't be booted safely: says so and stops every core. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* core/format.c. Writes at most `size` bytes, no terminating zero; answers how many. Bytes of a
 * string argument that aren't printable ASCII come out as '?'. */
uint32_t format_text(char *buffer, uint32_t size, const char *format, va_list arguments);

paddr_t log_memory(void);                      /* struct bh_log, page-aligned */
void log_framebuffer(const struct bh_framebuffer *told);   /* for readers of that memory */
void log_to_programs(uint32_t log_channel);    /* programs own the serial port from now on */

/* The serial port that the log goes to until then: polled output, bounded waits (x86/serial.c). */
void serial_open(uint32_t port);               /* first port of a 16550; 0: no output */
void serial_write(const char *text, uint32_t length);

#define INVARIANT(condition) \
    ((condition) ? (void)0 : panic("invariant broken: %s (%s:%u)", #condition, __FILE__, __LINE__))
