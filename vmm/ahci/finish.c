/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How commands end: by the frames that their protocol asks for (SATA, "Device command layer
 * protocol"), or by an error, after which the port stands still until the driver stops it.
 */
#include "vmm/ahci/parts.h"

#include "lib/c/string.h"

void ahci_fail_port(struct ahci_port *port, uint32_t cause) {
    backend_forget(&port->backend);
    port->queued = 0;
    port->current = AHCI_SLOTS;
    port->failed = true;
    port->causes |= cause;
}

/* ---- Success ---- */

static bool end_registers(struct ahci_port *port, const struct ahci_command *command) {
    struct ahci_d2h fis = ahci_registers_of(&command->fis);
    fis.flags = FLAG_INTERRUPT;
    fis.status = STATUS_GOOD;
    fis.count = command->protocol == AHCI_PACKET ? REASON_DONE : command->answer;
    return ahci_send_registers(port, &fis);
}

static bool end_frames(struct ahci_port *port, const struct ahci_command *command) {
    bool packet_pio = command->protocol == AHCI_PACKET && command->transferred != 0 &&
                      !(command->fis.features & FEATURES_PACKET_DMA);
    if (command->protocol == AHCI_PIO_IN) {
        port->status = STATUS_GOOD;
        port->error = 0;
        return ahci_send_pio_setup(port, &command->fis, AHCI_BLOCK, true);
    }
    if (command->protocol == AHCI_PIO_OUT &&
        !ahci_send_pio_setup(port, &command->fis, AHCI_BLOCK, false))
        return false;
    if (packet_pio && !ahci_send_pio_setup(port, &command->fis, command->transferred, true))
        return false;
    return end_registers(port, command);
}

static void finish_queued(struct ahci_port *port, uint32_t slot) {
    port->queued &= ~(1u << slot);
    ahci_send_device_bits(port, 1u << slot);
}

/* Data first, then the count, then the frames: whoever polls memory finds them in this order. */
void ahci_finish(struct ahci_port *port, uint32_t slot) {
    struct ahci_command *command = &port->command[slot];
    if (command->interrupt)
        port->causes |= PXIS_DPS;
    if (command->protocol == AHCI_QUEUED) {
        finish_queued(port, slot);
        return;
    }
    if (!ahci_put_transferred(port, slot, command->transferred)) {
        ahci_fail_port(port, PXIS_HBFS);
        return;
    }
    if (!end_frames(port, command))
        return;
    port->issued &= ~(1u << slot);
    port->current = AHCI_SLOTS;
}

void ahci_answer(struct ahci_port *port, uint32_t slot, const uint8_t *bytes, uint32_t size) {
    struct ahci_command *command = &port->command[slot];
    struct ahci_cursor start = { 0 };
    switch (ahci_fetch_buffers(port, command, size)) {
    case AHCI_NOT_RAM: ahci_fail_port(port, PXIS_HBFS); return;
    case AHCI_TOO_SHORT: ahci_fail_port(port, PXIS_OFS); return;
    default: break;
    }
    ahci_scatter(command, &start, bytes, size);
    command->transferred = size;
    ahci_finish(port, slot);
}

/* ---- Errors ---- */

static void put_sector(struct ahci_d2h *fis, uint64_t sector) {
    for (unsigned i = 0; i < 3; i++) {
        fis->lba[i] = (uint8_t)(sector >> (8 * i));
        fis->lba_high[i] = (uint8_t)(sector >> (24 + 8 * i));
    }
}

/* The others in the queue are aborted with it; the log tells which one it was (ACS, "NCQ Command
 * Error log"). */
static void fail_queued(struct ahci_port *port, uint32_t slot, const struct ahci_d2h *fis) {
    port->has_queued_error = true;
    port->error_slot = slot;
    port->queued_error = *fis;
    port->status = fis->status;
    port->error = fis->error;
    ahci_send_device_bits(port, 0);
}

void ahci_fail(struct ahci_port *port, uint32_t slot, uint8_t error, uint64_t sector) {
    const struct ahci_command *command = &port->command[slot];
    struct ahci_d2h fis = ahci_registers_of(&command->fis);
    fis.flags = FLAG_INTERRUPT;
    fis.status = STATUS_BAD;
    fis.error = error;
    fis.count = command->protocol == AHCI_PACKET ? REASON_DONE : 0;
    if (sector != 0)
        put_sector(&fis, sector);
    if (port->queued >> slot & 1)
        fail_queued(port, slot, &fis);
    else
        ahci_send_registers(port, &fis);
    ahci_fail_port(port, PXIS_TFES);
}

void ahci_fail_packet(struct ahci_port *port, uint32_t slot, enum sense_key key,
                      enum sense_code code) {
    port->sense_key = (uint8_t)key;
    port->sense_code = (uint8_t)code;
    ahci_fail(port, slot, (uint8_t)(key << 4 | ERROR_ABORTED), 0);
}
