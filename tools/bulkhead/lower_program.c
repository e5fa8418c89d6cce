/* SPDX-License-Identifier: BSD-2-Clause */
/* Compartments: process space, image, threads, stacks. Trusts check.c; program files are checked as
 * they are read. */
#include <stdio.h>
#include <stdlib.h>

#include "image.h"
#include "lower.h"
#include "memory.h"

#define DEFAULT_STACK (64u << 10)

static void lower_segment(struct model *m, uint32_t compartment, const char *image,
                          struct image_segment *segment, uint32_t number, struct origin origin) {
    bool writable = (segment->rights & BH_WRITE) != 0;
    struct bh_plan_region region = {
        .kind = writable ? BH_REGION_RAM : BH_REGION_CONTENT,
        .rights = segment->rights,
        .owner = compartment,
        .size = segment->size,
        .alignment = BH_PAGE_SIZE,
    };
    uint32_t content = NO_CONTENT;

    if (segment->content_size > 0 || !writable) {
        char *key = memory_format("program %s segment %u", image, number);
        content = model_add_content(m, key, segment->content, segment->content_size);
        segment->content = NULL;
        free(key);
    }
    model_name(region.name, "%s.image%u", m->compartment[compartment].name, number);
    uint32_t index = model_add_region(m, region, content, origin);
    model_add_mapping(m, (struct bh_plan_mapping){
        .space = m->life[compartment].space, .region = index, .address = segment->address,
        .size = segment->size, .rights = segment->rights,
    }, origin);
}

/* Answers the entry point. */
static uint64_t lower_image(struct model *m, uint32_t compartment, const struct program *program) {
    struct origin origin = lower_origin(program);
    const char *name = program_image(program);
    char *path = memory_format("%s/programs/%s.elf", m->build, name);
    struct image image;
    const char *problem = image_load_program(path, &image);

    if (problem != NULL) {
        origin.line = tree_line(m->tree, "%s.program", program->path);
        report_add(m->report, origin.line, origin.owner, "the program '%s' %s (%s)", name, problem,
                   path);
        report_mend(m->report, "build it again with lib/program.ld");
    }
    for (uint32_t i = 0; i < image.count; i++) {
        lower_segment(m, compartment, name, &image.segment[i], i, origin);
    }
    image_free(&image);
    free(path);
    return image.entry;
}

static void lower_thread(struct model *m, uint32_t compartment, const struct program *program,
                         uint32_t number, uint64_t entry) {
    struct origin origin = lower_origin(program);
    uint64_t size = lower_size(program->base->stack, DEFAULT_STACK);
    struct bh_plan_thread thread = {
        .compartment = compartment, .number = number, .entry = entry,
    };
    char *name = memory_format("%s.stack%u", program->base->name, number);

    uint32_t stack = lower_ram(m, name, size, BH_READ | BH_WRITE, compartment, origin);
    uint64_t bottom = model_map_process(m, compartment, stack, BH_READ | BH_WRITE, origin);
    thread.stack = bottom + size;
    model_name(thread.name, "%s.%u", program->base->name, number);
    model_add_thread(m, thread, origin);
    struct bh_manifest_entry *e = model_add_entry(m, compartment, BH_ENTRY_THREAD, "thread%u",
                                                  number);
    e->thread = number;
    e->index = number;
    free(name);
}

static void lower_program(struct model *m, const struct program *program) {
    struct origin origin = lower_origin(program);
    struct bh_plan_space space = { .kind = BH_SPACE_PROCESS, .owner = m->compartment_count };
    struct bh_plan_compartment compartment = {
        .space = m->space_count,
        .flags = program->base->stopped ? 0 : BH_COMPARTMENT_START,
    };

    model_name(space.name, "%s", program->base->name);
    model_name(compartment.name, "%s", program->base->name);
    model_add_space(m, space, origin);
    uint32_t index = model_add_compartment(m, compartment, origin);
    m->life[index].vcpus = program->vm != NULL ? program->vm->vcpus_count : 0;
    uint64_t entry = lower_image(m, index, program);
    for (uint32_t i = 0; i < program_threads(program); i++) {
        lower_thread(m, index, program, i, entry);
    }
}

void lower_programs(struct model *m, const struct programs *programs) {
    for (uint32_t i = 0; i < programs->count; i++) {
        lower_program(m, &programs->program[i]);
    }
}
