/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the NVMe controller's model need from one another.
 */
#ifndef VMM_NVME_PARTS_H
#define VMM_NVME_PARTS_H

#include "vmm/nvme/nvme.h"

/* nvme.c: the controller's life. */
void nvme_enable(struct nvme *nvme);                 /* EN was set */
void nvme_reset(struct nvme *nvme);                  /* EN was cleared: abandons all commands */

/* rules.c: a queue's number; an index of one; a transfer's sectors. */
bool nvme_number_good(uint32_t number);
bool nvme_index_good(uint32_t index, uint32_t size);
bool nvme_count_good(uint32_t sectors);

/* queue.c: queues in guest memory, their doorbells in registers and memory. */
bool nvme_open_sq(struct nvme *nvme, uint32_t number, uint64_t at, uint32_t size, uint32_t cq);
bool nvme_open_cq(struct nvme *nvme, uint32_t number, uint64_t at, uint32_t size);
/* Whether the queue has a command, and its completion queue room. */
bool nvme_has_command(struct nvme *nvme, uint32_t number);
/* Takes it, with that room. */
void nvme_fetch(struct nvme *nvme, uint32_t number, struct nvme_entry *entry);
/* Gives the room back, unused; or takes it for a command that gave it back. */
void nvme_unclaim(struct nvme *nvme, uint32_t number);
bool nvme_claim(struct nvme *nvme, uint32_t number);
void nvme_post(struct nvme *nvme, uint32_t number, uint16_t id, enum nvme_status status,
               uint32_t result);
/* A doorbell register was written; true: the I/O thread has something to do. */
bool nvme_ring(struct nvme *nvme, uint32_t doorbell, uint32_t value);
/* Asks for a write to a doorbell register at the next command; false: there is one already. */
bool nvme_arm(struct nvme *nvme);
void nvme_use_doorbells(struct nvme *nvme, uint8_t *doorbells, uint8_t *event_indexes);

/* pages.c: a command's data in guest memory. */
enum nvme_status nvme_find_pages(const struct nvme *nvme, const struct nvme_entry *entry,
                                 uint32_t bytes, struct nvme_pages *pages);
/* As many bytes as the pages were found for, or fewer. */
void nvme_gather(const struct nvme_pages *pages, void *to, uint32_t bytes);
void nvme_scatter(const struct nvme_pages *pages, const void *from, uint32_t bytes);

/* admin.c: true, there may be more to do at once. */
bool nvme_run_admin(struct nvme *nvme, unsigned budget);

/* features.c: features, events and logs. */
enum nvme_status nvme_set_features(struct nvme *nvme, const struct nvme_entry *entry,
                                   uint32_t *result);
enum nvme_status nvme_get_features(const struct nvme *nvme, const struct nvme_entry *entry,
                                   uint32_t *result);
void nvme_reset_features(struct nvme *nvme);
enum nvme_status nvme_get_log(struct nvme *nvme, const struct nvme_entry *entry);
void nvme_tell_events(struct nvme *nvme);

/* identify.c */
enum nvme_status nvme_identify(struct nvme *nvme, const struct nvme_entry *entry);

/* io.c: commands to the disk, and its answers. */
bool nvme_take_answers(struct nvme *nvme, unsigned budget, bool ready);
bool nvme_take_commands(struct nvme *nvme, unsigned budget);
/* The queue was deleted: its commands end nowhere. */
void nvme_disown(struct nvme *nvme, uint32_t sq);
/* Whether the disk may still move data of such commands from or to the guest's RAM. */
bool nvme_reaches_nobodys(const struct nvme *nvme);
void nvme_forget(struct nvme *nvme);

#endif
