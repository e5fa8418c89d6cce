/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data of commands in work: each is cut into requests to the backend, which are submitted in
 * turn as slots come free and may be answered in any order.
 */
#include "vmm/ahci/parts.h"

/* ---- Commands ---- */

static uint32_t in_work(const struct ahci_port *port) {
    uint32_t current = port->current != AHCI_SLOTS && port->begun ? 1u << port->current : 0;
    return port->queued | current;
}

/* A flush waits for what was written before it. */
static bool has_request(const struct ahci_command *command) {
    return command->asked < command->sectors || (command->flush && command->under_way == 0);
}

/* The first of these slots that has a request; AHCI_SLOTS: none. */
static uint32_t first_slot(const struct ahci_port *port, uint32_t slots) {
    for (; slots != 0; slots &= slots - 1) {
        uint32_t slot = (uint32_t)__builtin_ctz(slots);
        if (has_request(&port->command[slot]))
            return slot;
    }
    return AHCI_SLOTS;
}

/* The next one in turn. */
static uint32_t next_slot(const struct ahci_port *port) {
    uint32_t slots = in_work(port);
    uint32_t had_theirs = (2u << port->served) - 1;
    uint32_t slot = first_slot(port, slots & ~had_theirs);
    return slot != AHCI_SLOTS ? slot : first_slot(port, slots & had_theirs);
}

bool ahci_has_requests(const struct ahci_port *port) {
    return next_slot(port) != AHCI_SLOTS;
}

static void finish_if_done(struct ahci_port *port, uint32_t slot) {
    const struct ahci_command *command = &port->command[slot];
    if (command->under_way == 0 && !has_request(command))
        ahci_finish(port, slot);
}

/* The next of a TRIM's ranges: the first sector, then how many, in the top 16 bits (ACS, "DATA SET
 * MANAGEMENT"). Empty ones are none. */
static void take_range(struct ahci_port *port, struct ahci_command *command) {
    while (port->range_next < AHCI_RANGES) {
        uint64_t range = port->range[port->range_next++];
        command->sector = range & BLOCK_LBA_MASK;
        command->sectors = (uint32_t)(range >> 48);
        command->asked = 0;
        if (command->sectors != 0)
            return;
    }
}

void ahci_begin_transfer(struct ahci_port *port, uint32_t slot, uint64_t bytes) {
    struct ahci_command *command = &port->command[slot];
    switch (ahci_fetch_buffers(port, command, bytes)) {
    case AHCI_NOT_RAM: ahci_fail_port(port, PXIS_HBFS); return;
    case AHCI_TOO_SHORT: ahci_fail_port(port, PXIS_OFS); return;
    default: break;
    }
    if (command->kind == BLOCK_DISCARD)
        take_range(port, command);
    finish_if_done(port, slot);
}

/* ---- Requests ---- */

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static void submit_flush(struct ahci_port *port, struct ahci_command *command, uint32_t tag) {
    command->flush = false;
    backend_submit(&port->backend, tag, BLOCK_FLUSH, 0, 0);
}

static void submit_sectors(struct ahci_port *port, struct ahci_command *command, uint32_t tag) {
    uint32_t most = command->kind == BLOCK_DISCARD ? BLOCK_DISCARD_MOST : BLOCK_MOST;
    uint32_t count = least(command->sectors - command->asked, most);
    if (command->kind == BLOCK_WRITE)
        ahci_gather(command, &command->next, backend_data(&port->backend, tag),
                    count * BLOCK_SECTOR);
    else if (command->kind == BLOCK_READ)
        ahci_skip(command, &command->next, count * BLOCK_SECTOR);
    backend_submit(&port->backend, tag, command->kind, command->sector + command->asked, count);
    command->asked += count;
    if (command->kind == BLOCK_DISCARD && command->asked == command->sectors)
        take_range(port, command);
}

bool ahci_submit_one(struct ahci_port *port) {
    uint32_t slot = next_slot(port);
    uint32_t tag = slot == AHCI_SLOTS ? BACKEND_SLOTS : backend_free(&port->backend);
    if (tag == BACKEND_SLOTS)
        return false;
    struct ahci_command *command = &port->command[slot];
    port->served = slot;
    port->piece[tag] = (struct ahci_piece){ slot, command->next };
    if (command->asked < command->sectors)
        submit_sectors(port, command, tag);
    else
        submit_flush(port, command, tag);
    command->under_way++;
    return true;
}

/* The data of a verified read, which has no buffers, goes nowhere. */
void ahci_complete(struct ahci_port *port, uint32_t tag, bool good) {
    struct ahci_piece *piece = &port->piece[tag];
    struct ahci_command *command = &port->command[piece->slot];
    const struct ring_descriptor *request = &port->backend.request[tag].message;
    uint32_t bytes = request->length * (uint32_t)BLOCK_SECTOR;
    command->under_way--;
    if (!good && port->cdrom) {
        ahci_fail_packet(port, piece->slot, SENSE_MEDIUM, SENSE_UNRECOVERED);
        return;
    }
    if (!good) {
        ahci_fail(port, piece->slot, ERROR_UNCORRECTABLE, block_lba(*request));
        return;
    }
    if (request->kind == BLOCK_READ)
        ahci_scatter(command, &piece->at, backend_data(&port->backend, tag), bytes);
    if (command->buffers != 0 && request->kind != BLOCK_DISCARD)
        command->transferred += bytes;
    finish_if_done(port, piece->slot);
}
