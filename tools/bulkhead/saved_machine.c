/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel's code needs to run on a saved machine: configuration space that is a copy, with
 * BARs that answer like BARs, the firmware's tables, RAM as Linux saw it, and a panic that comes
 * back. See saved_machine.h. Trusts nothing that the listing says.
 */
#include "saved_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/boot_memory.h"
#include "core/counter.h"
#include "core/device_state.h"
#include "core/log.h"
#include "core/plan.h"
#include "core/time.h"
#include "iommu/iommu.h"
#include "iommu/scope.h"
#include "memory.h"

/* PCI Firmware 3.2, 4.1.2 */
enum { MCFG_BASE = 44, MCFG_FIRST_BUS = 54, MCFG_LAST_BUS = 55, MCFG_SIZE = 60 };
enum { BUS_SIZE = 1 << 20 };
enum { SRIOV = 0x10, SRIOV_BARS = 0x24, SRIOV_END = SRIOV_BARS + 4 * PCI_BARS };   /* PCIe 9.3.3 */

static struct listing machine;         /* a copy: the kernel writes to it */
static uint64_t ecam_base;
static uint32_t first_bus, last_bus;
static struct scopes scopes;
static const char *iommu_wrong;
static jmp_buf panicked;
static bool guarded;                   /* somebody stands ready for a panic */
static char last_words[512];

/* Before there is a plan, one without any control. */
static const struct bh_plan_header no_plan;
struct plan_view plan_tables = { .header = &no_plan };
struct bh_counters counters;

/* Which BAR the register at this offset is, counted as in listing_function; LISTING_SIZES: none. */
static uint32_t bar_at(const struct listing_function *f, uint32_t offset) {
    uint32_t id = f->requester_id;
    bool bridge = f->config[PCI_HEADER_TYPE] % 128 != 0;

    if (bridge || offset < PCI_BAR0) {
        return LISTING_SIZES;
    }
    if (offset < PCI_BAR0 + 4 * PCI_BARS) {
        return (offset - PCI_BAR0) / 4;
    }
    uint32_t sriov = pci_extended_capability(id, (enum pci_capability_id)SRIOV);
    bool virtual = sriov != 0 && offset >= sriov + SRIOV_BARS && offset < sriov + SRIOV_END;
    return virtual ? PCI_BARS + (offset - sriov - SRIOV_BARS) / 4 : LISTING_SIZES;
}

static uint32_t config32(const struct listing_function *f, uint32_t offset) {
    uint32_t value = 0;

    memcpy(&value, f->config + offset, sizeof(value));
    return value;
}

/* PCI 6.2.5.1: the bits below a BAR's size are fixed. */
static uint32_t bar_after_write(const struct listing_function *f, uint32_t bar, uint32_t offset,
                                uint32_t value) {
    uint32_t old = config32(f, offset);
    uint64_t size = f->size[bar];

    if (size == 0 && bar % PCI_BARS > 0 && (config32(f, offset - 4) & 7) == 4) {
        uint32_t high = (uint32_t)(~(f->size[bar - 1] - 1) >> 32);
        return f->size[bar - 1] == 0 ? old : value & high;
    }
    uint32_t flags = (old & 1) != 0 ? 3 : 15;
    return size == 0 ? old : (value & (uint32_t)~(size - 1) & ~flags) | (old & flags);
}

bool pci_ecam_install(void) { return true; }

bool pci_bus_exists(uint32_t bus) { return bus >= first_bus && bus <= last_bus; }

bool pci_ecam_overlaps(uint64_t base, uint64_t size) {
    uint64_t first = ecam_base + (uint64_t)first_bus * BUS_SIZE;
    return base < first + (uint64_t)(last_bus - first_bus + 1) * BUS_SIZE && first < base + size;
}

/* PCI Local Bus 3.0, 3.2.2.3.4: a function that isn't there reads as ones. */
uint32_t pci_read(uint32_t requester_id, uint32_t offset, uint32_t width) {
    const struct listing_function *f = listing_find(&machine, requester_id);
    uint32_t value = 0xffffffffu;

    INVARIANT(offset % width == 0 && offset <= PCI_CONFIG_SIZE - width);
    if (f != NULL) {
        value = 0;
        memcpy(&value, f->config + offset, width);
    }
    return width == 4 ? value : value & ((1u << 8 * width) - 1);
}

void pci_write(uint32_t requester_id, uint32_t offset, uint32_t width, uint32_t value) {
    struct listing_function *f = listing_find(&machine, requester_id);
    uint32_t bar = f != NULL && width == 4 ? bar_at(f, offset) : LISTING_SIZES;

    if (bar < LISTING_SIZES) {
        value = bar_after_write(f, bar, offset, value);
    }
    if (f != NULL) {
        memcpy(f->config + offset, &value, width);
    }
}

void pci_change(uint32_t requester_id, uint32_t offset, uint32_t clear, uint32_t set) {
    pci_write(requester_id, offset, 2, (pci_read(requester_id, offset, 2) & ~clear) | set);
}


const char *iommu_refuses(uint32_t requester_id) {
    return iommu_wrong != NULL ? iommu_wrong : scopes_refuse(&scopes, requester_id);
}

bool iommu_owns_registers(uint64_t base, uint64_t size) {
    return scopes_own_registers(&scopes, base, size);
}

bool boot_memory_is_outside_ram(paddr_t base, uint64_t size) {
    for (uint32_t i = 0; i < machine.rams; i++) {
        if (base.value <= machine.ram[i].last && machine.ram[i].first < base.value + size) {
            return false;
        }
    }
    return true;
}

/* Never read or written here: only whether an MSI-X table fits into its BAR is asked. */
volatile void *physical_registers(paddr_t address, uint64_t size) {
    static uint32_t nothing;

    (void)address;
    (void)size;
    return &nothing;
}

/* Nothing here takes time. */
uint64_t time_now(void) { return 0; }

uint64_t time_after_us(uint64_t microseconds) { return microseconds - microseconds; }

bool plan_control(enum bh_plan_flags flag) {
    return (plan_tables.header->flags & (uint32_t)flag) != 0;
}

void log_line(const char *format, ...) { (void)format; }

void panic(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(last_words, sizeof(last_words), format, arguments);
    va_end(arguments);
    if (!guarded) {
        fprintf(stderr, "bulkhead: %s\n", last_words);
        exit(2);
    }
    longjmp(panicked, 1);
}

/* The segment's only entry is read: the kernel uses the first one, too. */
static bool find_ecam(const char **why) {
    const struct listing_table *mcfg = listing_table(&machine, "MCFG");

    if (mcfg == NULL || mcfg->size < MCFG_SIZE) {
        *why = "the firmware describes no ECAM (ACPI table MCFG), so no PCI device can be used";
        return false;
    }
    memcpy(&ecam_base, mcfg->bytes + MCFG_BASE, sizeof(ecam_base));
    first_bus = mcfg->bytes[MCFG_FIRST_BUS];
    last_bus = mcfg->bytes[MCFG_LAST_BUS];
    *why = "the ACPI table MCFG is malformed";
    return first_bus <= last_bus;
}

/* As kernel/iommu/iommu.c chooses. What the units themselves can do isn't known before they run. */
static void find_iommu(void) {
    const struct listing_table *vtd = listing_table(&machine, "DMAR");
    const struct listing_table *amdvi = listing_table(&machine, "IVRS");

    iommu_wrong = "the firmware describes no IOMMU";
    if (vtd != NULL) {
        iommu_wrong = dmar_parse((struct bytes){ vtd->bytes, vtd->size }, &scopes);
    } else if (amdvi != NULL) {
        iommu_wrong = ivrs_parse((struct bytes){ amdvi->bytes, amdvi->size }, &scopes);
    }
}

static void copy(const struct listing *l) {
    memset(&machine, 0, sizeof(machine));
    memset(&scopes, 0, sizeof(scopes));
    for (uint32_t i = 0; i < l->functions; i++) {
        *listing_add(&machine, 0) = l->function[i];
    }
    for (uint32_t i = 0; i < l->rams; i++) {
        listing_add_ram(&machine, l->ram[i].first, l->ram[i].last);
    }
    for (; machine.tables < l->tables; machine.tables++) {
        struct listing_table *t = &machine.table[machine.tables];
        *t = l->table[machine.tables];
        t->bytes = memory_zeroed(t->size, 1);
        memcpy(t->bytes, l->table[machine.tables].bytes, t->size);
    }
}

bool saved_machine_open(const struct listing *l, const char **why) {
    copy(l);
    if (!find_ecam(why)) {
        return false;
    }
    guarded = true;
    if (setjmp(panicked) != 0) {
        guarded = false;
        *why = last_words;
        return false;
    }
    pci_discover();
    pci_compute_groups();
    guarded = false;
    find_iommu();
    return true;
}

void saved_machine_close(void) { listing_free(&machine); }

const char *saved_machine_iommu(void) { return iommu_wrong; }

const char *saved_machine_platform(uint64_t base, uint64_t size) {
    if (!boot_memory_is_outside_ram(paddr(base), size)) {
        return "RAM";
    }
    bool platform = iommu_owns_registers(base, size) || pci_ecam_overlaps(base, size);
    return platform ? "the platform" : NULL;
}

const char *saved_machine_unconfined(uint32_t index) {
    uint32_t alias = pci_alias(index);
    const char *why = iommu_refuses(pci_function(index)->requester_id);

    return why == NULL && alias != BH_NONE ? iommu_refuses(alias) : why;
}

/* A plan of one device and one region is enough for the question. */
bool saved_machine_maps(uint32_t index, uint32_t bar, uint64_t offset, uint64_t size) {
    static const struct bh_plan_device device = { .kind = BH_DEVICE_PCI };
    struct bh_plan_region region = { .kind = BH_REGION_BAR, .bar = bar, .base = offset,
                                     .size = size };

    plan_tables = (struct plan_view){ .header = &no_plan, .device = &device };
    devices.function[0] = index;
    guarded = true;
    bool maps = setjmp(panicked) == 0;
    if (maps) {
        device_bar_place(&region);
    }
    guarded = false;
    return maps;
}

/* What virtual functions are like isn't known before they are made. */
static bool has_virtual(const struct plan_view *plan) {
    for (uint32_t d = 0; d < plan->count[BH_TABLE_DEVICE]; d++) {
        if (plan->device[d].virtual != 0) {
            return true;
        }
    }
    return false;
}

const char *saved_machine_refuses(const struct plan_view *plan) {
    if (has_virtual(plan)) {
        return NULL;
    }
    plan_tables = *plan;
    for (uint32_t d = 0; d < BH_MAX_DEVICES; d++) {
        devices.function[d] = devices.alias[d] = BH_NONE;
    }
    guarded = true;
    if (setjmp(panicked) != 0) {
        guarded = false;
        return last_words;
    }
    device_install();
    for (uint32_t i = 0; i < plan->count[BH_TABLE_REGION]; i++) {
        if (plan->region[i].kind == BH_REGION_BAR) {
            device_bar_place(&plan->region[i]);
        }
    }
    guarded = false;
    return NULL;
}
