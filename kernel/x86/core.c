/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hooks of core/core.h but the timer (x86/apic.c). Interrupts are off in the kernel but in
 * core_window() and core_idle(). Power: as the ACPI tables say.
 */
#include "core/core.h"

#include "core/interrupt.h"
#include "core/log.h"
#include "core/time.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/entry_area.h"

#define END_WAIT_US 1000000u

uint32_t core_this(void) {
    uint32_t core;

    __asm__("movl %%gs:%c1, %0" : "=r"(core) : "i"(offsetof(struct entry_area, core)));
    return core;
}

void core_alert(uint32_t core) { apic_send(core, VECTOR_RESCHEDULE); }

/* An interrupt of the kernel, which comes in these two only, may change what a function may. */
#define AS_BY_A_CALL "memory", "cc", "rax", "rcx", "rdx", "rbx", "rsi", "rdi", "r8", "r9", "r10", "r11", \
                     "r12", "r13", "r14", "r15"

void core_window(void) { __asm__ volatile("sti; nop; cli" ::: AS_BY_A_CALL); }

void core_idle(void) { __asm__ volatile("sti; hlt; cli" ::: AS_BY_A_CALL); }

void core_stop_others(void) { apic_send(0, APIC_TO_OTHERS | VECTOR_STOP); }

void core_stop_this(void) {
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* The machine ends a moment after the firmware's registers were told so. */
void machine_end(enum bh_machine_operation how) {
    if (how == BH_MACHINE_REBOOT)
        acpi_reboot();
    else
        acpi_poweroff();
    for (uint64_t end = time_after_us(END_WAIT_US); time_now() < end;)
        __asm__ volatile("pause");
    log_line("%s: the firmware's registers don't do it: use the machine's own button",
             how == BH_MACHINE_REBOOT ? "reboot" : "power off");
}
