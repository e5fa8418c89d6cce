/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's page tables (SDM 3A 4.5): the image with one protection a segment, RAM and registers
 * never executable, no user address at all; and the small tables of the trampoline, which every
 * process shares. Built at boot; afterwards only registers may be added, before programs start.
 */
#include "x86/paging.h"

#include "core/boot_memory.h"
#include "core/log.h"
#include "core/table_format.h"
#include "x86/cpu.h"
#include "x86/entry_area.h"
#include "x86/layout.h"

#define ENTRIES     512u
#define LARGE_LEVEL 2u                 /* 1 GiB leaves where the CPU has them */
#define EARLY_END   (1ull << 32)       /* what the early tables map */

extern const char image_text[], image_rodata[], image_data[], image_end[];
extern const char trampoline_load[], trampoline_start[], trampoline_end[];

static uint64_t kernel_root[ENTRIES] __attribute__((aligned(BH_PAGE_SIZE)));
static uint64_t image_pointers[ENTRIES] __attribute__((aligned(BH_PAGE_SIZE)));
static uint64_t trampoline_pointers[ENTRIES] __attribute__((aligned(BH_PAGE_SIZE)));
static uint64_t trampoline_directory[ENTRIES] __attribute__((aligned(BH_PAGE_SIZE)));
static bool loaded;

static uint64_t level_size(unsigned level)
{
    return (uint64_t)BH_PAGE_SIZE << 9 * level;
}

static unsigned entry_index(uint64_t address, unsigned level)
{
    return (unsigned)(address / level_size(level) % ENTRIES);
}

paddr_t image_physical(const void *address)
{
    return paddr((uint64_t)address - IMAGE_BASE);
}

static uint64_t *table_at(paddr_t table)
{
    return (uint64_t *)(DIRECT_BASE + table.value);
}

/* The table below `entry`, made when there is none. */
static uint64_t *table_below(uint64_t *entry)
{
    if (!table_entry_present(TABLE_PROCESS, *entry))
        *entry = cpu_entry_table(boot_memory_take(BH_PAGE_SIZE, BH_PAGE_SIZE, "a page table"), false);
    return table_at(table_entry_target(TABLE_PROCESS, *entry));
}

/* The entry of `level` for an address; tables above are made. Null: a larger leaf is there already. */
static uint64_t *entry_for(uint64_t address, unsigned level)
{
    uint64_t *table = kernel_root;

    for (unsigned at = 3; at > level; at--) {
        uint64_t *entry = &table[entry_index(address, at)];
        if (table_entry_present(TABLE_PROCESS, *entry)
            && table_entry_is_leaf(TABLE_PROCESS, *entry, at))
            return NULL;
        table = table_below(entry);
    }
    return &table[entry_index(address, level)];
}

static unsigned leaf_level(uint64_t address, uint64_t target, uint64_t size)
{
    unsigned level = table_largest_leaf(TABLE_PROCESS);

    if (level > LARGE_LEVEL)
        level = LARGE_LEVEL;
    while (level > 0 && ((address | target) % level_size(level) != 0 || size < level_size(level)))
        level--;
    return level;
}

static void map(uint64_t address, paddr_t target, uint64_t size, uint32_t rights, enum bh_cache cache)
{
    for (uint64_t done = 0; done < size;) {
        unsigned level = leaf_level(address + done, target.value + done, size - done);
        uint64_t *entry = entry_for(address + done, level);
        if (entry != NULL && !table_entry_present(TABLE_PROCESS, *entry))
            *entry = cpu_entry_leaf(paddr_add(target, done), level, rights, cache, false);
        done += level_size(level);
    }
}

static void map_image(const char *start, const char *end, uint32_t rights)
{
    map((uint64_t)start, image_physical(start), (uint64_t)(end - start), rights,
        BH_CACHE_WRITE_BACK);
}

static void map_trampoline(void)
{
    image_pointers[511] = cpu_entry_table(image_physical(trampoline_directory), false);
    trampoline_pointers[511] = image_pointers[511];
    map(TRAMPOLINE_BASE, image_physical(trampoline_load),
        (uint64_t)(trampoline_end - trampoline_start), BH_READ | BH_EXECUTE, BH_CACHE_WRITE_BACK);
}

void paging_install(const struct boot_info *info)
{
    kernel_root[511] = cpu_entry_table(image_physical(image_pointers), false);
    map_image(image_text, image_rodata, BH_READ | BH_EXECUTE);
    map_image(image_rodata, trampoline_load, BH_READ);
    map_image(image_data, image_end, BH_READ | BH_WRITE);
    map_trampoline();
    for (uint32_t i = 0; i < info->ram_count; i++) {
        uint64_t base = info->ram[i].base & ~(uint64_t)(BH_PAGE_SIZE - 1);
        uint64_t end = info->ram[i].base + info->ram[i].size;
        map(DIRECT_BASE + base, paddr(base), end - base, BH_READ | BH_WRITE, BH_CACHE_WRITE_BACK);
    }
    map(DIRECT_BASE + info->plan.base, paddr(info->plan.base), info->plan.size,
        BH_READ | BH_WRITE, BH_CACHE_WRITE_BACK);
    cr3_write(paging_kernel_root());
    loaded = true;
}

uint64_t paging_kernel_root(void)
{
    return image_physical(kernel_root).value;
}

/* What lies above the user half in a process's top-level table (core/table_format.h). */
void table_root_prepare(enum table_format format, uint64_t *root)
{
    if (format == TABLE_PROCESS)
        root[511] = cpu_entry_table(image_physical(trampoline_pointers), false);
}

uint64_t paging_install_core(uint32_t core)
{
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
void *physical_at(paddr_t address, uint64_t size)
{
    uint64_t first = address.value - address.value % BH_PAGE_SIZE;
    uint64_t end = address.value + size;

    INVARIANT(size <= 1ull << 46 && address.value <= 1ull << 46);
    if (!loaded)
        INVARIANT(end <= EARLY_END);
    else if (boot_memory_is_open() && boot_memory_is_outside_ram(address, size))
        map(DIRECT_BASE + first, paddr(first), end - first, BH_READ | BH_WRITE,
            BH_CACHE_WRITE_BACK);
    return (void *)(DIRECT_BASE + address.value);
}

volatile void *physical_registers(paddr_t address, uint64_t size)
{
    uint64_t first = address.value - address.value % BH_PAGE_SIZE;

    map(REGISTERS_BASE + first, paddr(first), address.value + size - first, BH_READ | BH_WRITE,
        BH_CACHE_UNCACHED);
    return (volatile void *)(REGISTERS_BASE + address.value);
}
