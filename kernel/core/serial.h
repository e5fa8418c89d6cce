/* SPDX-License-Identifier: BSD-2-Clause */
/* The serial port that the log goes to until programs start: polled output, bounded waits. */
#pragma once

#include <stdint.h>

void serial_open(uint32_t port);       /* first port of a 16550; 0: no output */
void serial_write(const char *text, uint32_t length);
