/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the AHCI controller's model need from one another.
 */
#ifndef VMM_AHCI_PARTS_H
#define VMM_AHCI_PARTS_H

#include "vmm/ahci/ahci.h"
#include "vmm/ahci/ata.h"

enum {
    AHCI_BLOCK = 512,                /* bytes of an IDENTIFY, a log page, a block of ranges */
    AHCI_MULTIPLE = 16,              /* sectors of READ MULTIPLE at most */
};

/* ahci.c: after whatever may have changed a port's causes. */
void ahci_collect_causes(struct ahci *ahci);
uint32_t ahci_port_causes(const struct ahci_port *port);

/* port.c: the port's and its drive's life, and the commands that are issued. */
void ahci_port_create(struct ahci_port *port);
void ahci_port_reset(struct ahci_port *port);       /* registers but for the memory addresses */
void ahci_port_stop(struct ahci_port *port);        /* ST was cleared: abandons all commands */
void ahci_port_receive(struct ahci_port *port);     /* FRE was set */
void ahci_port_leave(struct ahci_port *port);       /* the link goes down: COMRESET begins */
void ahci_port_arrive(struct ahci_port *port);      /* the drive comes back, after a reset */
bool ahci_port_run(struct ahci_port *port, unsigned budget, uint32_t *last);
bool ahci_port_settle(struct ahci_port *port);

/* command.c: command list and command tables in guest memory. */
enum ahci_fetch { AHCI_FETCHED, AHCI_NOT_RAM, AHCI_TOO_SHORT };
bool ahci_fetch(const struct ahci_port *port, struct ahci_command *command, uint32_t slot);
/* Descriptors until they hold so many bytes. */
enum ahci_fetch ahci_fetch_buffers(const struct ahci_port *port, struct ahci_command *command,
                                   uint64_t bytes);
bool ahci_put_transferred(const struct ahci_port *port, uint32_t slot, uint32_t bytes);
/* From the command's buffers or to them, which must hold so much. */
void ahci_gather(const struct ahci_command *command, struct ahci_cursor *at, uint8_t *to,
                 uint32_t size);
void ahci_scatter(const struct ahci_command *command, struct ahci_cursor *at, const uint8_t *from,
                  uint32_t size);
void ahci_skip(const struct ahci_command *command, struct ahci_cursor *at, uint32_t size);

/* rules.c: how many of the command's descriptors are looked at. */
uint32_t ahci_regions(const struct ahci_command *command);

/* fis.c: what the drive sends, into the received FIS area. */
bool ahci_send_registers(struct ahci_port *port, const struct ahci_d2h *fis);
bool ahci_send_pio_setup(struct ahci_port *port, const struct ahci_h2d *command, uint32_t bytes,
                         bool to_host);
bool ahci_send_device_bits(struct ahci_port *port, uint32_t done);
struct ahci_d2h ahci_registers_of(const struct ahci_h2d *command);

/* finish.c: the ends of a command. The last one is no end that the driver's command has: the port
 * fails with a cause of PxIS. */
void ahci_finish(struct ahci_port *port, uint32_t slot);
void ahci_fail(struct ahci_port *port, uint32_t slot, uint8_t error, uint64_t sector);
void ahci_fail_packet(struct ahci_port *port, uint32_t slot, enum sense_key key,
                      enum sense_code code);
void ahci_fail_port(struct ahci_port *port, uint32_t cause);
/* The data that the drive answers by itself, then the end. */
void ahci_answer(struct ahci_port *port, uint32_t slot, const uint8_t *bytes, uint32_t size);

/* transfer.c: the data of commands in work, from and to the backend. */
bool ahci_has_requests(const struct ahci_port *port);
bool ahci_submit_one(struct ahci_port *port);
void ahci_complete(struct ahci_port *port, uint32_t tag, bool good);
/* Puts a command in work whose kind, sectors and protocol are set; of `bytes` of data. */
void ahci_begin_transfer(struct ahci_port *port, uint32_t slot, uint64_t bytes);

/* ata.c, packet.c: decode a command and begin it. */
void ahci_begin_ata(struct ahci_port *port, uint32_t slot);
void ahci_begin_packet(struct ahci_port *port, uint32_t slot);
bool ahci_is_queued(const struct ahci_port *port, const struct ahci_command *command);

/* identify.c: what the drives say of themselves. */
void ahci_identify_disk(const struct ahci_port *port, uint8_t answer[AHCI_BLOCK]);
void ahci_identify_cdrom(const struct ahci_port *port, uint8_t answer[AHCI_BLOCK]);

#endif
