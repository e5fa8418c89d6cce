/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place where the kind of remapping unit is chosen. Without a unit nothing is confined:
 * attaching answers false, and interrupt messages are plain ones (Intel SDM volume 3, 11.11), which
 * only devices that can't send others may get.
 */
#include "iommu/iommu.h"

#include "core/log.h"
#include "iommu/vtd.h"

static enum iommu_kind kind = IOMMU_NONE;

bool iommu_install(void) {
    if (vtd_install())
        kind = IOMMU_VTD;
    log_line("IOMMU: %s", kind == IOMMU_NONE ? "none that is usable: no device may have DMA" :
             "on: DMA and interrupts of every device denied until granted");
    return kind != IOMMU_NONE;
}

enum iommu_kind iommu_kind(void) { return kind; }

const char *iommu_refuses(uint32_t requester_id) {
    return kind == IOMMU_VTD ? vtd_refuses(requester_id) : "this machine has no usable IOMMU";
}

bool iommu_owns_registers(uint64_t base, uint64_t size) {
    return kind == IOMMU_VTD && vtd_owns_registers(base, size);
}

uint32_t iommu_ioapic_requester(uint32_t ioapic_id) {
    return kind == IOMMU_VTD ? vtd_ioapic_requester(ioapic_id) : BH_NONE;
}

bool iommu_attach(uint32_t requester_id, uint32_t space, paddr_t root) {
    return kind == IOMMU_VTD && vtd_attach(requester_id, space, root);
}

bool iommu_detach(uint32_t requester_id, uint32_t space) {
    return kind == IOMMU_VTD && vtd_detach(requester_id, space);
}

bool iommu_interrupt_set(uint32_t entry, uint32_t requester_id, uint32_t vector, uint32_t apic_id,
                         struct iommu_message *message) {
    if (kind == IOMMU_VTD)
        return vtd_interrupt_set(entry, requester_id, vector, apic_id, message);
    *message = (struct iommu_message){ 0xfee00000u | apic_id % 256 << 12, vector };
    return true;
}

bool iommu_interrupt_clear(uint32_t entry) {
    return kind != IOMMU_VTD || vtd_interrupt_clear(entry);
}

void iommu_fault_interrupt(void) {
    if (kind == IOMMU_VTD)
        vtd_fault_interrupt();
}

void iommu_ignore_faults(uint32_t requester_id, bool ignore) {
    if (kind == IOMMU_VTD)
        vtd_ignore_faults(requester_id, ignore);
}
