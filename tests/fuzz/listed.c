/* SPDX-License-Identifier: BSD-2-Clause */
/* See listed.h. */
#include "tests/fuzz/listed.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/vm_fake.h"

static uint64_t lists[BACKEND_SLOTS][BLOCK_LIST / 8];
static const struct backend *model;

void listed_begin(struct backend *backend, bool direct) {
    model = backend;
    backend->lists = direct ? lists[0] : NULL;
    backend->memory = &vm_fake.vm.memory;
}

/* What was answered before it was read is no more: nothing is listed, or what a later request needs. */
static bool is_under_way(struct ring_descriptor request) {
    uint32_t tag = block_tag(request);
    return backend_under_way(model, tag) &&
           memcmp(&model->request[tag].message, &request, sizeof(request)) == 0;
}

void listed_check(struct ring_descriptor request) {
    uint64_t left = request.length * (uint64_t)BLOCK_SECTOR;
    if (!block_listed(request) || !is_under_way(request))
        return;
    if (request.offset / BLOCK_LIST >= BACKEND_SLOTS)
        abort();
    for (const uint64_t *list = lists[request.offset / BLOCK_LIST]; left > 0; list++) {
        uint64_t part = BLOCK_PAGE - *list % BLOCK_PAGE;
        part = part < left ? part : left;
        if (!block_within(*list, part, FAKE_RAM))
            abort();
        left -= part;
    }
}
