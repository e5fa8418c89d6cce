/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile driver of the emulated 82540EM, and a hostile switch: the input is a list of register
 * accesses, descriptors (any, and nearly good ones, so that segmentation is reached), writes to the
 * rings, frames of the switch and turns of the I/O thread. Whatever comes, the card reads and
 * writes nothing but guest RAM and its link (the sanitizers watch), each turn ends, and what the
 * switch gets is a frame.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "tests/unit/vm_fake.h"
#include "vmm/e1000/layout.h"
#include "vmm/platform/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RINGS = 0x100000, ENTRIES = 16, BUFFERS = 0x200000, STEPS = 300, TURNS = 8, CARD = 1 };
enum { IP = 14, TCP = 34, HEADERS = 54, MSS = 100 };

static void poke(uint32_t reg, uint32_t value) { vm_fake_store(LAYOUT_E1000_BAR + reg, 4, value); }
static uint32_t peek(uint32_t reg) { return (uint32_t)vm_fake_load(LAYOUT_E1000_BAR + reg, 4); }

static void set_ring(uint32_t registers, uint64_t base) {
    poke(registers + QUEUE_BASE_LOW, (uint32_t)base);
    poke(registers + QUEUE_LENGTH, ENTRIES * DESCRIPTOR_SIZE);
    poke(registers + QUEUE_HEAD, 0);
    poke(registers + QUEUE_TAIL, 0);
}

static void start(void) {
    poke(REG_CTRL, CTRL_RESET);
    vm_fake_config_write(CARD, PCI_COMMAND, 7);
    set_ring(REG_RX_QUEUE, RINGS);
    set_ring(REG_TX_QUEUE, RINGS + 0x1000);
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint64_t at = BUFFERS + 0x800 * i;
        vm_fake_poke(RINGS + DESCRIPTOR_SIZE * i, &at, sizeof(at));
    }
    poke(REG_RX_QUEUE + QUEUE_TAIL, ENTRIES - 1);
    poke(REG_RCTL, RCTL_ENABLE | RCTL_UNICAST_ALL | RCTL_MULTICAST_ALL);
    poke(REG_TCTL, TCTL_ENABLE | TCTL_PAD);
}

static uint32_t take_register(struct input *in) {
    static const uint16_t bases[] = { REG_CTRL, REG_ICR, REG_RCTL, REG_TCTL, REG_RX_QUEUE,
                                      REG_TX_QUEUE, STAT_MISSED, REG_MTA, REG_RA, REG_VFTA };
    uint32_t base = bases[take(in, 1) % (sizeof(bases) / sizeof(*bases))];
    return base + (uint32_t)take(in, 1) % 16 * 4;
}

/* One more descriptor behind the ring's tail. */
static void put(const void *descriptor) {
    uint32_t tail = peek(REG_TX_QUEUE + QUEUE_TAIL) % ENTRIES;
    vm_fake_poke(RINGS + 0x1000 + DESCRIPTOR_SIZE * tail, descriptor, DESCRIPTOR_SIZE);
    poke(REG_TX_QUEUE + QUEUE_TAIL, (tail + 1) % ENTRIES);
}

static void put_any(struct input *in) {
    struct e1000_send d = { take(in, 8), (uint32_t)take(in, 4), 0, (uint8_t)take(in, 1),
                            (uint16_t)take(in, 2) };
    put(&d);
}

static void put_data(struct input *in) {
    uint32_t command = (uint32_t)take(in, 1);
    struct e1000_send d = { BUFFERS + take(in, 1), (uint32_t)take(in, 2) % 4000, 0,
                            (uint8_t)take(in, 1), (uint16_t)take(in, 1) };
    if (command & SEND_EXTENDED)
        d.length_type_command |= TYPE_DATA << 20;
    d.length_type_command |= command << 24;
    put(&d);
}

/* A good one, of which the input changes at most one byte. */
static void put_context(struct input *in) {
    uint32_t command = ((uint32_t)take(in, 1) & (CONTEXT_TCP | CONTEXT_IPV4)) | SEND_EXTENDED;
    struct e1000_send_context context = {
        .ip_start = IP, .ip_at = IP + 10, .ip_end = TCP - 1, .payload_start = TCP,
        .payload_at = TCP + 16, .length_type_command = command << 24,
        .header_length = HEADERS + 20, .segment_size = MSS,
    };
    uint8_t at = (uint8_t)take(in, 1);
    uint8_t *bytes = (uint8_t *)&context;
    if (at < sizeof(context) && at / 4 != 2)
        bytes[at] = (uint8_t)take(in, 1);
    put(&context);
}

static void poke_rings(struct input *in) {
    uint64_t value = take(in, 8);
    vm_fake_poke(RINGS + (take(in, 2) & 0x1fff), &value, 1u << take(in, 1) % 4);
}

static void switch_speaks(struct input *in) {
    struct ring_descriptor d = { .offset = (uint32_t)take(in, 2), .length = (uint16_t)take(in, 2),
                                 .kind = (uint8_t)take(in, 1) % 3 };
    if (d.kind == NET_FRAME && take(in, 1) % 4 != 0)
        d.length %= NET_FRAME_MAX + 8;
    vm_fake.net_peer.out[d.offset] = (uint8_t)take(in, 1);
    if (ring_space(&vm_fake.net_peer) > 0)
        ring_put(&vm_fake.net_peer, d);
    ring_flush(&vm_fake.net_peer);
}

static void switch_lies(struct input *in) {
    uint32_t *half = (uint32_t *)(void *)vm_fake.net_peer.own;
    half[take(in, 1) % 64] = (uint32_t)take(in, 4);
}

/* What the switch got must be frames; it then gives them back. */
static void switch_hears(void) {
    for (uint32_t n = ring_available(&vm_fake.net_peer); n > 0; n--) {
        struct ring_descriptor d = ring_get(&vm_fake.net_peer);
        if (!net_valid(d, vm_fake.net_peer.in_size))
            abort();
        ring_done(&vm_fake.net_peer, 1);
    }
    ring_flush(&vm_fake.net_peer);
}

static void run_io(void) {
    for (unsigned i = 0; i < TURNS && devices_run(&vm_fake.vm); i++)
        ;
    devices_settle(&vm_fake.vm);
}

static void use_ports(struct input *in) {
    uint16_t port = (uint16_t)(LAYOUT_PORT_E1000 + take(in, 1) % 8);
    vm_fake_out(port, 1u << take(in, 1) % 3, (uint32_t)take(in, 4));
    vm_fake_in(port, 4);
}

static void any_access(struct input *in) {
    uint64_t at = LAYOUT_E1000_BAR + take(in, 3);
    vm_fake_store(at, 1u << take(in, 1) % 4, take(in, 8));
}

static void step(struct input *in) {
    switch (take(in, 1) % 14) {
    case 0: poke(take_register(in), (uint32_t)take(in, 4)); break;
    case 1: peek(take_register(in)); break;
    case 2: put_any(in); break;
    case 3: put_data(in); break;
    case 4: put_context(in); break;
    case 5: poke_rings(in); break;
    case 6: switch_speaks(in); break;
    case 7: switch_lies(in); break;
    case 8: switch_hears(); break;
    case 9: use_ports(in); break;
    case 10: any_access(in); break;
    case 11: vm_fake_config_write(CARD, (unsigned)take(in, 1), (uint32_t)take(in, 4)); break;
    case 12: start(); break;
    default: run_io(); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };
    vm_fake_make(1);
    vm_fake_use_e1000();
    start();
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    run_io();
    vm_fake_free();
    return 0;
}
