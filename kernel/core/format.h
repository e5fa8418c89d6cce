/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for the log: the formats that core/log.h names, into a buffer of fixed size. Pure. */
#pragma once

#include <stdarg.h>
#include <stdint.h>

/* Writes at most `size` bytes, no terminating zero; answers how many. Bytes of a string argument
 * that aren't printable ASCII come out as '?'. */
uint32_t format_text(char *buffer, uint32_t size, const char *format, va_list arguments);
