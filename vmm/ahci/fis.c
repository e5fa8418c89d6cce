/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that the drive sends and the port puts into the driver's received FIS area (AHCI,
 * "Received FIS Structure"), with the task file that they change. Where that area isn't RAM, the
 * port fails.
 */
#include "vmm/ahci/parts.h"

#include "lib/c/string.h"

/* What comes while FIS aren't received is lost. */
static bool post(struct ahci_port *port, uint32_t offset, const void *fis, size_t size) {
    if (!(port->control & PXCMD_FRE) || !pci_may_master(port->pci))
        return true;
    if (guest_write(port->memory, (struct gpa){ port->received + offset }, fis, size))
        return true;
    ahci_fail_port(port, PXIS_HBFS);
    return false;
}

bool ahci_send_registers(struct ahci_port *port, const struct ahci_d2h *fis) {
    port->status = fis->status;
    port->error = fis->error;
    if (!post(port, RECEIVED_D2H, fis, sizeof(*fis)))
        return false;
    if (fis->flags & FLAG_INTERRUPT)
        port->causes |= PXIS_DHRS;
    return true;
}

/* SATA, "PIO Setup": the status before the data, and the one after it. Its interrupt is that of
 * data towards the host. */
bool ahci_send_pio_setup(struct ahci_port *port, const struct ahci_h2d *command, uint32_t bytes,
                         bool to_host) {
    struct ahci_d2h fis = ahci_registers_of(command);
    fis.type = FIS_PIO;
    fis.flags = to_host ? FLAG_TO_HOST | FLAG_INTERRUPT : 0;
    fis.status = STATUS_GOOD | STATUS_DATA;
    fis.end_status = STATUS_GOOD;
    fis.transferred = (uint16_t)bytes;
    if (!post(port, RECEIVED_PIO, &fis, sizeof(fis)))
        return false;
    if (to_host)
        port->causes |= PXIS_PSS;
    return true;
}

/* SATA, "Set Device Bits": the status but for its bits 7 and 3. */
bool ahci_send_device_bits(struct ahci_port *port, uint32_t done) {
    enum { STATUS_BITS = 0x77 };
    const struct ahci_sdb fis = {
        .type = FIS_SDB, .flags = FLAG_INTERRUPT, .status = port->status & STATUS_BITS,
        .error = port->error, .done = done,
    };
    if (!post(port, RECEIVED_SDB, &fis, sizeof(fis)))
        return false;
    port->active &= ~done;
    port->causes |= PXIS_SDBS;
    return true;
}

/* Registers that still hold what the command wrote. */
struct ahci_d2h ahci_registers_of(const struct ahci_h2d *command) {
    struct ahci_d2h fis = { .type = FIS_D2H, .device = command->device };
    memcpy(fis.lba, command->lba, sizeof(fis.lba));
    memcpy(fis.lba_high, command->lba_high, sizeof(fis.lba_high));
    return fis;
}
