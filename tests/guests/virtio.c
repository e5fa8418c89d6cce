/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device's driver as far as test guests need one. Trusts nobody.
 */
#include "virtio.h"

enum { COMMON_BAR = 4, NOTIFY_BAR = 0, PATIENCE = 20000 };
/* 4.1.4.3: the common configuration, which begins the BAR; 2.1: its device status. */
enum {
    FEATURE_SELECT = 8, FEATURE = 12, STATUS = 20, SELECT = 22, SIZE = 24, ENABLE = 28,
    DESCRIPTORS = 32, AVAILABLE = 40, USED = 48,
    ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, NEEDS_RESET = 64,
};
enum { VERSION_1_WORD = 1, VERSION_1 = 1 };   /* feature bit 32 */

struct descriptor virtio_table[QUEUE_SIZE] __attribute__((aligned(16)));
volatile uint16_t virtio_available[2 + QUEUE_SIZE + 1] __attribute__((aligned(2)));
volatile uint16_t virtio_used[2 + 4 * QUEUE_SIZE + 1] __attribute__((aligned(4)));
static volatile uint8_t *common;
static uint16_t notify_port;

static void set_address(unsigned offset, const volatile void *at) {
    write32(common + offset, (uint32_t)(uintptr_t)at);
    write32(common + offset + 4, 0);
}

void virtio_start(uint32_t id, const struct descriptor *descriptors) {
    unsigned device = find_device(id);
    common = device_memory(bar(device, COMMON_BAR));
    notify_port = (uint16_t)(config_read(device, 0x10 + 4 * NOTIFY_BAR) & ~3u);
    virtio_available[1] = virtio_used[1] = 0;
    common[STATUS] = 0;
    common[STATUS] = ACKNOWLEDGE | DRIVER;
    write32(common + FEATURE_SELECT, VERSION_1_WORD);
    write32(common + FEATURE, VERSION_1);
    common[STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK;
    write16(common + SELECT, 0);
    write16(common + SIZE, QUEUE_SIZE);
    set_address(DESCRIPTORS, descriptors);
    set_address(AVAILABLE, virtio_available);
    set_address(USED, virtio_used);
    write16(common + ENABLE, 1);
    common[STATUS] = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
}

void virtio_offer(uint16_t head) {
    virtio_available[2 + virtio_available[1] % QUEUE_SIZE] = head;
    __asm__ volatile("mfence" : : : "memory");
    virtio_available[1]++;
    out16(notify_port, 0);
}

enum outcome virtio_outcome(void) {
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (virtio_used[1] == virtio_available[1])
            return SERVED;
        if (i % 16 == 0 && (common[STATUS] & NEEDS_RESET))
            return REFUSED;
        pause();
    }
    return SILENT;
}
