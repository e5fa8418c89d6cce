/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot, in order: memory, tables, plan, devices denied, regions, spaces, cores, programs. Every
 * step stops the boot by itself when it can't be done, and says what to mend.
 */
#include "core/boot_memory.h"
#include "core/compartment.h"
#include "core/context.h"
#include "core/counter.h"
#include "core/device.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/vcpu.h"
#include "iommu/iommu.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/boot.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/entry_area.h"

#define LOW_MEMORY   0x100000u         /* the firmware's and the SIPI page's */
#define DEFAULT_PORT 0x3f8u            /* until the plan says which port, if any */

extern const char image_end[];

static struct boot_info info;

static void reserve_memory(void) {
    boot_memory_reserve(0, LOW_MEMORY);
    boot_memory_reserve(IMAGE_PHYSICAL, (uint64_t)image_end - IMAGE_BASE - IMAGE_PHYSICAL);
    boot_memory_reserve(info.plan.base, info.plan.size);
    boot_memory_reserve(info.loader.base, info.loader.size);
}

static void install_objects(void) {
    device_discover();
    iommu_install();
    device_install();
    region_install();
    space_install();
    context_install();
    mode_install();
    sched_install();
    fpu_install();
    vcpu_install();
    interrupt_install();
}

/* On the first core's own stack. */
static void continue_start(void) {
    uint32_t cores;

    acpi_install(info.rsdp);
    cpu_install_core(0);
    time_install();
    apic_install_core();
    plan_install(paddr(info.plan.base), info.plan.size);
    serial_open(plan_header()->log_port);
    cores = plan_header()->cores;
    if (acpi.core_count < cores)
        panic("boot: the plan \"%s\" needs %u cores, the machine has %u (QEMU: -smp %u)",
              plan_header()->name, cores, acpi.core_count, cores);
    for (uint32_t core = 1; core < cores; core++)
        smp_prepare_core(core);
    log_line("bulkhead: plan \"%s\", %u cores, %lu MiB, %lu MHz", plan_header()->name, cores,
             boot_memory_total() >> 20, counters.machine[BH_MACHINE_TSC_KHZ] / 1000);
    install_objects();
    vcpu_install_core();
    fpu_install_core();
    smp_start_cores(cores);
    boot_memory_close();
    counters.machine[BH_MACHINE_CORES] = cores;
    counters.machine[BH_MACHINE_IOMMU] = iommu_kind();
    counters.machine[BH_MACHINE_MEMORY] = boot_memory_total();
    counters.machine[BH_MACHINE_MEMORY_USED] = boot_memory_used();
    log_line("bulkhead: %u cores up, %lu MiB used; starting programs", cores,
             boot_memory_used() >> 20);
    log_to_programs(plan_header()->log_channel);
    compartment_start_all();
    smp_release_cores();
    dispatch();
}

void boot_start(uint32_t magic, uint32_t information) {
    serial_open(DEFAULT_PORT);
    multiboot_read(magic, information, &info);
    reserve_memory();
    paging_install();
    smp_prepare_core(0);
    stack_continue(entry_area(0)->stack, continue_start);
}
