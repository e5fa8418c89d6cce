/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each core's entry area: what the trampoline needs while a process's tables are still (or again)
 * loaded. Mapped, supervisor-only and never executable, in every process space: no secrets here.
 *
 * GS_BASE points to it in the kernel. The layout is known to x86/entry.S by the offsets below.
 */
#pragma once

#define AREA_KERNEL_ROOT  0
#define AREA_CONTEXT      8
#define AREA_STACK        16
#define AREA_SCRATCH      24
#define AREA_ENTRY_STACK  32

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#include "x86/layout.h"

struct task_state {                    /* SDM 3A 8.7, 64-bit TSS */
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t port_bitmap_offset;
} __attribute__((packed));

#define PORT_BITMAP_BYTES 8192u
#define GDT_ENTRIES 7u

/* Stacks of the exceptions that may come at any instruction. */
enum entry_exception_stack { STACK_NMI, STACK_DOUBLE_FAULT, STACK_MACHINE_CHECK, STACK_COUNT };
_Static_assert(STACK_NMI == 0 && STACK_DOUBLE_FAULT == 1 && STACK_MACHINE_CHECK == 2, "entry.S");

struct exception_stack {
    uint8_t  bytes[4096 - 16];
    uint64_t reserved;
    uint64_t area;                     /* what GS_BASE has to be */
};

struct entry_area {
    uint64_t kernel_root;              /* CR3's value */
    uint64_t context;                  /* where the running thread's registers go */
    uint64_t stack;                    /* top of the kernel stack */
    uint64_t scratch;
    uint64_t entry_stack;              /* top of entry_stack_bytes */
    uint64_t core;
    uint64_t gdt[GDT_ENTRIES];
    uint8_t  padding[4096 - 48 - 8 * GDT_ENTRIES - sizeof(struct task_state)];
    struct task_state task_state;
    uint8_t  port_bitmap[PORT_BITMAP_BYTES];
    uint8_t  port_bitmap_end;          /* all ones (SDM volume 1, 19.5.2) */
    uint8_t  entry_stack_bytes[4095];
    struct exception_stack exception_stack[STACK_COUNT];
};

_Static_assert(sizeof(struct task_state) == 104, "64-bit TSS");
_Static_assert(offsetof(struct entry_area, entry_stack) == AREA_ENTRY_STACK, "in that order");
_Static_assert(offsetof(struct entry_area, port_bitmap) == 4096, "the bitmap fills two pages");
_Static_assert(sizeof(struct entry_area) == 7 * 4096, "whole pages");
_Static_assert(sizeof(struct entry_area) <= ENTRY_AREA_STRIDE, "one area a stride");

static inline struct entry_area *entry_area(uint32_t core) {
    return (struct entry_area *)(ENTRY_AREAS_BASE + (uint64_t)core * ENTRY_AREA_STRIDE);
}
#endif
