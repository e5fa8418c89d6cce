/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's log: lines of text for people, each naming who, what and where. Bounded work; may be
 * called on any core. Formats: %s, and %u, %x, %lu, %lx with a width and 0 flag.
 */
#pragma once

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An invariant is broken, or the machine can't be booted safely: says so and stops every core. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define INVARIANT(condition) \
    ((condition) ? (void)0 : panic("invariant broken: %s (%s:%u)", #condition, __FILE__, __LINE__))
