/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that a description names: are they there? What is in them is looked at when they are read. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/plan.h"
#include "checker.h"
#include "firmware.h"
#include "memory.h"

static char *path_in(const char *folder, const char *file) {
    return file[0] == '/' ? memory_text(file) : memory_format("%s/%s", folder, file);
}

static bool exists(const char *folder, const char *file) {
    char *path = path_in(folder, file);
    bool found = access(path, R_OK) == 0;

    free(path);
    return found;
}

static void check_file(const struct checker *c, const char *file, const char *owner,
                       const char *path, const char *field) {
    if (file == NULL || exists(c->build, file) || exists(c->folder, file)) {
        return;
    }
    report_add(c->report, tree_line(c->tree, "%s.%s", path, field), owner, "no such file: '%s'",
               file);
    report_mend(c->report, "build it, or name a file below '%s' or '%s'", c->build, c->folder);
}

static void check_image(const struct checker *c, const struct program *p) {
    const char *name = program_image(p);
    char *file = memory_format("programs/%s.elf", name);

    if (!exists(c->build, file)) {
        report_add(c->report, tree_line(c->tree, "%s.program", p->path), p->base->name,
                   "there is no program '%s' in %s/programs", name, c->build);
        report_mend(c->report, "name one of the programs there, or build it");
    }
    free(file);
}

static bool has_odd_size(const char *folder, const char *file) {
    char *path = path_in(folder, file);
    struct stat status;
    bool odd = stat(path, &status) == 0 && status.st_size % BH_PAGE_SIZE != 0;

    free(path);
    return odd;
}

/* Its end is the end of the first 4 GiB, and only pages can be mapped there. */
static void check_firmware(const struct checker *c, const struct program *p) {
    const char *file = p->vm->firmware != NULL ? firmware_file(p->vm->firmware) : NULL;

    check_file(c, file, p->base->name, p->path, "firmware");
    if (file != NULL && (has_odd_size(c->build, file) || has_odd_size(c->folder, file))) {
        report_add(c->report, tree_line(c->tree, "%s.firmware", p->path), p->base->name,
                   "the firmware's image isn't made of whole pages: '%s'", file);
        report_mend(c->report, "give an image as a flash chip holds it: a multiple of 4K");
    }
    if (file != NULL && p->vm->screen) {
        check_file(c, firmware_video(p->vm->firmware), p->base->name, p->path, "screen");
    }
}

static void check_regions(const struct checker *c, const struct description_region *regions,
                          uint32_t count, const char *owner, const char *section) {
    for (uint32_t i = 0; i < count; i++) {
        char *path = memory_format("%s[%u]", section, i);
        check_file(c, regions[i].file, owner != NULL ? owner : regions[i].name, path, "file");
        free(path);
    }
}

void check_files(const struct checker *c) {
    for (uint32_t i = 0; i < c->programs->count; i++) {
        const struct program *p = &c->programs->program[i];
        char *section = memory_format("%s.regions", p->path);
        check_image(c, p);
        if (p->vm != NULL) {
            check_firmware(c, p);
            check_file(c, p->vm->kernel, p->base->name, p->path, "kernel");
            check_file(c, p->vm->initrd, p->base->name, p->path, "initrd");
        }
        check_regions(c, p->base->regions, p->base->regions_count, p->base->name, section);
        free(section);
    }
    check_regions(c, c->d->regions, c->d->regions_count, NULL, "regions");
}
