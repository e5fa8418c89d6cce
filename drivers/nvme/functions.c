/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bringing virtual functions online (drivers/nvme/functions.h): who they are, their namespaces,
 * their queues and interrupts. Touches the admin queue only.
 */
#include "drivers/nvme/functions.h"

#include "drivers/nvme/queue.h"

enum {
    SPACES_MOST      = 1024,       /* of a disk; one with more has no virtual functions */
    IDS_MOST         = 256,        /* controllers that have one of them */
    /* Secondary controller list, 5.15 CNS 15h: how many, then an entry each */
    ENTRY_FIRST      = 32,
    ENTRY_SIZE       = 32,
    ENTRY_ID         = 0,
    ENTRY_PRIMARY    = 2,
    ENTRY_NUMBER     = 8,          /* of the virtual function, from 1 */
    /* Primary controller capabilities, CNS 14h: of each kind of resource */
    QUEUES_AT        = 32,
    INTERRUPTS_AT    = 64,
    FLEXIBLE         = 0,          /* all that can be given away, ... */
    FLEXIBLE_OWN     = 8,          /* ... what of it we hold, ... */
    PRIVATE          = 10,         /* what is ours for ever, ... */
    FUNCTION_MOST    = 12,         /* ... what a virtual function may have, ... */
    GRANULARITY      = 14,         /* ... in steps of this */
    QUEUES_LEAST     = 2,          /* of any controller: admin and one for I/O */
    INTERRUPTS_LEAST = 1,
    OWN_LEAST        = 2,          /* of both: what our own queues need */
};

struct share {
    uint32_t each;                 /* for each function with a namespace */
    uint32_t own, keep;            /* what we hold of the flexible ones, and need */
};

const struct nvme_function *nvme_function_of(const struct nvme_functions *functions,
                                             uint16_t controller) {
    for (uint32_t i = 0; i < NVME_FUNCTIONS; i++) {
        if (functions->function[i].listed && functions->function[i].controller == controller)
            return &functions->function[i];
    }
    return NULL;
}

static uint16_t word(const struct nvme *nvme, uint32_t offset) {
    return (uint16_t)nvme_identified(nvme, offset, 2);
}

/* NVMe 5.22. `what` is the action, with the kind of resource. */
static bool manage(struct nvme *nvme, uint16_t controller, uint32_t what, uint32_t count,
                   nvme_pause *pause) {
    struct nvme_command *command = nvme_next_admin(nvme, ADMIN_VIRTUAL);

    command->dword10 = what | (uint32_t)controller << 16;
    command->dword11 = count;
    return nvme_run_admin(nvme, pause);
}

/* An entry that contradicts an earlier one, or is of another primary controller, isn't there. */
static void take_entry(struct nvme *nvme, uint32_t at) {
    struct nvme_functions *f = &nvme->functions;
    uint16_t id = word(nvme, at + ENTRY_ID);
    uint32_t number = word(nvme, at + ENTRY_NUMBER);
    bool ours = word(nvme, at + ENTRY_PRIMARY) == f->own && id != f->own;

    if (!ours || number == 0 || number > NVME_FUNCTIONS || f->function[number - 1].listed ||
        nvme_function_of(f, id) != NULL)
        return;
    f->function[number - 1].controller = id;
    f->function[number - 1].listed = true;
}

static bool list(struct nvme *nvme, nvme_pause *pause) {
    uint32_t count;

    if (!nvme_identify(nvme, 0, IDENTIFY_SECONDARY, pause))
        return false;
    count = (uint32_t)nvme_identified(nvme, 0, 1);
    for (uint32_t i = 0; i < count && i < NVME_FUNCTIONS; i++)
        take_entry(nvme, ENTRY_FIRST + i * ENTRY_SIZE);
    return true;
}

/* Offline, nobody can use what is being changed. */
static bool take_offline(struct nvme *nvme, nvme_pause *pause) {
    for (uint32_t i = 0; i < NVME_FUNCTIONS; i++) {
        const struct nvme_function *function = &nvme->functions.function[i];

        if (function->listed && !manage(nvme, function->controller, VIRTUAL_OFFLINE, 0, pause))
            return false;
    }
    return true;
}

/* NVMe 5.19, for one controller. */
static bool attach(struct nvme *nvme, uint32_t space, uint32_t action, uint16_t id,
                   nvme_pause *pause) {
    struct nvme_command *command = nvme_next_admin(nvme, ADMIN_ATTACHMENT);

    nvme->rings->ids[0] = 1;
    nvme->rings->ids[1] = id;
    command->space = space;
    command->prp1 = nvme->rings_iova + offsetof(struct nvme_rings, ids);
    command->dword10 = action;
    return nvme_run_admin(nvme, pause);
}

static bool is_given(const struct nvme_functions *f, uint32_t space) {
    for (uint32_t i = 0; i < NVME_FUNCTIONS; i++) {
        if (f->function[i].space == space)
            return true;
    }
    return space == NVME_OWN_SPACE;
}

/* Those of the `count` controllers just identified that mustn't have it lose the namespace; other
 * primary controllers keep what nobody here has. */
static bool detach_others(struct nvme *nvme, uint32_t space, uint32_t count, nvme_pause *pause) {
    const struct nvme_functions *f = &nvme->functions;
    bool given = is_given(f, space);

    for (uint32_t i = 0; i < count; i++) {
        uint16_t id = word(nvme, 2 + 2 * i);
        bool ours = id == f->own || nvme_function_of(f, id) != NULL;

        if ((ours || given) && !nvme_space_is_for(f, id, space) &&
            !attach(nvme, space, ATTACHMENT_DETACH, id, pause))
            return false;
    }
    return true;
}

/* The controller gets the namespace if it must have it and isn't among the `count` that do. */
static bool attach_own(struct nvme *nvme, uint32_t space, uint32_t count, uint16_t id,
                       nvme_pause *pause) {
    if (!nvme_space_is_for(&nvme->functions, id, space))
        return true;
    for (uint32_t i = 0; i < count; i++) {
        if (word(nvme, 2 + 2 * i) == id)
            return true;
    }
    return attach(nvme, space, ATTACHMENT_ATTACH, id, pause);
}

/* We are the last to get it: QEMU 10.0 attaches to nobody what its sender has already. */
static bool set_space(struct nvme *nvme, uint32_t space, nvme_pause *pause) {
    const struct nvme_functions *f = &nvme->functions;
    uint32_t count;
    bool ok;

    if (!nvme_identify(nvme, space, IDENTIFY_ATTACHED, pause))
        return false;
    count = word(nvme, 0);
    ok = count <= IDS_MOST && detach_others(nvme, space, count, pause);
    for (uint32_t i = 0; i < NVME_FUNCTIONS && ok; i++)
        ok = !f->function[i].listed ||
             attach_own(nvme, space, count, f->function[i].controller, pause);
    return ok && attach_own(nvme, space, count, f->own, pause);
}

/* One after the other: the list of those behind `space` begins with the next one. */
static bool set_spaces(struct nvme *nvme, nvme_pause *pause) {
    uint32_t space = 0;

    for (uint32_t i = 0; i < SPACES_MOST; i++) {
        uint32_t next;

        if (!nvme_identify(nvme, space, IDENTIFY_ALLOCATED, pause))
            return false;
        next = (uint32_t)nvme_identified(nvme, 0, 4);
        if (next == 0)
            return true;
        if (next <= space || next > NVME_LAST_SPACE || !set_space(nvme, next, pause))
            return false;
        space = next;
    }
    return false;
}

static struct share learn_share(const struct nvme *nvme, uint32_t at) {
    uint32_t flexible = (uint32_t)nvme_identified(nvme, at + FLEXIBLE, 4);
    uint32_t step = word(nvme, at + GRANULARITY), most = word(nvme, at + FUNCTION_MOST);
    uint32_t own = word(nvme, at + FLEXIBLE_OWN), private = word(nvme, at + PRIVATE);
    struct share share = { .own = own, .keep = private < OWN_LEAST ? OWN_LEAST - private : 0 };

    share.each = own < flexible ? (flexible - own) / nvme->functions.count : 0;
    if (share.each > most)
        share.each = most;
    if (step > 0 && share.each > step)
        share.each -= share.each % step;
    return share;
}

/* What we hold without need is free after our next reset (5.22). */
static bool give_up(struct nvme *nvme, const struct share *share, uint32_t kind, uint32_t least,
                    nvme_pause *pause) {
    if (share->each >= least || share->own <= share->keep)
        return true;
    nvme->functions.wants_reset = true;
    return manage(nvme, nvme->functions.own, VIRTUAL_PRIMARY | kind, share->keep, pause);
}

static void bring_online(struct nvme *nvme, struct nvme_function *function, nvme_pause *pause) {
    uint16_t id = function->controller;

    function->online =
        manage(nvme, id, VIRTUAL_ASSIGN | VIRTUAL_QUEUES, function->queues, pause) &&
        manage(nvme, id, VIRTUAL_ASSIGN | VIRTUAL_INTERRUPTS, function->interrupts, pause) &&
        manage(nvme, id, VIRTUAL_ONLINE, 0, pause);
    if (!function->online)
        manage(nvme, id, VIRTUAL_OFFLINE, 0, pause);
}

static void share_out(struct nvme *nvme, nvme_pause *pause) {
    struct share queues, interrupts;

    if (!nvme_identify(nvme, 0, IDENTIFY_PRIMARY, pause))
        return;
    queues = learn_share(nvme, QUEUES_AT);
    interrupts = learn_share(nvme, INTERRUPTS_AT);
    if (!give_up(nvme, &queues, VIRTUAL_QUEUES, QUEUES_LEAST, pause) ||
        !give_up(nvme, &interrupts, VIRTUAL_INTERRUPTS, INTERRUPTS_LEAST, pause))
        return;
    if (queues.each < QUEUES_LEAST || interrupts.each < INTERRUPTS_LEAST)
        return;
    for (uint32_t i = 0; i < NVME_FUNCTIONS; i++) {
        struct nvme_function *function = &nvme->functions.function[i];

        function->queues = queues.each;
        function->interrupts = interrupts.each;
        if (function->listed && function->space != 0)
            bring_online(nvme, function, pause);
    }
}

bool nvme_take_space(struct nvme *nvme, nvme_pause *pause) {
    return nvme->functions.count > 0 && set_space(nvme, NVME_OWN_SPACE, pause);
}

void nvme_start_functions(struct nvme *nvme, nvme_pause *pause) {
    struct nvme_functions *f = &nvme->functions;

    f->wants_reset = false;
    for (uint32_t i = 0; i < NVME_FUNCTIONS; i++)
        f->function[i].listed = f->function[i].online = false;
    if (list(nvme, pause) && take_offline(nvme, pause) && set_spaces(nvme, pause))
        share_out(nvme, pause);
}
