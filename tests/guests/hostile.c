/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that misbehaves in the way that its command line names (the first word):
 *   triple   faults without an interrupt table, so that the CPU shuts down
 *   cr3, cr4 set reserved bits of that register, which must end in a #GP
 *   step     single-steps for ever: an exception after each instruction
 *   halt     halts with interrupts off
 *   spin     loops for ever with interrupts off
 *   flood    rings every doorbell port as fast as it can
 *   storm    leaves guest mode as fast as it can, by CPUID
 *   ports    writes what would reset or stop a PC to the ports that do so
 *   memory   writes all over guest-physical memory from its own end upwards
 *   peace    does nothing: the positive control
 * It says on COM1 what it does before it does it.
 */
#include "guest.h"

enum {
    DOORBELL_FIRST = 0xc000,   /* where the tool puts doorbell ports (docs/description.md) */
    DOORBELL_LAST  = 0xc0ff,
    SPOILER_FIRST  = 64u << 20, /* beyond the guest's own image and stack */
};

struct idt_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

enum { VECTORS = 32, VECTOR_DB = 1, VECTOR_GP = 13, GATE = 0x8e00 };

struct gate {
    uint16_t low, selector, type, middle;
    uint32_t high, reserved;
};

void main(const uint8_t *zero_page);
void after_gp(void);
extern const uint8_t step_entry[], gp_entry[];

/* The frame of a #DB holds the trap flag, so that the IRET steps on. */
__asm__("step_entry: iretq\n"
        "gp_entry: cld; andq $-16, %rsp; call after_gp\n");

static struct gate gates[VECTORS];

static void set_gate(unsigned vector, const uint8_t *entry) {
    uint64_t at = (uintptr_t)entry;
    struct idt_pointer idt = { sizeof(gates) - 1, (uintptr_t)gates };
    uint16_t code;
    __asm__ volatile("movw %%cs, %0" : "=r"(code));
    gates[vector] = (struct gate){ .low = (uint16_t)at, .selector = code, .type = GATE,
                                   .middle = (uint16_t)(at >> 16), .high = (uint32_t)(at >> 32) };
    __asm__ volatile("lidt %0" : : "m"(idt));
}

void after_gp(void) {
    say("hostile: #GP, still here\n");
    rest();
}

static void cr3(void) {
    uint64_t value;
    set_gate(VECTOR_GP, gp_entry);
    __asm__ volatile("movq %%cr3, %0" : "=r"(value));
    __asm__ volatile("movq %0, %%cr3" : : "r"(value | 1ull << 59) : "memory");
    say("hostile: reserved bits are set\n");
}

static void cr4(void) {
    uint64_t value;
    set_gate(VECTOR_GP, gp_entry);
    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    __asm__ volatile("movq %0, %%cr4" : : "r"(value | 1u << 19) : "memory");
    say("hostile: reserved bits are set\n");
}

static void step(void) {
    set_gate(VECTOR_DB, step_entry);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; 1: jmp 1b" : : : "memory", "cc");
}

static void triple(void) {
    struct idt_pointer none = { 0, 0 };
    __asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void spin(void) {
    for (;;)
        __asm__ volatile("cli");
}

static void flood(void) {
    for (;;) {
        for (uint16_t port = DOORBELL_FIRST; port <= DOORBELL_LAST; port += 2)
            out16(port, (uint16_t)((port >> 2) & 3));
    }
}

static void storm(void) {
    for (;;) {
        uint32_t eax = 0, ebx, ecx = 0, edx;
        __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    }
}

static void ports(void) {
    out8(0xcf9, 0x0e);          /* chipset: full reset */
    out8(0x92, 0x01);           /* system control port A: fast reset */
    out8(0x64, 0xfe);           /* keyboard controller: pulse reset */
    out8(0xb2, 0x00);           /* SMI command */
    out8(0xf4, 0x00);           /* the emulator's debug exit */
    out16(0x604, 0x2000);       /* PM1a control: soft off, where q35 has it */
    say("hostile: ports are written, still here\n");
}

static void memory(void) {
    /* One write a page; the first unmapped one is where a monitor must stop or ignore it. */
    for (uintptr_t address = SPOILER_FIRST; address < (1u << 30); address += 4096)
        *(volatile uint32_t *)address = 0xdeadbeef;
    say("hostile: memory is written, still here\n");
}

void main(const uint8_t *zero_page) {
    const char *line = command_line(zero_page);

    say_line("hostile: ", line ? line : "(no command line)");
    if (!line)
        rest();
    if (first_word_is(line, "triple"))
        triple();
    if (first_word_is(line, "cr3"))
        cr3();
    if (first_word_is(line, "cr4"))
        cr4();
    if (first_word_is(line, "step"))
        step();
    if (first_word_is(line, "spin"))
        spin();
    if (first_word_is(line, "flood"))
        flood();
    if (first_word_is(line, "storm"))
        storm();
    if (first_word_is(line, "ports"))
        ports();
    if (first_word_is(line, "memory"))
        memory();
    rest();
}
