/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a checked description to the plan under construction, one subject a file. The order of the
 * calls in lower_all matters: later ones look up what earlier ones added.
 */
#ifndef TOOLS_BULKHEAD_LOWER_H
#define TOOLS_BULKHEAD_LOWER_H

#include "model.h"
#include "programs.h"

void lower_all(struct model *m, const struct programs *programs);

/* lower_program.c: compartments, their images, threads and stacks. */
void lower_programs(struct model *m, const struct programs *programs);

/* lower_device.c: devices with spaces, BARs, ports, interrupts. */
void lower_devices(struct model *m, const struct programs *programs);

/* lower_memory.c: private and shared regions, mappings. */
void lower_memory(struct model *m, const struct programs *programs);
void lower_mappings(struct model *m);

/* lower_link.c: links of consoles, switches and those described one by one. */
void lower_links(struct model *m, const struct programs *programs);
bool lower_nic_is_virtio(const struct description_nic *nic);

/* A VM's picture: the seat reads it, its guest may draw in it. */
#define SCREEN_REGION "vram"

/* lower_vm.c: guest memory, images, vCPUs, doorbells. */
void lower_vms(struct model *m, const struct programs *programs);
void lower_disk_memories(struct model *m, const struct programs *programs);     /* after the VMs */

/* lower_rights.c: channels, supervision, power, counters, settings, modes. */
void lower_rights(struct model *m, const struct programs *programs);
void lower_supervise(struct model *m, uint32_t compartment, uint32_t other, uint32_t rights,
                     struct origin origin);
void lower_mode_names(struct model *m);
void lower_modes(struct model *m, const struct programs *programs);

/* A value that check.c has accepted, or `otherwise` when it isn't given. */
uint64_t lower_size(const char *text, uint64_t otherwise);
uint32_t lower_rights_of(const char *text, uint32_t otherwise);

/* The content of a file (by the build folder, then by the description's); reports a missing one. */
uint32_t lower_file(struct model *m, const char *file, struct origin origin);

/* A region of RAM; owner BH_NONE: shared, survives the reset of whoever uses it. */
uint32_t lower_ram(struct model *m, const char *name, uint64_t size, uint32_t rights,
                   uint32_t owner, struct origin origin);

/* A slot in `compartment`'s table for the object; answers its number there. */
uint32_t lower_slot(struct model *m, uint32_t compartment, enum bh_slot_kind kind,
                    uint32_t object, uint32_t rights, struct origin origin);

/* A channel that sets a fresh bit of a thread; answers the channel, *bits the bit. */
uint32_t lower_channel(struct model *m, const char *name, uint32_t compartment, uint32_t thread,
                       uint32_t life_of, uint64_t *bits, struct origin origin);

/* The same with a bit that was taken before. */
uint32_t lower_channel_of(struct model *m, const char *name, uint32_t compartment, uint32_t thread,
                          uint32_t life_of, uint64_t bits, struct origin origin);

/* The origin of a program as a whole. */
static inline struct origin lower_origin(const struct program *program) {
    return (struct origin){ program->line, program->base->name };
}

#endif
