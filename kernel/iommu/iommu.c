/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one place where the kind of remapping unit is chosen. Without a unit nothing is confined:
 * attaching answers false, and interrupt messages are plain ones (Intel SDM volume 3, 11.11), which
 * only devices that can't send others may get.
 */
#include "iommu/iommu.h"

#include "core/log.h"
#include "iommu/amdvi.h"
#include "iommu/vtd.h"
#include "x86/acpi.h"

static enum iommu_kind kind = IOMMU_NONE;
static struct scopes scopes;

/* Chooses the kind by the firmware's table; with neither there is nothing to install. */
static bool install_units(void) {
    struct bytes dmar = acpi_table("DMAR"), ivrs = acpi_table("IVRS");
    kind = dmar.length != 0 ? IOMMU_VTD : ivrs.length != 0 ? IOMMU_AMDVI : IOMMU_NONE;
    const char *wrong = kind == IOMMU_VTD ? dmar_parse(dmar, &scopes) :
                        kind == IOMMU_AMDVI ? ivrs_parse(ivrs, &scopes) : 0;
    if (wrong != 0) {
        log_line("IOMMU: the firmware's %s table is unusable: %s",
                 kind == IOMMU_VTD ? "DMAR" : "IVRS", wrong);
        return false;
    }
    units_install(&scopes);
    return kind == IOMMU_VTD ? vtd_install() : kind == IOMMU_AMDVI && amdvi_install(&scopes);
}

void iommu_install(void) {
    if (!install_units())
        kind = IOMMU_NONE;
    log_line("IOMMU: %s", kind == IOMMU_NONE ? "none that is usable: no device may have DMA" :
             "on: DMA and interrupts of every device denied until granted");
}

enum iommu_kind iommu_kind(void) { return kind; }

const char *iommu_refuses(uint32_t requester_id) {
    return kind == IOMMU_NONE ? "this machine has no usable IOMMU" :
           scopes_refuse(&scopes, requester_id);
}

bool iommu_owns_registers(uint64_t base, uint64_t size) {
    return scopes_own_registers(&scopes, base, size);
}

uint32_t iommu_ioapic_requester(uint32_t ioapic_id) {
    return scopes_ioapic_requester(&scopes, ioapic_id);
}

/* A space's domain is its number and one: 0 is that of the denied (AMD-Vi), and reserved with caching
 * mode (VT-d 6.1). */
bool iommu_attach(uint32_t requester_id, uint32_t space, paddr_t root) {
    return kind == IOMMU_VTD ? vtd_attach(requester_id, space + 1, root) :
           kind == IOMMU_AMDVI && amdvi_attach(requester_id, space + 1, root);
}

bool iommu_detach(uint32_t requester_id, uint32_t space) {
    return kind == IOMMU_VTD ? vtd_detach(requester_id, space + 1) :
           kind == IOMMU_AMDVI && amdvi_detach(requester_id, space + 1);
}

bool iommu_interrupt_set(uint32_t entry, uint32_t requester_id, uint32_t vector, uint32_t apic_id,
                         struct iommu_message *message) {
    *message = (struct iommu_message){ 0xfee00000u | apic_id % 256 << 12, vector };
    return kind == IOMMU_VTD ? vtd_interrupt_set(entry, requester_id, vector, apic_id, message) :
           kind == IOMMU_NONE || amdvi_interrupt_set(entry, requester_id, vector, apic_id);
}

bool iommu_interrupt_clear(uint32_t entry) {
    return kind == IOMMU_VTD ? vtd_interrupt_clear(entry) :
           kind == IOMMU_NONE || amdvi_interrupt_clear(entry);
}

void iommu_ignore_faults(uint32_t requester_id, bool ignore) {
    if (kind == IOMMU_VTD)
        vtd_ignore_faults(requester_id, ignore);
    else if (kind == IOMMU_AMDVI)
        amdvi_ignore_faults(requester_id, ignore);
}
