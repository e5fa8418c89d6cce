/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and descriptors of the Intel 82576, as far as its physical function's driver uses them.
 * Reference: Intel 82576 Gigabit Ethernet Controller Datasheet, revision 2.63; the section stands
 * beside each.
 */
#ifndef BULKHEAD_DRIVERS_IGB_REGISTERS_H
#define BULKHEAD_DRIVERS_IGB_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

enum {
    IGB_POOLS    = 8,              /* 7.10.3: queue sets; virtual function n has pool n */
    IGB_VIRTUAL  = 7,              /* the most virtual functions beside us */
    IGB_OWN_POOL = 7,              /* ours, with queue 7: the default pool */
    IGB_QUEUE    = 0x40 * IGB_OWN_POOL,
    IGB_MAILBOX_WORDS = 16,
};

enum igb_register {                /* byte offsets in BAR 0; section 8.1.3 */
    IGB_CTRL      = 0x0000,        /* 8.2.1 device control */
    IGB_STATUS    = 0x0008,        /* 8.2.2 */
    IGB_CTRL_EXT  = 0x0018,        /* 8.2.3 */
    IGB_MDIC      = 0x0020,        /* 8.2.4 access to the PHY's registers */
    IGB_ICR       = 0x00c0,        /* 8.8.8 other causes, cleared by reading */
    IGB_IMS       = 0x00d0,        /* 8.8.10; these three by their old addresses */
    IGB_IMC       = 0x00d8,        /* 8.8.11 */
    IGB_RCTL      = 0x0100,        /* 8.10.1 receive control */
    IGB_TCTL      = 0x0400,        /* 8.12.1 transmit control */
    IGB_VMBMEM    = 0x0800,        /* 8.14.4 mailbox memory, 64 bytes a virtual function */
    IGB_P2VMAILBOX = 0x0c00,       /* 8.14.2 our side of each mailbox */
    IGB_MBVFICR   = 0x0c80,        /* 8.14.5 whose mailbox has what; write 1 to clear */
    IGB_MBVFIMR   = 0x0c84,        /* 8.14.6 whose mailbox interrupts */
    IGB_VFLRE     = 0x0c88,        /* 8.14.7 which were reset; write 1 to clear */
    IGB_VFRE      = 0x0c8c,        /* 8.14.8 which pools receive */
    IGB_VFTE      = 0x0c90,        /* 8.14.9 which pools send */
    IGB_GPIE      = 0x1514,        /* 8.8.15 how interrupts are made */
    IGB_EIMS      = 0x1524,        /* 8.8.3 message mask set */
    IGB_EIMC      = 0x1528,        /* 8.8.4 message mask clear */
    IGB_EIAC      = 0x152c,        /* 8.8.5 causes that a message clears by itself */
    IGB_IVAR      = 0x1700,        /* 8.8.13 which queue raises which message */
    IGB_IVAR_MISC = 0x1740,        /* 8.8.14 the same for other causes, in bits 15:8 */
    IGB_QDE       = 0x2408,        /* 8.10.15 queues that drop when they have no descriptors */
    IGB_DTXSWC    = 0x3500,        /* 8.12.4 switch control: loopback, anti-spoofing */
    IGB_VMVIR     = 0x3700,        /* 8.14.13 a pool's own VLAN */
    IGB_RXCSUM    = 0x5000,        /* 8.10.16 */
    IGB_MTA       = 0x5200,        /* 8.10.19 multicast filter */
    IGB_RAL       = 0x5400,        /* 8.10.20 receive address low; 16, and 8 more elsewhere */
    IGB_RAH       = 0x5404,        /* high two bytes, pools in bits 25:18, bit 31: valid */
    IGB_VFTA      = 0x5600,        /* 8.10.21 VLAN filter */
    IGB_MRQC      = 0x5818,        /* 8.10.24 */
    IGB_VT_CTL    = 0x581c,        /* 8.14.1 */
    IGB_VMOLR     = 0x5ad0,        /* 8.14.15 what a pool takes, and how */
    IGB_VLVF      = 0x5d00,        /* 8.14.14 which pools are in a VLAN */
    IGB_UTA       = 0xa000,        /* 8.10.26 unicast hash filter */
    IGB_RDBAL     = 0xc000 + IGB_QUEUE,    /* 8.10.5 to .9: our receive ring */
    IGB_RDBAH     = 0xc004 + IGB_QUEUE,
    IGB_RDLEN     = 0xc008 + IGB_QUEUE,
    IGB_SRRCTL    = 0xc00c + IGB_QUEUE,
    IGB_RDH       = 0xc010 + IGB_QUEUE,
    IGB_RDT       = 0xc018 + IGB_QUEUE,
    IGB_RXDCTL    = 0xc028 + IGB_QUEUE,
    IGB_TDBAL     = 0xe000 + IGB_QUEUE,    /* 8.12.8 to .13: our transmit ring */
    IGB_TDBAH     = 0xe004 + IGB_QUEUE,
    IGB_TDLEN     = 0xe008 + IGB_QUEUE,
    IGB_TDH       = 0xe010 + IGB_QUEUE,
    IGB_TDT       = 0xe018 + IGB_QUEUE,
    IGB_TXDCTL    = 0xe028 + IGB_QUEUE,
    IGB_BAR_SIZE  = 0x20000,
};

enum igb_bits {
    CTRL_SLU       = 1 << 6,       /* set link up */
    CTRL_RST       = 1 << 26,
    STATUS_LU      = 1 << 1,       /* the link is up */
    STATUS_SPEED   = 3 << 6,       /* 0: 10, 1: 100, 2 and 3: 1000 Mb/s */
    CTRL_EXT_PFRSTD = 1 << 14,     /* tells the virtual functions that we are reset and ready */
    MDIC_WRITE     = 1 << 26 | 1 << 21,    /* of PHY 1 */
    MDIC_READY     = 1 << 28,
    PHY_CONTROL    = 0 << 16,      /* IEEE 802.3 22.2.4.1, with 1000 Mb/s and full duplex: */
    PHY_NEGOTIATE  = 1 << 6 | 1 << 8 | 1 << 9 | 1 << 12,
    RCTL_EN        = 1 << 1,
    RCTL_UPE       = 1 << 3,       /* unicast and multicast promiscuous: pools filter themselves */
    RCTL_MPE       = 1 << 4,
    RCTL_BAM       = 1 << 15,
    RCTL_VFE       = 1 << 18,      /* VLAN filter on */
    RCTL_SECRC     = 1 << 26,
    TCTL_EN        = 1 << 1,
    TCTL_PSP       = 1 << 3,
    TCTL_COLLISIONS = 15 << 4 | 63 << 12,
    MRQC_POOLS     = 3,            /* queues by pool (VMDq) */
    VT_DEFAULT_POOL = IGB_OWN_POOL << 7,
    VT_REPLICATE   = 1 << 30,      /* group frames go to every pool that takes them */
    SRRCTL_2K      = 2,            /* buffers of 2048 bytes */
    SRRCTL_ADVANCED = 1 << 25,     /* advanced descriptors, one buffer each */
    DCTL_ENABLE    = 1 << 25,
    DCTL_WRITE_BACK_1 = 1 << 16,
    GPIE_CLEAR_ICR = 1 << 0,       /* reading ICR clears it */
    GPIE_MSIX      = 1 << 4,
    IVAR_VALID     = 1 << 7,
    ICR_LSC        = 1 << 2,       /* link status changed */
    ICR_MAILBOX    = 1 << 8,       /* a mailbox or a reset of a virtual function */
    VMOLR_UNTAGGED = 1 << 24,
    VMOLR_MULTICAST = 1 << 25,     /* multicast that the filter lets pass */
    VMOLR_UNICAST  = 1 << 26,      /* the same for unicast */
    VMOLR_BROADCAST = 1 << 27,
    VMOLR_STRIP_VLAN = 1 << 30,
    VMVIR_DEFAULT  = 1 << 30,      /* every frame gets this VLAN */
    P2V_STATUS     = 1 << 0,       /* a message from us is there */
    P2V_ACK        = 1 << 1,       /* we have read the message */
    P2V_TAKE       = 1 << 3,       /* the memory is ours; not granted while the peer has it */
    P2V_TAKE_AWAY  = 1 << 4,       /* the peer's claim is ended */
};

#define RAH_VALID      0x80000000u
#define RAH_POOL(pool) (1u << (18 + (pool)))
#define GPIE_PENDING   0x80000000u     /* a message clears its pending bit */
#define SRRCTL_DROP    0x80000000u
#define VMOLR_STRIP_CRC 0x80000000u
#define VLVF_ENABLE    0x80000000u
#define VLVF_POOL(pool) (1u << (12 + (pool)))
#define DTXSWC_LOOPBACK 0x80000000u    /* frames from one pool to another stay inside */
#define DTXSWC_CHECKED 0x7f7fu         /* virtual functions: source address, and source VLAN */

/* Messages 0 to 2: mailboxes and link, received, sent. */
enum igb_cause {
    CAUSE_OTHER = 1 << 0, CAUSE_RECEIVED = 1 << 1, CAUSE_SENT = 1 << 2,
    CAUSE_ALL = CAUSE_OTHER | CAUSE_RECEIVED | CAUSE_SENT,
};

/* Advanced receive descriptor, 7.1.5: as it is given, and as the card writes it back. */
struct igb_receive {
    uint64_t address;              /* written back: packet type, hash */
    uint32_t status;               /* low half of the header's address when given: zero */
    uint16_t length;
    uint16_t vlan;
};

#define RX_ERROR 0x80000000u
enum igb_receive_bits {
    RX_DONE = 1 << 0, RX_LAST = 1 << 1,
};

/* Advanced transmit data descriptor, 7.2.2.3. */
struct igb_transmit {
    uint64_t address;
    uint32_t command;              /* length in bits 15:0 */
    uint32_t status;               /* given: payload length in bits 31:14 */
};

enum igb_transmit_bits {
    TX_DATA   = 3 << 20,
    TX_LAST   = 1 << 24,           /* EOP */
    TX_CRC    = 1 << 25,           /* IFCS */
    TX_REPORT = 1 << 27,           /* RS: tell when it is done */
    TX_ADVANCED = 1 << 29,
    TX_DONE   = 1 << 0,            /* in status */
    TX_PAYLOAD = 1 << 14,          /* unit of the payload length */
};

_Static_assert(sizeof(struct igb_receive) == 16, "82576 datasheet 7.1.5");
_Static_assert(offsetof(struct igb_receive, length) == 12, "82576 datasheet 7.1.5.2");
_Static_assert(sizeof(struct igb_transmit) == 16, "82576 datasheet 7.2.2.3");

#endif
