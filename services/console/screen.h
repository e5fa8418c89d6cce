/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the console's core: output to the one line (services/console/screen.c). */
#ifndef BULKHEAD_SERVICES_CONSOLE_SCREEN_H
#define BULKHEAD_SERVICES_CONSOLE_SCREEN_H

#include "services/console/console.h"

/* Raw bytes; what doesn't fit is lost and counted. */
void screen_put(struct console *console, const char *bytes, uint32_t size);

/* A whole line of somebody, above the prompt. */
void screen_line(struct console *console, const char *name, const char *text, uint32_t size);

/* Begins a line of our own: clears the prompt away, or leaves the client's line. */
void screen_fresh(struct console *console);

/* The prompt and what was typed, if they don't stand there. */
void screen_prompt(struct console *console);

void text_append(struct console_text *text, const char *bytes, uint32_t size);

/* What a byte looks like in the overview: 0: nothing. */
char filter_byte(enum console_filter *state, char byte);

#endif
