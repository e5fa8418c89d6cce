/* SPDX-License-Identifier: BSD-2-Clause */
/* DMAR parsing, table entries and the order of invalidations, against a unit made of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/kernel/fake_machine.h"

#include "core/device.h"
#include "core/table_format.h"
#include "iommu/amdvi.h"
#include "iommu/scope.h"
#include "iommu/vtd.h"
#include "pci/pci.h"

enum { NIC = 0x10, BEHIND = 0x100, UNIT = 0xfed90000 };

static uint8_t dmar[256];
static uint32_t dmar_length;
static uint64_t unit_registers[2048];
static struct pci_function functions[2] = {
    { .requester_id = NIC, .parent = BH_NONE },
    { .requester_id = 0x18, .bridge = true, .secondary = 1, .subordinate = 2, .parent = BH_NONE },
};
static struct device_fault last_fault;
static unsigned fault_count;
static unsigned context_flushes, tlb_flushes, interrupt_flushes;

uint32_t pci_count(void) { return 2; }
struct pci_function *pci_function(uint32_t index) { return &functions[index]; }
uint32_t pci_alias(uint32_t index) { return index == 1 ? BEHIND : BH_NONE; }
uint32_t pci_find(uint32_t id) { return id == NIC ? 0 : id == 0x18 ? 1 : BH_NONE; }

enum iommu_kind iommu_kind(void) { return IOMMU_VTD; }
volatile struct amdvi_device *amdvi_devices;

void device_fault(const struct device_fault *fault) {
    last_fault = *fault;
    fault_count++;
}

/* A VT-d unit's messages don't come by a PCI function. */
void pci_set_master(uint32_t index, bool on) { fail_msg("function %u: %d", index, on); }
void pci_message_mask(uint32_t index, bool msix, uint32_t entry, bool masked) {
    fail_msg("function %u: %d %u %d", index, msix, entry, masked);
}
void pci_message_set(uint32_t index, bool msix, uint32_t entry, uint64_t address, uint32_t data) {
    fail_msg("function %u: %d %u %lu %u", index, msix, entry, address, data);
}

/* DRHD with an endpoint, a bridge and an I/O APIC; an RMRR for one endpoint. */
static void good_dmar(void) {
    static const uint8_t structures[] = {
        0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0,
        1, 8, 0, 0, 0, 0, 2, 0,
        2, 8, 0, 0, 0, 0, 3, 0,
        3, 8, 0, 0, 9, 0xff, 0, 0,
        1, 0, 32, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0, 0, 0, 0,
        1, 8, 0, 0, 0, 0, 2, 0,
    };
    memset(dmar, 0, sizeof dmar);
    dmar[37] = 1;
    memcpy(dmar + 48, structures, sizeof structures);
    dmar_length = 48 + sizeof structures;
}

static const char *parse(struct scopes *d) {
    return dmar_parse((struct bytes){ dmar, dmar_length }, d);
}

static void scopes_are_found(void **state) {
    struct scopes d;
    (void)state;
    good_dmar();
    assert_null(parse(&d));
    assert_string_equal(scopes_refuse(&d, NIC), 
                        "the firmware has reserved memory (RMRR, IVMD) for its DMA");
    assert_null(scopes_refuse(&d, 0x18));
    assert_null(scopes_refuse(&d, 0x208));
    assert_string_equal(scopes_refuse(&d, 0x28), "no IOMMU unit covers it");
    assert_non_null(scopes_refuse(&d, 0x300));
    assert_int_equal(scopes_ioapic_requester(&d, 9), 0xff00);
    assert_int_equal(scopes_ioapic_requester(&d, 0), BH_NONE);
}

static void every_cut_is_noticed(void **state) {
    struct scopes d;
    (void)state;
    for (uint32_t cut = 1; cut < dmar_length - 48; cut++) {
        good_dmar();
        bool whole_structure = dmar_length - cut == 48 + 40;
        assert_int_equal(dmar_parse((struct bytes){ dmar, dmar_length - cut }, &d) == 0,
                         whole_structure);
    }
    good_dmar();
    dmar[48 + 16 + 1] = 5;
    assert_non_null(parse(&d));
    good_dmar();
    dmar[48 + 2] = 0;
    assert_non_null(parse(&d));
    good_dmar();
    dmar[37] = 0;
    assert_string_equal(parse(&d), "it has no interrupt remapping");
}

/* What the unit does when nobody looks: works off its queue. */
static void work_queue(void) {
    static uint64_t head;
    uint64_t tail = unit_registers[VTD_QUEUE_TAIL / 8] / 16;
    if (unit_registers[VTD_QUEUE_ADDRESS / 8] == 0)
        return;
    uint64_t *queue = physical_at(paddr(unit_registers[VTD_QUEUE_ADDRESS / 8]), 4096);
    for (; head != tail; head = (head + 1) % 256) {
        uint64_t low = queue[head * 2];
        context_flushes += low % 16 == 1;
        tlb_flushes += low % 16 == 2;
        interrupt_flushes += low % 16 == 4;
        if (low % 16 == 5)
            *(uint32_t *)physical_at(paddr(queue[head * 2 + 1]), 4) = (uint32_t)(low >> 32);
    }
}

static void bring_up(void) {
    static struct scopes scopes;
    good_dmar();
    assert_null(parse(&scopes));
    fake_map(UNIT, unit_registers, sizeof unit_registers);
    unit_registers[VTD_CAPABILITY / 8] = VTD_CAP_4_LEVELS | 0x22ull << 24 | 6;
    unit_registers[VTD_EXTENDED / 8] = VTD_EXT_QUEUED | VTD_EXT_REMAPPING;
    unit_registers[VTD_COMMAND / 8] = 0xc7000000ull << 32;
    fake_on_time = work_queue;
    units_install(&scopes);
    assert_true(vtd_install());
}

static uint64_t *context_entry(uint32_t requester_id) {
    uint64_t *root = physical_at(paddr(unit_registers[VTD_ROOT_TABLE / 8]), 4096);
    uint64_t low = root[requester_id / 256 * 2];
    if (!(low & 1))
        return 0;
    return (uint64_t *)physical_at(paddr(low & ~0xfffull), 4096) + requester_id % 256 * 2;
}

static void nobody_is_present_at_first(void **state) {
    (void)state;
    bring_up();
    for (uint32_t id = 0; id < 0x10000; id++) {
        uint64_t *entry = context_entry(id);
        assert_true(entry == 0 || (entry[0] | entry[1]) == 0);
    }
    assert_non_null(context_entry(BEHIND));
}

static void attaching_and_detaching_is_confirmed(void **state) {
    (void)state;
    context_flushes = tlb_flushes = 0;
    assert_true(vtd_attach(NIC, 7, paddr(0x123000)));
    assert_int_equal(context_entry(NIC)[0], 0x123001);
    assert_int_equal(context_entry(NIC)[1], 7 << 8 | 2);
    assert_int_equal(context_flushes, 1);
    assert_int_equal(tlb_flushes, 1);
    assert_true(vtd_detach(NIC, 7));
    assert_int_equal(context_entry(NIC)[0], 0);
    assert_int_equal(context_flushes, 2);
    vtd_ignore_faults(NIC, true);
    assert_int_equal(context_entry(NIC)[0], 2);
    vtd_ignore_faults(NIC, false);
    assert_int_equal(context_entry(NIC)[0], 0);
}

static void interrupt_entries_name_their_source(void **state) {
    struct iommu_message message;
    (void)state;
    uint64_t *table = physical_at(paddr(unit_registers[VTD_REMAP_TABLE / 8] & ~0xfffull), 4096);
    assert_int_equal(unit_registers[VTD_REMAP_TABLE / 8] % 4096, 7);
    interrupt_flushes = 0;
    assert_true(vtd_interrupt_set(5, NIC, 0x35, 3, &message));
    assert_int_equal(table[10], 1ull | 0x35 << 16 | 3ull << 40);
    assert_int_equal(table[11], NIC | 1 << 18);
    assert_int_equal(message.address, 0xfee00010 | 5 << 5);
    assert_int_equal(message.data, 0);
    assert_true(vtd_interrupt_clear(5));
    assert_int_equal(table[10], 2);
    assert_int_equal(interrupt_flushes, 2);
    fake_plan_controls = BH_PLAN_CONTROL_NO_SOURCE_CHECK;
    assert_true(vtd_interrupt_set(5, NIC, 0x35, 3, &message));
    assert_int_equal(table[11], NIC);
    fake_plan_controls = 0;
}

/* Two records, of which only those with F set count; each is cleared. */
static void faults_are_attributed(void **state) {
    uint32_t first = VTD_CAP_FAULT_OFFSET(unit_registers[VTD_CAPABILITY / 8]);
    uint64_t *record = &unit_registers[first / 8];
    (void)state;
    assert_int_equal(unit_registers[VTD_FAULT_CONTROL / 8] >> 32, 0xf2);   /* the message's data */
    assert_int_equal(unit_registers[VTD_FAULT_ADDRESS / 8], 0xfee00000);
    fault_count = 0;
    record[0] = 0x5123;
    record[1] = 1ull << 63 | 1ull << 62 | 6ull << 32 | NIC;
    iommu_fault_interrupt();
    assert_int_equal(fault_count, 1);
    assert_int_equal(last_fault.requester_id, NIC);
    assert_int_equal(last_fault.address, 0x5000);
    assert_true(!last_fault.write && !last_fault.interrupt);
    assert_string_equal(last_fault.reason_text, "not mapped for reading");
    assert_int_equal(record[1], 1ull << 63);            /* written as it was: clears on hardware */
    record[0] = 5ull << 48;
    record[1] = 1ull << 63 | 0x26ull << 32 | BEHIND;
    iommu_fault_interrupt();
    assert_int_equal(last_fault.address, 5);
    assert_true(last_fault.interrupt);
    record[1] = 1ull << 63 | 0x0aull << 32 | NIC;
    iommu_fault_interrupt();
    assert_non_null(strstr(last_fault.reason_text, "unreadable or malformed"));
    record[1] = 0x0aull << 32 | NIC;
    iommu_fault_interrupt();
    assert_int_equal(fault_count, 3);
}

static void second_level_entries(void **state) {
    (void)state;
    assert_int_equal(table_entry_leaf(TABLE_DEVICE, paddr(0x5000), 0, BH_READ, 0), 0x5001);
    assert_int_equal(table_entry_leaf(TABLE_DEVICE, paddr(0x200000), 1, BH_READ | BH_WRITE, 0),
                     0x200083);
    assert_int_equal(table_entry_table(TABLE_DEVICE, paddr(0x7000), 3), 0x7003);
    assert_int_equal(iommu_largest_leaf(), 0);
}

static void a_silent_unit_is_never_trusted_again(void **state) {
    (void)state;
    fake_on_time = 0;
    assert_false(vtd_attach(NIC, 7, paddr(0x123000)));
    assert_non_null(strstr(fake_log_text, "doesn't confirm"));
    fake_on_time = work_queue;
    assert_false(vtd_detach(NIC, 7));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_are_found),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(nobody_is_present_at_first),
        cmocka_unit_test(attaching_and_detaching_is_confirmed),
        cmocka_unit_test(interrupt_entries_name_their_source),
        cmocka_unit_test(faults_are_attributed),
        cmocka_unit_test(second_level_entries),
        cmocka_unit_test(a_silent_unit_is_never_trusted_again),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
