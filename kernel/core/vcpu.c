/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual CPUs, the part that every architecture shares: calls, doorbells, counters, and changes of
 * a guest space while its guest runs. Trusts the plan; guests and VMMs are hostile.
 *
 * A change of a space and an entry into it: the entering core says where it is (vcpu_core), sets
 * vcpu_in_guest, then reads space_changes; the changing core counts space_changes up, then reads vcpu_in_guest. One of them
 * sees the other (the operations are sequentially consistent), so after vcpu_place no core uses a
 * translation that is gone.
 */
#include "core/vcpu.h"

#include "core/atomic.h"
#include "core/core.h"
#include "core/counter.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/thread.h"
#include "core/vcpu_arch.h"

static uint32_t vcpu_core[BH_MAX_VCPUS];          /* where it ran last, BH_NONE: nowhere */
static uint64_t vcpu_in_guest[BH_MAX_VCPUS];
static uint64_t changes_seen[BH_MAX_VCPUS];       /* of its space, when it was last entered */
static uint64_t space_changes[BH_MAX_SPACES];
static struct lock placing;                       /* guards guest spaces' tables */

void vcpu_install(void) {
    uint32_t count = plan_count(BH_TABLE_VCPU);

    if (count == 0)
        return;
    vcpu_arch_install();
    for (uint32_t i = 0; i < count; i++) {
        const struct bh_plan_vcpu *vcpu = plan_vcpu(i);
        vcpu_arch_create(i, vcpu->space, region_base(vcpu->state_region));
        vcpu_core[i] = BH_NONE;
    }
}

void vcpu_install_core(void) {
    if (plan_count(BH_TABLE_VCPU) > 0)
        vcpu_arch_install_core();
}

void vcpu_reset(uint32_t vcpu) {
    vcpu_arch_reset(vcpu);
    vcpu_core[vcpu] = BH_NONE;
}

static void run_guest(uint32_t vcpu, struct vcpu_leaving *leaving) {
    uint32_t core = core_this();
    bool stale = vcpu_core[vcpu] != core;

    vcpu_core[vcpu] = core;
    atomic_exchange(&vcpu_in_guest[vcpu], 1);
    uint64_t changes = atomic_load(&space_changes[plan_vcpu(vcpu)->space]);
    stale = stale || changes_seen[vcpu] != changes;
    changes_seen[vcpu] = changes;
    vcpu_arch_run(vcpu, core, stale, leaving);
    vcpu_in_guest[vcpu] = 0;
}

/* The channel of the doorbell at this address, or BH_NONE. */
static uint32_t doorbell_at(uint32_t vcpu, enum bh_doorbell_kind kind, uint64_t address) {
    uint32_t space = plan_vcpu(vcpu)->space;

    for (uint32_t i = plan_space(space)->first_doorbell; i < plan_count(BH_TABLE_DOORBELL); i++) {
        const struct bh_plan_doorbell *bell = plan_doorbell(i);
        if (bell->space != space)
            break;
        if (address - bell->address < bell->length && bell->kind == kind)
            return bell->channel;
    }
    return BH_NONE;
}

static bool doorbell_rings(uint32_t vcpu, const struct vcpu_leaving *leaving) {
    bool port = leaving->kind == VCPU_PORT_WRITE;
    uint32_t channel = doorbell_at(vcpu, port ? BH_DOORBELL_PORT : BH_DOORBELL_PAGE,
                                   leaving->address);

    if (channel == BH_NONE || !vcpu_arch_skip(vcpu, leaving->kind))
        return false;
    counters.vcpu[vcpu][BH_VCPU_DOORBELLS]++;
    channel_signal(channel);
    return true;
}

bool vcpu_enter(uint32_t vcpu, bool *halts) {
    struct vcpu_leaving leaving;

    fpu_use_vcpu(vcpu);
    run_guest(vcpu, &leaving);
    if (leaving.kind == VCPU_FOR_KERNEL) {
        counters.vcpu[vcpu][BH_VCPU_KERNEL_EXITS]++;
        return false;
    }
    if (leaving.kind != VCPU_FOR_VMM && doorbell_rings(vcpu, &leaving))
        return false;
    counters.vcpu[vcpu][BH_VCPU_EXITS]++;
    *halts = leaving.halts;
    vcpu_arch_store(vcpu, leaving.exit);
    return true;
}

void vcpu_leave(uint32_t vcpu) { vcpu_arch_store(vcpu, BH_EXIT_EVENT); }

static void vcpu_shoot_down(uint32_t space) {
    uint64_t changes = atomic_add(&space_changes[space], 1) + 1;

    for (uint32_t i = 0; i < plan_count(BH_TABLE_VCPU); i++) {
        if (plan_vcpu(i)->space != space || atomic_load(&vcpu_in_guest[i]) == 0)
            continue;
        core_alert(vcpu_core[i]);
        while (atomic_load(&vcpu_in_guest[i]) != 0 && atomic_load(&changes_seen[i]) != changes)
            ;
    }
}

enum bh_status vcpu_place(uint32_t region, uint32_t space, uint64_t gpa, bool present,
                          uint32_t rights) {
    enum bh_status status;

    lock_take(&placing);
    status = present ? space_place(space, region, (gpaddr_t){ gpa }, rights)
                     : space_unplace(space, region);
    if (status == BH_OK)
        vcpu_shoot_down(space);
    lock_drop(&placing);
    return status;
}
