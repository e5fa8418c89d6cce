/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port's structures in guest memory (AHCI, "System Memory Structures"): command list, command
 * tables, descriptors. The driver writes them at any time; each is copied once, then checked.
 */
#include "vmm/ahci/parts.h"

#include "lib/c/string.h"

static struct gpa header_at(const struct ahci_port *port, uint32_t slot) {
    return (struct gpa){ port->list + (uint64_t)slot * HEADER_BYTES };
}

/* One copy each of header, FIS and packet; false: they aren't in RAM. */
bool ahci_fetch(const struct ahci_port *port, struct ahci_command *command, uint32_t slot) {
    struct ahci_header header;
    if (!guest_read(port->memory, header_at(port, slot), &header, sizeof(header)))
        return false;
    command->table = header.table & TABLE_MASK;
    command->descriptors = header.flags >> HEADER_PRDTL_SHIFT;
    command->buffers = 0;
    command->interrupt = false;
    command->next = (struct ahci_cursor){ 0 };
    command->sectors = command->asked = command->under_way = command->transferred = 0;
    command->protocol = AHCI_NO_DATA;
    command->flush = false;
    command->answer = 0;
    return guest_read(port->memory, (struct gpa){ command->table }, &command->fis,
                      sizeof(command->fis)) &&
           guest_read(port->memory, (struct gpa){ command->table + TABLE_PACKET }, command->packet,
                      sizeof(command->packet));
}

/* A region's address and length are even; the lowest bits don't count. */
static bool fetch_buffer(const struct ahci_port *port, struct ahci_command *command) {
    struct ahci_prd prd;
    struct gpa at = { command->table + TABLE_PRDT + (uint64_t)command->buffers * PRD_BYTES };
    if (!guest_read(port->memory, at, &prd, sizeof(prd)))
        return false;
    uint32_t size = ((prd.count & PRD_COUNT) | 1) + 1;
    uint8_t *bytes = guest_range(port->memory, (struct gpa){ prd.address & ~1ull }, size);
    command->buffer[command->buffers++] = (struct guest_buffer){ bytes, size };
    command->interrupt |= (prd.count & PRD_INTERRUPT) != 0;
    return bytes != NULL;
}

enum ahci_fetch ahci_fetch_buffers(const struct ahci_port *port, struct ahci_command *command,
                                   uint64_t bytes) {
    uint64_t held = 0;
    uint32_t most = ahci_regions(command);
    while (held < bytes && command->buffers < most) {
        if (!fetch_buffer(port, command))
            return AHCI_NOT_RAM;
        held += command->buffer[command->buffers - 1].size;
    }
    return held < bytes ? AHCI_TOO_SHORT : AHCI_FETCHED;
}

bool ahci_put_transferred(const struct ahci_port *port, uint32_t slot, uint32_t bytes) {
    struct gpa at = { header_at(port, slot).value + HEADER_PRDBC };
    return guest_write(port->memory, at, &bytes, sizeof(bytes));
}

/* ---- Data ---- */

/* The next bytes in one buffer, of at most `size`; moves on behind them. */
static struct guest_buffer next_part(const struct ahci_command *command, struct ahci_cursor *at,
                                     uint32_t size) {
    const struct guest_buffer *buffer = &command->buffer[at->buffer];
    uint32_t left = buffer->size - at->offset;
    struct guest_buffer part = { buffer->bytes + at->offset, left < size ? left : size };
    at->offset += part.size;
    if (at->offset == buffer->size)
        *at = (struct ahci_cursor){ at->buffer + 1, 0 };
    return part;
}

void ahci_gather(const struct ahci_command *command, struct ahci_cursor *at, uint8_t *to,
                 uint32_t size) {
    uint32_t done = 0;
    while (done < size && at->buffer < command->buffers) {
        struct guest_buffer part = next_part(command, at, size - done);
        memcpy(to + done, part.bytes, part.size);
        done += part.size;
    }
}

void ahci_scatter(const struct ahci_command *command, struct ahci_cursor *at, const uint8_t *from,
                  uint32_t size) {
    uint32_t done = 0;
    while (done < size && at->buffer < command->buffers) {
        struct guest_buffer part = next_part(command, at, size - done);
        memcpy(part.bytes, from + done, part.size);
        done += part.size;
    }
}

void ahci_skip(const struct ahci_command *command, struct ahci_cursor *at, uint32_t size) {
    uint32_t done = 0;
    while (done < size && at->buffer < command->buffers)
        done += next_part(command, at, size - done).size;
}
