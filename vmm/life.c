/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VM's beginning and its end. Any thread may end it; the I/O thread loads it.
 */
#include "lib/c/string.h"
#include "vmm/firmware/firmware.h"
#include "vmm/platform/acpi.h"
#include "vmm/platform/layout.h"
#include "vmm/vm.h"

/* A guest that ends again and again soon after its start waits longer each time, so that it costs
 * the others neither their processor time nor their console. */
enum { SOON_SECONDS = 10, LONGEST_PAUSE_SECONDS = 32 };

static uint32_t state_of(const struct vm *vm) {
    return __atomic_load_n(&vm->state, __ATOMIC_SEQ_CST);
}

bool vm_runs(const struct vm *vm) {
    return state_of(vm) == VM_RUNNING;
}

void vm_end(struct vm *vm, enum vm_end_kind kind) {
    uint32_t expected = VM_RUNNING;
    if (!__atomic_compare_exchange_n(&vm->state, &expected, VM_ENDING, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST))
        return;
    __atomic_store_n(&vm->end_kind, kind, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        vm_kick(vm, &vm->vcpu[i]);
    vm_kick_io(vm);
}

void vm_park(struct vcpu *vcpu) {
    __atomic_store_n(&vcpu->parked, 1, __ATOMIC_SEQ_CST);
    vm_kick_io(vcpu->vm);
    uint64_t bits = 0;
    while (!vm_runs(vcpu->vm)) {
        bits = vm_sleep(BH_FOREVER);
        vm_kick_io(vcpu->vm);        /* it may wait for a disk's answer */
    }
    __atomic_store_n(&vcpu->parked, 0, __ATOMIC_SEQ_CST);
    devices_hear(vcpu->vm, vcpu, bits);
}

static bool all_parked(const struct vm *vm) {
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        if (!__atomic_load_n(&vm->vcpu[i].parked, __ATOMIC_SEQ_CST))
            return false;
    return true;
}

static void clear_memory(struct vm *vm) {
    for (unsigned i = 0; i < GUEST_RAM_PARTS; i++)
        if (vm->memory.part[i].size != 0)
            memset(vm->memory.part[i].base, 0, vm->memory.part[i].size);
}

/* All the firmware that there is: guests that reset by a jump to the reset vector, as Linux does on
 * reduced ACPI hardware without EFI, find there: mov al, 6; mov dx, 0xcf9; out dx, al; hlt; jmp. */
static void write_reset_vector(struct vm *vm) {
    static const uint8_t code[] = { 0xb0, 0x06, 0xba, LAYOUT_PORT_RESET & 0xff,
                                    LAYOUT_PORT_RESET >> 8, 0xee, 0xf4, 0xeb, 0xfd };
    guest_write(&vm->memory, (struct gpa){ LAYOUT_RESET_VECTOR }, code, sizeof(code));
}

static bool build_tables(struct vm *vm) {
    struct acpi_fixups fixups;       /* not needed: the tables stay where they are */
    const struct acpi_machine machine = { .at = LAYOUT_ACPI, .hole = (uint32_t)LAYOUT_HOLE,
                                          .vcpu_count = vm->vcpu_count,
                                          .hpet = vm->has_hpet,
                                          .screen = vm->screen.present };
    uint8_t *acpi = guest_range(&vm->memory, (struct gpa){ LAYOUT_ACPI }, LAYOUT_ACPI_SIZE);
    return acpi && acpi_build(acpi, LAYOUT_ACPI_SIZE, &machine, &fixups) != 0;
}

/* The kernel, and how to enter it. */
static struct loader_result load_kernel(struct vm *vm) {
    struct loader_result result = { .error = NULL };
    if (!build_tables(vm)) {
        result.error = "the VM's memory is too small: give it at least 64 MiB";
        return result;
    }
    vm->image.rsdp = (struct gpa){ LAYOUT_ACPI };
    vm->image.screen = vm->screen.present;
    result = loader_load(&vm->memory, &vm->image);
    if (!result.error)
        write_reset_vector(vm);
    return result;
}

static void reset_vcpus(struct vm *vm) {
    for (unsigned i = 0; i < vm->vcpu_count; i++) {
        apic_reset(&vm->vcpu[i].apic, i);
        vm->vcpu[i].mtrr = (struct mtrr){ .default_type = 0 };
        start_reset(&vm->vcpu[i]);
    }
}

static const char *load_firmware(struct vm *vm) {
    const struct firmware_machine machine = { .vcpu_count = vm->vcpu_count,
                                              .hpet = vm->has_hpet,
                                              .screen = vm->screen.present,
                                              .vgabios = vm->vgabios };
    return firmware_load(&vm->memory, &machine, &vm->fwcfg);
}

/* Memory, devices and vCPUs as they are when the VM starts; what is wrong, or NULL. */
static const char *load(struct vm *vm) {
    struct loader_result kernel = { .error = NULL };
    if (vm->has_firmware)
        kernel.error = load_firmware(vm);
    else
        kernel = load_kernel(vm);
    if (kernel.error)
        return kernel.error;
    devices_reset(vm);
    reset_vcpus(vm);
    if (vm->has_firmware)
        start_firmware(&vm->vcpu[0]);
    else
        start_kernel(&vm->vcpu[0], &kernel);
    return NULL;
}

bool vm_load(struct vm *vm) {
    const char *error = load(vm);
    if (error) {
        vm_log("not started: %s", error);
        return false;
    }
    vm->loaded_at = vm_now();
    __atomic_store_n(&vm->state, VM_RUNNING, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        vm_kick(vm, &vm->vcpu[i]);
    return true;
}

static const char *kind_text(uint32_t kind) {
    switch (kind) {
    case VM_END_RESET: return "the guest asked for a reset";
    case VM_END_POWEROFF: return "the guest switched itself off";
    default: return "the guest can't go on";
    }
}

static void stay_stopped(struct vm *vm) {
    __atomic_store_n(&vm->state, VM_STOPPED, __ATOMIC_SEQ_CST);
}

/* Seconds to wait before the next start: none after the first early end, then 1, 2, 4 and so on. */
static uint32_t pause_seconds(struct vm *vm) {
    uint64_t lived = (vm_now() - vm->loaded_at) / 1000 / vm->tsc_khz;
    uint32_t pause = vm->next_pause < LONGEST_PAUSE_SECONDS ? vm->next_pause
                                                            : LONGEST_PAUSE_SECONDS;
    bool soon = lived < SOON_SECONDS;
    vm->next_pause = soon ? (pause == 0 ? 1 : pause * 2) : 0;
    return soon ? pause : 0;
}

static void plan_next_life(struct vm *vm) {
    uint32_t kind = __atomic_load_n(&vm->end_kind, __ATOMIC_SEQ_CST);
    if (!vm->restart_on_reset || kind == VM_END_POWEROFF) {
        vm_log("%s: stopped", kind_text(kind));
        stay_stopped(vm);
        return;
    }
    uint32_t pause = pause_seconds(vm);
    vm->start_at = vm_now() + (uint64_t)pause * 1000 * vm->tsc_khz;
    if (pause == 0)
        vm_log("%s: starting it again", kind_text(kind));
    else
        vm_log("%s: starting it again in %u s, as it ended so soon", kind_text(kind), pause);
}

void vm_settle_end(struct vm *vm) {
    if (state_of(vm) != VM_ENDING || !all_parked(vm) || !devices_stop(vm))
        return;
    if (vm->start_at == 0)
        plan_next_life(vm);
    if (vm->start_at == 0 || vm_now() < vm->start_at)
        return;
    vm->start_at = 0;
    clear_memory(vm);
    if (!vm_load(vm))
        stay_stopped(vm);
}

uint64_t vm_deadline(const struct vm *vm) {
    return vm->start_at != 0 ? vm->start_at : BH_FOREVER;
}
