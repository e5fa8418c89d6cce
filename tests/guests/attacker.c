/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that drives its virtual devices against the rules. Its command line's first word says
 * how:
 *   fair      by the rules: the random-number device and the network card do their work
 *   outside   a random-number buffer far outside the guest's memory
 *   loop      a descriptor chain that leads back to its beginning
 *   index     a chain that goes on far behind the descriptor table, which ends the guest's memory
 *   flip      vCPU 1 changes a buffer's address all the time while vCPU 0 offers the chain
 *   flip-on   the same without end
 *   operand   one instruction moves from device memory to far outside the guest's memory
 *   registers the card sends a frame out of its own registers
 *   endless   the card's ring has an index that it never reaches
 *   cut       the card cuts a packet into pieces longer than a frame
 * It says on COM1 what its device did.
 */
#include "virtio.h"

enum { ROUNDS = 3000, SECOND_VECTOR = 0x20 };

void main(const uint8_t *zero_page);
void second(void);

static uint8_t *end_of_memory;

static void report(const char *text) {
    say_line("attacker: ", text);
}

/* ---- The random-number device ---- */

enum { RANDOM_BYTES = 16 };

static uint8_t random_bytes[QUEUE_SIZE];

static void set_up_random(const struct descriptor *descriptors) {
    virtio_start(RANDOM_ID, descriptors);
}

static void report_outcome(void) {
    switch (virtio_outcome()) {
    case SERVED: report("the device served it"); break;
    case REFUSED: report("the device asks for a reset"); break;
    default: report("the device is silent"); break;
    }
}

static struct descriptor buffer_at(uint64_t address) {
    return (struct descriptor){ .address = address, .length = RANDOM_BYTES, .flags = WRITE };
}

static void random_outside(void) {
    virtio_table[0] = buffer_at(FAR);
    set_up_random(virtio_table);
    virtio_offer(0);
    report_outcome();
}

static void random_loop(void) {
    virtio_table[0] = buffer_at(address_of(random_bytes));
    virtio_table[0].flags |= NEXT;
    set_up_random(virtio_table);
    virtio_offer(0);
    report_outcome();
}

static void random_index(void) {
    struct descriptor *last = (struct descriptor *)(void *)(end_of_memory - sizeof(virtio_table));
    last[0] = buffer_at(address_of(random_bytes));
    last[0].flags |= NEXT;
    last[0].next = 0xffff;
    set_up_random(last);
    virtio_offer(0);
    report_outcome();
}

/* ---- Two vCPUs on one chain ---- */

enum { CHAIN = 16 };
/* The local APIC's registers (APM volume 2, 16.3): spurious interrupt, interrupt command. */
enum { APIC_ID = 0x20, APIC_SPURIOUS = 0xf0, APIC_COMMAND = 0x300, APIC_TARGET = 0x310 };
enum { APIC_ENABLE = 0x1ff, APIC_INIT = 0x4500, APIC_STARTUP = 0x4600, TARGET_SHIFT = 24 };
#define APIC 0xfee00000u
static volatile uint32_t flipping;

extern const uint8_t second_start[], second_end[];

/* INIT and SIPI by the local APIC: second() runs on vCPU 1. */
static void start_second(void) {
    volatile uint8_t *apic = device_memory(APIC);
    uint8_t *page = (uint8_t *)(uintptr_t)(SECOND_VECTOR << 12);
    for (const uint8_t *from = second_start; from < second_end; from++)
        *page++ = *from;
    write32(apic + APIC_SPURIOUS, APIC_ENABLE);
    write32(apic + APIC_TARGET, 1u << TARGET_SHIFT);
    write32(apic + APIC_COMMAND, APIC_INIT);
    write32(apic + APIC_COMMAND, APIC_STARTUP | SECOND_VECTOR);
}

void second(void) {
    volatile uint64_t *address = &virtio_table[CHAIN - 1].address;
    flipping = 1;
    for (;;) {
        *address = *address == FAR ? address_of(random_bytes) : FAR;
        for (volatile unsigned i = 0; i < 50; i++) {
        }
    }
}

static void flip(int endless) {
    unsigned served = 0, refused = 0;
    for (unsigned i = 0; i < CHAIN; i++) {
        virtio_table[i] = buffer_at(address_of(random_bytes));
        virtio_table[i].next = (uint16_t)(i + 1);
        if (i + 1 < CHAIN)
            virtio_table[i].flags |= NEXT;
    }
    start_second();
    while (!flipping)
        pause();
    set_up_random(virtio_table);
    for (unsigned i = 0; i < ROUNDS || endless; i++) {
        virtio_offer(0);
        if (virtio_outcome() == SERVED) {
            served++;
            continue;
        }
        refused++;
        set_up_random(virtio_table);
    }
    say("attacker: ");
    say_number(served);
    say(" served, ");
    say_number(refused);
    say(" refused\n");
}

static void random_flip(void) { flip(0); }
static void random_flip_on(void) { flip(1); }

/* ---- An instruction between device memory and nowhere ---- */

static uint64_t far_table[512] __attribute__((aligned(4096)));

static void move_to_nowhere(void) {
    uint64_t root;
    __asm__ volatile("movq %%cr3, %0" : "=r"(root));
    uint64_t *level4 = (uint64_t *)(uintptr_t)(root & ~0xfffull);
    uint64_t *level3 = (uint64_t *)(uintptr_t)(level4[0] & ~0xfffull);
    far_table[0] = FAR | 0x83;       /* a page of 2 MiB: present, writable */
    level3[4] = address_of(far_table) | 0x03;
    uint64_t to = 4ull << 30;
    uint64_t from = APIC + APIC_ID;
    report("moves from the local APIC to nowhere");
    __asm__ volatile("movsl" : "+D"(to), "+S"(from) : : "memory");
    report("the instruction ended");
}

/* ---- The network card (vmm/e1000/) ---- */

enum { CARD_CTRL = 0x0000, CARD_TCTL = 0x0400, CARD_TDBAL = 0x3800, CARD_TDLEN = 0x3808,
       CARD_TDH = 0x3810, CARD_TDT = 0x3818, CARD_RING = 24, CARD_PATIENCE = 5000 };
#define CARD_ID 0x100e8086u
enum { CARD_RESET = 1u << 26, CARD_SENDS = 1u << 1 };          /* CTRL, TCTL */
/* SDM 3.3.3, 3.3.6, 3.3.7: the command's bits and types. */
enum {
    SEND_LAST = 1u << 24, SEND_CUT = 1u << 26, SEND_REPORT = 1u << 27, SEND_EXTENDED = 1u << 29,
    SEND_TCP = 1u << 24, SEND_IPV4 = 1u << 25, SEND_DATA = 1u << 20,
    SEND_WHOLE = SEND_LAST | SEND_REPORT,
};

struct send { uint64_t address; uint32_t command; uint32_t rest; };

static struct send ring[CARD_RING] __attribute__((aligned(128)));
static uint8_t frame[1 << 16];
static volatile uint8_t *card;

static void set_up_card(void) {
    card = device_memory(bar(find_device(CARD_ID), 0));
    write32(card + CARD_CTRL, CARD_RESET);
    write32(card + CARD_TDBAL, (uint32_t)address_of(ring));
    write32(card + CARD_TDLEN, sizeof(ring));
    write32(card + CARD_TCTL, CARD_SENDS);
}

/* What became of the descriptors that were offered. */
static void report_head(uint32_t offered) {
    unsigned moves = 0;
    uint32_t last = 0;
    for (unsigned i = 0; i < CARD_PATIENCE; i++) {
        uint32_t head = read32(card + CARD_TDH);
        moves += head != last;
        last = head;
    }
    if (moves > CARD_RING)
        report("the card never ends");
    else
        report(last == offered ? "the card sent it" : "the card stands still");
}

static void card_registers(void) {
    set_up_card();
    ring[0] = (struct send){ .address = address_of((const uint8_t *)card),
                             .command = SEND_WHOLE | 64 };
    write32(card + CARD_TDT, 1);
    report_head(1);
}

/* Frames of no length: nobody else has work by them. */
static void card_endless(void) {
    set_up_card();
    for (unsigned i = 0; i < CARD_RING; i++)
        ring[i] = (struct send){ .address = address_of(frame), .command = SEND_WHOLE };
    write32(card + CARD_TDT, 0x4000);
    report_head(0x4000);
}

/* A context: IPv4 at 14, its sum at 24; TCP at 34, its sum at 50; headers of 60 bytes, pieces of
 * 65535. Then the packet. */
static void card_cut(void) {
    for (unsigned i = 0; i < sizeof(frame); i++)
        frame[i] = 'A';
    set_up_card();
    ring[0] = (struct send){
        .address = 0x000032220000180eull, .rest = 0xffff3c00,
        .command = SEND_EXTENDED | SEND_CUT | SEND_TCP | SEND_IPV4,
    };
    ring[1] = (struct send){
        .address = address_of(frame),
        .command = SEND_EXTENDED | SEND_CUT | SEND_DATA | SEND_WHOLE | 0xffff,
    };
    write32(card + CARD_TDT, 2);
    report_head(2);
}

static void fair(void) {
    virtio_table[0] = buffer_at(address_of(random_bytes));
    set_up_random(virtio_table);
    virtio_offer(0);
    report_outcome();
    set_up_card();
    ring[0] = (struct send){ .address = address_of(frame), .command = SEND_WHOLE | 64 };
    write32(card + CARD_TDT, 1);
    report_head(1);
}

/* ---- */

static void find_end_of_memory(const uint8_t *zero_page) {
    struct entry { uint64_t at, size; uint32_t type; } __attribute__((packed));
    const struct entry *map = (const struct entry *)(const void *)(zero_page + 0x2d0);
    for (unsigned i = 0; i < zero_page[0x1e8]; i++) {
        if (map[i].at == 0x100000)
            end_of_memory = (uint8_t *)(uintptr_t)(map[i].at + map[i].size);
    }
}

void main(const uint8_t *zero_page) {
    static const struct { const char *name; void (*act)(void); } deeds[] = {
        { "fair", fair }, { "outside", random_outside }, { "loop", random_loop },
        { "index", random_index }, { "flip", random_flip }, { "flip-on", random_flip_on },
        { "operand", move_to_nowhere },
        { "registers", card_registers }, { "endless", card_endless }, { "cut", card_cut },
    };
    const char *line = command_line(zero_page);
    find_end_of_memory(zero_page);
    for (unsigned i = 0; line && i < sizeof(deeds) / sizeof(*deeds); i++) {
        if (first_word_is(line, deeds[i].name)) {
            report(deeds[i].name);
            deeds[i].act();
            report("still here");
        }
    }
    rest();
}
