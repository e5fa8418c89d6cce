/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validation of a whole plan in memory, and the typed view of its tables. Pure code: no library, no
 * allocation, no state; the host tool runs the same. Trusts nobody: the plan may be any bytes.
 *
 * After plan_check answered PLAN_OK, everything that the plan says by itself may be relied on:
 * bounds, references, order, owners, W^X. What depends on the machine (sizes of BARs, RAM, ECAM,
 * cores, I/O BARs, isolation groups) is left to whoever installs it. What could harm nobody but the
 * compartment that has it (a doorbell that can't ring, a space that nobody uses) is no rule here.
 */
#pragma once

#include "abi/plan.h"

/* Every table: enum bh_table's suffix, its name (struct bh_plan_NAME), the most entries. */
#define PLAN_TABLES(TABLE) \
    TABLE(REGION,      region,      BH_MAX_REGIONS) \
    TABLE(SPACE,       space,       BH_MAX_SPACES) \
    TABLE(MAPPING,     mapping,     BH_MAX_MAPPINGS) \
    TABLE(COMPARTMENT, compartment, BH_MAX_COMPARTMENTS) \
    TABLE(SLOT,        slot,        BH_MAX_SLOTS) \
    TABLE(THREAD,      thread,      BH_MAX_THREADS) \
    TABLE(VCPU,        vcpu,        BH_MAX_VCPUS) \
    TABLE(DOORBELL,    doorbell,    BH_MAX_DOORBELLS) \
    TABLE(CHANNEL,     channel,     BH_MAX_CHANNELS) \
    TABLE(INTERRUPT,   interrupt,   BH_MAX_INTERRUPTS) \
    TABLE(DEVICE,      device,      BH_MAX_DEVICES) \
    TABLE(PORT_RANGE,  port_range,  BH_MAX_PORT_RANGES) \
    TABLE(MODE,        mode,        BH_MAX_MODES) \
    TABLE(PLACEMENT,   placement,   BH_MAX_PLACEMENTS)

/* The tables of a plan, each `count[BH_TABLE_x]` entries long. Valid as long as the plan is. */
struct plan_view {
    const struct bh_plan_header *header;
#define PLAN_POINTER(suffix, name, most) const struct bh_plan_##name *name;
    PLAN_TABLES(PLAN_POINTER)
#undef PLAN_POINTER
    uint32_t count[BH_TABLE_COUNT];
    uint64_t tables_end;     /* bytes of header and tables, rounded up to the page: where content
                                may start, and the size of a BH_REGION_PLAN region */
};

/* Every rule with its text. */
#define PLAN_RULES(RULE) \
    RULE(PLAN_OK,               "nothing wrong") \
    RULE(PLAN_SHORT,            "the plan is shorter than its header") \
    RULE(PLAN_ALIGN,            "the plan doesn't start on a page boundary") \
    RULE(PLAN_MAGIC,            "not a plan: the magic number is wrong") \
    RULE(PLAN_VERSION,          "the plan has another version of the format") \
    RULE(PLAN_SIZE,             "the header's size isn't that of the bytes given") \
    RULE(PLAN_CHECKSUM,         "the checksum is wrong: the plan was damaged") \
    RULE(PLAN_CONTROLS,         "a test control is on, which this kernel refuses") \
    RULE(PLAN_NAME,             "the name is unterminated") \
    RULE(PLAN_CORES,            "the number of cores is out of range") \
    RULE(PLAN_FIRST_MODE,       "the first mode doesn't exist") \
    RULE(PLAN_LOG_PORT,         "the log port is no serial port") \
    RULE(PLAN_LOG_CHANNEL,      "the log channel doesn't exist") \
    RULE(PLAN_TABLE_COUNT,      "the table has more entries than the kernel has room for") \
    RULE(PLAN_TABLE_PLACE,      "the table is out of place, or its entries have another size") \
    RULE(PLAN_REFERENCE,        "a field names an object that doesn't exist") \
    RULE(PLAN_KIND,             "the kind is unknown") \
    RULE(PLAN_FLAGS,            "a flag is unknown") \
    RULE(PLAN_RIGHTS,           "the rights are empty, unknown or more than the region allows") \
    RULE(PLAN_ALIGNMENT,        "an address, offset or size isn't a multiple of its unit") \
    RULE(PLAN_RANGE,            "a range is empty, too large or ends beyond its limit") \
    RULE(PLAN_OVERLAP,          "the range overlaps the one before, or the order isn't ascending") \
    RULE(PLAN_OWNER,            "the object belongs to another compartment") \
    RULE(PLAN_DUPLICATE,        "the same thing is named twice") \
    RULE(PLAN_WX,               "memory would be writable and executable") \
    RULE(PLAN_CACHE,            "the cache type doesn't fit the kind of region") \
    RULE(PLAN_CONTENT,          "the content lies outside the plan or exceeds the region") \
    RULE(PLAN_PHYSICAL,         "the physical range isn't one that a plan may name") \
    RULE(PLAN_SPACE_KIND,       "the space is of another kind than is needed here") \
    RULE(PLAN_MSI_WINDOW,       "a device space maps the interrupt window 0xfee00000..0xfeefffff") \
    RULE(PLAN_ENTRY,            "the thread's entry or stack is no address of a process") \
    RULE(PLAN_STATE_PAGE,       "the vCPU's state isn't a RAM page of its VMM alone") \
    RULE(PLAN_SELF,             "a compartment can't supervise itself") \
    RULE(PLAN_DMA,              "the device may master the bus, but has no device space") \
    RULE(PLAN_DEVICE_KIND,      "a platform device has no DMA, space, BARs or message interrupts") \
    RULE(PLAN_REQUESTER,        "the requester id is out of range or the host bridge's") \
    RULE(PLAN_SOURCE,           "the interrupt source is out of range or reserved to the kernel") \
    RULE(PLAN_LIMIT,            "a limit is zero") \
    RULE(PLAN_PORTS,            "the ports are reserved to the kernel") \
    RULE(PLAN_PRIORITY,         "the priority is out of range") \
    RULE(PLAN_CORE,             "the core is out of range") \
    RULE(PLAN_BUDGET,           "the budget is zero or above its period, or that is out of range")

#define PLAN_RULE_NAME(name, text) name,
enum plan_rule { PLAN_RULES(PLAN_RULE_NAME) PLAN_RULE_COUNT };
#undef PLAN_RULE_NAME

/* What is wrong, and where: `table` is BH_TABLE_COUNT for the header. */
struct plan_verdict {
    enum plan_rule rule;
    enum bh_table  table;
    uint32_t       index;
};

/* Checks `size` bytes at `plan` (page-aligned). `controls`: the flags (enum bh_plan_flags) that
 * this kernel accepts. On PLAN_OK, `view` describes the tables; else its contents mean nothing. */
struct plan_verdict plan_check(const void *plan, uint64_t size, uint32_t controls,
                               struct plan_view *view);

/* CRC-32C of the plan with its checksum field taken as zero; size >= the header's. */
uint32_t plan_checksum(const void *plan, uint64_t size);

const char *plan_rule_text(enum plan_rule rule);
const char *plan_table_name(enum bh_table table);
