/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hooks of core/core.h but the timer (x86/apic.c). Interrupts are off in the kernel but in
 * core_window() and core_idle(). Power: as the ACPI tables say.
 */
#include "core/core.h"

#include "core/interrupt.h"
#include "core/log.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/entry_area.h"
#include "x86/smp.h"

uint32_t core_this(void) {
    uint32_t core;

    __asm__("movl %%gs:%c1, %0" : "=r"(core) : "i"(offsetof(struct entry_area, core)));
    return core;
}

void core_alert(uint32_t core) { apic_send(core, VECTOR_RESCHEDULE); }

void core_window(void) { __asm__ volatile("sti; nop; cli" ::: "memory"); }

void core_idle(void) { __asm__ volatile("sti; hlt; cli" ::: "memory"); }

void core_stop_others(void) {
    for (uint32_t core = 0; smp_cores() > 1 && core < smp_cores(); core++)
        if (core != core_this())
            apic_send(core, VECTOR_STOP);
}

void core_stop_this(void) {
    for (;;)
        __asm__ volatile("cli; hlt");
}

void machine_reboot(void) {
    acpi_reboot();
    log_line("reboot: the firmware's reset register does nothing: use the machine's own button");
}

void machine_poweroff(void) {
    acpi_poweroff();
    log_line("power off: the firmware has no S5 state or it fails: use the machine's own button");
}
