/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Links: two half regions, each written by one end and read by the other, a data area for each
 * direction, a channel for each end and the life of its peer. Also what a switch and the driver of
 * its uplink share. Trusts check.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lower_link.h"
#include "memory.h"

#define STREAM_HALF   4096u
#define STREAM_AREA   (16u << 10)
#define UPLINK_POOL   (1u << 20)
#define UPLINK_RINGS  (64u << 10)

/* One region of a link as its two ends see it. */
struct shared {
    uint32_t region;
    uint64_t writer;                /* address in the process that writes it */
    uint64_t reader;
};

static struct shared share(struct model *m, const struct link *link, const char *part,
                           uint64_t size, uint32_t writer, uint32_t reader) {
    struct shared s = { BH_NONE, 0, 0 };

    if (size > 0) {
        char *name = memory_format("%s.%s.%s", m->compartment[link->client].name, link->as, part);
        s.region = lower_ram(m, name, size, BH_READ | BH_WRITE, BH_NONE, link->origin);
        s.writer = model_map_process(m, writer, s.region, BH_READ | BH_WRITE, link->origin);
        s.reader = model_map_process(m, reader, s.region, BH_READ, link->origin);
        free(name);
    }
    return s;
}

/* The bits that tell thread 0 of a compartment of another's life: one channel for all links. */
static uint64_t life_bits(struct model *m, uint32_t compartment, uint32_t peer,
                          struct origin origin) {
    uint32_t thread = model_thread(m, compartment, 0);
    uint64_t bits = 0;

    for (uint32_t i = 0; i < m->channel_count; i++) {
        if (m->channel[i].thread == thread && m->channel[i].life_of == peer) {
            return m->channel[i].bits;
        }
    }
    char *name = memory_format("%s.life.%s", m->compartment[compartment].name,
                               m->compartment[peer].name);
    lower_channel(m, name, compartment, 0, peer, &bits, origin);
    free(name);
    return bits;
}

/* An end's entry but for the addresses. `slot` notifies the peer, `bits` are the end's own. */
static struct bh_manifest_link *end_entry(struct model *m, const struct link *link, bool server,
                                          uint32_t slot, uint64_t bits) {
    uint32_t self = server ? link->server : link->client;
    uint32_t peer = server ? link->client : link->server;
    uint64_t life = life_bits(m, self, peer, link->origin);
    bool ports = strcmp(link->server_as, "port") == 0;
    uint32_t *count = ports ? &m->life[link->server].ports : &m->life[link->server].clients;
    struct bh_manifest_entry *e = NULL;

    if (server) {
        e = model_add_entry(m, self, BH_ENTRY_LINK, "%s%u", link->server_as, *count);
        model_name(e->link.peer, "%s", link->shown);
    } else {
        e = model_add_entry(m, self, BH_ENTRY_LINK, "%s", link->as);
        model_name(e->link.peer, "%s", m->compartment[peer].name);
    }
    e->slot = slot;
    e->bits = bits;
    e->link.life_bits = life;
    e->link.half_size = link->half;
    e->link.own_iova = BH_NO_ADDRESS;
    e->link.peer_iova = BH_NO_ADDRESS;
    e->link.server = server;
    e->link.port = *count;
    *count += server;
    return &e->link;
}

/* A channel into a thread of `to`, with a slot in `from`; *bits: those that it sets, which mean
 * nothing else in any thread unless it is thread 0. */
static uint32_t signal_path(struct model *m, const struct link *link, uint32_t from, uint32_t to,
                            uint32_t thread, uint64_t *bits) {
    char *name = memory_format("%s.%s", m->compartment[from].name, link->as);

    *bits = model_take_bit(m, to, thread == 0 ? 0 : BH_NONE, link->origin);
    uint32_t channel = lower_channel_of(m, name, to, thread, BH_NONE, *bits, link->origin);
    free(name);
    return lower_slot(m, from, BH_SLOT_CHANNEL, channel, 0, link->origin);
}

uint32_t link_make(struct model *m, const struct link *link) {
    struct shared client_half = share(m, link, "half", link->half, link->client, link->server);
    struct shared server_half = share(m, link, "peer", link->half, link->server, link->client);
    struct shared out = share(m, link, "out", link->area, link->client, link->server);
    struct shared in = share(m, link, "in", link->area, link->server, link->client);
    uint64_t client_bits = 0;
    uint64_t server_bits = 0;
    uint32_t to_server = signal_path(m, link, link->client, link->server, 0, &server_bits);
    uint32_t to_client = signal_path(m, link, link->server, link->client, link->thread,
                                     &client_bits);

    struct bh_manifest_link *c = end_entry(m, link, false, to_server, client_bits);
    c->own_half = client_half.writer;
    c->peer_half = server_half.reader;
    c->out_area = out.writer;
    c->in_area = in.reader;
    c->out_size = c->in_size = link->area;
    struct bh_manifest_link *s = end_entry(m, link, true, to_client, server_bits);
    s->own_half = server_half.writer;
    s->peer_half = client_half.reader;
    s->out_area = in.writer;
    s->in_area = out.reader;
    s->out_size = s->in_size = link->area;
    return out.region;
}

static struct link stream_link(uint32_t client, uint32_t server, const char *as,
                               const char *shown, struct origin origin) {
    return (struct link){
        .client = client, .server = server, .as = as, .server_as = "client", .shown = shown,
        .half = STREAM_HALF, .area = STREAM_AREA, .origin = origin,
    };
}

static void vm_line(struct model *m, uint32_t vm, uint32_t console, const char *as,
                    const char *suffix, struct origin origin) {
    char *shown = memory_format("%s.%s", m->compartment[vm].name, suffix);
    struct link link = stream_link(vm, console, as, shown, origin);

    link_make(m, &link);
    free(shown);
}

static void lower_console(struct model *m, const struct programs *programs) {
    const struct description_console *d = m->description->console;
    uint32_t console = model_find_compartment(m, d->base.name);
    uint32_t driver = model_find_compartment(m, d->driver);

    if (driver != BH_NONE) {
        struct origin origin = { tree_line(m->tree, "console.driver"), d->base.name };
        struct link link = stream_link(console, driver, "uart", d->base.name, origin);
        link_make(m, &link);
    }
    for (uint32_t i = 0; i < programs->count; i++) {
        const struct program *p = &programs->program[i];
        if (p->vm != NULL && !p->vm->no_serial) {
            vm_line(m, i, console, "serial0", "serial", lower_origin(p));
        }
        if (p->vm != NULL && !p->vm->no_hvc) {
            vm_line(m, i, console, "hvc0", "hvc", lower_origin(p));
        }
    }
    for (uint32_t i = 0; i < programs->count; i++) {
        const struct program *p = &programs->program[i];
        if (i != console && !p->base->quiet) {
            struct link link = stream_link(i, console, "log", p->base->name, lower_origin(p));
            link_make(m, &link);
        }
    }
}

void link_setting(struct model *m, uint32_t compartment, const char *name, const char *value) {
    struct bh_manifest_entry *e = model_add_entry(m, compartment, BH_ENTRY_SETTING, "%s", name);

    snprintf(e->value, sizeof(e->value), "%s", value);
}

bool lower_nic_is_virtio(const struct description_nic *nic) {
    return nic->model == NULL || strcmp(nic->model, "virtio") == 0;
}

/* One VM on a switch. Answers the region in which the VM puts what it sends. */
static uint32_t lower_nic(struct model *m, const struct program *vm, uint32_t client,
                          uint32_t server) {
    struct link link = {
        .client = client, .server = server, .as = "net0", .server_as = "port",
        .shown = vm->base->name, .half = NET_HALF, .area = NET_AREA,
        .origin = { tree_line(m->tree, "%s.nic", vm->path), vm->base->name },
    };
    char *name = memory_format("port%u.mac", m->life[server].ports);

    link_setting(m, client, "net0.mac", vm->vm->nic->mac);
    if (!lower_nic_is_virtio(vm->vm->nic)) {
        link_setting(m, client, "net0.model", vm->vm->nic->model);
    }
    link_setting(m, server, name, vm->vm->nic->mac);
    free(name);
    return link_make(m, &link);
}

/* The space of the first device of a driver that may do DMA. */
static uint32_t dma_space(const struct model *m, uint32_t driver) {
    for (uint32_t i = 0; i < m->device_count; i++) {
        if (m->device[i].owner == driver && m->device[i].space != BH_NONE) {
            return m->device[i].space;
        }
    }
    return BH_NONE;
}

uint64_t link_device_region(struct model *m, uint32_t driver, const char *name, uint32_t region,
                            uint32_t process, uint32_t dma, struct origin origin) {
    uint64_t address = process != 0 ? model_map_process(m, driver, region, process, origin) : 0;
    uint64_t iova = model_map_device(m, dma_space(m, driver), region, dma, origin);
    struct bh_manifest_entry *e = model_add_entry(m, driver, BH_ENTRY_REGION, "%s", name);

    e->address = address;
    e->size = m->region[region].size;
    e->iova = iova;
    return iova;
}

static bool has_region_entry(const struct model *m, uint32_t compartment, const char *name) {
    for (uint32_t i = 0; i < m->life[compartment].entry_count; i++) {
        const struct bh_manifest_entry *e = &m->life[compartment].entry[i];
        if (e->kind == BH_ENTRY_REGION && strcmp(e->name, name) == 0) {
            return true;
        }
    }
    return false;
}

void link_driver_memory(struct model *m, uint32_t driver, const char *as, uint64_t size,
                        struct origin origin) {
    if (has_region_entry(m, driver, as)) {
        return;
    }
    char *name = memory_format("%s.%s", m->compartment[driver].name, as);
    uint32_t rings = lower_ram(m, name, size, BH_READ | BH_WRITE, driver, origin);
    link_device_region(m, driver, as, rings, BH_READ | BH_WRITE, BH_READ | BH_WRITE, origin);
    free(name);
}

struct bh_manifest_link *link_last(struct model *m, uint32_t compartment) {
    struct bh_manifest_link *link = NULL;

    for (uint32_t i = 0; i < m->life[compartment].entry_count; i++) {
        struct bh_manifest_entry *e = &m->life[compartment].entry[i];
        link = e->kind == BH_ENTRY_LINK ? &e->link : link;
    }
    return link;
}

/* Does the compartment drive the physical function of a virtual one? */
static bool drives_physical(const struct model *m, uint32_t driver) {
    for (uint32_t i = 0; i < m->device_count; i++) {
        for (uint32_t k = 0; k < m->device_count && m->device[i].virtual != 0; k++) {
            if (m->device[k].owner == driver && m->device[k].virtual == 0
                && m->device[k].requester_id == m->device[i].requester_id) {
                return true;
            }
        }
    }
    return false;
}

/* Such a driver tells the card whom its virtual functions reach behind it. */
static void lower_port_address(struct model *m, const struct description_nic *nic, uint32_t port,
                               uint32_t driver) {
    char name[16];

    snprintf(name, sizeof(name), "port%u.mac", port);
    if (drives_physical(m, driver)) {
        link_setting(m, driver, name, nic->mac);
    }
}

/* The link of a switch to the driver of its uplink. Its areas are special: what comes in is the
 * pool that only the device writes and only the switch reads; what goes out are the ports' own. */
static void lower_uplink(struct model *m, const struct description_switch *d, uint32_t netswitch,
                         const uint32_t *areas, uint32_t ports, struct origin origin) {
    uint32_t driver = model_find_compartment(m, d->uplink);
    struct link link = {
        .client = netswitch, .server = driver, .as = "uplink", .server_as = "client",
        .shown = d->base.name, .half = NET_HALF, .area = 0, .origin = origin,
    };
    char *name = memory_format("%s.pool", d->uplink);

    link_driver_memory(m, driver, "rings", UPLINK_RINGS, origin);
    link_make(m, &link);
    uint32_t pool = lower_ram(m, name, lower_size(d->pool, UPLINK_POOL), BH_READ | BH_WRITE,
                              driver, origin);
    uint64_t iova = link_device_region(m, driver, "pool", pool, 0, BH_WRITE, origin);
    uint64_t address = model_map_process(m, netswitch, pool, BH_READ, origin);
    struct bh_manifest_link *end = link_last(m, netswitch);
    end->in_area = address;
    end->in_size = m->region[pool].size;
    link_last(m, driver)->own_iova = iova;
    free(name);
    for (uint32_t i = 0; i < ports; i++) {
        char tx[16];
        snprintf(tx, sizeof(tx), "tx%u", i);
        link_device_region(m, driver, tx, areas[i], 0, BH_READ, origin);
    }
}

/* A driver domain is a port like any other; the switch learns which one leads outside. */
static void lower_trunk(struct model *m, uint32_t netswitch, uint32_t port) {
    char *number = memory_format("%u", port);

    link_setting(m, netswitch, "trunk", number);
    free(number);
}

static void lower_switch(struct model *m, const struct programs *programs, uint32_t netswitch) {
    const struct description_switch *d = programs->program[netswitch].netswitch;
    uint32_t areas[BH_MAX_COMPARTMENTS];
    uint32_t ports = 0;
    bool by_driver = d->uplink != NULL;

    for (uint32_t i = 0; i < programs->count; i++) {
        const struct program *p = &programs->program[i];
        bool on_it = p->vm != NULL && p->vm->nic != NULL
                  && strcmp(p->vm->nic->netswitch, d->base.name) == 0;
        if (!on_it) {
            continue;
        }
        if (d->uplink != NULL && strcmp(d->uplink, p->base->name) == 0) {
            lower_trunk(m, netswitch, ports);
            by_driver = false;
        }
        if (by_driver) {
            lower_port_address(m, p->vm->nic, ports, model_find_compartment(m, d->uplink));
        }
        areas[ports++] = lower_nic(m, p, i, netswitch);
    }
    if (by_driver) {
        struct origin origin = {
            tree_line(m->tree, "%s.uplink", programs->program[netswitch].path), d->base.name
        };
        lower_uplink(m, d, netswitch, areas, ports, origin);
    }
}

static void lower_described_link(struct model *m, const struct description_link *d,
                                 struct origin origin) {
    bool net = d->kind != NULL && strcmp(d->kind, "net") == 0;
    struct link link = {
        .client = model_find_compartment(m, d->client),
        .server = model_find_compartment(m, d->server),
        .as = d->as != NULL ? d->as : d->server,
        .server_as = d->server_as != NULL ? d->server_as : "client",
        .shown = d->shown != NULL ? d->shown : d->client,
        .half = lower_size(d->half, net ? NET_HALF : STREAM_HALF),
        .area = lower_size(d->area, net ? NET_AREA : STREAM_AREA),
        .origin = origin,
    };

    link_make(m, &link);
}

void lower_links(struct model *m, const struct programs *programs) {
    const struct description *d = m->description;

    for (uint32_t i = 0; i < programs->count; i++) {
        if (programs->program[i].role == ROLE_SWITCH) {
            lower_switch(m, programs, i);
        }
    }
    lower_disks(m, programs);
    if (d->seat != NULL) {
        lower_seat(m, programs);
    }
    for (uint32_t i = 0; i < d->links_count; i++) {
        struct origin origin = { tree_line(m->tree, "links[%u]", i), d->links[i].client };
        lower_described_link(m, &d->links[i], origin);
    }
    if (d->console != NULL) {
        lower_console(m, programs);
    }
}
