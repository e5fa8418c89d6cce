/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware configuration device of QEMU's PCs, ports 0x510 and 0x511: how SeaBIOS and OVMF learn
 * what machine they are on. A selector names an item, which is then read byte by byte; what is
 * beyond an item's end reads as zero. Read-only, no DMA. State under the device lock; the items
 * are made before the guest starts (firmware.c).
 *
 * References: QEMU, docs/specs/fw_cfg.rst ("fw_cfg").
 */
#ifndef VMM_FWCFG_H
#define VMM_FWCFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FWCFG_PORT_SELECT 0x510u
#define FWCFG_PORT_DATA   0x511u
#define FWCFG_ITEMS       16u
#define FWCFG_STORE       12288u     /* bytes of all items together */
#define FWCFG_NAME        56u

enum fwcfg_key {
    FWCFG_SIGNATURE = 0x00, FWCFG_ID = 0x01, FWCFG_CPUS = 0x05, FWCFG_MAX_CPUS = 0x0f,
    FWCFG_DIRECTORY = 0x19, FWCFG_FIRST_FILE = 0x20, FWCFG_IRQ0_OVERRIDE = 0x8002,
};

struct fwcfg_item {
    uint16_t key;
    const uint8_t *bytes;            /* in the store, or somebody else's */
    uint32_t size;
    char     name[FWCFG_NAME];       /* of a file; empty: none */
};

struct fwcfg {
    uint16_t selected;
    uint32_t position;
    uint32_t count;
    uint32_t used;
    bool     overflow;               /* an item found no room */
    struct fwcfg_item item[FWCFG_ITEMS];
    uint8_t  store[FWCFG_STORE];
};

void fwcfg_reset(struct fwcfg *device);

/* Room for an item of this size, zeroed, or NULL. */
uint8_t *fwcfg_add(struct fwcfg *device, uint16_t key, uint32_t size);
/* The same for a file, whose key comes from the directory. */
uint8_t *fwcfg_add_file(struct fwcfg *device, const char *name, uint32_t size);
/* A file whose bytes stay where they are. */
void fwcfg_add_image(struct fwcfg *device, const char *name, const uint8_t *bytes, uint32_t size);
/* The directory of all files, to be made last; false: some item found no room. */
bool fwcfg_finish(struct fwcfg *device);

void fwcfg_select(struct fwcfg *device, uint16_t key);
uint8_t fwcfg_read(struct fwcfg *device);

#endif
