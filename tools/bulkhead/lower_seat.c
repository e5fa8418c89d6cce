/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seat: its drivers and the VMs that have a screen. Pictures don't cross the links: they lie in
 * a region that their author writes and their reader maps read-only. Trusts check.c.
 */
#include <stdlib.h>

#include "abi/call.h"

#include "lower_link.h"
#include "memory.h"

#define SEAT_HALF    4096u
#define KEYS_AREA    4096u
#define PICTURE_AREA (4u << 20)     /* 1024 x 1024 pixels; lib/screen/screen.h */

static struct link seat_link(uint32_t client, uint32_t server, const char *as, const char *shown,
                             struct origin origin) {
    return (struct link){
        .client = client, .server = server, .as = as, .server_as = "client", .shown = shown,
        .half = SEAT_HALF, .origin = origin,
    };
}

/* Makes a link whose client shows pictures to its server. */
static void picture_link(struct model *m, const struct link *link, const char *as, uint32_t owner) {
    char *name = memory_format("%s.%s", m->compartment[link->client].name, as);
    uint32_t region = lower_ram(m, name, PICTURE_AREA, BH_READ | BH_WRITE, owner, link->origin);

    link_make(m, link);
    struct bh_manifest_link *author = link_last(m, link->client);
    author->out_area = model_map_process(m, link->client, region, BH_READ | BH_WRITE, link->origin);
    author->out_size = PICTURE_AREA;
    struct bh_manifest_link *reader = link_last(m, link->server);
    reader->in_area = model_map_process(m, link->server, region, BH_READ, link->origin);
    reader->in_size = PICTURE_AREA;
    free(name);
}

/* The VM's reset clears its picture. The seat may see whether the VM runs. */
static void lower_screen(struct model *m, const struct program *vm, uint32_t client,
                         uint32_t seat) {
    struct origin origin = { tree_line(m->tree, "%s.screen", vm->path), vm->base->name };
    struct link link = seat_link(client, seat, "seat", vm->base->name, origin);

    picture_link(m, &link, SCREEN_REGION, client);
    lower_supervise(m, seat, client, 1u << BH_COMPARTMENT_STATE, origin);
}

void lower_seat(struct model *m, const struct programs *programs) {
    const struct description_seat *d = m->description->seat;
    uint32_t seat = model_find_compartment(m, d->base.name);
    struct origin origin = { tree_line(m->tree, "seat"), d->base.name };
    struct link screen = seat_link(seat, model_find_compartment(m, d->screen), "screen",
                                   d->base.name, origin);
    struct link keyboard = seat_link(seat, model_find_compartment(m, d->keyboard), "keyboard",
                                     d->base.name, origin);

    picture_link(m, &screen, "surface", seat);
    keyboard.area = KEYS_AREA;
    link_make(m, &keyboard);
    for (uint32_t i = 0; i < programs->count; i++) {
        if (programs->program[i].vm != NULL && programs->program[i].vm->screen) {
            lower_screen(m, &programs->program[i], i, seat);
        }
    }
}
