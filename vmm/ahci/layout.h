/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, command structures and frames of an AHCI controller as its driver sees them; for the
 * device model's own files.
 *
 * References: Serial ATA Advanced Host Controller Interface (AHCI) 1.3.1, "HBA Memory Registers"
 * and "System Memory Structures"; Serial ATA 3.x, "Transport layer", for the frames (FIS).
 */
#ifndef VMM_AHCI_LAYOUT_H
#define VMM_AHCI_LAYOUT_H

#include <stdint.h>

enum hba_register {                  /* "Generic Host Control" */
    HBA_CAP = 0x00, HBA_GHC = 0x04, HBA_IS = 0x08, HBA_PI = 0x0c, HBA_VS = 0x10,
    HBA_PORTS = 0x100,               /* the ports' registers, one after the other */
    PORT_REGISTERS = 0x80,
};

#define CAP_NCS_SHIFT 8              /* command slots of a port - 1 */
#define CAP_PMD  (1u << 15)          /* PIO commands may have many data blocks */
#define CAP_SAM  (1u << 18)          /* AHCI mode only */
#define CAP_GEN2 (2u << 20)          /* interface speed: 3 Gbit/s */
#define CAP_SCLO (1u << 24)          /* command list override */
#define CAP_SNCQ (1u << 30)          /* native command queuing */
#define CAP_S64A (1u << 31)

#define GHC_HR (1u << 0)             /* reset */
#define GHC_IE (1u << 1)             /* interrupts enabled */
#define GHC_AE (1u << 31)            /* AHCI enabled */

#define VERSION_1_3_1 0x00010301u

enum port_register {                 /* "Port Registers" */
    PORT_CLB = 0x00, PORT_CLBU = 0x04, PORT_FB = 0x08, PORT_FBU = 0x0c, PORT_IS = 0x10,
    PORT_IE = 0x14, PORT_CMD = 0x18, PORT_TFD = 0x20, PORT_SIG = 0x24, PORT_SSTS = 0x28,
    PORT_SCTL = 0x2c, PORT_SERR = 0x30, PORT_SACT = 0x34, PORT_CI = 0x38,
};

#define CLB_MASK 0xfffffc00u         /* 1 KiB aligned */
#define FB_MASK  0xffffff00u         /* 256 bytes aligned */

#define PXIS_DHRS (1u << 0)          /* a device-to-host register FIS came */
#define PXIS_PSS  (1u << 1)          /* PIO setup FIS */
#define PXIS_SDBS (1u << 3)          /* set device bits FIS */
#define PXIS_DPS  (1u << 5)          /* a descriptor asked for it */
#define PXIS_PCS  (1u << 6)          /* mirrors SERR_X */
#define PXIS_OFS  (1u << 24)         /* more data than buffers */
#define PXIS_IFS  (1u << 27)         /* interface fatal error */
#define PXIS_HBFS (1u << 29)         /* host bus fatal error */
#define PXIS_TFES (1u << 30)         /* the device says error */
#define PXIS_ALL  0xfdc000ffu

#define PXCMD_ST   (1u << 0)         /* command list runs */
#define PXCMD_SUD  (1u << 1)         /* spun up, powered: always, as no port can do otherwise */
#define PXCMD_POD  (1u << 2)
#define PXCMD_CLO  (1u << 3)
#define PXCMD_FRE  (1u << 4)         /* FIS are received */
#define PXCMD_CCS_SHIFT 8
#define PXCMD_FR   (1u << 14)        /* mirrors of FRE and ST */
#define PXCMD_CR   (1u << 15)
#define PXCMD_ATAPI (1u << 24)
#define PXCMD_KEPT (PXCMD_ST | PXCMD_FRE | PXCMD_ATAPI)

#define SSTS_UP      0x123u          /* active, 3 Gbit/s, device and link there */
#define SSTS_OFFLINE 0x004u
#define SCTL_DET     0x00fu
#define SCTL_KEPT    0xfffu
enum { DET_NONE = 0, DET_RESET = 1, DET_OFFLINE = 4 };
#define SERR_X (1u << 26)            /* a device came */

enum {                               /* "Command List Structure", "Command Table" */
    HEADER_BYTES = 32, HEADER_PRDBC = 4, TABLE_PACKET = 0x40, TABLE_PRDT = 0x80, PRD_BYTES = 16,
};

struct ahci_header {
    uint32_t flags;                  /* length of the FIS in dwords, flags, entries of the PRDT */
    uint32_t transferred;
    uint64_t table;
};
_Static_assert(sizeof(struct ahci_header) == 16, "the rest of the header is reserved");

#define HEADER_CFL    0x1fu
#define HEADER_ATAPI  (1u << 5)
#define HEADER_WRITE  (1u << 6)
#define HEADER_PRDTL_SHIFT 16
#define TABLE_MASK    (~0x7full)

struct ahci_prd {
    uint64_t address;
    uint32_t reserved;
    uint32_t count;                  /* bytes - 1, 22 bits, and the interrupt bit */
};
_Static_assert(sizeof(struct ahci_prd) == PRD_BYTES, "Physical Region Descriptor Table");

#define PRD_COUNT     0x3fffffu
#define PRD_INTERRUPT (1u << 31)

enum received_fis {                  /* "Received FIS Structure": offsets */
    RECEIVED_PIO = 0x20, RECEIVED_D2H = 0x40, RECEIVED_SDB = 0x58,
};

enum fis_type { FIS_H2D = 0x27, FIS_D2H = 0x34, FIS_PIO = 0x5f, FIS_SDB = 0xa1 };

struct ahci_h2d {                    /* register FIS, host to device */
    uint8_t type, flags, command, features;
    uint8_t lba[3], device;
    uint8_t lba_high[3], features_high;
    uint8_t count, count_high, isochronous, control;
    uint32_t auxiliary;
};
_Static_assert(sizeof(struct ahci_h2d) == 20, "five dwords");

enum { H2D_COMMAND = 0x80 };         /* of `flags`: a command, not the control register */
enum { CONTROL_SRST = 0x04 };

struct ahci_d2h {                    /* register FIS, device to host; the PIO setup FIS is alike */
    uint8_t type, flags, status, error;
    uint8_t lba[3], device;
    uint8_t lba_high[3], reserved;
    uint8_t count, count_high, reserved1, end_status;
    uint16_t transferred, reserved2;
};
_Static_assert(sizeof(struct ahci_d2h) == 20, "five dwords");

enum { FLAG_INTERRUPT = 0x40, FLAG_TO_HOST = 0x20 };

struct ahci_sdb {                    /* set device bits FIS */
    uint8_t type, flags, status, error;
    uint32_t done;                   /* of queued commands, a bit each */
};
_Static_assert(sizeof(struct ahci_sdb) == 8, "two dwords");

#endif
