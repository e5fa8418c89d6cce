/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space by its two ports, for test guests. Trusts nobody.
 */
#include "devices.h"

uint32_t config_read(unsigned device, unsigned offset) {
    out32(0xcf8, 0x80000000u | device << 11 | offset);
    return in32(0xcfc);
}

void config_write(unsigned device, unsigned offset, uint32_t value) {
    out32(0xcf8, 0x80000000u | device << 11 | offset);
    out32(0xcfc, value);
}

unsigned find_device(uint32_t id) {
    for (unsigned device = 1; device < 32; device++) {
        if (config_read(device, 0x00) == id) {
            config_write(device, 0x04, 0x7);
            return device;
        }
    }
    return 0;
}

uint32_t bar(unsigned device, unsigned number) {
    return config_read(device, 0x10 + 4 * number) & ~0xfu;
}
