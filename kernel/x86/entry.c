/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C side of every way into the kernel: calls, exceptions and interrupts. What came from user
 * mode ends in dispatch(); what interrupted the kernel in a window returns there. An exception in
 * the kernel is a mistake of the kernel and stops the machine.
 */
#include "x86/entry.h"

#include "core/compartment.h"
#include "core/context.h"
#include "core/core.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/thread.h"
#include "iommu/iommu.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/entry_area.h"

#define EXCEPTIONS      32u
#define VECTOR_PAGE     14u
#define PAGE_ERROR_WRITE   (1u << 1)   /* SDM 3A 4.7 */
#define PAGE_ERROR_EXECUTE (1u << 4)

static const char *const exception_text[EXCEPTIONS] = {
    "divide error", "debug exception", "NMI", "breakpoint", "overflow", "bound exceeded",
    "undefined instruction", "no FPU", "double fault", "coprocessor overrun", "bad task state",
    "segment not present", "stack fault", "general protection (forbidden instruction or port)",
    "page fault", NULL, "FPU error", "misaligned access", "machine check", "SIMD error",
    "virtualization exception", "control protection",
};

static const char *text_of(uint64_t vector) {
    const char *text = exception_text[vector % EXCEPTIONS];

    return text != NULL ? text : "reserved exception";
}

static void take_interrupt(uint64_t vector) {
    if (vector == VECTOR_SPURIOUS)
        return;
    if (vector == VECTOR_STOP)
        core_stop_this();
    apic_eoi();
    sched_interrupted(vector == VECTOR_TIMER);
    if (vector == VECTOR_IOMMU_FAULT)
        iommu_fault_interrupt();
    else if (vector >= VECTOR_DEVICE_FIRST && vector <= VECTOR_DEVICE_LAST)
        interrupt_deliver((uint32_t)vector);
    machine_check_tell();
}

static const char *access_text(uint64_t error) {
    if (error & PAGE_ERROR_EXECUTE)
        return "execute";
    return error & PAGE_ERROR_WRITE ? "write" : "read";
}

static void take_exception(uint32_t vector, uint64_t error) {
    const struct context *context = (const struct context *)entry_area(core_this())->context;
    struct fault fault = {
        .vector = vector,
        .text = text_of(vector),
        .access = vector == VECTOR_PAGE ? access_text(error) : NULL,
        .address = vector == VECTOR_PAGE ? cr2_read() : 0,
        .rip = context->rip,
    };

    compartment_fault(sched_current(), &fault);
}

/* An interrupt may find user mode where IRET could not return to, on its way into the fault that awaits
 * it there. */
void user_interrupt(uint64_t vector, uint64_t error) {
    if (vector < EXCEPTIONS) {
        take_exception((uint32_t)vector, error);
    } else {
        if (!context_resumable(sched_current()))
            compartment_fault(sched_current(), &(struct fault){ .text = "ran beyond its addresses" });
        take_interrupt(vector);
    }
    dispatch();
}

void user_call(const struct context *context) {
    struct call call = {
        .number = context->gpr[BH_RAX],
        .argument = { context->gpr[BH_RDI], context->gpr[BH_RSI], context->gpr[BH_RDX],
                      context->gpr[BH_R10] },
    };

    call_perform(sched_current(), &call);
    dispatch();
}

void kernel_interrupt(uint64_t vector, uint64_t error, uint64_t rip) {
    if (vector < EXCEPTIONS)
        panic("%s in the kernel at 0x%lx (error 0x%lx, address 0x%lx)", text_of(vector), rip,
              error, cr2_read());
    take_interrupt(vector);
}

/* An NMI changes nothing: a device may cause one (a malformed message, an error of its bus). */
void paranoid_exception(uint64_t vector, uint64_t rip, uint64_t cs) {
    if (vector == VECTOR_DOUBLE_FAULT)
        panic("%s at 0x%lx (cs 0x%lx)", text_of(vector), rip, cs);
    machine_check_note(vector, rip);
}
