/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what the boot loader left (Multiboot 0.6.96 section 3.3; Multiboot 2 section 3.6). The
 * loader is trusted to mean well, not to be without mistakes: counts and lengths are bounded.
 */
#include "x86/boot.h"

#include "core/boot_memory.h"
#include "core/log.h"

#define MULTIBOOT1_LOADED 0x2badb002u
#define MULTIBOOT2_LOADED 0x36d76289u
#define MEMORY_AVAILABLE  1u
#define MAX_TAGS          256u

enum multiboot1_flags { MULTIBOOT1_MODULES = 1u << 3, MULTIBOOT1_MEMORY_MAP = 1u << 6 };

struct multiboot1_info {
    uint32_t flags, memory_lower, memory_upper, boot_device, command_line;
    uint32_t module_count, modules, symbols[4], map_length, map;
};

/* Of the memory map, in both protocols; the first has the size of each before it. */
struct multiboot_range { uint64_t base, length; uint32_t type; } __attribute__((packed));

enum tag { TAG_END = 0, TAG_MODULE = 3, TAG_MEMORY_MAP = 6, TAG_FRAMEBUFFER = 8, TAG_RSDP_OLD = 14,
           TAG_RSDP_NEW = 15, FRAMEBUFFER_SIZE = 38 /* with its colours: Multiboot 2, 3.6.12 */ };

struct multiboot2_tag { uint32_t type, size; };
struct multiboot2_module { struct multiboot2_tag tag; uint32_t start, end; };
struct multiboot2_map { struct multiboot2_tag tag; uint32_t entry_size, entry_version; };

static void add_module(struct boot_info *info, uint32_t start, uint32_t end) {
    if (info->plan.size == 0 && end > start)
        info->plan = (struct range){ start, end - start };
}

static void add_range(const void *at) {
    const struct multiboot_range *range = at;

    if (range->type == MEMORY_AVAILABLE)
        boot_memory_add(range->base, range->length);
}

static void read_multiboot1(uint32_t information, struct boot_info *info) {
    const struct multiboot1_info *m = physical_at(paddr(information), sizeof *m);

    info->loader = (struct range){ information, sizeof *m };
    if (!(m->flags & MULTIBOOT1_MEMORY_MAP))
        panic("boot: the loader gave no memory map");
    if ((m->flags & MULTIBOOT1_MODULES) && m->module_count > 0) {
        const uint32_t *module = physical_at(paddr(m->modules), 2 * sizeof *module);
        add_module(info, module[0], module[1]);   /* start, end */
    }
    for (uint32_t at = 0; at + 4 + sizeof(struct multiboot_range) <= m->map_length;) {
        const uint32_t *size = physical_at(paddr(m->map + at), 4 + sizeof(struct multiboot_range));
        add_range(size + 1);
        at += 4 + *size;
    }
}

static void read_map(const struct multiboot2_map *map) {
    if (map->entry_size < sizeof(struct multiboot_range))
        panic("boot: the loader's memory map has entries of %u bytes", map->entry_size);
    for (uint32_t at = sizeof *map; at + map->entry_size <= map->tag.size; at += map->entry_size)
        add_range((const char *)map + at);
}

static void read_tag(const struct multiboot2_tag *tag, uint64_t address, struct boot_info *info) {
    const struct multiboot2_module *module = (const void *)tag;

    if (tag->type == TAG_MODULE)
        add_module(info, module->start, module->end);
    else if (tag->type == TAG_MEMORY_MAP)
        read_map((const void *)tag);
    else if (tag->type == TAG_FRAMEBUFFER && tag->size >= FRAMEBUFFER_SIZE)
        log_framebuffer((const void *)(tag + 1));
    else if (tag->type == TAG_RSDP_OLD || tag->type == TAG_RSDP_NEW)
        info->rsdp = paddr(address + sizeof *tag);   /* a copy; the newer tag comes later */
}

static void read_multiboot2(uint32_t information, struct boot_info *info) {
    const uint32_t *total = physical_at(paddr(information), 2 * sizeof *total);
    uint32_t at = 8;

    info->loader = (struct range){ information, *total };
    for (uint32_t i = 0; i < MAX_TAGS && at + sizeof(struct multiboot2_tag) <= *total; i++) {
        const struct multiboot2_tag *tag = physical_at(paddr(information + at), sizeof *tag);
        if (tag->type == TAG_END || tag->size < sizeof *tag)
            break;
        read_tag(tag, information + at, info);
        at += (tag->size + 7u) / 8u * 8u;
    }
}

void multiboot_read(uint32_t magic, uint32_t information, struct boot_info *info) {
    if (magic == MULTIBOOT1_LOADED)
        read_multiboot1(information, info);
    else if (magic == MULTIBOOT2_LOADED)
        read_multiboot2(information, info);
    else
        panic("boot: the loader speaks neither multiboot 1 nor 2 (magic 0x%x)", magic);
    if (info->plan.size == 0)
        panic("boot: no plan: load it as the first module "
              "(QEMU: -initrd FILE.plan; GRUB: module2 /FILE.plan)");
}
