/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the other cores one at a time: INIT, then the start-up message with the page at SIPI_PAGE.
 * A core that doesn't come is an error of the machine: the boot stops and names it.
 */
#include "x86/boot.h"

#include "abi/plan.h"

#include "core/atomic.h"
#include "core/log.h"
#include "core/string.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/vcpu.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/entry_area.h"

#define INIT_WAIT_US    10000u
#define STARTUP_WAIT_US 200u
#define CORE_WAIT_US    1000000u

uint64_t smp_start_root, smp_start_stack;
uint32_t smp_start_core;

extern const char sipi_code[], sipi_code_end[];

static uint64_t arrived = 1;
static uint64_t released;
static uint32_t cores = 1;

uint32_t smp_cores(void) { return cores; }

void smp_prepare_core(uint32_t core) {
    uint64_t stack = paging_install_core(core);
    struct entry_area *area = entry_area(core);

    area->core = core;
    area->kernel_root = paging_kernel_root();
    area->stack = stack;
    area->entry_stack = (uint64_t)area->exception_stack;   /* what follows entry_stack_bytes */
}

/* Until so many cores have arrived, or the time is over. */
static bool wait_arrived(uint64_t count, uint64_t microseconds) {
    uint64_t end = time_after_us(microseconds);

    while (atomic_load(&arrived) != count && time_now() < end)
        __asm__ volatile("pause");
    return atomic_load(&arrived) == count;
}

static void start_core(uint32_t core) {
    smp_start_root = paging_kernel_root();
    smp_start_stack = entry_area(core)->stack;
    smp_start_core = core;
    apic_send_init(core);
    wait_arrived(core + 1, INIT_WAIT_US);
    apic_send_startup(core, SIPI_PAGE / 4096);
    if (!wait_arrived(core + 1, STARTUP_WAIT_US))
        apic_send_startup(core, SIPI_PAGE / 4096);
    if (!wait_arrived(core + 1, CORE_WAIT_US))
        panic("boot: core %u (APIC id %u) doesn't start", core, apic_id_of_core(core));
}

void smp_start_cores(uint32_t count) {
    memcpy(physical_at(paddr(SIPI_PAGE), 4096), sipi_code, (size_t)(sipi_code_end - sipi_code));
    for (uint32_t core = 1; core < count; core++)
        start_core(core);
    cores = count;
}

void smp_release_cores(void) { atomic_store(&released, 1); }

void smp_core_main(uint32_t core) {
    cpu_install_core(core);
    apic_install_core();
    vcpu_install_core();
    fpu_install_core();
    atomic_add(&arrived, 1);
    while (atomic_load(&released) == 0)
        __asm__ volatile("pause");
    dispatch();
}
