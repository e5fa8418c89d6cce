/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers, bits and descriptors of the Intel 82540EM as its driver sees them; for the device
 * model's own files.
 *
 * Reference: Intel, PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual
 * (317453), "SDM"; sections, or their titles, beside the names.
 */
#ifndef VMM_E1000_LAYOUT_H
#define VMM_E1000_LAYOUT_H

#include <stdint.h>

enum e1000_register {                /* 13.3, table 13-2 */
    REG_CTRL = 0x0000, REG_STATUS = 0x0008, REG_EECD = 0x0010, REG_EERD = 0x0014,
    REG_CTRL_EXT = 0x0018, REG_MDIC = 0x0020, REG_FCAL = 0x0028, REG_FCAH = 0x002c,
    REG_FCT = 0x0030, REG_VET = 0x0038, REG_ICR = 0x00c0, REG_ITR = 0x00c4, REG_ICS = 0x00c8,
    REG_IMS = 0x00d0, REG_IMC = 0x00d8, REG_RCTL = 0x0100, REG_FCTTV = 0x0170,
    REG_TXCW = 0x0178, REG_TCTL = 0x0400, REG_TIPG = 0x0410, REG_AIT = 0x0458,
    REG_LEDCTL = 0x0e00, REG_PBA = 0x1000, REG_FCRTL = 0x2160, REG_FCRTH = 0x2168,
    REG_RX_QUEUE = 0x2800, REG_RDTR = 0x2820, REG_RXDCTL = 0x2828, REG_RADV = 0x282c,
    REG_TX_QUEUE = 0x3800, REG_TIDV = 0x3820, REG_TXDCTL = 0x3828, REG_TADV = 0x382c,
    REG_STATISTICS = 0x4000, REG_STATISTICS_END = 0x4100,
    REG_RXCSUM = 0x5000, REG_MTA = 0x5200, REG_MTA_END = 0x5400,
    REG_RA = 0x5400, REG_RA_END = 0x5480, REG_VFTA = 0x5600, REG_VFTA_END = 0x5800,
    REG_WUC = 0x5800, REG_WUFC = 0x5808, REG_MANC = 0x5820,
};

/* Offsets in a descriptor queue's registers. */
enum e1000_queue_register {
    QUEUE_BASE_LOW = 0x00, QUEUE_BASE_HIGH = 0x04, QUEUE_LENGTH = 0x08, QUEUE_HEAD = 0x10,
    QUEUE_TAIL = 0x18, QUEUE_REGISTERS = 0x20,
};

enum e1000_statistic {               /* statistics registers */
    STAT_MISSED = 0x4010, STAT_GOOD_RECEIVED = 0x4074, STAT_GOOD_SENT = 0x4080,
};

#define CTRL_LINK_UP     (1u << 6)   /* 13.4.1 */
#define CTRL_RESET       (1u << 26)
#define CTRL_VLAN        (1u << 30)
#define CTRL_PHY_RESET   (1u << 31)

#define STATUS_FULL_DUPLEX (1u << 0) /* 13.4.2 */
#define STATUS_LINK_UP     (1u << 1)
#define STATUS_SPEED_1000  (2u << 6)

enum eecd {                          /* 13.4.3 */
    EECD_CLOCK = 1u << 0, EECD_SELECT = 1u << 1, EECD_IN = 1u << 2, EECD_OUT = 1u << 3,
    EECD_FLASH_DISABLED = 1u << 4, EECD_REQUEST = 1u << 6, EECD_GRANT = 1u << 7,
    EECD_PRESENT = 1u << 8,
};

enum eerd { EERD_START = 1u << 0, EERD_DONE = 1u << 4, EERD_ADDRESS = 8, EERD_DATA = 16 };

#define MDIC_DATA      0xffffu       /* MDI control register */
#define MDIC_REGISTER  16
#define MDIC_PHY       21
#define MDIC_WRITE     (1u << 26)
#define MDIC_READ      (2u << 26)
#define MDIC_OPERATION (3u << 26)
#define MDIC_READY     (1u << 28)
#define MDIC_INTERRUPT (1u << 29)
#define MDIC_ERROR     (1u << 30)

enum cause {                         /* 13.4.17 */
    CAUSE_SENT = 1u << 0, CAUSE_SEND_EMPTY = 1u << 1, CAUSE_LINK = 1u << 2,
    CAUSE_RECEIVE_LOW = 1u << 4, CAUSE_RECEIVED = 1u << 7, CAUSE_MDIO = 1u << 9,
    CAUSE_ALL = 0x1ffff,
};

enum rctl {                          /* 13.4.22 */
    RCTL_ENABLE = 1u << 1, RCTL_UNICAST_ALL = 1u << 3, RCTL_MULTICAST_ALL = 1u << 4,
    RCTL_LOW_SHIFT = 8, RCTL_HASH_SHIFT = 12, RCTL_BROADCAST = 1u << 15, RCTL_SIZE_SHIFT = 16,
    RCTL_VLAN_FILTER = 1u << 18, RCTL_SIZE_TIMES_16 = 1u << 25, RCTL_STRIP_CHECKSUM = 1u << 26,
};

enum tctl { TCTL_ENABLE = 1u << 1, TCTL_PAD = 1u << 3 };   /* 13.4.33 */

#define RAH_VALID (1u << 31)         /* 13.5.3 */

/* 3.2.3: what the device writes to a receive descriptor; the address before it is the driver's. */
struct e1000_received {
    uint16_t length;
    uint16_t checksum;
    uint8_t status;
    uint8_t errors;
    uint16_t special;                /* the VLAN tag that was taken out */
};

enum received_status {
    RECEIVED_DONE = 1u << 0, RECEIVED_LAST = 1u << 1, RECEIVED_NO_CHECKSUM = 1u << 2,
    RECEIVED_VLAN = 1u << 3,
};

/* 3.3.3, 3.3.7: a transmit descriptor, legacy or data. */
struct e1000_send {
    uint64_t address;
    uint32_t length_type_command;    /* legacy: length 16 bits, where the checksum goes 8;
                                      * data: length 20, type 4; both: command 8 */
    uint8_t status;
    uint8_t options;                 /* legacy: where the checksum starts */
    uint16_t special;                /* the VLAN tag to put in */
};

/* 3.3.6: a context descriptor. */
struct e1000_send_context {
    uint8_t ip_start, ip_at;
    uint16_t ip_end;
    uint8_t payload_start, payload_at;
    uint16_t payload_end;
    uint32_t length_type_command;
    uint8_t status, header_length;
    uint16_t segment_size;
};

_Static_assert(sizeof(struct e1000_received) == 8, "SDM 3.2.3");
_Static_assert(sizeof(struct e1000_send) == 16, "SDM 3.3.7");
_Static_assert(sizeof(struct e1000_send_context) == 16, "SDM 3.3.6");

enum { DESCRIPTOR_SIZE = 16, DESCRIPTOR_STATUS = 12, DESCRIPTOR_DONE = 1 };

enum send_command {                  /* the top byte of length_type_command */
    SEND_LAST = 1u << 0, SEND_LEGACY_CHECKSUM = 1u << 2, SEND_SEGMENTED = 1u << 2,
    SEND_REPORT = 1u << 3, SEND_REPORT_SENT = 1u << 4, SEND_EXTENDED = 1u << 5,
    SEND_VLAN = 1u << 6,
};

enum context_command { CONTEXT_TCP = 1u << 0, CONTEXT_IPV4 = 1u << 1 };
enum send_type { TYPE_CONTEXT = 0, TYPE_DATA = 1 };
enum send_option { OPTION_IP_CHECKSUM = 1u << 0, OPTION_PAYLOAD_CHECKSUM = 1u << 1 };

#endif
