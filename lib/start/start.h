/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a program begins and ends. Thread 0 runs main, after the manifest was checked; every other
 * thread runs thread_main with its number as soon as thread 0 said program_ready() (or returned
 * from main). A program without further threads need not define thread_main.
 */
#ifndef BULKHEAD_LIB_START_H
#define BULKHEAD_LIB_START_H

#include <stdint.h>

int main(void);
void thread_main(uint32_t number);

/* Thread 0, when what it prepares for the other threads is ready: lets them begin. */
void program_ready(void);

/* Says why on the log, then faults: the kernel stops the compartment and tells its peers. */
_Noreturn void program_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
