/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and descriptors of the Intel 82574L. References: Intel 82574 GbE Controller Family
 * Datasheet, revision 3.4; the section stands beside each.
 */
#ifndef BULKHEAD_DRIVERS_E1000E_REGISTERS_H
#define BULKHEAD_DRIVERS_E1000E_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

enum nic_register {                /* byte offsets in BAR 0; section 10.1 */
    NIC_CTRL     = 0x0000,         /* 10.2.2.1 device control */
    NIC_STATUS   = 0x0008,         /* 10.2.2.2 */
    NIC_CTRL_EXT = 0x0018,         /* 10.2.2.5 */
    NIC_ICR      = 0x00c0,         /* 10.2.4.1 interrupt cause, cleared by reading */
    NIC_IMS      = 0x00d0,         /* 10.2.4.5 mask set */
    NIC_IMC      = 0x00d8,         /* 10.2.4.6 mask clear */
    NIC_EIAC     = 0x00dc,         /* 10.2.4.7 causes that a message clears by itself */
    NIC_IVAR     = 0x00e4,         /* 10.2.4.9 which cause raises which message */
    NIC_EITR     = 0x00e8,         /* 10.2.4.10 moderation, one register a message */
    NIC_RCTL     = 0x0100,         /* 10.2.5.1 receive control */
    NIC_TCTL     = 0x0400,         /* 10.2.6.1 transmit control */
    NIC_TIPG     = 0x0410,         /* 10.2.6.2 gap between packets */
    NIC_RDBAL    = 0x2800,         /* 10.2.5.7 to .11: receive ring */
    NIC_RDBAH    = 0x2804,
    NIC_RDLEN    = 0x2808,
    NIC_RDH      = 0x2810,
    NIC_RDT      = 0x2818,
    NIC_RDTR     = 0x2820,
    NIC_RXDCTL   = 0x2828,
    NIC_RADV     = 0x282c,
    NIC_TDBAL    = 0x3800,         /* 10.2.6.4 to .9: transmit ring */
    NIC_TDBAH    = 0x3804,
    NIC_TDLEN    = 0x3808,
    NIC_TDH      = 0x3810,
    NIC_TDT      = 0x3818,
    NIC_TIDV     = 0x3820,
    NIC_TXDCTL   = 0x3828,
    NIC_TADV     = 0x382c,
    NIC_RXCSUM   = 0x5000,         /* 10.2.5.15 */
    NIC_RFCTL    = 0x5008,         /* 10.2.5.16 */
    NIC_MTA      = 0x5200,         /* 10.2.5.17 multicast filter */
    NIC_RAL0     = 0x5400,         /* 10.2.5.18 own address, low four bytes */
    NIC_RAH0     = 0x5404,         /* high two bytes, bit 31: valid */
    NIC_MRQC     = 0x5818,         /* 10.2.5.22 */
    NIC_BAR_SIZE = 0x20000,
};

enum nic_bits {
    CTRL_SLU        = 1 << 6,      /* set link up */
    CTRL_RST        = 1 << 26,
    STATUS_LU       = 1 << 1,      /* the link is up */
    STATUS_SPEED    = 3 << 6,      /* 0: 10, 1: 100, 2 and 3: 1000 Mb/s */
    CTRL_EXT_PBA_CLEAR = 1 << 31,  /* a message clears its pending bit */
    RCTL_EN         = 1 << 1,
    RCTL_UPE        = 1 << 3,      /* unicast promiscuous: guests have addresses of their own */
    RCTL_MPE        = 1 << 4,      /* multicast promiscuous */
    RCTL_BAM        = 1 << 15,     /* broadcast accepted */
    RCTL_SECRC      = 1 << 26,     /* without the frame check sequence; buffers of 2048 bytes: 0 */
    TCTL_EN         = 1 << 1,
    TCTL_PSP        = 1 << 3,      /* pad short packets */
    TCTL_COLLISIONS = 15 << 4 | 63 << 12,
    TIPG_COPPER     = 8 | 8 << 10 | 6 << 20,
    DCTL_GRANULARITY = 1 << 24,    /* thresholds count descriptors */
    TXDCTL_RESERVED = 1 << 22,     /* "must be set" */
    DCTL_WRITE_BACK_1 = 1 << 16,   /* write each descriptor back at once */
    CAUSE_LSC       = 1 << 2,      /* link status changed */
    CAUSE_RXQ0      = 1 << 20,
    CAUSE_TXQ0      = 1 << 22,
    CAUSE_OTHER     = 1 << 24,
    IVAR_VALID      = 8,           /* of each four-bit field */
};

#define CAUSE_ALL 0xffffffffu

/* Message 0: received, 1: sent, 2: all else. */
#define IVAR_VALUE ((uint32_t)(IVAR_VALID | 0) | (uint32_t)(IVAR_VALID | 1) << 8 | \
                    (uint32_t)(IVAR_VALID | 2) << 16)

/* Legacy receive descriptor, 7.1.4. */
struct nic_receive {
    uint64_t address;
    uint16_t length;
    uint16_t checksum;
    uint8_t  status;
    uint8_t  errors;
    uint16_t vlan;
};

enum nic_receive_bits {
    RX_DONE         = 1 << 0,
    RX_LAST         = 1 << 1,      /* the frame ends in this buffer */
    RX_ERRORS       = 0x97,        /* CE, SE, SEQ, CXE, RXE */
};

/* Legacy transmit descriptor, 7.2.10.1. */
struct nic_transmit {
    uint64_t address;
    uint16_t length;
    uint8_t  checksum_offset;
    uint8_t  command;
    uint8_t  status;
    uint8_t  checksum_start;
    uint16_t vlan;
};

enum nic_transmit_bits {
    TX_LAST         = 1 << 0,      /* EOP */
    TX_CRC          = 1 << 1,      /* IFCS: append the frame check sequence */
    TX_REPORT       = 1 << 3,      /* RS: tell when it is done */
    TX_DONE         = 1 << 0,      /* in status */
};

_Static_assert(sizeof(struct nic_receive) == 16, "82574 datasheet 7.1.4");
_Static_assert(offsetof(struct nic_receive, status) == 12, "82574 datasheet 7.1.4");
_Static_assert(sizeof(struct nic_transmit) == 16, "82574 datasheet 7.2.10.1");
_Static_assert(offsetof(struct nic_transmit, status) == 12, "82574 datasheet 7.2.10.1");

#endif
