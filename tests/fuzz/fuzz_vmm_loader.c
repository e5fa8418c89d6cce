/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel loader over any image: header fields come from the input, the rest is filler. A load
 * that succeeds has its entry in guest RAM.
 */
#include <stdlib.h>
#include <string.h>

#include "vmm/platform/layout.h"
#include "vmm/loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAM = 4 << 20, IMAGE = 256 << 10, INITRD = 8192, HEADER = 0x1f1 };

static uint8_t ram[RAM];
static uint8_t image[IMAGE];
static uint8_t initrd[INITRD];

/* A header that passes, which the input then overwrites byte by byte where it wants to. */
static void fill_header(void) {
    static const struct { unsigned at; uint32_t value; } fields[] = {
        { 0x202, 0x53726448 }, { 0x22c, 0x7fffffff }, { 0x230, 0x200000 }, { 0x238, 255 },
        { 0x258, 0x200000 }, { 0x25c, 0 }, { 0x260, 0x10000 },
    };
    memset(image, 0, 0x1000);
    for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        memcpy(image + fields[i].at, &fields[i].value, 4);
    memcpy(image + 0x1fe, "\x55\xaa", 2);
    memcpy(image + 0x201, "\x6a", 1);
    memcpy(image + 0x206, "\x0f\x02", 2);
    memcpy(image + 0x234, "\x01\x00\x01", 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct guest_memory memory = { .part = { { ram, 0, RAM } } };
    struct loader_input input = { image, IMAGE, initrd, INITRD, "quiet", { LAYOUT_ACPI },
                                  true };
    if (size < 4)
        return 0;
    memory.part[0].size = (uint64_t)(data[0] % 5) << 20;
    input.kernel_size = (uint64_t)data[1] << 10;
    input.initrd_size = data[2] % 2 ? INITRD : 0;
    fill_header();
    for (size_t i = 3; i + 1 < size; i += 2)
        image[HEADER + data[i] % 0xa0] = data[i + 1];
    struct loader_result result = loader_load(&memory, &input);
    if (!result.error && !guest_range(&memory, result.entry, 1))
        abort();
    return 0;
}
