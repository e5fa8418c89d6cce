/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's interrupt to a process that waits for it: VFIO, MSI, eventfd, as user-level drivers on
 * Linux do it. The device is QEMU's edu, which raises its interrupt when a register is written. A
 * thread of real-time priority waits; the one that raises is interrupted by it on the same core.
 * Touches the edu device that it is given; trusts Linux.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/linux/measure.h"

#define EDU_RAISE       (0x60 / 4)
#define EDU_ACKNOWLEDGE (0x64 / 4)

static volatile uint32_t *registers;
static int event;
static volatile unsigned int taken;

static int open_device(const char *address, const char *group_number) {
    int container = open("/dev/vfio/vfio", O_RDWR);
    char path[64];

    snprintf(path, sizeof(path), "/dev/vfio/%s", group_number);
    int group = open(path, O_RDWR);
    if (container < 0 || group < 0)
        fail(path);
    if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
        ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU))
        fail("VFIO container");
    int device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
    if (device < 0)
        fail(address);
    return device;
}

static void map_registers(int device) {
    struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_BAR0_REGION_INDEX };

    if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
        fail("VFIO region");
    registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)info.offset);
    if (registers == MAP_FAILED)
        fail("VFIO mmap");
}

static void enable_bus_master(int device) {
    struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_CONFIG_REGION_INDEX };
    uint16_t command = 0;

    if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info) ||
        pread(device, &command, sizeof(command), (off_t)info.offset + 4) != sizeof(command))
        fail("VFIO configuration");
    command |= 0x6;
    if (pwrite(device, &command, sizeof(command), (off_t)info.offset + 4) != sizeof(command))
        fail("VFIO configuration");
}

static void route_interrupt(int device) {
    char space[sizeof(struct vfio_irq_set) + sizeof(int)];
    struct vfio_irq_set *set = (struct vfio_irq_set *)space;

    event = eventfd(0, 0);
    set->argsz = sizeof(space);
    set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
    set->index = VFIO_PCI_MSI_IRQ_INDEX;
    set->start = 0;
    set->count = 1;
    memcpy(set->data, &event, sizeof(event));
    if (ioctl(device, VFIO_DEVICE_SET_IRQS, set))
        fail("VFIO interrupt");
}

static void *wait_for_interrupts(void *unused) {
    uint64_t count;

    for (;;) {
        if (read(event, &count, sizeof(count)) != sizeof(count))
            fail("eventfd read");
        MARK_END(MARK_INTERRUPT);
        registers[EDU_ACKNOWLEDGE] = 1;
        taken++;
    }
    return unused;
}

static void start_waiter(void) {
    struct sched_param high = { .sched_priority = 50 };
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
    pthread_attr_setschedparam(&attributes, &high);
    if (pthread_create(&thread, &attributes, wait_for_interrupts, NULL))
        fail("thread");
}

static void raise_one(void) {
    unsigned int before = taken;

    MARK_BEGIN(MARK_INTERRUPT);
    registers[EDU_RAISE] = 1;
    while (taken == before)
        ;
}

void measure_interrupt(const char *argument) {
    char address[32], group[16];

    if (sscanf(argument, "%31s %15s", address, group) != 2)
        fail("interrupt: give 'ADDRESS GROUP'");
    int device = open_device(address, group);
    map_registers(device);
    enable_bus_master(device);
    route_interrupt(device);
    start_waiter();
    usleep(1000);
    MEASURE(MARK_INTERRUPT_LOOP, raise_one());
}
