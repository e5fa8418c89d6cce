/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's own messages: one line each, over the link "log" to the console, which shows who
 * said it. Without such a link, and while the console is away, a few lines are kept, then lines are
 * lost and counted; a program never waits for its log. Any thread may log; thread 0 answers the
 * log link's notifications with log_poll (lib/service does that).
 */
#ifndef BULKHEAD_LIB_LOG_H
#define BULKHEAD_LIB_LOG_H

#include <stdint.h>

enum {
    LOG_LINE = 200,      /* bytes of a line, the end included: longer ones are cut */
    LOG_KEPT = 4096,     /* bytes kept while the console doesn't take them */
};

void log_start(void);

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Passes on what was kept; call when one of log_bits() came, and before a long sleep. */
void log_poll(void);

/* Notification bits of the log link, zero without one. */
uint64_t log_bits(void);

/* Gives the console a bounded time to take the line: the program ends after it. */
void log_last_words(const char *line);

#endif
