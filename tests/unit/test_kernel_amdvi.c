/* SPDX-License-Identifier: BSD-2-Clause */
/* IVRS parsing, device and interrupt tables, commands, events, against a unit made of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/kernel/fake_machine.h"

#include "abi/plan.h"
#include "core/device.h"
#include "iommu/amdvi.h"
#include "iommu/scope.h"
#include "pci/pci.h"

enum { UNIT_ID = 0x08, NIC = 0x10, BEHIND = 0x110, IOAPIC_ID = 0xa0, UNIT = 0xfed80000 };
enum { FIRST_BLOCK = 48, UNIT_BLOCK = 24 + 4 + 8 + 8 + 8, MEMORY_BLOCK = 32 };

static uint8_t ivrs[256];
static uint32_t ivrs_length;
static uint64_t unit_registers[2048];
static struct pci_function functions[2] = {
    { .requester_id = UNIT_ID, .parent = BH_NONE, .endpoint = true, .msi = 0x60 },
    { .requester_id = NIC, .parent = BH_NONE },
};
static unsigned device_flushes, domain_flushes, interrupt_flushes, all_flushes, fault_count;
static struct device_fault last_fault;
static bool message_open, master_on;

uint32_t pci_count(void) { return 2; }
struct pci_function *pci_function(uint32_t index) { return &functions[index]; }
uint32_t pci_alias(uint32_t index) { return index == 1 ? 0x118 : BH_NONE; }
uint32_t pci_find(uint32_t id) { return id == UNIT_ID ? 0 : id == NIC ? 1 : BH_NONE; }
enum iommu_kind iommu_kind(void) { return IOMMU_AMDVI; }

void pci_message_set(uint32_t index, bool msix, uint32_t entry, uint64_t address, uint32_t data) {
    assert_int_equal(index, 0);
    assert_false(msix);
    assert_int_equal(entry, 0);
    assert_int_equal(address, 0xfee00000);
    assert_int_equal(data, 0xf2);
}

void pci_message_mask(uint32_t index, bool msix, uint32_t entry, bool masked) {
    (void)msix, (void)entry;
    message_open = index == 0 && !masked;
}

void pci_set_master(uint32_t index, bool on) { master_on = index == 0 && on; }

void device_fault(const struct device_fault *fault) {
    last_fault = *fault;
    fault_count++;
}

/* A unit with a function, a range, an alias and an I/O APIC; unity-mapped memory for one device. */
static void good_ivrs(void) {
    static const uint8_t blocks[] = {
        0x10, 0, UNIT_BLOCK, 0, UNIT_ID, 0, 0x40, 0, 0, 0, 0xd8, 0xfe, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0,
        2, NIC, 0, 0,
        3, 0x00, 1, 0, 4, 0x0f, 1, 0,
        0x42, BEHIND % 256, 1, 0, 0, 0x18, 1, 0,
        0x48, 0, 0, 0, 9, IOAPIC_ID, 0, 1,
        0x21, 0, MEMORY_BLOCK, 0, 0x08, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
    };
    _Static_assert(sizeof blocks == UNIT_BLOCK + MEMORY_BLOCK, "the lengths in it are right");
    memset(ivrs, 0, sizeof ivrs);
    memcpy(ivrs + FIRST_BLOCK, blocks, sizeof blocks);
    ivrs_length = FIRST_BLOCK + sizeof blocks;
}

static const char *parse(struct scopes *s) {
    return ivrs_parse((struct bytes){ ivrs, ivrs_length }, s);
}

static void entries_are_found(void **state) {
    struct scopes s;
    (void)state;
    good_ivrs();
    assert_null(parse(&s));
    assert_int_equal(s.unit_count, 1);
    assert_int_equal(s.registers[0].value, UNIT);
    assert_int_equal(s.unit_id[0], UNIT_ID);
    assert_null(scopes_refuse(&s, NIC));
    assert_null(scopes_refuse(&s, 0x100));
    assert_null(scopes_refuse(&s, 0x10f));
    assert_non_null(strstr(scopes_refuse(&s, 0x108), "IVMD"));
    assert_string_equal(scopes_refuse(&s, 0x18), "no IOMMU unit covers it");
    assert_int_equal(scopes_ioapic_requester(&s, 9), IOAPIC_ID);
    assert_int_equal(scopes_ioapic_requester(&s, 0), BH_NONE);
    assert_true(scopes_own_registers(&s, UNIT + 0x3000, 4096));
    assert_false(scopes_own_registers(&s, UNIT + 0x4000, 4096));
}

static void an_unknown_alias_is_refused(void **state) {
    struct scopes s;
    (void)state;
    good_ivrs();
    assert_null(parse(&s));
    assert_non_null(scopes_refuse(&s, BEHIND));
    ivrs[FIRST_BLOCK + 24 + 4 + 8 + 1] = NIC;           /* whose alias the kernel knows */
    ivrs[FIRST_BLOCK + 24 + 4 + 8 + 2] = 0;
    ivrs[FIRST_BLOCK + 24] = 0;
    assert_null(parse(&s));
    assert_null(scopes_refuse(&s, NIC));
}

static void the_highest_type_counts(void **state) {
    struct scopes s;
    (void)state;
    good_ivrs();
    memmove(ivrs + FIRST_BLOCK + 48, ivrs + FIRST_BLOCK, ivrs_length - FIRST_BLOCK);
    ivrs_length += 48;
    memset(ivrs + FIRST_BLOCK, 0, 48);
    ivrs[FIRST_BLOCK] = 0x11;
    ivrs[FIRST_BLOCK + 2] = 48;
    ivrs[FIRST_BLOCK + 10] = 0xd0;
    ivrs[FIRST_BLOCK + 11] = 0xfe;
    ivrs[FIRST_BLOCK + 40] = 0x48;
    ivrs[FIRST_BLOCK + 47] = 1;
    assert_null(parse(&s));
    assert_int_equal(s.unit_count, 1);
    assert_int_equal(s.registers[0].value, 0xfed00000);
    assert_non_null(scopes_refuse(&s, NIC));
    ivrs[FIRST_BLOCK] = 0x12;                             /* not a type that is known */
    assert_null(parse(&s));
    assert_int_equal(s.registers[0].value, UNIT);
}

static void every_cut_is_noticed(void **state) {
    struct scopes s;
    (void)state;
    good_ivrs();
    for (uint32_t cut = 1; cut < ivrs_length - FIRST_BLOCK; cut++)
        assert_int_equal(ivrs_parse((struct bytes){ ivrs, ivrs_length - cut }, &s) == 0,
                         cut == MEMORY_BLOCK);
    for (uint32_t length = 0; length < UNIT_BLOCK; length++) {
        good_ivrs();
        ivrs[FIRST_BLOCK + 2] = (uint8_t)length;
        assert_non_null(parse(&s));
    }
    good_ivrs();
    ivrs[FIRST_BLOCK + UNIT_BLOCK - 8] = 0xf0;            /* a name longer than what is left */
    assert_non_null(parse(&s));
    good_ivrs();
    ivrs[FIRST_BLOCK + 16] = 1;                           /* another segment */
    assert_non_null(parse(&s));
    good_ivrs();
    ivrs[FIRST_BLOCK + UNIT_BLOCK - 1] = 2;               /* an HPET, no I/O APIC */
    assert_string_equal(parse(&s), "it has no interrupt remapping");
}

/* What the unit does when nobody looks: works off its commands. */
static void work_queue(void) {
    static uint64_t head;
    uint64_t tail = unit_registers[AMDVI_COMMAND_TAIL / 8] / 16;
    uint64_t base = unit_registers[AMDVI_COMMAND_BASE / 8] & ~(0xffull << 56);
    if (!(unit_registers[AMDVI_CONTROL / 8] & AMDVI_COMMANDS))
        return;
    uint64_t *queue = physical_at(paddr(base), 4096);
    for (; head != tail; head = (head + 1) % 256) {
        uint64_t low = queue[head * 2], high = queue[head * 2 + 1];
        device_flushes += low == (2ull << 60 | NIC);
        domain_flushes += low == (3ull << 60 | 7ull << 32) && high == 0x7ffffffffffff003ull;
        interrupt_flushes += low == (5ull << 60 | NIC);
        all_flushes += low == 8ull << 60;
        if (low >> 60 == 1 && low & 1)
            *(uint64_t *)physical_at(paddr(low & 0x000ffffffffffff8ull), 8) = high;
    }
}

static void bring_up(void **state) {
    static struct scopes scopes;
    (void)state;
    good_ivrs();
    assert_null(parse(&scopes));
    fake_map(UNIT, unit_registers, sizeof unit_registers);
    unit_registers[AMDVI_FEATURES / 8] = 1 << 6;
    fake_on_time = work_queue;
    units_install(&scopes);
    assert_true(amdvi_install(&scopes));
    assert_int_equal(all_flushes, 1);
    assert_int_equal(unit_registers[AMDVI_CONTROL / 8], 0x140d);
    assert_int_equal(unit_registers[AMDVI_DEVICE_TABLE / 8] % 4096, 511);
    assert_true(message_open && master_on);
    assert_false(functions[0].endpoint);
}

static uint64_t *device(uint32_t requester_id) {
    uint64_t base = unit_registers[AMDVI_DEVICE_TABLE / 8] & ~0xfffull;
    return (uint64_t *)physical_at(paddr(base), 65536 * 32) + requester_id * 4;
}

/* Valid and translated by four levels, but without any right, and the table is empty. */
static void assert_denied(const uint64_t *entry) {
    assert_int_equal(entry[0] & ~0x000ffffffffff000ull, 3 | 4 << 9);
    const uint64_t *table = physical_at(paddr(entry[0] & 0x000ffffffffff000ull), 4096);
    for (uint32_t i = 0; i < 512; i++)
        assert_int_equal(table[i], 0);
}

static void everybody_is_denied_at_first(void **state) {
    (void)state;
    for (uint32_t id = 0; id < 65536; id++) {
        bool has_table = id == UNIT_ID || id == NIC || id == IOAPIC_ID;
        uint64_t interrupts = device(id)[2];
        assert_int_equal(interrupts >> 60, has_table ? 2 : 0);
        assert_int_equal(interrupts & 0x3f, has_table ? 1 | 8 << 1 : 1);
        if (id < 512)
            assert_denied(device(id));
        assert_int_equal(device(id)[0], device(0)[0]);
        assert_int_equal(device(id)[1] | device(id)[3], 0);
    }
}

static void attaching_and_detaching_is_confirmed(void **state) {
    (void)state;
    device_flushes = domain_flushes = 0;
    assert_true(amdvi_attach(NIC, 7, paddr(0x123000)));
    assert_int_equal(device(NIC)[0], 0x123000 | 3 | 4 << 9 | 3ull << 61);
    assert_int_equal(device(NIC)[1], 7);
    assert_int_equal(device_flushes, 1);
    assert_int_equal(domain_flushes, 1);
    amdvi_ignore_faults(NIC, true);
    assert_int_equal(device(NIC)[1], 7 | 1ull << 34);
    assert_int_equal(device(NIC)[2] >> 5 & 1, 1);
    amdvi_ignore_faults(NIC, false);
    assert_int_equal(device(NIC)[1], 7);
    assert_int_equal(device(NIC)[2] >> 5 & 1, 0);
    assert_true(amdvi_detach(NIC, 7));
    assert_denied(device(NIC));
    assert_int_equal(domain_flushes, 4);
    fake_plan_controls = BH_PLAN_CONTROL_NO_INVALIDATE;
    assert_true(amdvi_attach(NIC, 7, paddr(0x123000)));
    assert_true(amdvi_detach(NIC, 7));
    fake_plan_controls = 0;
    assert_int_equal(domain_flushes, 4);
}

static uint32_t *interrupts_of(uint32_t requester_id) {
    return physical_at(paddr(device(requester_id)[2] & 0x000fffffffffffc0ull), 4096);
}

static void each_requester_has_its_own_entries(void **state) {
    (void)state;
    interrupt_flushes = 0;
    assert_true(amdvi_interrupt_clear(5));                /* never set */
    assert_int_equal(interrupt_flushes, 0);
    assert_true(amdvi_interrupt_set(5, NIC, 0x35, 3));
    assert_int_equal(interrupts_of(NIC)[0x35], 1 | 3 << 8 | 0x35 << 16);
    assert_true(interrupts_of(UNIT_ID) != interrupts_of(NIC));
    assert_int_equal(interrupts_of(UNIT_ID)[0x35] | interrupts_of(IOAPIC_ID)[0x35], 0);
    for (uint32_t i = 0; i < 256; i++)
        assert_true(i == 0x35 || interrupts_of(NIC)[i] == 0);
    assert_true(amdvi_interrupt_clear(5));
    assert_int_equal(interrupts_of(NIC)[0x35], 2);
    assert_int_equal(interrupt_flushes, 2);
}

static void put_event(uint32_t at, uint64_t low, uint64_t address) {
    uint64_t base = unit_registers[AMDVI_EVENT_BASE / 8] & ~(0xffull << 56);
    uint64_t *log = physical_at(paddr(base), 4096);
    log[at * 2] = low;
    log[at * 2 + 1] = address;
    unit_registers[AMDVI_EVENT_TAIL / 8] = (at + 1) % 256 * 16;
}

static void events_are_attributed(void **state) {
    (void)state;
    assert_true(amdvi_attach(NIC, 7, paddr(0x123000)));
    fault_count = 0;
    put_event(0, 2ull << 60 | 1ull << 53 | NIC, 0x5000);
    iommu_fault_interrupt();
    assert_int_equal(fault_count, 1);
    assert_int_equal(last_fault.requester_id, NIC);
    assert_int_equal(last_fault.address, 0x5000);
    assert_true(last_fault.write && !last_fault.interrupt);
    assert_string_equal(last_fault.reason_text, "not mapped");
    assert_int_equal(unit_registers[AMDVI_EVENT_HEAD / 8], 16);
    put_event(1, 2ull << 60 | 1ull << 51 | NIC, 0x35);
    put_event(2, 2ull << 60 | 0x18, 0x5000);
    iommu_fault_interrupt();
    assert_int_equal(fault_count, 3);
    assert_string_equal(last_fault.reason_text, "it has no device space");
    iommu_fault_interrupt();
    assert_int_equal(fault_count, 3);
    for (uint32_t at = 3; at < 256; at++)
        put_event(at, 2ull << 60 | 1ull << 52 | NIC, 0x5000);
    put_event(0, 1ull << 60 | NIC, 0);
    iommu_fault_interrupt();
    assert_int_equal(fault_count, 257);
    assert_string_equal(last_fault.reason_text, "a table of the IOMMU is unreadable or malformed");
    assert_int_equal(unit_registers[AMDVI_EVENT_HEAD / 8], 16);
}

static void a_silent_unit_is_never_trusted_again(void **state) {
    (void)state;
    fake_on_time = 0;
    assert_false(amdvi_detach(NIC, 7));
    assert_denied(device(NIC));
    assert_non_null(strstr(fake_log_text, "doesn't confirm"));
    fake_on_time = work_queue;
    assert_false(amdvi_detach(NIC, 7));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found),
        cmocka_unit_test(an_unknown_alias_is_refused),
        cmocka_unit_test(the_highest_type_counts),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(bring_up),
        cmocka_unit_test(everybody_is_denied_at_first),
        cmocka_unit_test(attaching_and_detaching_is_confirmed),
        cmocka_unit_test(each_requester_has_its_own_entries),
        cmocka_unit_test(events_are_attributed),
        cmocka_unit_test(a_silent_unit_is_never_trusted_again),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
