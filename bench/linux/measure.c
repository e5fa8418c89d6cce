/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is measured on Linux: natively, on a KVM host's guest and on Bulkhead's guest, by the same
 * program. `measure NAME [ARGUMENT]` marks (bench/mark.h) BATCHES batches of ROUNDS operations.
 * Static, so that one binary serves every initramfs. Touches what its arguments name; trusts Linux.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/linux/measure.h"

struct measurement {
    const char *name;
    void (*run)(const char *argument);
};

static const struct measurement measurements[] = {
    { "empty", measure_empty },
    { "cpuid", measure_cpuid },
    { "port", measure_port },
    { "signal", measure_signal },
    { "futex", measure_futex },
    { "interrupt", measure_interrupt },
    { "send-64", measure_send_64 },
    { "send-1500", measure_send_1500 },
    { "echo-64", measure_echo_64 },
    { "echo-1500", measure_echo_1500 },
    { "ping-64", measure_ping_64 },
    { "ping-1500", measure_ping_1500 },
    { "read-4k", measure_read_4k },
    { "read-4k-16", measure_read_4k_16 },
    { "read-128k", measure_read_128k },
    { "read-128k-16", measure_read_128k_16 },
    { "write-4k", measure_write_4k },
    { "write-4k-16", measure_write_4k_16 },
    { "write-128k", measure_write_128k },
    { "write-128k-16", measure_write_128k_16 },
};

void fail(const char *what) {
    fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
    exit(1);
}

int main(int argc, char **argv) {
    const char *argument = argc > 2 ? argv[2] : "";

    for (size_t i = 0; argc > 1 && i < sizeof(measurements) / sizeof(measurements[0]); i++) {
        if (!strcmp(argv[1], measurements[i].name)) {
            measurements[i].run(argument);
            return 0;
        }
    }
    fprintf(stderr, "usage: measure NAME [ARGUMENT]; one of:");
    for (size_t i = 0; i < sizeof(measurements) / sizeof(measurements[0]); i++)
        fprintf(stderr, " %s", measurements[i].name);
    fprintf(stderr, "\n");
    return 2;
}
