/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that leave a guest: CPUID, and accesses to ports that belong to a device model, which
 * on KVM is a process. The ports are those of PCI configuration space: reading a device's first four
 * bytes by /sys is one OUT and one IN, in the kernel. (A process' own IN and OUT would do, but QEMU's
 * emulated SVM refuses them once KVM has marked the task register busy.) Trusts Linux.
 */
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "bench/linux/measure.h"

#define HOST_BRIDGE "/sys/bus/pci/devices/0000:00:00.0/config"

static void cpuid(void) {
    unsigned int eax = 0, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
}

static void read_configuration(int file) {
    uint32_t id;

    if (pread(file, &id, sizeof(id), 0) != sizeof(id))
        fail(HOST_BRIDGE);
}

void measure_empty(const char *argument) {
    (void)argument;
    MEASURE(MARK_EMPTY, __asm__ volatile(""));
}

void measure_cpuid(const char *argument) {
    (void)argument;
    MEASURE(MARK_CPUID, cpuid());
}

void measure_port(const char *argument) {
    int file = open(HOST_BRIDGE, O_RDONLY);

    (void)argument;
    if (file < 0)
        fail(HOST_BRIDGE);
    MEASURE(MARK_PORT, read_configuration(file));
}
