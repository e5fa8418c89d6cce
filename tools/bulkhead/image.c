/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that become content of a plan. See image.h. Whatever a file says is checked before use. */
#include "image.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/base.h"
#include "memory.h"

#define FILE_MAX        (1ull << 31)
#define PROGRAM_END     0x10000000ull       /* the manifest's address: programs lie below */

uint8_t *image_read_file(const char *path, uint64_t *size) {
    struct stat status;
    bool regular = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    FILE *in = regular ? fopen(path, "rb") : NULL;

    if (in == NULL) {
        return NULL;
    }
    uint8_t *bytes = NULL;
    if (fseek(in, 0, SEEK_END) == 0 && ftell(in) >= 0 && (uint64_t)ftell(in) <= FILE_MAX) {
        *size = (uint64_t)ftell(in);
        rewind(in);
        bytes = memory_zeroed(*size + 1, 1);
        if (fread(bytes, 1, *size, in) != *size) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(in);
    return bytes;
}

static uint32_t segment_rights(uint32_t flags) {
    return ((flags & PF_R) != 0 ? (uint32_t)BH_READ : 0)
         | ((flags & PF_W) != 0 ? (uint32_t)BH_WRITE : 0)
         | ((flags & PF_X) != 0 ? (uint32_t)BH_EXECUTE : 0);
}

static const char *load_segment(const uint8_t *file, uint64_t size, const Elf64_Phdr *header,
                                struct image *image) {
    uint64_t lead = header->p_vaddr % BH_PAGE_SIZE;

    if (image->count == IMAGE_SEGMENTS) {
        return "has too many segments";
    }
    if (header->p_filesz > header->p_memsz || header->p_offset > size
        || header->p_filesz > size - header->p_offset) {
        return "has a segment outside the file";
    }
    if (header->p_vaddr < BH_PAGE_SIZE || header->p_vaddr >= PROGRAM_END
        || header->p_memsz > PROGRAM_END - header->p_vaddr) {
        return "has a segment outside 0x1000..0xfffffff";
    }
    struct image_segment *s = &image->segment[image->count++];
    s->address = header->p_vaddr - lead;
    s->size = (lead + header->p_memsz + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE;
    s->rights = segment_rights(header->p_flags) | BH_READ;
    s->content_size = header->p_filesz > 0 ? lead + header->p_filesz : 0;
    s->content = memory_zeroed(s->content_size + 1, 1);
    if (header->p_filesz > 0) {
        memcpy(s->content + lead, file + header->p_offset, header->p_filesz);
    }
    bool writable = (s->rights & BH_WRITE) != 0;
    bool executable = (s->rights & BH_EXECUTE) != 0;
    return writable && executable ? "has a segment that is writable and executable" : NULL;
}

static bool is_program(const uint8_t *file, uint64_t size, const Elf64_Ehdr *header) {
    return size >= sizeof(*header) && memcmp(file, ELFMAG, SELFMAG) == 0
        && header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_type == ET_EXEC
        && header->e_machine == EM_X86_64 && header->e_phentsize == sizeof(Elf64_Phdr)
        && header->e_phoff <= size
        && (uint64_t)header->e_phnum * sizeof(Elf64_Phdr) <= size - header->e_phoff;
}

static bool is_code(const struct image *image, uint64_t address) {
    bool found = false;

    for (uint32_t i = 0; i < image->count; i++) {
        const struct image_segment *s = &image->segment[i];
        found = found || ((s->rights & BH_EXECUTE) != 0 && address >= s->address
                          && address - s->address < s->size);
    }
    return found;
}

static const char *load(const uint8_t *file, uint64_t size, struct image *image) {
    Elf64_Ehdr header = { 0 };
    const char *problem = NULL;

    memcpy(&header, file, size < sizeof(header) ? size : sizeof(header));
    if (!is_program(file, size, &header)) {
        return "isn't a static 64-bit ELF program";
    }
    image->entry = header.e_entry;
    for (uint32_t i = 0; i < header.e_phnum && problem == NULL; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, file + header.e_phoff + i * sizeof(segment), sizeof(segment));
        if (segment.p_type == PT_LOAD && segment.p_memsz > 0) {
            problem = load_segment(file, size, &segment, image);
        }
    }
    return problem != NULL                  ? problem
         : image->count == 0                ? "has nothing to load"
         : !is_code(image, image->entry)    ? "doesn't start in executable code"
         : NULL;
}

const char *image_load_program(const char *path, struct image *image) {
    uint64_t size = 0;
    uint8_t *file = image_read_file(path, &size);

    memset(image, 0, sizeof(*image));
    if (file == NULL) {
        return "isn't there";
    }
    const char *problem = load(file, size, image);
    free(file);
    if (problem != NULL) {
        image_free(image);
    }
    return problem;
}

void image_free(struct image *image) {
    for (uint32_t i = 0; i < image->count; i++) {
        free(image->segment[i].content);
    }
    image->count = 0;
}
