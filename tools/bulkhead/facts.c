/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's view of a function, in words. See facts.h. */
#include "facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "iommu/scope.h"
#include "saved_machine.h"

enum { INTERRUPT_PIN = 0x3d, CLASS_UNIT = 1 << 24 };              /* PCI 6.2.4 */
enum { MSI_CONTROL = 2, MSI_CAPABLE = 7 };                        /* PCI 6.8.1.3 */
enum {                                                            /* PCIe 9.3.3 */
    SRIOV_INITIAL = 0x0c, SRIOV_TOTAL = 0x0e, SRIOV_OFFSET = 0x14,
    SRIOV_STRIDE = 0x16, SRIOV_DEVICE = 0x1a, SRIOV_SIZE = 0x40,
};
enum { TABLE_HEADER = 48, RANGE_BASE = 8, RANGE_END = 16, RANGE_SIZE = 24 };  /* of both tables */
enum { RMRR = 1, IVMD_FIRST = 0x20, IVMD_LAST = 0x22 };           /* VT-d 8.4, AMD 48882 5.2.3 */

const char *facts_address(uint32_t requester_id, char text[8]) {
    snprintf(text, 8, "%02x:%02x.%u", requester_id >> 8 & 255, requester_id >> 3 & 31,
             requester_id & 7);
    return text;
}

char facts_pin(const struct listing_function *f) {
    uint8_t pin = f->config[INTERRUPT_PIN];
    return pin >= 1 && pin <= 4 ? (char)('A' + pin - 1) : 0;
}

void facts_line_sharers(const struct listing *l, uint32_t requester_id, char *text, size_t size) {
    const struct listing_function *own = listing_find(l, requester_id);
    char address[8];
    size_t length = 0;

    text[0] = 0;
    for (uint32_t i = 0; own != NULL && own->line != 0 && i < l->functions; i++) {
        const struct listing_function *f = &l->function[i];
        if (f != own && facts_pin(f) != 0 && f->line == own->line && length + 10 < size) {
            length += (size_t)snprintf(text + length, size - length, " %s",
                                       facts_address(f->requester_id, address));
        }
    }
}

static void say(struct facts *facts, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(struct facts *facts, const char *key, const char *format, ...) {
    va_list arguments;

    if (facts->count == FACTS) {
        return;
    }
    snprintf(facts->fact[facts->count].key, sizeof(facts->fact[0].key), "%s", key);
    va_start(arguments, format);
    vsnprintf(facts->fact[facts->count].text, FACT_TEXT, format, arguments);
    va_end(arguments);
    facts->count++;
}

static void say_identity(struct facts *facts, const struct pci_function *f) {
    say(facts, "id", "%04x:%04x", f->vendor, f->device);
    say(facts, "class", "%06x revision %02x", f->class_revision >> 8, f->class_revision & 255);
    if (f->multi_function) {
        say(facts, "several", "its device has several functions");
    }
    if (f->bridge) {
        say(facts, "bridge", "to buses %02x..%02x, %s", f->secondary, f->subordinate,
            f->port_type == PCIE_NONE ? "conventional" :
            f->port_type == PCIE_ROOT_PORT ? "a root port" :
            f->port_type == PCIE_UPSTREAM ? "the upstream port of a switch" :
            f->port_type == PCIE_TO_PCI_BRIDGE ? "from PCIe to PCI" : "a port");
    }
    if (f->acs != 0) {
        say(facts, "acs", "%s", pci_isolate(f) ? "has all that is needed" : "lacks services");
    }
}

static void say_bars(struct facts *facts, const struct pci_function *f) {
    char key[12];

    for (uint32_t i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &f->bar[i];
        snprintf(key, sizeof(key), "bar%u", i);
        if (bar->size != 0) {
            say(facts, key, "%s 0x%llx..0x%llx%s", bar->ports ? "ports" : "memory",
                (unsigned long long)bar->base, (unsigned long long)(bar->base + bar->size - 1),
                bar->wide ? ", 64 bits" : "");
        }
    }
}

static void say_interrupts(struct facts *facts, const struct listing *l,
                           const struct pci_function *f) {
    const struct listing_function *raw = listing_find(l, f->requester_id);
    char others[FACT_TEXT / 2];

    if (f->msi != 0) {
        uint32_t control = pci_read(f->requester_id, f->msi + MSI_CONTROL, 2);
        say(facts, "msi", "%u messages", 1u << (control / 2 % (MSI_CAPABLE + 1)));
    }
    if (f->msix != 0) {
        say(facts, "msix", "%u entries, table in BAR %u at 0x%llx, pending bits in BAR %u at "
            "0x%llx", f->msix_entries, f->msix_table.bar, (unsigned long long)f->msix_table.offset,
            f->msix_pending.bar, (unsigned long long)f->msix_pending.offset);
    }
    if (facts_pin(raw) != 0) {
        facts_line_sharers(l, f->requester_id, others, sizeof(others));
        say(facts, "intx", "pin %c, line %u%s%s", facts_pin(raw), raw->line,
            others[0] != 0 ? ", shared with" : "", others);
    }
}

static void say_group(struct facts *facts, const struct pci_function *f) {
    char text[FACT_TEXT / 2] = "";
    char address[8];
    size_t length = 0;

    for (uint32_t i = 0; i < pci_count() && length + 10 < sizeof(text); i++) {
        const struct pci_function *other = pci_function(i);
        if (other != f && other->group == f->group) {
            length += (size_t)snprintf(text + length, sizeof(text) - length, " %s",
                                       facts_address(other->requester_id, address));
        }
    }
    say(facts, "group", "%s%s%s%s", length == 0 ? "alone" : "with", text,
        f->group_reason != NULL ? ": " : "", f->group_reason != NULL ? f->group_reason : "");
}

static void say_confinement(struct facts *facts, uint32_t index) {
    const char *why = saved_machine_unconfined(index);
    uint32_t alias = pci_alias(index);
    char address[8];

    if (alias != BH_NONE) {
        say(facts, "alias", "its requests come as %s", facts_address(alias, address));
    }
    say(facts, "iommu", "%s", why != NULL ? why : "confines it");
}

static uint64_t word64(const uint8_t *bytes) {
    uint64_t value = 0;

    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* Is the reserved range of this structure for the function? The kernel's parser is asked, with a
 * table that holds nothing else. */
static bool reserved_for(bool vtd, const uint8_t *structure, uint32_t size, uint32_t requester_id) {
    static uint8_t table[TABLE_HEADER + LISTING_TABLE_BYTES];
    static struct scopes scopes;

    memset(table, 0, TABLE_HEADER);
    memcpy(table + TABLE_HEADER, structure, size);
    struct bytes bytes = { table, TABLE_HEADER + size };
    if (vtd) {
        dmar_parse(bytes, &scopes);
    } else {
        ivrs_parse(bytes, &scopes);
    }
    scopes.include_all = true;
    return scopes_refuse(&scopes, requester_id) != NULL;
}

/* Both tables are lists of structures with their length at 2, and ranges have their base at 8. */
static void say_ranges(struct facts *facts, const struct listing_table *table, bool vtd,
                       uint32_t requester_id) {
    uint32_t size = 0;
    uint32_t found = 0;
    char key[12];

    for (uint32_t at = TABLE_HEADER; at + 4 <= table->size; at += size) {
        const uint8_t *structure = table->bytes + at;
        size = structure[2] | (uint32_t)structure[3] << 8;
        if (size < 4 || size > table->size - at) {
            return;
        }
        bool range = vtd ? structure[0] == RMRR && structure[1] == 0
                         : structure[0] >= IVMD_FIRST && structure[0] <= IVMD_LAST;
        if (range && size >= RANGE_SIZE && reserved_for(vtd, structure, size, requester_id)) {
            uint64_t base = word64(structure + RANGE_BASE);
            uint64_t end = word64(structure + RANGE_END);
            snprintf(key, sizeof(key), "reserved%u", found++ % 100);
            say(facts, key, "0x%llx..0x%llx by the firmware (%s)", (unsigned long long)base,
                (unsigned long long)(vtd ? end : base + end - 1), vtd ? "RMRR" : "IVMD");
        }
    }
}

static void say_reserved(struct facts *facts, const struct listing *l, uint32_t requester_id) {
    const struct listing_table *vtd = listing_table(l, "DMAR");
    const struct listing_table *amdvi = listing_table(l, "IVRS");

    if (vtd != NULL || amdvi != NULL) {
        say_ranges(facts, vtd != NULL ? vtd : amdvi, vtd != NULL, requester_id);
    }
}

uint32_t facts_virtual(const struct pci_function *f) {
    bool fits = f->sriov != 0 && f->sriov <= PCI_CONFIG_SIZE - SRIOV_SIZE;
    return !fits ? 0 : pci_read(f->requester_id, f->sriov + SRIOV_TOTAL, 2);
}

static void say_virtual(struct facts *facts, const struct listing *l,
                        const struct pci_function *f) {
    const struct listing_function *raw = listing_find(l, f->requester_id);
    uint32_t id = f->requester_id;
    char key[12];

    if (facts_virtual(f) == 0) {
        return;
    }
    say(facts, "sriov", "%u virtual functions (%u at first), offset %u, stride %u, device %04x",
        facts_virtual(f), pci_read(id, f->sriov + SRIOV_INITIAL, 2),
        pci_read(id, f->sriov + SRIOV_OFFSET, 2), pci_read(id, f->sriov + SRIOV_STRIDE, 2),
        pci_read(id, f->sriov + SRIOV_DEVICE, 2));
    for (uint32_t i = 0; i < PCI_BARS; i++) {
        snprintf(key, sizeof(key), "vf-bar%u", i);
        if (raw->size[PCI_BARS + i] != 0) {
            say(facts, key, "%lluK each", (unsigned long long)raw->size[PCI_BARS + i] >> 10);
        }
    }
}

void facts_find(const struct listing *l, uint32_t function, struct facts *facts) {
    const struct pci_function *f = pci_function(function);

    facts->count = 0;
    say_identity(facts, f);
    say_bars(facts, f);
    say_interrupts(facts, l, f);
    say_virtual(facts, l, f);
    say_group(facts, f);
    if (!f->bridge) {
        say(facts, "reset", "%s", pci_reset_method(function));
    }
    say_confinement(facts, function);
    say_reserved(facts, l, f->requester_id);
}
