/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An Intel 82540EM network card for guests that have no virtio driver: register file, EEPROM, PHY,
 * descriptor rings in guest memory. Its other side is a link to the switch, as virtio-net's. Pure
 * state under the device lock; frames move in the I/O thread (e1000_run).
 *
 * Guest and switch are hostile. A descriptor is copied once and then checked; a buffer that isn't
 * guest RAM, a ring index beyond its ring or a segmentation whose lengths contradict each other
 * break the device: it stands still until the driver resets it. What moves at once is bounded by
 * the caller's budget, whatever the rings say.
 *
 * Not modelled: interrupt delays (causes are raised at once), flow control, wake-up, TBI, received
 * checksums (each frame says that its checksum was not looked at).
 *
 * Reference: see layout.h.
 */
#ifndef VMM_E1000_H
#define VMM_E1000_H

#include "lib/net/net.h"
#include "vmm/memory.h"
#include "vmm/platform/pci.h"

#define E1000_MEMORY_BAR 0u
#define E1000_MEMORY_SIZE 0x20000u
#define E1000_IO_BAR 2u
#define E1000_IO_SIZE 8u

#define E1000_EEPROM_WORDS 64u
#define E1000_PHY_REGISTERS 32u
#define E1000_ADDRESSES 16u          /* receive address registers */
#define E1000_TABLE 128u             /* words of a filter table of 4096 bits */
#define E1000_PLAIN 24u              /* registers that only keep what is written */
#define E1000_HEADER_MAX 256u

struct e1000_queue {
    uint64_t base;                   /* of its descriptors, guest-physical */
    uint32_t length;                 /* bytes */
    uint32_t head;                   /* the device's next descriptor */
    uint32_t tail;                   /* the first that isn't the device's */
};

/* The EEPROM's serial side: what a driver clocks in and out by register EECD. */
struct e1000_serial_eeprom {
    uint32_t lines;                  /* as written */
    uint16_t command;                /* start bit, operation and address so far */
    uint16_t output;                 /* bits still to come, the next one on top */
    bool answering;
    bool out;                        /* the data line towards the driver */
};

/* Offsets into the packet for checksums, and how to cut it (SDM 3.3.6). */
struct e1000_context {
    uint32_t ip_start, ip_at, ip_end;
    uint32_t payload_start, payload_at, payload_end;
    uint32_t header_length;
    uint32_t segment_size;
    bool tcp;
    bool ipv4;
};

/* The descriptor in work: may wait in the middle for room in the link. */
struct e1000_buffer {
    bool present;
    const uint8_t *bytes;            /* in guest RAM: its content may change at any time */
    uint32_t size;
    uint32_t taken;
    uint8_t command;
};

/* The packet in work, from its first descriptor to its last. */
struct e1000_packet {
    struct e1000_context context;    /* as it was at the first descriptor */
    bool begun;
    bool segmented;
    bool too_long;
    bool tagged;
    uint16_t tag;
    uint8_t options;                 /* enum send_option */
    bool legacy_checksum;
    uint8_t legacy_start, legacy_at;
    uint32_t filled;                 /* bytes of `frame` */
    uint32_t limit;
    uint32_t segment;                /* how many went before */
    uint8_t frame[NET_SLOT];
    uint8_t header[E1000_HEADER_MAX];   /* of a segmented packet, as the driver wrote it */
};

struct e1000_transmit {
    struct e1000_context context;    /* of the packets to come */
    struct e1000_buffer buffer;
    struct e1000_packet packet;
};

struct e1000 {
    struct pci_function pci;
    const struct guest_memory *memory;
    struct ring link;
    bool present;
    bool broken;                     /* the driver broke the rules: still until a reset */
    uint64_t dropped;                /* frames that the guest or the switch made wrong */

    uint32_t io_address;             /* the register that the I/O window shows */
    uint32_t control;
    uint32_t eeprom_read;            /* register EERD */
    uint32_t phy_access;             /* register MDIC */
    uint32_t causes;                 /* register ICR */
    uint32_t mask;                   /* register IMS */
    uint32_t receive_control;
    uint32_t send_control;
    uint32_t plain[E1000_PLAIN];
    uint32_t address[2 * E1000_ADDRESSES];
    uint32_t multicast[E1000_TABLE];
    uint32_t vlan[E1000_TABLE];
    uint32_t missed, good_received, good_sent;
    struct e1000_queue receive;
    struct e1000_queue send;
    struct e1000_transmit transmit;

    uint16_t eeprom[E1000_EEPROM_WORDS];
    struct e1000_serial_eeprom serial;
    uint16_t phy[E1000_PHY_REGISTERS];
};

/* Power-on; the link stays as it is. */
void e1000_create(struct e1000 *e1000, const uint8_t mac[NET_MAC_BYTES],
                  const struct guest_memory *memory, uint32_t memory_base, uint16_t port_base,
                  uint8_t interrupt_line);

/* Accesses to the memory BAR: aligned; size 4 or 8, others have no effect. A write answers
 * whether the I/O thread has something to do now. */
uint64_t e1000_read(struct e1000 *e1000, uint32_t offset, unsigned size);
bool e1000_write(struct e1000 *e1000, uint32_t offset, unsigned size, uint64_t value);

/* Accesses to the I/O BAR: a window on the registers (IOADDR, IODATA). */
uint32_t e1000_read_port(struct e1000 *e1000, uint32_t offset, unsigned size);
bool e1000_write_port(struct e1000 *e1000, uint32_t offset, unsigned size, uint32_t value);

/* The level of the interrupt output. */
bool e1000_interrupt(const struct e1000 *e1000);

/* Moves at most `budget` frames each way; true: there is more to do at once. */
bool e1000_run(struct e1000 *e1000, unsigned budget);

/* Before sleeping: asks both sides for wake-ups; false: there is something to do already. */
bool e1000_settle(struct e1000 *e1000);

#endif
