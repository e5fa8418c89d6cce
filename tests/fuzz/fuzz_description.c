/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a description: reading, schema, checks, lowering and emission. A program stands
 * ready under each name that the examples use, so that good descriptions get as far as a plan.
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/base.h"
#include "check.h"
#include "emit.h"
#include "lower.h"
#include "trust.h"

static char folder[] = "/tmp/bulkhead-fuzz-XXXXXX";
static const char *const names[] = {
    "uart", "console", "netswitch", "e1000e", "vmm", "hostile", "hello",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static void path_of(char path[64], const char *name) {
    snprintf(path, 64, "%s/programs/%s.elf", folder, name);
}

static void clean_up(void) {
    char path[64];

    for (unsigned i = 0; i < NAMES; i++) {
        path_of(path, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/programs", folder);
    rmdir(path);
    rmdir(folder);
}

/* One page of code and headers at 0x400000. */
static void write_program(const char *name) {
    static uint8_t file[BH_PAGE_SIZE];
    Elf64_Ehdr header = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_entry = 0x400100,
        .e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
    };
    Elf64_Phdr segment = {
        .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000,
        .p_filesz = sizeof(file), .p_memsz = sizeof(file),
    };
    char path[64];

    memcpy(file, &header, sizeof(header));
    memcpy(file + sizeof(header), &segment, sizeof(segment));
    path_of(path, name);
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(file, sizeof(file), 1, out) != 1 || fclose(out) != 0) {
        abort();
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    char path[64];

    (void)argc;
    (void)argv;
    if (mkdtemp(folder) == NULL) {
        abort();
    }
    snprintf(path, sizeof(path), "%s/programs", folder);
    mkdir(path, 0700);
    for (unsigned i = 0; i < NAMES; i++) {
        write_program(names[i]);
    }
    atexit(clean_up);
    return 0;
}

static void make_plan(struct description *description, struct tree *tree,
                      const struct programs *programs, struct report *report) {
    struct model *m = model_new(description, tree, report);
    struct plan_file plan = { 0 };

    m->build = folder;
    m->folder = folder;
    lower_all(m, programs);
    if (report_is_clean(report)) {
        emit_plan(m, &plan);
        check_memory(m, plan.size);
    }
    emit_free(&plan);
    model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static FILE *nowhere;
    struct programs programs;
    struct report *report = report_new("input.yaml");
    struct tree *tree = tree_parse(data, size, report);
    struct description *description = tree != NULL ? description_load(tree, report) : NULL;

    if (nowhere == NULL) {
        nowhere = fopen("/dev/null", "w");
    }
    if (description != NULL) {
        programs_list(description, tree, &programs);
        if (check_description(description, tree, &programs, folder, folder, NULL, report)) {
            make_plan(description, tree, &programs, report);
        }
        description_free(description);
    }
    report_print(report, nowhere);
    tree_free(tree);
    report_free(report);
    return 0;
}
