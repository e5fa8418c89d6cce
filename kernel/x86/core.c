/* SPDX-License-Identifier: BSD-2-Clause */
/* The hooks of core/core.h. Interrupts are off in the kernel but in core_window() and core_idle(). */
#include "core/core.h"

#include "core/interrupt.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/entry_area.h"
#include "x86/smp.h"

uint32_t core_this(void)
{
    return (uint32_t)entry_area_this()->core;
}

void core_alert(uint32_t core)
{
    apic_send(core, VECTOR_RESCHEDULE);
}

void core_window(void)
{
    __asm__ volatile("sti; nop; cli" ::: "memory");
}

void core_idle(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

void core_timer(uint64_t deadline)
{
    apic_timer_set(deadline);
}

void core_stop_others(void)
{
    if (!smp_started())
        return;
    for (uint32_t core = 0; core < smp_cores(); core++)
        if (core != core_this())
            apic_send(core, VECTOR_STOP);
}

void core_stop_this(void)
{
    cpu_halt_for_ever();
}
