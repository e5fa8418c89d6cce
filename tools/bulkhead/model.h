/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan under construction: its tables with the origin (line, owner) of every entry, the
 * content, and each compartment's manifest. Whoever adds an object gets its index; a full table is
 * reported once and then answers index 0, so that building goes on and finds the other mistakes.
 */
#ifndef TOOLS_BULKHEAD_MODEL_H
#define TOOLS_BULKHEAD_MODEL_H

#include <stdbool.h>

#include "abi/manifest.h"
#include "abi/plan.h"

#include "description.h"
#include "report.h"
#include "tree.h"

/* Who wrote what an object comes from, for messages. */
struct origin {
    unsigned    line;
    const char *owner;
};

#define MODEL_TABLE(type, field, most) \
    struct type   field[most]; \
    struct origin field##_origin[most]; \
    uint32_t      field##_count; \
    bool          field##_full  /* and one more was wanted */

#define MODEL_CONTENTS 256
#define NO_CONTENT     BH_NONE

/* Bytes that the plan carries: part of a file or made by the tool. */
struct model_content {
    char    *key;               /* the same key: the same bytes, carried once */
    uint8_t *bytes;
    uint64_t size;
    uint64_t offset;            /* in the plan, once laid out */
};

struct model_compartment {
    uint32_t  space;
    uint32_t  slot_count;
    uint32_t  first_thread;     /* they are contiguous */
    uint64_t  next_address;     /* where the next region is mapped in the process */
    uint64_t  bits_used[BH_MAX_THREADS];    /* of each of its threads' notification words */
    uint32_t  vcpus;            /* a VM's, else 0: thread n + 1 runs vCPU n */
    uint32_t  guest_space;      /* a VM's, else BH_NONE */
    uint32_t  next_port;        /* a VM's next doorbell port */
    uint32_t  clients;          /* links that it serves as "client0", .. */
    uint32_t  ports;            /* ... and as "port0", .. */
    struct bh_manifest_entry *entry;
    uint32_t  entry_count;
    struct origin origin;
};

struct model {
    const struct description *description;
    struct tree   *tree;
    struct report *report;
    const char    *build;       /* folder of what was built: programs and guest images */
    const char    *folder;      /* folder of the description */

    struct bh_plan_header header;
    MODEL_TABLE(bh_plan_region, region, BH_MAX_REGIONS);
    MODEL_TABLE(bh_plan_space, space, BH_MAX_SPACES);
    MODEL_TABLE(bh_plan_mapping, mapping, BH_MAX_MAPPINGS);
    MODEL_TABLE(bh_plan_compartment, compartment, BH_MAX_COMPARTMENTS);
    MODEL_TABLE(bh_plan_slot, slot, BH_MAX_SLOTS);
    MODEL_TABLE(bh_plan_thread, thread, BH_MAX_THREADS);
    MODEL_TABLE(bh_plan_vcpu, vcpu, BH_MAX_VCPUS);
    MODEL_TABLE(bh_plan_doorbell, doorbell, BH_MAX_DOORBELLS);
    MODEL_TABLE(bh_plan_channel, channel, BH_MAX_CHANNELS);
    MODEL_TABLE(bh_plan_interrupt, interrupt, BH_MAX_INTERRUPTS);
    MODEL_TABLE(bh_plan_device, device, BH_MAX_DEVICES);
    MODEL_TABLE(bh_plan_port_range, port_range, BH_MAX_PORT_RANGES);
    MODEL_TABLE(bh_plan_mode, mode, BH_MAX_MODES);
    MODEL_TABLE(bh_plan_placement, placement, BH_MAX_PLACEMENTS);

    uint32_t region_content[BH_MAX_REGIONS];        /* index of content, or NO_CONTENT */
    struct model_content content[MODEL_CONTENTS];
    uint32_t content_count;
    struct model_compartment life[BH_MAX_COMPARTMENTS];
    uint64_t next_iova[BH_MAX_SPACES];
    char     device_as[BH_MAX_DEVICES][BH_NAME_SIZE];   /* what its driver calls it */
    bool     device_passed[BH_MAX_DEVICES];         /* to its owner's guest */
};

struct model *model_new(const struct description *description, struct tree *tree,
                        struct report *report);
void model_free(struct model *model);

/* Copies `name` into a fixed field; a longer one is cut (names were checked before). */
void model_name(char field[BH_NAME_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Each adds one entry as given and answers its index. */
uint32_t model_add_region(struct model *m, struct bh_plan_region region, uint32_t content,
                          struct origin origin);
uint32_t model_add_space(struct model *m, struct bh_plan_space space, struct origin origin);
uint32_t model_add_mapping(struct model *m, struct bh_plan_mapping mapping, struct origin origin);
uint32_t model_add_compartment(struct model *m, struct bh_plan_compartment compartment,
                               struct origin origin);
uint32_t model_add_thread(struct model *m, struct bh_plan_thread thread, struct origin origin);
uint32_t model_add_vcpu(struct model *m, struct bh_plan_vcpu vcpu, struct origin origin);
uint32_t model_add_doorbell(struct model *m, struct bh_plan_doorbell doorbell,
                            struct origin origin);
uint32_t model_add_channel(struct model *m, struct bh_plan_channel channel, struct origin origin);
uint32_t model_add_interrupt(struct model *m, struct bh_plan_interrupt interrupt,
                             struct origin origin);
uint32_t model_add_device(struct model *m, struct bh_plan_device device, struct origin origin);
uint32_t model_add_port_range(struct model *m, struct bh_plan_port_range range,
                              struct origin origin);
uint32_t model_add_mode(struct model *m, struct bh_plan_mode mode, struct origin origin);
uint32_t model_add_placement(struct model *m, struct bh_plan_placement placement,
                             struct origin origin);

/* Adds a slot to a compartment's table; answers its number in that compartment. */
uint32_t model_add_slot(struct model *m, struct bh_plan_slot slot, struct origin origin);

/* Content by key: takes over `bytes` (of malloc), unless the key is there already. */
uint32_t model_add_content(struct model *m, const char *key, uint8_t *bytes, uint64_t size);

/* A new entry of a compartment's manifest, all but name and kind empty. Valid until the next. */
struct bh_manifest_entry *model_add_entry(struct model *m, uint32_t compartment,
                                          enum bh_manifest_kind kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Takes a free bit of a thread's notification word (thread: its number in the compartment; BH_NONE:
 * one bit of all threads' words). */
uint64_t model_take_bit(struct model *m, uint32_t compartment, uint32_t thread,
                        struct origin origin);

/* Maps a whole region in a process at a free address, a guard page away from its neighbours. */
uint64_t model_map_process(struct model *m, uint32_t compartment, uint32_t region,
                           uint32_t rights, struct origin origin);

/* Maps a whole region in a device space at a free IOVA. */
uint64_t model_map_device(struct model *m, uint32_t space, uint32_t region, uint32_t rights,
                          struct origin origin);

/* Objects by name; BH_NONE: none such. */
uint32_t model_find_compartment(const struct model *m, const char *name);
uint32_t model_find_region(const struct model *m, const char *name);
uint32_t model_find_device(const struct model *m, const char *name);

/* Bytes of RAM for all regions. */
uint64_t model_ram(const struct model *m);

/* The plan's index of a compartment's thread. */
uint32_t model_thread(const struct model *m, uint32_t compartment, uint32_t number);

#endif
