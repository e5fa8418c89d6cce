/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot, in order: memory, tables, plan, devices denied, regions, spaces, cores, programs. Every
 * step stops the boot by itself when it can't be done, and says what to mend. A core that doesn't
 * come is an error of the machine: the boot stops and names it.
 */
#include "core/atomic.h"
#include "core/boot_memory.h"
#include "core/compartment.h"
#include "core/context.h"
#include "core/counter.h"
#include "core/device.h"
#include "core/interrupt.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/string.h"
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

#define INIT_WAIT_US    10000u
#define STARTUP_WAIT_US 200u
#define CORE_WAIT_US    1000000u

extern const char image_end[], sipi_code[], sipi_code_end[];

static struct boot_info info;
uint64_t smp_start_root, smp_start_stack;
uint32_t smp_start_core;

static uint64_t arrived = 1;
static uint64_t released;

static void reserve_memory(void) {
    boot_memory_reserve(0, LOW_MEMORY);
    boot_memory_reserve(IMAGE_PHYSICAL, (uint64_t)image_end - IMAGE_BASE - IMAGE_PHYSICAL);
    boot_memory_reserve(info.plan.base, info.plan.size);
    boot_memory_reserve(info.loader.base, info.loader.size);
}

/* Its stack and entry area. */
static void prepare_core(uint32_t core) {
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

/* One at a time: INIT, then the start-up message with the page at SIPI_PAGE (SDM 3A 8.4.4). */
static void start_core(uint32_t core) {
    smp_start_root = paging_kernel_root();
    smp_start_stack = entry_area(core)->stack;
    smp_start_core = core;
    apic_send(core, APIC_INIT);
    wait_arrived(core + 1, INIT_WAIT_US);
    apic_send(core, APIC_STARTUP(SIPI_PAGE / 4096));
    if (!wait_arrived(core + 1, STARTUP_WAIT_US))
        apic_send(core, APIC_STARTUP(SIPI_PAGE / 4096));
    if (!wait_arrived(core + 1, CORE_WAIT_US))
        panic("boot: core %u (APIC id %u) doesn't start", core, acpi.core_apic_id[core]);
}

/* Returns when all wait in smp_core_main. */
static void start_cores(uint32_t count) {
    memcpy(physical_at(paddr(SIPI_PAGE), 4096), sipi_code, (size_t)(sipi_code_end - sipi_code));
    for (uint32_t core = 1; core < count; core++)
        start_core(core);
}

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
        prepare_core(core);
    log_line("bulkhead: plan \"%s\", %u cores, %lu MiB, %lu MHz", plan_header()->name, cores,
             boot_memory_total() >> 20, counters.machine[BH_MACHINE_TSC_KHZ] / 1000);
    install_objects();
    vcpu_install_core();
    fpu_install_core();
    start_cores(cores);
    boot_memory_close();
    counters.machine[BH_MACHINE_CORES] = cores;
    counters.machine[BH_MACHINE_IOMMU] = iommu_kind();
    counters.machine[BH_MACHINE_MEMORY] = boot_memory_total();
    counters.machine[BH_MACHINE_MEMORY_USED] = boot_memory_used();
    log_line("bulkhead: %u cores up, %lu MiB used; starting programs", cores,
             boot_memory_used() >> 20);
    log_to_programs(plan_header()->log_channel);
    compartment_start_all();
    atomic_store(&released, 1);
    dispatch();
}

void boot_start(uint32_t magic, uint32_t information) {
    serial_open(DEFAULT_PORT);
    multiboot_read(magic, information, &info);
    reserve_memory();
    paging_install();
    prepare_core(0);
    stack_continue(entry_area(0)->stack, continue_start);
}
