/* SPDX-License-Identifier: BSD-2-Clause */
/* A small good plan. See sample_plan.h. */
#include "sample_plan.h"

#include <stdio.h>
#include <string.h>

#include "abi/info.h"
#include "core/plan_check.h"

#define TABLES_END ((sizeof(struct sample) + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE)
#define RW (BH_READ | BH_WRITE)
#define RX (BH_READ | BH_EXECUTE)

_Static_assert(TABLES_END + BH_PAGE_SIZE <= SAMPLE_SIZE, "room for one page of content");

static void name_all(void *entries, size_t size, uint32_t count, const char *kind) {
    for (uint32_t i = 0; i < count; i++) {
        snprintf((char *)entries + i * size, BH_NAME_SIZE, "%s%u", kind, i);
    }
}

static void make_regions(struct sample *s) {
    static const struct bh_plan_region regions[SAMPLE_REGIONS] = {
        [REGION_CODE] = { .kind = BH_REGION_CONTENT, .rights = RX, .owner = BH_NONE,
                          .size = BH_PAGE_SIZE, .content_offset = TABLES_END, .content_size = 100 },
        [REGION_DATA] = { .kind = BH_REGION_RAM, .rights = RW, .size = 2 * BH_PAGE_SIZE,
                          .content_offset = TABLES_END, .content_size = 8 },
        [REGION_GUEST_RAM] = { .kind = BH_REGION_RAM, .rights = RW | BH_EXECUTE,
                               .owner = COMPARTMENT_VMM, .size = 4u << 20,
                               .alignment = 2u << 20 },
        [REGION_STATE] = { .kind = BH_REGION_RAM, .rights = RW, .owner = COMPARTMENT_VMM,
                           .size = BH_PAGE_SIZE },
        [REGION_BAR] = { .kind = BH_REGION_BAR, .rights = RW, .cache = BH_CACHE_UNCACHED,
                         .size = 4 * BH_PAGE_SIZE, .device = DEVICE_NIC, .base = BH_PAGE_SIZE },
        [REGION_LOG] = { .kind = BH_REGION_LOG, .rights = BH_READ, .owner = BH_NONE,
                         .size = BH_LOG_REGION_SIZE },
        [REGION_PLAN] = { .kind = BH_REGION_PLAN, .rights = BH_READ, .owner = BH_NONE,
                          .size = TABLES_END },
        [REGION_RINGS] = { .kind = BH_REGION_RAM, .rights = RW, .size = BH_PAGE_SIZE },
    };

    memcpy(s->region, regions, sizeof(regions));
    for (uint32_t i = 0; i < SAMPLE_REGIONS; i++) {
        s->region[i].alignment = s->region[i].alignment != 0 ? s->region[i].alignment
                                                             : BH_PAGE_SIZE;
        s->region[i].device = i == REGION_BAR ? DEVICE_NIC : BH_NONE;
    }
    name_all(s->region, sizeof(s->region[0]), SAMPLE_REGIONS, "region");
}

static void make_spaces(struct sample *s) {
    static const struct bh_plan_space spaces[SAMPLE_SPACES] = {
        [SPACE_DRIVER] = { .kind = BH_SPACE_PROCESS, .owner = COMPARTMENT_DRIVER },
        [SPACE_VMM] = { .kind = BH_SPACE_PROCESS, .owner = COMPARTMENT_VMM },
        [SPACE_GUEST] = { .kind = BH_SPACE_GUEST, .owner = COMPARTMENT_VMM, .pool_pages = 4 },
        [SPACE_NIC] = { .kind = BH_SPACE_DEVICE, .owner = COMPARTMENT_DRIVER },
    };
    static const struct bh_plan_mapping mappings[14] = {
        { SPACE_DRIVER, REGION_CODE, 0x400000, 0, 0x1000, RX, 0 },
        { SPACE_DRIVER, REGION_DATA, 0x401000, 0, 0x2000, RW, 0 },
        { SPACE_DRIVER, REGION_BAR, 0x500000, 0, 0x4000, RW, 0 },
        { SPACE_DRIVER, REGION_RINGS, 0x600000, 0, 0x1000, RW, 0 },
        { SPACE_DRIVER, REGION_LOG, 0x700000, 0, BH_LOG_REGION_SIZE, BH_READ, 0 },
        { SPACE_VMM, REGION_CODE, 0x400000, 0, 0x1000, RX, 0 },
        { SPACE_VMM, REGION_DATA, 0x401000, 0x1000, 0x1000, RW, 0 },
        { SPACE_VMM, REGION_STATE, 0x500000, 0, 0x1000, RW, 0 },
        { SPACE_VMM, REGION_PLAN, 0x600000, 0, TABLES_END, BH_READ, 0 },
        { SPACE_VMM, REGION_GUEST_RAM, 0x10000000, 0, 4u << 20, RW, 0 },
        { SPACE_VMM, REGION_RINGS, 0x20000000, 0, 0x1000, BH_READ, 0 },
        { SPACE_GUEST, REGION_GUEST_RAM, 0, 0, 4u << 20, RW | BH_EXECUTE, 0 },
        { SPACE_NIC, REGION_RINGS, 0x10000000, 0, 0x1000, RW, 0 },
        { SPACE_NIC, REGION_BAR, 0x20000000, 0, 0x1000, BH_WRITE, 0 },
    };

    memcpy(s->space, spaces, sizeof(spaces));
    memcpy(s->mapping, mappings, sizeof(mappings));
    name_all(s->space, sizeof(s->space[0]), SAMPLE_SPACES, "space");
}

static void make_compartments(struct sample *s) {
    static const struct bh_plan_compartment compartments[SAMPLE_COMPARTMENTS] = {
        { .space = SPACE_DRIVER, .flags = BH_COMPARTMENT_START, .first_slot = 0 },
        { .space = SPACE_VMM, .first_slot = 4 },
    };
    static const struct bh_plan_slot slots[8] = {
        { COMPARTMENT_DRIVER, BH_SLOT_CHANNEL, 1, 0, 0, 0 },
        { COMPARTMENT_DRIVER, BH_SLOT_CHANNEL, 0, 0, 0, 0 },
        { COMPARTMENT_DRIVER, BH_SLOT_DEVICE, DEVICE_NIC, 0, 0xf, 0 },
        { COMPARTMENT_DRIVER, BH_SLOT_MACHINE, 0, 0, 3, 0 },
        { COMPARTMENT_VMM, BH_SLOT_VCPU, 0, 0, 0, 0 },
        { COMPARTMENT_VMM, BH_SLOT_PLACE, REGION_GUEST_RAM, SPACE_GUEST, RW, 0 },
        { COMPARTMENT_VMM, BH_SLOT_COMPARTMENT, COMPARTMENT_DRIVER, 0, 0xf, 0 },
        { COMPARTMENT_VMM, BH_SLOT_MODE, 1, 0, 0, 0 },
    };
    static const struct bh_plan_thread threads[3] = {
        { .compartment = COMPARTMENT_DRIVER, .entry = 0x400010, .stack = 0x403000 },
        { .compartment = COMPARTMENT_VMM, .entry = 0x400010, .stack = 0x402000 },
        { .compartment = COMPARTMENT_VMM, .number = 1, .entry = 0x400020, .stack = 0x401800 },
    };

    memcpy(s->compartment, compartments, sizeof(compartments));
    memcpy(s->slot, slots, sizeof(slots));
    memcpy(s->thread, threads, sizeof(threads));
    name_all(s->compartment, sizeof(s->compartment[0]), SAMPLE_COMPARTMENTS, "compartment");
    name_all(s->thread, sizeof(s->thread[0]), 3, "thread");
}

static void make_signals(struct sample *s) {
    s->channel[0] = (struct bh_plan_channel){ .thread = 0, .life_of = BH_NONE, .bits = 1 };
    s->channel[1] = (struct bh_plan_channel){ .thread = 1, .life_of = BH_NONE, .bits = 2 };
    s->channel[2] = (struct bh_plan_channel){ .thread = 1, .life_of = 0, .bits = 4 };
    s->vcpu[0] = (struct bh_plan_vcpu){
        .thread = 2, .space = SPACE_GUEST, .state_region = REGION_STATE
    };
    s->doorbell[0] = (struct bh_plan_doorbell){
        .space = SPACE_GUEST, .kind = BH_DOORBELL_PORT, .address = 0xc000, .length = 16,
        .channel = 1,
    };
    s->interrupt[0] = (struct bh_plan_interrupt){
        .device = DEVICE_NIC, .kind = BH_INTERRUPT_MSIX, .source = 2, .channel = 0, .limit = 100,
    };
    s->interrupt[1] = (struct bh_plan_interrupt){
        .device = DEVICE_UART, .kind = BH_INTERRUPT_ISA, .source = 4, .channel = 0, .limit = 100,
    };
    name_all(s->channel, sizeof(s->channel[0]), 3, "channel");
    name_all(s->vcpu, sizeof(s->vcpu[0]), 1, "vcpu");
    name_all(s->interrupt, sizeof(s->interrupt[0]), 2, "interrupt");
}

static void make_devices(struct sample *s) {
    s->device[DEVICE_NIC] = (struct bh_plan_device){
        .kind = BH_DEVICE_PCI, .flags = BH_DEVICE_DMA, .owner = COMPARTMENT_DRIVER,
        .space = SPACE_NIC, .requester_id = 0x10, .vendor_id = 0x8086, .device_id = 0x10d3,
        .fault_limit = 10,
    };
    s->device[DEVICE_UART] = (struct bh_plan_device){
        .kind = BH_DEVICE_PLATFORM, .owner = COMPARTMENT_DRIVER, .space = BH_NONE,
        .vendor_id = 0xffff, .device_id = 0xffff, .fault_limit = 1,
    };
    s->port_range[0] = (struct bh_plan_port_range){ DEVICE_UART, 0x3f8, 8, 0 };
    name_all(s->device, sizeof(s->device[0]), SAMPLE_DEVICES, "device");
}

static void make_modes(struct sample *s) {
    static const struct bh_plan_placement placements[4] = {
        { 0, 0, 0, 20, 5000, 10000 },
        { 0, 1, 1, 10, 10000, 10000 },
        { 0, 2, 1, 5, 100, 100 },
        { 1, 0, 1, 31, 1, 1000000 },
    };

    memcpy(s->placement, placements, sizeof(placements));
    name_all(s->mode, sizeof(s->mode[0]), 2, "mode");
}

#define TABLE(number, field) \
    s->header.table[number] = (struct bh_plan_table){ \
        offsetof(struct sample, field), sizeof(s->field) / sizeof(s->field[0]), \
        sizeof(s->field[0]) }

static void make_header(struct sample *s) {
    s->header = (struct bh_plan_header){
        .magic = BH_PLAN_MAGIC, .version = BH_PLAN_VERSION, .header_size = sizeof(s->header),
        .total_size = SAMPLE_SIZE, .name = "sample", .cores = 2, .log_channel = 0,
        .log_port = 0x3f8,
    };
    TABLE(BH_TABLE_REGION, region);
    TABLE(BH_TABLE_SPACE, space);
    TABLE(BH_TABLE_MAPPING, mapping);
    TABLE(BH_TABLE_COMPARTMENT, compartment);
    TABLE(BH_TABLE_SLOT, slot);
    TABLE(BH_TABLE_THREAD, thread);
    TABLE(BH_TABLE_VCPU, vcpu);
    TABLE(BH_TABLE_DOORBELL, doorbell);
    TABLE(BH_TABLE_CHANNEL, channel);
    TABLE(BH_TABLE_INTERRUPT, interrupt);
    TABLE(BH_TABLE_DEVICE, device);
    TABLE(BH_TABLE_PORT_RANGE, port_range);
    TABLE(BH_TABLE_MODE, mode);
    TABLE(BH_TABLE_PLACEMENT, placement);
}

struct sample *sample_plan_make(void *memory) {
    struct sample *s = memory;

    memset(memory, 0, SAMPLE_SIZE);
    make_header(s);
    make_regions(s);
    make_spaces(s);
    make_compartments(s);
    make_signals(s);
    make_devices(s);
    make_modes(s);
    return s;
}

void sample_plan_seal(struct sample *s) {
    s->header.checksum = plan_checksum(s, SAMPLE_SIZE);
}
