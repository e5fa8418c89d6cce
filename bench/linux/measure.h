/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of `measure` share: the measurements themselves, one file a subject. Touches nothing.
 */
#ifndef BULKHEAD_BENCH_LINUX_MEASURE_H
#define BULKHEAD_BENCH_LINUX_MEASURE_H

#include "bench/mark.h"

void fail(const char *what) __attribute__((noreturn));

void measure_empty(const char *argument);

/* Exits of a guest; natively the bare instructions. */
void measure_cpuid(const char *argument);
void measure_port(const char *argument);

/* Two processes that wake each other up; argument "across": each on a core of its own. */
void measure_signal(const char *argument);
void measure_futex(const char *argument);

/* Argument: the PCI address of an edu device that vfio-pci is bound to, and its IOMMU group. */
void measure_interrupt(const char *argument);

/* The neighbour 10.0.2.2 answers echo requests. */
void measure_send_64(const char *argument);
void measure_send_1500(const char *argument);
void measure_echo_64(const char *argument);
void measure_echo_1500(const char *argument);
void measure_ping_64(const char *argument);
void measure_ping_1500(const char *argument);

/* Argument: the block device. */
void measure_read_4k(const char *path);
void measure_read_4k_16(const char *path);
void measure_read_128k(const char *path);
void measure_read_128k_16(const char *path);
void measure_write_4k(const char *path);
void measure_write_4k_16(const char *path);
void measure_write_128k(const char *path);
void measure_write_128k_16(const char *path);

#endif
