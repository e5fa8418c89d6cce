/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's page tables (SDM 3A 4.5): the image with one protection a segment, RAM and registers
 * never executable, no user address at all; and the small tables of the trampoline, which every
 * process shares. Built at boot; afterwards only registers may be added, before programs start.
 */
#include "x86/boot.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/space_table.h"
#include "x86/cpu.h"
#include "x86/entry_area.h"

#define EARLY_END (1ull << 32)         /* what the early tables map */
#define LAST      511u                 /* the entry that leads to the trampoline, in two levels */

extern const char image_text[], image_rodata[], image_data[], image_end[];
extern const char trampoline_load[], trampoline_start[], trampoline_end[];

static struct space_table kernel_space;
static paddr_t trampoline_pointers;    /* what a process's root has in its last entry */
static bool loaded;

paddr_t image_physical(const void *address) { return paddr((uint64_t)address - IMAGE_BASE); }

static void map(uint64_t address, paddr_t target, uint64_t size, uint32_t rights,
                enum bh_cache cache) {
    struct extent extent = { address, target, size, rights, cache };

    if (space_table_map(&kernel_space, &extent) != BH_OK)
        panic("boot: 0x%lx is mapped twice: the memory map or a register range is wrong", address);
}

/* The pages of a range that aren't mapped yet: two tables or registers may share a page. */
static void map_missing(uint64_t base, paddr_t address, uint64_t size, enum bh_cache cache) {
    uint64_t first = address.value - address.value % BH_PAGE_SIZE;

    for (uint64_t at = first; at < address.value + size; at += BH_PAGE_SIZE)
        if (!space_table_touches(&kernel_space, base + at, BH_PAGE_SIZE))
            map(base + at, paddr(at), BH_PAGE_SIZE, BH_READ | BH_WRITE, cache);
}

static void map_image(const char *start, const char *end, uint32_t rights) {
    map((uint64_t)start, image_physical(start), (uint64_t)(end - start), rights,
        BH_CACHE_WRITE_BACK);
}

static void map_trampoline(void) {
    uint64_t size = (uint64_t)(trampoline_end - trampoline_start);
    uint64_t *root = physical_at(kernel_space.root, BH_PAGE_SIZE);

    map(TRAMPOLINE_BASE, image_physical(trampoline_load), size, BH_READ | BH_EXECUTE,
        BH_CACHE_WRITE_BACK);
    uint64_t *pointers = physical_at(table_entry_target(root[LAST]), BH_PAGE_SIZE);
    trampoline_pointers = boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "the trampoline's table");
    uint64_t *shared = physical_at(trampoline_pointers, BH_PAGE_SIZE);
    shared[LAST] = pointers[LAST];
}

static void map_ram(uint64_t base, uint64_t end) {
    if (base < end)
        map(DIRECT_BASE + base, paddr(base), end - base, BH_READ | BH_WRITE, BH_CACHE_WRITE_BACK);
}

/* All RAM but the image, whose text would be writable there. */
void paging_install(void) {
    uint64_t image_limit = image_physical(image_end).value;

    space_table_create(&kernel_space, TABLE_KERNEL);
    map_image(image_text, image_rodata, BH_READ | BH_EXECUTE);
    map_image(image_rodata, trampoline_load, BH_READ);
    map_image(image_data, image_end, BH_READ | BH_WRITE);
    map_trampoline();
    for (uint32_t i = 0; i < boot_memory_ram()->count; i++) {
        uint64_t base = boot_memory_ram()->range[i].base;
        uint64_t end = base + boot_memory_ram()->range[i].size;
        map_ram(base, end < IMAGE_PHYSICAL ? end : IMAGE_PHYSICAL);
        map_ram(base > image_limit ? base : image_limit, end);
    }
    cr3_write(paging_kernel_root());
    loaded = true;
}

uint64_t paging_kernel_root(void) { return kernel_space.root.value; }

/* What lies above the user half in a process's top-level table (core/table_format.h). */
void table_root_prepare(enum table_format format, uint64_t *root) {
    if (format == TABLE_PROCESS)
        root[LAST] = table_entry_table(TABLE_KERNEL, trampoline_pointers, 3);
}

uint64_t paging_install_core(uint32_t core) {
    uint64_t stack = STACKS_BASE + (uint64_t)core * STACK_STRIDE + STACK_STRIDE - STACK_SIZE
                     - BH_PAGE_SIZE;
    paddr_t memory = boot_memory_take(STACK_SIZE, BH_PAGE_SIZE, "a kernel stack");
    paddr_t area = boot_memory_take(sizeof(struct entry_area), BH_PAGE_SIZE, "an entry area");

    map(stack, memory, STACK_SIZE, BH_READ | BH_WRITE, BH_CACHE_WRITE_BACK);
    map((uint64_t)entry_area(core), area, sizeof(struct entry_area), BH_READ | BH_WRITE,
        BH_CACHE_WRITE_BACK);
    return stack + STACK_SIZE;
}

/* Before paging_install the early tables map what is below 4 GiB; afterwards whatever isn't RAM
 * (firmware tables) is mapped when it is first asked for, at boot only. */
void *physical_at(paddr_t address, uint64_t size) {
    if (!loaded)
        INVARIANT(address.value + size <= EARLY_END);
    else if (boot_memory_is_open() && boot_memory_is_outside_ram(address, size))
        map_missing(DIRECT_BASE, address, size, BH_CACHE_WRITE_BACK);
    return (void *)(DIRECT_BASE + address.value);
}

volatile void *physical_registers(paddr_t address, uint64_t size) {
    map_missing(REGISTERS_BASE, address, size, BH_CACHE_UNCACHED);
    return (volatile void *)(REGISTERS_BASE + address.value);
}
