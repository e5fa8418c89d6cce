/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan check: a good plan passes; each rule refuses its violation, at the right table and
 * index; no byte anywhere, however changed, makes the check read outside the plan or break its own word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/plan_check.h"
#include "sample_plan.h"

/* Exactly the plan's size, so that the sanitizer sees every read beyond it. */
static struct sample *fresh(void) {
    void *memory = aligned_alloc(BH_PAGE_SIZE, SAMPLE_SIZE);

    assert_non_null(memory);
    return sample_plan_make(memory);
}

static struct plan_verdict check(struct sample *s) {
    struct plan_view view;

    sample_plan_seal(s);
    return plan_check(s, SAMPLE_SIZE, 0, &view);
}

static void expect(struct sample *s, enum plan_rule rule, enum bh_table table, uint32_t index,
                   const char *file, int line) {
    struct plan_verdict verdict = check(s);

    if (verdict.rule != rule || verdict.table != table || verdict.index != index) {
        print_error("%s:%d: got '%s' at %s %u\n", file, line, plan_rule_text(verdict.rule),
                    plan_table_name(verdict.table), verdict.index);
        fail();
    }
    free(s);
}

/* After `change` to a fresh plan *s, the check refuses it by this rule at this place. */
#define REFUSED(rule, table, index, change) \
    do { \
        struct sample *s = fresh(); \
        change; \
        expect(s, rule, table, index, __FILE__, __LINE__); \
    } while (0)

#define HEADER(rule, change)      REFUSED(rule, BH_TABLE_COUNT, 0, change)

static void good_plan_passes(void **state) {
    struct sample *s = fresh();
    struct plan_view view;

    (void)state;
    sample_plan_seal(s);
    struct plan_verdict verdict = plan_check(s, SAMPLE_SIZE, 0, &view);
    assert_string_equal(plan_rule_text(verdict.rule), "nothing wrong");
    assert_int_equal(view.count[BH_TABLE_MAPPING], 14);
    assert_ptr_equal(view.device, s->device);
    assert_int_equal(view.tables_end % BH_PAGE_SIZE, 0);
    free(s);
}

static void checksum_is_crc32c(void **state) {
    static uint32_t zeros[8];            /* RFC 3720, B.4 */
    uint32_t ones[8];
    uint8_t rising[32];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    ones[6] = 0;                         /* the checksum field itself counts as zero */
    for (unsigned i = 0; i < sizeof(rising); i++) {
        rising[i] = (uint8_t)i;
    }
    assert_int_equal(plan_checksum(zeros, 32), 0x8a9136aa);
    assert_int_equal(plan_checksum(rising, 24), 0x29bc8795);
    ones[6] = 0xffffffff;
    uint32_t with_field = plan_checksum(ones, 32);
    ones[6] = 0;
    assert_int_equal(plan_checksum(ones, 32), with_field);
}

static void header_rules(void **state) {
    (void)state;
    HEADER(PLAN_MAGIC, s->header.magic++);
    HEADER(PLAN_VERSION, s->header.version++);
    HEADER(PLAN_VERSION, s->header.header_size += 8);
    HEADER(PLAN_SIZE, s->header.total_size += BH_PAGE_SIZE);
    HEADER(PLAN_CONTROLS, s->header.flags = BH_PLAN_CONTROL_DMA_OPEN);
    HEADER(PLAN_NAME, memset(s->header.name, 'a', BH_NAME_SIZE));
    HEADER(PLAN_CORES, s->header.cores = 0);
    HEADER(PLAN_CORES, s->header.cores = BH_MAX_CORES + 1);
    HEADER(PLAN_FIRST_MODE, s->header.first_mode = 2);
    HEADER(PLAN_LOG_CHANNEL, s->header.log_channel = 3);
    HEADER(PLAN_LOG_PORT, s->header.log_port = 0x60);
}

static void damage_is_seen(void **state) {
    struct sample *s = fresh();
    struct plan_view view;

    (void)state;
    sample_plan_seal(s);
    ((uint8_t *)s)[SAMPLE_SIZE - 1] ^= 0x10;
    assert_int_equal(plan_check(s, SAMPLE_SIZE, 0, &view).rule, PLAN_CHECKSUM);
    free(s);
}

static void sizes_and_alignment_of_the_whole(void **state) {
    struct sample *s = fresh();
    struct plan_view view;

    (void)state;
    sample_plan_seal(s);
    assert_int_equal(plan_check(s, 100, 0, &view).rule, PLAN_SHORT);
    assert_int_equal(plan_check(s, SAMPLE_SIZE - 8, 0, &view).rule, PLAN_SHORT);
    assert_int_equal(plan_check((uint8_t *)s + 8, SAMPLE_SIZE - BH_PAGE_SIZE, 0, &view).rule,
                     PLAN_ALIGN);
    assert_int_equal(plan_check(s, SAMPLE_SIZE - BH_PAGE_SIZE, 0, &view).rule, PLAN_SIZE);
    free(s);
}

static void controls_where_allowed(void **state) {
    struct sample *s = fresh();
    struct plan_view view;

    (void)state;
    s->header.flags = BH_PLAN_CONTROL_PORTS_OPEN;
    sample_plan_seal(s);
    assert_int_equal(plan_check(s, SAMPLE_SIZE, BH_PLAN_CONTROL_ALL, &view).rule, PLAN_OK);
    assert_int_equal(plan_check(s, SAMPLE_SIZE, BH_PLAN_CONTROL_DMA_OPEN, &view).rule,
                     PLAN_CONTROLS);
    free(s);
}

static void table_rules(void **state) {
    (void)state;
    REFUSED(PLAN_TABLE_PLACE, BH_TABLE_SLOT, 0, s->header.table[BH_TABLE_SLOT].entry_size++);
    REFUSED(PLAN_TABLE_COUNT, BH_TABLE_MODE, 0,
            s->header.table[BH_TABLE_MODE].count = BH_MAX_MODES + 1);
    REFUSED(PLAN_TABLE_PLACE, BH_TABLE_SPACE, 0, s->header.table[BH_TABLE_SPACE].offset += 4);
    REFUSED(PLAN_TABLE_PLACE, BH_TABLE_SPACE, 0, s->header.table[BH_TABLE_SPACE].offset -= 8);
    REFUSED(PLAN_TABLE_PLACE, BH_TABLE_PLACEMENT, 0,
            s->header.table[BH_TABLE_PLACEMENT].offset = SAMPLE_SIZE - 8);
    REFUSED(PLAN_TABLE_PLACE, BH_TABLE_REGION, 0,
            s->header.table[BH_TABLE_REGION].offset = 0xfffffffffffffff8ull);
}

#define REGION(rule, index, change) REFUSED(rule, BH_TABLE_REGION, index, change)

static void region_rules(void **state) {
    (void)state;
    REGION(PLAN_KIND, REGION_DATA, s->region[REGION_DATA].kind = BH_REGION_PHYS + 1);
    REGION(PLAN_REFERENCE, REGION_DATA, s->region[REGION_DATA].owner = SAMPLE_COMPARTMENTS);
    REGION(PLAN_ALIGNMENT, REGION_DATA, s->region[REGION_DATA].size += 1);
    REGION(PLAN_RANGE, REGION_DATA, s->region[REGION_DATA].size = 0);
    REGION(PLAN_RANGE, REGION_DATA, s->region[REGION_DATA].size = 1ull << 41);
    REGION(PLAN_RIGHTS, REGION_CODE, s->region[REGION_CODE].rights = (BH_READ | BH_WRITE));
    REGION(PLAN_RIGHTS, REGION_LOG, s->region[REGION_LOG].rights = (BH_READ | BH_WRITE));
    REGION(PLAN_RIGHTS, REGION_BAR, s->region[REGION_BAR].rights = BH_READ | BH_EXECUTE);
    REGION(PLAN_CACHE, REGION_BAR, s->region[REGION_BAR].cache = BH_CACHE_WRITE_BACK);
    REGION(PLAN_CACHE, REGION_DATA, s->region[REGION_DATA].cache = BH_CACHE_UNCACHED);
    REGION(PLAN_REFERENCE, REGION_BAR, s->region[REGION_BAR].device = SAMPLE_DEVICES);
    REGION(PLAN_RANGE, REGION_BAR, s->region[REGION_BAR].bar = 6);
    REGION(PLAN_DEVICE_KIND, REGION_BAR, s->region[REGION_BAR].device = DEVICE_UART);
    REGION(PLAN_RANGE, REGION_LOG, s->region[REGION_LOG].size = BH_PAGE_SIZE);
    REGION(PLAN_RANGE, REGION_PLAN, s->region[REGION_PLAN].size += BH_PAGE_SIZE);
    REGION(PLAN_CONTENT, REGION_CODE, s->region[REGION_CODE].content_offset = 0);
    REGION(PLAN_CONTENT, REGION_CODE, s->region[REGION_CODE].content_offset = SAMPLE_SIZE);
    REGION(PLAN_ALIGNMENT, REGION_CODE, s->region[REGION_CODE].content_offset += 8);
    REGION(PLAN_CONTENT, REGION_DATA, s->region[REGION_DATA].content_size = 3 * BH_PAGE_SIZE);
    REGION(PLAN_CONTENT, REGION_BAR, s->region[REGION_BAR].content_size = 8);
}

static void physical_regions(void **state) {
    struct sample *s = fresh();
    struct bh_plan_region *r = &s->region[REGION_LOG];

    (void)state;
    *r = (struct bh_plan_region){
        .kind = BH_REGION_PHYS, .rights = BH_READ, .cache = BH_CACHE_UNCACHED, .owner = BH_NONE,
        .size = 16 * BH_PAGE_SIZE, .alignment = BH_PAGE_SIZE, .device = BH_NONE, .base = 0xa0000,
        .name = "vga",
    };
    assert_int_equal(check(s).rule, PLAN_OK);
    r->base = 0x100000;
    assert_int_equal(check(s).rule, PLAN_PHYSICAL);
    r->base = 0xb8000;
    assert_int_equal(check(s).rule, PLAN_PHYSICAL);
    r->base = 0;
    assert_int_equal(check(s).rule, PLAN_PHYSICAL);
    free(s);
}

#define SPACE(rule, index, change)   REFUSED(rule, BH_TABLE_SPACE, index, change)
#define MAPPING(rule, index, change) REFUSED(rule, BH_TABLE_MAPPING, index, change)

static void space_rules(void **state) {
    (void)state;
    SPACE(PLAN_KIND, SPACE_NIC, s->space[SPACE_NIC].kind = 3);
    SPACE(PLAN_REFERENCE, SPACE_NIC, s->space[SPACE_NIC].owner = 2);
}

static void mapping_rules(void **state) {
    (void)state;
    MAPPING(PLAN_REFERENCE, 0, s->mapping[0].region = SAMPLE_REGIONS);
    MAPPING(PLAN_REFERENCE, 0, s->mapping[0].space = BH_NONE);
    MAPPING(PLAN_ALIGNMENT, 1, s->mapping[1].address += 16);
    MAPPING(PLAN_ALIGNMENT, 1, s->mapping[1].offset += 16);
    MAPPING(PLAN_RIGHTS, 1, s->mapping[1].rights = 0);
    MAPPING(PLAN_RIGHTS, 1, s->mapping[1].rights = 8);
    MAPPING(PLAN_RIGHTS, 1, s->mapping[1].rights = BH_WRITE);
    MAPPING(PLAN_RIGHTS, 1, s->mapping[1].rights |= BH_EXECUTE);
    MAPPING(PLAN_RIGHTS, 12, s->mapping[12].rights |= BH_EXECUTE);
    MAPPING(PLAN_RANGE, 1, s->mapping[1].size += BH_PAGE_SIZE);
    MAPPING(PLAN_RANGE, 1, s->mapping[1].size = 0);
    MAPPING(PLAN_RANGE, 1, s->mapping[1].offset = 0xfffffffffffff000ull);
    MAPPING(PLAN_RANGE, 0, s->mapping[0].address = 0);
    MAPPING(PLAN_RANGE, 4, s->mapping[4].address = 1ull << 47);
    MAPPING(PLAN_RANGE, 11, s->mapping[11].address = 1ull << 46);
    MAPPING(PLAN_RANGE, 13, s->mapping[13].address = 1ull << 38);
    MAPPING(PLAN_OVERLAP, 1, s->mapping[1].address = 0x400000);
    MAPPING(PLAN_OVERLAP, 2, s->mapping[2].address = 0x402000);
    MAPPING(PLAN_OVERLAP, 3, s->mapping[3].address = 0x4ff000);
    MAPPING(PLAN_OVERLAP, 5, s->mapping[4].space = SPACE_VMM);
    MAPPING(PLAN_MSI_WINDOW, 13, s->mapping[13].address = 0xfee00000);
    MAPPING(PLAN_MSI_WINDOW, 12, s->mapping[12].address = 0xfeeff000);
    MAPPING(PLAN_WX, 9, s->mapping[9].rights |= BH_EXECUTE);
    MAPPING(PLAN_WX, 9, s->mapping[9].rights = BH_READ | BH_EXECUTE);
    MAPPING(PLAN_RIGHTS, 13, s->mapping[13].region = REGION_CODE);
    MAPPING(PLAN_RIGHTS, 12, s->mapping[12].region = REGION_LOG);
    MAPPING(PLAN_OWNER, 12, s->region[REGION_RINGS].kind = BH_REGION_BAR;
            s->region[REGION_RINGS].cache = BH_CACHE_UNCACHED;
            s->region[REGION_RINGS].device = DEVICE_NIC; s->mapping[10].region = REGION_CODE;
            s->space[SPACE_NIC].owner = COMPARTMENT_VMM);
    MAPPING(PLAN_OWNER, 10, s->mapping[10].region = REGION_BAR);
    MAPPING(PLAN_OWNER, 12, s->mapping[12].region = REGION_BAR; s->device[DEVICE_NIC].space = BH_NONE;
            s->device[DEVICE_NIC].flags = 0);
    MAPPING(PLAN_STATE_PAGE, 12, s->mapping[12].region = REGION_STATE);
    MAPPING(PLAN_STATE_PAGE, 3, s->mapping[3].region = REGION_STATE);
    MAPPING(PLAN_STATE_PAGE, 11, s->mapping[11].region = REGION_STATE; s->mapping[11].size = 0x1000;
            s->mapping[11].rights = BH_READ);
}

static void compartment_rules(void **state) {
    (void)state;
    REFUSED(PLAN_REFERENCE, BH_TABLE_COMPARTMENT, 1, s->compartment[1].space = 4);
    REFUSED(PLAN_FLAGS, BH_TABLE_COMPARTMENT, 1, s->compartment[1].flags = 2);
    REFUSED(PLAN_OWNER, BH_TABLE_COMPARTMENT, 1, s->compartment[1].space = SPACE_DRIVER);
    REFUSED(PLAN_SPACE_KIND, BH_TABLE_COMPARTMENT, 1, s->compartment[1].space = SPACE_GUEST);
    REFUSED(PLAN_NAME, BH_TABLE_COMPARTMENT, 0, memset(s->compartment[0].name, 'a', BH_NAME_SIZE));
}

#define SLOT(rule, index, change) REFUSED(rule, BH_TABLE_SLOT, index, change)

static void slot_rules(void **state) {
    (void)state;
    SLOT(PLAN_KIND, 0, s->slot[0].kind = BH_SLOT_MACHINE + 1);
    SLOT(PLAN_REFERENCE, 0, s->slot[0].object = 3);
    SLOT(PLAN_REFERENCE, 5, s->slot[5].object2 = SAMPLE_SPACES);
    SLOT(PLAN_REFERENCE, 3, s->slot[3].object = 1);
    SLOT(PLAN_REFERENCE, 0, s->slot[0].object2 = BH_NONE);
    SLOT(PLAN_OWNER, 7, s->slot[7] = ((struct bh_plan_slot){ COMPARTMENT_VMM, BH_SLOT_DEVICE,
                                                             DEVICE_NIC, 0, 1, 0 }));
    SLOT(PLAN_SELF, 6, s->slot[6].object = COMPARTMENT_VMM);
    SLOT(PLAN_STATE_PAGE, 5, s->slot[5].object = REGION_STATE);
    SLOT(PLAN_OWNER, 5, s->slot[5].object = REGION_BAR);
    SLOT(PLAN_SPACE_KIND, 5, s->slot[5].object2 = SPACE_NIC);
    SLOT(PLAN_RIGHTS, 5, s->slot[5].rights = BH_WRITE);
    SLOT(PLAN_RIGHTS, 5, s->slot[5].object = REGION_LOG);
    SLOT(PLAN_OWNER, 0, s->slot[0] = ((struct bh_plan_slot){
        COMPARTMENT_DRIVER, BH_SLOT_PLACE, REGION_RINGS, SPACE_GUEST, BH_READ, 0 }));
}

static void thread_rules(void **state) {
    (void)state;
    REFUSED(PLAN_REFERENCE, BH_TABLE_THREAD, 2, s->thread[2].compartment = 2);
    REFUSED(PLAN_ENTRY, BH_TABLE_THREAD, 0, s->thread[0].entry = 0);
    REFUSED(PLAN_ENTRY, BH_TABLE_THREAD, 0, s->thread[0].entry = (1ull << 47) - BH_PAGE_SIZE);
    REFUSED(PLAN_ENTRY, BH_TABLE_THREAD, 0, s->thread[0].entry = 0xffff800000000000ull);
    REFUSED(PLAN_ENTRY, BH_TABLE_THREAD, 0, s->thread[0].stack = 0);
    REFUSED(PLAN_ENTRY, BH_TABLE_THREAD, 0, s->thread[0].stack = 1ull << 47);
}

#define VCPU(rule, change) REFUSED(rule, BH_TABLE_VCPU, 0, change)

/* A second vCPU of the same guest, for which the tables behind move up. It has the VMM's other
 * thread and, as its state page, the rings, which nobody else reaches any more. */
static struct bh_plan_vcpu *add_vcpu(struct sample *s) {
    struct bh_plan_vcpu *vcpu = (struct bh_plan_vcpu *)((char *)s + offsetof(struct sample, vcpu));
    size_t rest = sizeof(*s) - offsetof(struct sample, doorbell);

    memmove(vcpu + 2, vcpu + 1, rest);
    for (uint32_t table = BH_TABLE_VCPU + 1; table < BH_TABLE_COUNT; table++)
        s->header.table[table].offset += sizeof(*vcpu);
    s->header.table[BH_TABLE_VCPU].count = 2;
    s->region[REGION_RINGS].owner = COMPARTMENT_VMM;
    s->mapping[3].region = s->mapping[12].region = REGION_DATA;
    vcpu[1] = vcpu[0];
    vcpu[1].name[0]++;
    vcpu[1].thread = 1;
    vcpu[1].state_region = REGION_RINGS;
    return vcpu + 1;
}

static void two_vcpus_share_nothing(void **state) {
    struct sample *s = fresh();
    struct plan_view view;

    (void)state;
    add_vcpu(s);
    sample_plan_seal(s);
    assert_int_equal(plan_check(s, SAMPLE_SIZE, 0, &view).rule, PLAN_OK);
    free(s);
    REFUSED(PLAN_DUPLICATE, BH_TABLE_VCPU, 1, add_vcpu(s)->thread = 2);
    REFUSED(PLAN_DUPLICATE, BH_TABLE_VCPU, 1, add_vcpu(s)->state_region = REGION_STATE);
}

static void vcpu_rules(void **state) {
    (void)state;
    VCPU(PLAN_REFERENCE, s->vcpu[0].thread = 3);
    VCPU(PLAN_OWNER, s->vcpu[0].thread = 0);
    MAPPING(PLAN_STATE_PAGE, 10, s->vcpu[0].state_region = REGION_RINGS);
    MAPPING(PLAN_STATE_PAGE, 11, s->vcpu[0].state_region = REGION_GUEST_RAM);
    VCPU(PLAN_STATE_PAGE, s->region[REGION_STATE].rights |= BH_EXECUTE);
    MAPPING(PLAN_STATE_PAGE, 7, s->region[REGION_STATE].owner = COMPARTMENT_DRIVER);
    MAPPING(PLAN_STATE_PAGE, 7, s->region[REGION_STATE].owner = BH_NONE);
    VCPU(PLAN_SPACE_KIND, s->vcpu[0].space = SPACE_VMM);
}

static void doorbell_rules(void **state) {
    (void)state;
    REFUSED(PLAN_REFERENCE, BH_TABLE_DOORBELL, 0, s->doorbell[0].channel = 3);
    REFUSED(PLAN_REFERENCE, BH_TABLE_DOORBELL, 0, s->doorbell[0].space = SAMPLE_SPACES);
}

static void signal_rules(void **state) {
    (void)state;
    REFUSED(PLAN_REFERENCE, BH_TABLE_CHANNEL, 1, s->channel[1].thread = 3);
    REFUSED(PLAN_REFERENCE, BH_TABLE_CHANNEL, 1, s->channel[1].life_of = 2);
    REFUSED(PLAN_RANGE, BH_TABLE_CHANNEL, 1, s->channel[1].bits = 0);
    REFUSED(PLAN_REFERENCE, BH_TABLE_INTERRUPT, 0, s->interrupt[0].device = 2);
    REFUSED(PLAN_KIND, BH_TABLE_INTERRUPT, 0, s->interrupt[0].kind = 3);
    REFUSED(PLAN_SOURCE, BH_TABLE_INTERRUPT, 0, s->interrupt[0].source = 2048);
    REFUSED(PLAN_SOURCE, BH_TABLE_INTERRUPT, 1, s->interrupt[1].source = 8);
    REFUSED(PLAN_SOURCE, BH_TABLE_INTERRUPT, 1, s->interrupt[1].source = 16);
    REFUSED(PLAN_LIMIT, BH_TABLE_INTERRUPT, 1, s->interrupt[1].limit = 0);
    REFUSED(PLAN_DEVICE_KIND, BH_TABLE_INTERRUPT, 1, s->interrupt[1].device = DEVICE_NIC);
    REFUSED(PLAN_OWNER, BH_TABLE_INTERRUPT, 1, s->interrupt[1].channel = 1);
    REFUSED(PLAN_DUPLICATE, BH_TABLE_INTERRUPT, 1, s->interrupt[1] = s->interrupt[0]);
    REFUSED(PLAN_DUPLICATE, BH_TABLE_INTERRUPT, 1, s->interrupt[1] = s->interrupt[0];
            s->interrupt[1].kind = BH_INTERRUPT_MSI; s->interrupt[1].source = 0);
    REFUSED(PLAN_DUPLICATE, BH_TABLE_INTERRUPT, 1, s->device[DEVICE_NIC] = s->device[DEVICE_UART];
            s->region[REGION_BAR].kind = BH_REGION_RAM;
            s->region[REGION_BAR].cache = BH_CACHE_WRITE_BACK; s->interrupt[0] = s->interrupt[1];
            s->interrupt[0].device = DEVICE_NIC);
}

#define DEVICE(rule, index, change) REFUSED(rule, BH_TABLE_DEVICE, index, change)

static void device_rules(void **state) {
    (void)state;
    DEVICE(PLAN_KIND, DEVICE_NIC, s->device[DEVICE_NIC].kind = 2);
    DEVICE(PLAN_FLAGS, DEVICE_NIC, s->device[DEVICE_NIC].flags = 4);
    DEVICE(PLAN_REFERENCE, DEVICE_NIC, s->device[DEVICE_NIC].owner = 2);
    DEVICE(PLAN_REFERENCE, DEVICE_NIC, s->device[DEVICE_NIC].space = 4);
    DEVICE(PLAN_LIMIT, DEVICE_NIC, s->device[DEVICE_NIC].fault_limit = 0);
    DEVICE(PLAN_REQUESTER, DEVICE_NIC, s->device[DEVICE_NIC].requester_id = 0);
    DEVICE(PLAN_REQUESTER, DEVICE_NIC, s->device[DEVICE_NIC].requester_id = 0x10010);
    DEVICE(PLAN_DMA, DEVICE_NIC, s->device[DEVICE_NIC].space = BH_NONE);
    DEVICE(PLAN_DEVICE_KIND, DEVICE_UART, s->device[DEVICE_UART].flags = BH_DEVICE_DMA);
    DEVICE(PLAN_DEVICE_KIND, DEVICE_UART, s->device[DEVICE_UART].requester_id = 0x18);
    DEVICE(PLAN_DEVICE_KIND, DEVICE_UART, s->device[DEVICE_UART].virtual = 1);
    DEVICE(PLAN_LIMIT, DEVICE_NIC, s->device[DEVICE_NIC].virtual = 257);
    MAPPING(PLAN_OWNER, 13, s->device[DEVICE_NIC].space = SPACE_GUEST);
    DEVICE(PLAN_SPACE_KIND, DEVICE_NIC, s->device[DEVICE_NIC].space = SPACE_GUEST;
           s->mapping[13].region = REGION_RINGS);
    DEVICE(PLAN_DUPLICATE, DEVICE_UART, s->device[DEVICE_UART] = s->device[DEVICE_NIC];
           s->device[DEVICE_UART].space = BH_NONE; s->device[DEVICE_UART].flags = 0;
           s->interrupt[1] = s->interrupt[0]; s->interrupt[1].source = 3);
}

static void device_space_of_another(void **state) {
    (void)state;
    DEVICE(PLAN_SPACE_KIND, DEVICE_NIC, s->space[SPACE_NIC].kind = BH_SPACE_GUEST;
           s->mapping[13].rights = BH_READ | BH_WRITE);
    MAPPING(PLAN_OWNER, 13, s->space[SPACE_NIC].owner = COMPARTMENT_VMM);
    DEVICE(PLAN_OWNER, DEVICE_NIC, s->space[SPACE_NIC].owner = COMPARTMENT_VMM;
           s->mapping[13].region = REGION_RINGS);
}

#define PORTS(rule, change) REFUSED(rule, BH_TABLE_PORT_RANGE, 0, change)

/* The ports of attack D1, and some beside them. */
static void port_rules(void **state) {
    static const uint32_t kernels[] = {
        0x0, 0x20, 0xa0, 0x40, 0x43, 0x61, 0x70, 0x71, 0x80, 0x92, 0xb2, 0xf4, 0x4d0, 0x510,
        0x514, 0x600, 0x604, 0xcd6, 0xcf8, 0xcf9, 0xcfc, 0x1000, 0xffff, 0x3f0, 0x2f7,
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        PORTS(PLAN_PORTS, s->port_range[0].first = kernels[i]; s->port_range[0].count = 1);
    }
    PORTS(PLAN_PORTS, s->port_range[0].count = 9);
    PORTS(PLAN_RANGE, s->port_range[0].count = 0);
    PORTS(PLAN_RANGE, s->port_range[0].count = 0x10000);
    PORTS(PLAN_RANGE, s->port_range[0].first = 0xffffffff);
    PORTS(PLAN_REFERENCE, s->port_range[0].device = SAMPLE_DEVICES);
    PORTS(PLAN_PORTS, s->port_range[0].device = DEVICE_NIC);
    PORTS(PLAN_PORTS, s->port_range[0].device = DEVICE_NIC; s->port_range[0].first = 0xcf8);
}

static void ports_of_a_pci_function(void **state) {
    struct sample *s = fresh();

    (void)state;
    s->port_range[0] = (struct bh_plan_port_range){ DEVICE_NIC, 0xc000, 64, 0 };
    assert_int_equal(check(s).rule, PLAN_OK);
    free(s);
}

#define PLACEMENT(rule, index, change) REFUSED(rule, BH_TABLE_PLACEMENT, index, change)

static void mode_rules(void **state) {
    (void)state;
    PLACEMENT(PLAN_REFERENCE, 0, s->placement[0].thread = 3);
    PLACEMENT(PLAN_REFERENCE, 0, s->placement[0].mode = 2);
    PLACEMENT(PLAN_CORE, 0, s->placement[0].core = 2);
    PLACEMENT(PLAN_PRIORITY, 0, s->placement[0].priority = 32);
    PLACEMENT(PLAN_BUDGET, 0, s->placement[0].budget_us = 0);
    PLACEMENT(PLAN_BUDGET, 0, s->placement[0].budget_us = 10001);
    PLACEMENT(PLAN_BUDGET, 2, s->placement[2].period_us = 99);
    PLACEMENT(PLAN_BUDGET, 3, s->placement[3].period_us = 1000001);
}

/* Every 32-bit word of header and tables is set to telling values: the check must end, inside the
 * plan, with a verdict that has a text. */
static void any_word_may_be_anything(void **state) {
    static const uint32_t values[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffff000 };
    struct sample *s = fresh();
    uint32_t accepted = 0;

    (void)state;
    for (size_t word = 0; word < sizeof(struct sample) / 4; word++) {
        for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            uint32_t *place = (uint32_t *)s + word;
            uint32_t before = *place;
            *place = values[i];
            struct plan_verdict verdict = check(s);
            assert_true(verdict.rule < PLAN_RULE_COUNT);
            accepted += verdict.rule == PLAN_OK && *place != before;
            *place = before;
        }
    }
    /* What is accepted is harmless: another core, entry point, name, limit or the like, and half of
     * all words are names. */
    assert_in_range(accepted, 1, sizeof(struct sample) / 4 * 7 / 2);
    free(s);
}

static void texts_for_anything(void **state) {
    (void)state;
    for (unsigned rule = 0; rule < PLAN_RULE_COUNT; rule++) {
        assert_true(strlen(plan_rule_text(rule)) > 5);
    }
    assert_string_equal(plan_rule_text(PLAN_RULE_COUNT), "unknown rule");
    assert_string_equal(plan_table_name(BH_TABLE_COUNT), "header");
    assert_string_equal(plan_table_name(BH_TABLE_COUNT + 1), "unknown table");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_plan_passes),
        cmocka_unit_test(checksum_is_crc32c),
        cmocka_unit_test(header_rules),
        cmocka_unit_test(damage_is_seen),
        cmocka_unit_test(sizes_and_alignment_of_the_whole),
        cmocka_unit_test(controls_where_allowed),
        cmocka_unit_test(table_rules),
        cmocka_unit_test(region_rules),
        cmocka_unit_test(physical_regions),
        cmocka_unit_test(space_rules),
        cmocka_unit_test(mapping_rules),
        cmocka_unit_test(compartment_rules),
        cmocka_unit_test(slot_rules),
        cmocka_unit_test(thread_rules),
        cmocka_unit_test(vcpu_rules), cmocka_unit_test(two_vcpus_share_nothing),
        cmocka_unit_test(doorbell_rules),
        cmocka_unit_test(signal_rules),
        cmocka_unit_test(device_rules),
        cmocka_unit_test(device_space_of_another),
        cmocka_unit_test(port_rules),
        cmocka_unit_test(ports_of_a_pci_function),
        cmocka_unit_test(mode_rules),
        cmocka_unit_test(any_word_may_be_anything),
        cmocka_unit_test(texts_for_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
