/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets a core up: segments, task state, interrupt table, SYSCALL, protections. A protection that
 * the CPU lacks is left off; NX, which every CPU with virtualization has, is on since x86/boot.S.
 */
#include "x86/cpu.h"

#include "x86/entry.h"
#include "x86/entry_area.h"

#define GDT_KERNEL_CODE 0x00af9b000000ffffull
#define GDT_KERNEL_DATA 0x00cf93000000ffffull
#define GDT_USER_DATA   0x00cff3000000ffffull
#define GDT_USER_CODE   0x00affb000000ffffull
#define VECTORS         256u
#define GATE_BYTES      16u
#define PAT_WITH_WRITE_COMBINE 0x0007040100070406ull  /* as at reset, but entry 4: WC (SDM 11.12) */

struct table_pointer { uint16_t limit; uint64_t base; } __attribute__((packed));

struct task_descriptor {                      /* SDM 3A 7.2.3 */
    uint16_t limit;
    uint16_t base_low;
    uint8_t  base_middle;
    uint8_t  type;
    uint8_t  flags;
    uint8_t  base_high;
    uint32_t base_top;
    uint32_t reserved;
};
#define TASK_AVAILABLE 0x89

_Static_assert(sizeof(struct task_descriptor) == 16, "64-bit TSS descriptor");

extern const char trampoline_call[], trampoline_interrupts[];

static void fill_segments(struct entry_area *area) {
    uint64_t base = (uint64_t)&area->task_state;
    struct task_descriptor *task = (struct task_descriptor *)&area->gdt[TASK_STATE / 8];

    area->gdt[KERNEL_CODE / 8] = GDT_KERNEL_CODE;
    area->gdt[KERNEL_DATA / 8] = GDT_KERNEL_DATA;
    area->gdt[USER_DATA / 8] = GDT_USER_DATA;
    area->gdt[USER_CODE / 8] = GDT_USER_CODE;
    *task = (struct task_descriptor){
        .limit = sizeof(struct task_state) + PORT_BITMAP_BYTES,
        .base_low = (uint16_t)base,
        .base_middle = (uint8_t)(base >> 16),
        .type = TASK_AVAILABLE,
        .base_high = (uint8_t)(base >> 24),
        .base_top = (uint32_t)(base >> 32),
    };
}

static void fill_task_state(struct entry_area *area) {
    area->task_state.rsp[0] = area->entry_stack;
    area->task_state.port_bitmap_offset = 0xffff;
    area->port_bitmap_end = 0xff;
    for (uint32_t i = 0; i < STACK_COUNT; i++) {
        struct exception_stack *stack = &area->exception_stack[i];
        stack->area = (uint64_t)area;
        area->task_state.ist[i] = (uint64_t)&stack->reserved;
    }
}

static void load_tables(struct entry_area *area) {
    struct table_pointer gdt = { sizeof area->gdt - 1, (uint64_t)area->gdt };
    struct table_pointer idt = { VECTORS * GATE_BYTES - 1, (uint64_t)trampoline_interrupts };

    /* CS holds the same descriptor already, and the others are null (x86/boot.S). */
    __asm__ volatile("lgdt %0; lidt %1; ltr %w2; movl %3, %%ss"
                     :: "m"(gdt), "m"(idt), "r"(TASK_STATE), "r"(KERNEL_DATA) : "memory");
}

static void set_protections(void) {
    struct cpuid features = cpuid(7, 0);
    uint64_t smep = features.ebx & 1u << 7 ? CR4_SMEP : 0;
    uint64_t smap = features.ebx & 1u << 20 ? CR4_SMAP : 0;
    uint64_t umip = features.ecx & 1u << 2 ? CR4_UMIP : 0;

    cr0_write(cr0_read() | CR0_WP | CR0_NE);
    cr4_write(cr4_read() | smep | smap | umip);
    msr_write(MSR_PAT, PAT_WITH_WRITE_COMBINE);
}

void cpu_install_core(uint32_t core) {
    struct entry_area *area = entry_area(core);

    fill_segments(area);
    fill_task_state(area);
    load_tables(area);
    set_protections();
    machine_check_install_core();
    msr_write(MSR_FS_BASE, 0);
    msr_write(MSR_GS_BASE, (uint64_t)area);
    msr_write(MSR_KERNEL_GS, 0);
    msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SCE);
    msr_write(MSR_STAR, (uint64_t)KERNEL_CODE << 32);   /* SYSRET isn't used */
    msr_write(MSR_LSTAR, (uint64_t)trampoline_call);
    msr_write(MSR_CSTAR, (uint64_t)trampoline_call);    /* no segment leads there */
    msr_write(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_AC);
}
