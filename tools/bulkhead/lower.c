/* SPDX-License-Identifier: BSD-2-Clause */
/* What all of the lowering shares, and its order. See lower.h. Trusts check.c. */
#include "lower.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "memory.h"
#include "values.h"

uint64_t lower_size(const char *text, uint64_t otherwise) {
    uint64_t bytes = otherwise;

    if (text != NULL && !value_size(text, &bytes)) {
        bytes = otherwise;
    }
    return bytes;
}

uint32_t lower_rights_of(const char *text, uint32_t otherwise) {
    uint32_t rights = otherwise;

    if (text != NULL && !value_rights(text, &rights)) {
        rights = otherwise;
    }
    return rights;
}

static char *find_file(const struct model *m, const char *file) {
    char *path = file[0] == '/' ? memory_text(file) : memory_format("%s/%s", m->build, file);

    if (access(path, R_OK) != 0 && file[0] != '/') {
        free(path);
        path = memory_format("%s/%s", m->folder, file);
    }
    return path;
}

uint32_t lower_file(struct model *m, const char *file, struct origin origin) {
    uint64_t size = 0;
    char *path = find_file(m, file);
    uint8_t *bytes = image_read_file(path, &size);
    uint32_t content = NO_CONTENT;

    if (bytes == NULL) {
        report_add(m->report, origin.line, origin.owner, "the file '%s' can't be read", file);
        report_mend(m->report, "build it again");
    } else if (size == 0) {
        report_add(m->report, origin.line, origin.owner, "the file '%s' is empty", file);
        report_mend(m->report, "build it again");
        free(bytes);
    } else {
        content = model_add_content(m, path, bytes, size);
    }
    free(path);
    return content;
}

uint32_t lower_ram(struct model *m, const char *name, uint64_t size, uint32_t rights,
                   uint32_t owner, struct origin origin) {
    struct bh_plan_region region = {
        .kind = BH_REGION_RAM, .rights = rights, .owner = owner, .size = size,
    };

    model_name(region.name, "%s", name);
    return model_add_region(m, region, NO_CONTENT, origin);
}

uint32_t lower_slot(struct model *m, uint32_t compartment, enum bh_slot_kind kind,
                    uint32_t object, uint32_t rights, struct origin origin) {
    return model_add_slot(m, (struct bh_plan_slot){
        .compartment = compartment, .kind = kind, .object = object, .rights = rights,
    }, origin);
}

uint32_t lower_channel_of(struct model *m, const char *name, uint32_t compartment, uint32_t thread,
                          uint32_t life_of, uint64_t bits, struct origin origin) {
    struct bh_plan_channel channel = {
        .thread = model_thread(m, compartment, thread), .life_of = life_of, .bits = bits,
    };

    model_name(channel.name, "%s", name);
    return model_add_channel(m, channel, origin);
}

uint32_t lower_channel(struct model *m, const char *name, uint32_t compartment, uint32_t thread,
                       uint32_t life_of, uint64_t *bits, struct origin origin) {
    *bits = model_take_bit(m, compartment, thread, origin);
    return lower_channel_of(m, name, compartment, thread, life_of, *bits, origin);
}

void lower_all(struct model *m, const struct programs *programs) {
    const struct description *d = m->description;

    model_name(m->header.name, "%s", d->system);
    m->header.cores = d->cores != NULL ? *d->cores : d->machine.cores;
    m->header.log_port = d->log_port;
    m->header.log_channel = BH_NONE;
    lower_programs(m, programs);
    lower_devices(m, programs);
    lower_memory(m, programs);
    lower_links(m, programs);
    lower_vms(m, programs);
    lower_disk_memories(m, programs);
    lower_mappings(m);
    lower_mode_names(m);
    lower_rights(m, programs);
    lower_modes(m, programs);
}
