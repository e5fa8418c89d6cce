/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader of Linux kernels. Trusts neither the image nor the size of the guest's memory.
 */
#include "vmm/loader.h"

#include "lib/c/string.h"
#include "vmm/cpu/x86.h"
#include "vmm/platform/layout.h"

/* boot.rst, "The Real-Mode Kernel Header": offsets in the image and in the zero page. */
enum header_offset {
    SETUP_SECTORS = 0x1f1, BOOT_FLAG = 0x1fe, HEADER_LENGTH = 0x201, HEADER_MAGIC = 0x202,
    HEADER_VERSION = 0x206, TYPE_OF_LOADER = 0x210, LOAD_FLAGS = 0x211, RAMDISK_IMAGE = 0x218,
    RAMDISK_SIZE = 0x21c, COMMAND_LINE_POINTER = 0x228, INITRD_ADDRESS_MAX = 0x22c,
    KERNEL_ALIGNMENT = 0x230, RELOCATABLE = 0x234, XLOAD_FLAGS = 0x236, COMMAND_LINE_SIZE = 0x238,
    PREFERRED_ADDRESS = 0x258, INIT_SIZE = 0x260, HEADER_NEEDED = 0x264,
    HEADER_END_MAX = 0x290,
};

enum header_value {
    BOOT_FLAG_VALUE = 0xaa55,
    VERSION_NEEDED = 0x020c,         /* xloadflags */
    XLOAD_KERNEL_64 = 1u << 0,
    LOADER_UNDEFINED = 0xff,
    LOADED_HIGH = 1u << 0,
    SECTOR = 512,
    ENTRY_32 = 0, ENTRY_64 = 0x200,  /* in the protected-mode part */
};
#define HEADER_MAGIC_VALUE 0x53726448u   /* "HdrS" */

/* zero-page.rst. */
enum zero_page_offset {
    ZERO_VIDEO_MODE = 0x006, ZERO_VIDEO_COLUMNS = 0x007, ZERO_VIDEO_LINES = 0x00e,
    ZERO_VIDEO_IS_VGA = 0x00f, ZERO_VIDEO_POINTS = 0x010,
    ZERO_RSDP = 0x070, ZERO_E820_COUNT = 0x1e8, ZERO_E820 = 0x2d0,
};
enum e820_type { E820_RAM = 1, E820_RESERVED = 2 };
enum { E820_ENTRY = 20, ZERO_PAGE_SIZE = 4096 };

struct kernel_header {
    uint32_t payload;                /* offset of the protected-mode part */
    uint32_t header_end;
    uint32_t initrd_max;
    uint32_t alignment;
    uint32_t command_line_max;
    uint64_t preferred;
    uint64_t init_size;
    bool relocatable;
    bool long_mode;
};

static uint64_t get(const uint8_t *bytes, unsigned offset, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[offset + i] << (8 * i);
    return value;
}

static void put(uint8_t *bytes, unsigned offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

static const char *read_header(const uint8_t *kernel, uint64_t size, struct kernel_header *header) {
    if (size < HEADER_NEEDED)
        return "the kernel image is too short for a boot header: give a bzImage";
    if (get(kernel, BOOT_FLAG, 2) != BOOT_FLAG_VALUE ||
        get(kernel, HEADER_MAGIC, 4) != HEADER_MAGIC_VALUE)
        return "the kernel image has no Linux boot header: give a bzImage";
    if (get(kernel, HEADER_VERSION, 2) < VERSION_NEEDED)
        return "the kernel's boot header is too old: give one of Linux 3.8 or later";
    unsigned sectors = kernel[SETUP_SECTORS] ? kernel[SETUP_SECTORS] : 4;
    header->payload = (sectors + 1) * SECTOR;
    header->header_end = HEADER_MAGIC + kernel[HEADER_LENGTH];
    header->initrd_max = (uint32_t)get(kernel, INITRD_ADDRESS_MAX, 4);
    header->alignment = (uint32_t)get(kernel, KERNEL_ALIGNMENT, 4);
    header->command_line_max = (uint32_t)get(kernel, COMMAND_LINE_SIZE, 4);
    header->preferred = get(kernel, PREFERRED_ADDRESS, 8);
    header->init_size = get(kernel, INIT_SIZE, 4);
    header->relocatable = kernel[RELOCATABLE] != 0;
    header->long_mode = (get(kernel, XLOAD_FLAGS, 2) & XLOAD_KERNEL_64) != 0;
    bool short_image = size <= header->payload + ENTRY_64 || size < HEADER_END_MAX;
    bool bad_end = header->header_end < HEADER_NEEDED || header->header_end > HEADER_END_MAX;
    bool bad_alignment = header->alignment == 0 ||
                         (header->alignment & (header->alignment - 1)) != 0;
    if (short_image || bad_end || bad_alignment)
        return "the kernel's boot header contradicts itself: the image is damaged";
    return NULL;
}

/* Where the kernel goes: its preferred address, or the lowest aligned one if that isn't RAM. */
static const char *place_kernel(const struct guest_memory *memory,
                                const struct kernel_header *header, uint64_t payload_size,
                                uint64_t *address, uint64_t *span) {
    *span = header->init_size > payload_size ? header->init_size : payload_size;
    *address = header->preferred;
    if (*address >= LAYOUT_HIGH_START && guest_range(memory, (struct gpa){ *address }, *span))
        return NULL;
    uint64_t mask = header->alignment - 1;
    *address = (LAYOUT_HIGH_START + mask) & ~mask;
    if (header->relocatable && guest_range(memory, (struct gpa){ *address }, *span))
        return NULL;
    return "the kernel doesn't fit into the VM's memory: give the VM more memory";
}

/* As high as the kernel allows below 4 GiB, because the kernel grows upwards. */
static const char *place_initrd(const struct guest_memory *memory,
                                const struct kernel_header *header, uint64_t size,
                                uint64_t kernel_end, uint64_t *address) {
    const struct guest_ram *low = &memory->part[0];
    uint64_t limit = low->gpa + low->size;
    if (limit > (uint64_t)header->initrd_max + 1)
        limit = (uint64_t)header->initrd_max + 1;
    *address = limit >= size ? (limit - size) & ~0xfffull : 0;
    if (*address < kernel_end || !guest_range(memory, (struct gpa){ *address }, size))
        return "the initramfs doesn't fit into the VM's memory: give the VM more memory";
    return NULL;
}

static void add_e820(uint8_t *zero_page, uint64_t start, uint64_t size, enum e820_type type) {
    unsigned index = zero_page[ZERO_E820_COUNT]++;
    unsigned at = ZERO_E820 + E820_ENTRY * index;
    put(zero_page, at, 8, start);
    put(zero_page, at + 8, 8, size);
    put(zero_page, at + 16, 4, type);
}

static void fill_memory_map(uint8_t *zero_page, const struct guest_memory *memory) {
    const struct guest_ram *low = &memory->part[0];
    const struct guest_ram *high = &memory->part[1];
    add_e820(zero_page, 0, LAYOUT_LOW_END, E820_RAM);
    add_e820(zero_page, LAYOUT_LOW_END, LAYOUT_HIGH_START - LAYOUT_LOW_END, E820_RESERVED);
    add_e820(zero_page, LAYOUT_HIGH_START, low->size - LAYOUT_HIGH_START, E820_RAM);
    if (high->size != 0)
        add_e820(zero_page, high->gpa, high->size, E820_RAM);
}

/* The identity map that the 64-bit entry wants: 4 GiB in 2 MiB pages. */
static void build_page_tables(uint8_t *tables) {
    enum { TABLE = 4096, ENTRIES = 512, DIRECTORIES = 4 };
    const uint64_t rights = PTE_PRESENT | PTE_WRITE;
    memset(tables, 0, (2 + DIRECTORIES) * TABLE);
    put(tables, 0, 8, (LAYOUT_PAGE_TABLES + TABLE) | rights);
    for (unsigned i = 0; i < DIRECTORIES; i++)
        put(tables, TABLE + 8 * i, 8, (LAYOUT_PAGE_TABLES + (2 + i) * TABLE) | rights);
    for (unsigned i = 0; i < DIRECTORIES * ENTRIES; i++)
        put(tables, 2 * TABLE + 8 * i, 8, ((uint64_t)i << 21) | rights | PTE_LARGE);
}

/* boot.rst, "32-bit" and "64-bit Boot Protocol": __BOOT_CS 0x10 and __BOOT_DS 0x18, flat. */
static void build_gdt(uint8_t *gdt, bool long_mode) {
    memset(gdt, 0, 32);
    put(gdt, 16, 8, long_mode ? 0x00af9b000000ffffull : 0x00cf9b000000ffffull);
    put(gdt, 24, 8, 0x00cf93000000ffffull);
}

/* As a boot loader finds it after the BIOS: mode 3, 80 x 25, grey blanks on black. */
static void put_screen(uint8_t *low) {
    enum { COLOUR_TEXT = 3, COLUMNS = 80, LINES = 25, POINTS = 16, BLANK = 0x0720 };
    uint8_t *zero_page = low + LAYOUT_ZERO_PAGE;
    for (unsigned i = 0; i < LAYOUT_TEXT_SIZE; i += 2)
        put(low + LAYOUT_TEXT, i, 2, BLANK);
    put(zero_page, ZERO_VIDEO_MODE, 1, COLOUR_TEXT);
    put(zero_page, ZERO_VIDEO_COLUMNS, 1, COLUMNS);
    put(zero_page, ZERO_VIDEO_LINES, 1, LINES);
    put(zero_page, ZERO_VIDEO_IS_VGA, 1, 1);
    put(zero_page, ZERO_VIDEO_POINTS, 2, POINTS);
}

static void fill_zero_page(uint8_t *zero_page, const struct loader_input *input,
                           const struct kernel_header *header, uint64_t initrd) {
    memset(zero_page, 0, ZERO_PAGE_SIZE);
    memcpy(zero_page + SETUP_SECTORS, input->kernel + SETUP_SECTORS,
           header->header_end - SETUP_SECTORS);
    put(zero_page, TYPE_OF_LOADER, 1, LOADER_UNDEFINED);
    zero_page[LOAD_FLAGS] |= LOADED_HIGH;
    put(zero_page, COMMAND_LINE_POINTER, 4, LAYOUT_COMMAND_LINE);
    put(zero_page, RAMDISK_IMAGE, 4, input->initrd_size ? initrd : 0);
    put(zero_page, RAMDISK_SIZE, 4, input->initrd_size);
    put(zero_page, ZERO_RSDP, 8, input->rsdp.value);
}

static const char *check_command_line(const char *text, const struct kernel_header *header) {
    size_t length = strlen(text);
    if (length >= LAYOUT_COMMAND_LINE_SIZE || length > header->command_line_max)
        return "the command line is longer than the kernel accepts: shorten it";
    return NULL;
}

static struct loader_result refuse(const char *error) {
    return (struct loader_result){ .error = error };
}

struct loader_result loader_load(const struct guest_memory *memory,
                                 const struct loader_input *input) {
    struct kernel_header header;
    uint64_t address, span, initrd = 0;
    const char *error = read_header(input->kernel, input->kernel_size, &header);
    if (error)
        return refuse(error);
    uint8_t *low = guest_range(memory, (struct gpa){ 0 }, 2 * LAYOUT_HIGH_START);
    if (!low)
        return refuse("the VM has less than 2 MiB of memory: give it more");
    uint64_t payload_size = input->kernel_size - header.payload;
    error = place_kernel(memory, &header, payload_size, &address, &span);
    if (!error && input->initrd_size != 0)
        error = place_initrd(memory, &header, input->initrd_size, address + span, &initrd);
    if (!error)
        error = check_command_line(input->command_line, &header);
    if (error)
        return refuse(error);
    guest_write(memory, (struct gpa){ address }, input->kernel + header.payload, payload_size);
    if (input->initrd_size != 0)
        guest_write(memory, (struct gpa){ initrd }, input->initrd, input->initrd_size);
    memcpy(low + LAYOUT_COMMAND_LINE, input->command_line, strlen(input->command_line) + 1);
    build_gdt(low + LAYOUT_GDT, header.long_mode);
    build_page_tables(low + LAYOUT_PAGE_TABLES);
    fill_zero_page(low + LAYOUT_ZERO_PAGE, input, &header, initrd);
    fill_memory_map(low + LAYOUT_ZERO_PAGE, memory);
    if (input->screen)
        put_screen(low);
    return (struct loader_result){ .entry = { address + (header.long_mode ? ENTRY_64 : ENTRY_32) },
                                   .boot_params = { LAYOUT_ZERO_PAGE },
                                   .page_tables = { LAYOUT_PAGE_TABLES },
                                   .long_mode = header.long_mode };
}
