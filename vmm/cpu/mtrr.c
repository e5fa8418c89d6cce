/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory type range registers. What comes from the guest are numbers and values.
 */
#include "vmm/cpu/mtrr.h"

#include <stddef.h>

enum mtrr_msr {
    MSR_CAPABILITY = 0xfe, MSR_VARIABLE = 0x200, MSR_FIXED_64K = 0x250, MSR_FIXED_16K = 0x258,
    MSR_FIXED_4K = 0x268, MSR_DEFAULT_TYPE = 0x2ff,
};

enum mtrr_bit {
    CAPABILITY_FIXED = 1u << 8, CAPABILITY_COMBINING = 1u << 10,
    DEFAULT_FIXED_ENABLE = 1u << 10, DEFAULT_ENABLE = 1u << 11,
    BASE_RESERVED = 0xf00, MASK_RESERVED = 0x7ff,
};

enum memory_type { UNCACHED = 0, COMBINING = 1, WRITE_THROUGH = 4, WRITE_PROTECT = 5,
                   WRITE_BACK = 6 };

/* Index of a fixed-range register: one of 64 KiB ranges, two of 16 KiB, eight of 4 KiB. */
static bool fixed_index(uint32_t number, uint32_t *index) {
    if (number == MSR_FIXED_64K)
        *index = 0;
    else if (number - MSR_FIXED_16K < 2)
        *index = 1 + number - MSR_FIXED_16K;
    else if (number - MSR_FIXED_4K < 8)
        *index = 3 + number - MSR_FIXED_4K;
    else
        return false;
    return true;
}

bool mtrr_read(const struct mtrr *mtrr, uint32_t number, uint64_t *value) {
    uint32_t index;
    if (number == MSR_CAPABILITY)
        *value = MTRR_VARIABLE | CAPABILITY_FIXED | CAPABILITY_COMBINING;
    else if (number == MSR_DEFAULT_TYPE)
        *value = mtrr->default_type;
    else if (number - MSR_VARIABLE < 2 * MTRR_VARIABLE)
        *value = mtrr->variable[number - MSR_VARIABLE];
    else if (fixed_index(number, &index))
        *value = mtrr->fixed[index];
    else
        return false;
    return true;
}

static bool is_type(uint8_t type) {
    return type == UNCACHED || type == COMBINING || type == WRITE_THROUGH ||
           type == WRITE_PROTECT || type == WRITE_BACK;
}

static bool are_types(uint64_t value) {
    for (unsigned i = 0; i < 8; i++)
        if (!is_type((uint8_t)(value >> (8 * i))))
            return false;
    return true;
}

/* Bases have even numbers, their masks the odd ones behind. */
static bool is_variable(uint32_t number, uint64_t value, unsigned address_bits) {
    bool is_mask = number % 2 != 0;
    uint64_t reserved = is_mask ? MASK_RESERVED : BASE_RESERVED;
    bool too_high = address_bits < 64 && value >> address_bits != 0;
    return !too_high && (value & reserved) == 0 && (is_mask || is_type((uint8_t)value));
}

static bool is_default(uint64_t value) {
    return is_type((uint8_t)value) &&
           (value & ~(uint64_t)(0xff | DEFAULT_FIXED_ENABLE | DEFAULT_ENABLE)) == 0;
}

bool mtrr_write(struct mtrr *mtrr, uint32_t number, uint64_t value, unsigned address_bits) {
    uint64_t *field = NULL;
    uint32_t index;
    if (number == MSR_DEFAULT_TYPE && is_default(value))
        field = &mtrr->default_type;
    else if (number - MSR_VARIABLE < 2 * MTRR_VARIABLE && is_variable(number, value, address_bits))
        field = &mtrr->variable[number - MSR_VARIABLE];
    else if (fixed_index(number, &index) && are_types(value))
        field = &mtrr->fixed[index];
    if (!field)
        return false;
    *field = value;
    return true;
}
