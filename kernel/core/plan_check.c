/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of a plan: header, checksum, the place of every table, then two passes over all
 * entries. The plan may be any bytes; nothing is followed before it was bounded.
 */
#include "core/plan_check.h"

#include "core/plan_rules.h"

#define CRC32C_POLYNOMIAL 0x82f63b78u   /* reflected; RFC 3720, 12.1 */

static const uint32_t table_limit[BH_TABLE_COUNT] = {
    [BH_TABLE_REGION] = BH_MAX_REGIONS,         [BH_TABLE_SPACE] = BH_MAX_SPACES,
    [BH_TABLE_MAPPING] = BH_MAX_MAPPINGS,       [BH_TABLE_COMPARTMENT] = BH_MAX_COMPARTMENTS,
    [BH_TABLE_SLOT] = BH_MAX_SLOTS,             [BH_TABLE_THREAD] = BH_MAX_THREADS,
    [BH_TABLE_VCPU] = BH_MAX_VCPUS,             [BH_TABLE_DOORBELL] = BH_MAX_DOORBELLS,
    [BH_TABLE_CHANNEL] = BH_MAX_CHANNELS,       [BH_TABLE_INTERRUPT] = BH_MAX_INTERRUPTS,
    [BH_TABLE_DEVICE] = BH_MAX_DEVICES,         [BH_TABLE_PORT_RANGE] = BH_MAX_PORT_RANGES,
    [BH_TABLE_MODE] = BH_MAX_MODES,             [BH_TABLE_PLACEMENT] = BH_MAX_PLACEMENTS,
};

static const uint32_t entry_size[BH_TABLE_COUNT] = {
    [BH_TABLE_REGION] = sizeof(struct bh_plan_region),
    [BH_TABLE_SPACE] = sizeof(struct bh_plan_space),
    [BH_TABLE_MAPPING] = sizeof(struct bh_plan_mapping),
    [BH_TABLE_COMPARTMENT] = sizeof(struct bh_plan_compartment),
    [BH_TABLE_SLOT] = sizeof(struct bh_plan_slot),
    [BH_TABLE_THREAD] = sizeof(struct bh_plan_thread),
    [BH_TABLE_VCPU] = sizeof(struct bh_plan_vcpu),
    [BH_TABLE_DOORBELL] = sizeof(struct bh_plan_doorbell),
    [BH_TABLE_CHANNEL] = sizeof(struct bh_plan_channel),
    [BH_TABLE_INTERRUPT] = sizeof(struct bh_plan_interrupt),
    [BH_TABLE_DEVICE] = sizeof(struct bh_plan_device),
    [BH_TABLE_PORT_RANGE] = sizeof(struct bh_plan_port_range),
    [BH_TABLE_MODE] = sizeof(struct bh_plan_mode),
    [BH_TABLE_PLACEMENT] = sizeof(struct bh_plan_placement),
};

static const char *const table_name[BH_TABLE_COUNT + 1] = {
    [BH_TABLE_REGION] = "region",       [BH_TABLE_SPACE] = "space",
    [BH_TABLE_MAPPING] = "mapping",     [BH_TABLE_COMPARTMENT] = "compartment",
    [BH_TABLE_SLOT] = "slot",           [BH_TABLE_THREAD] = "thread",
    [BH_TABLE_VCPU] = "vcpu",           [BH_TABLE_DOORBELL] = "doorbell",
    [BH_TABLE_CHANNEL] = "channel",     [BH_TABLE_INTERRUPT] = "interrupt",
    [BH_TABLE_DEVICE] = "device",       [BH_TABLE_PORT_RANGE] = "port range",
    [BH_TABLE_MODE] = "mode",           [BH_TABLE_PLACEMENT] = "placement",
    [BH_TABLE_COUNT] = "header",
};

#define PLAN_RULE_TEXT(name, text) text,
static const char *const rule_text[PLAN_RULE_COUNT] = { PLAN_RULES(PLAN_RULE_TEXT) };
#undef PLAN_RULE_TEXT

const char *plan_rule_text(enum plan_rule rule)
{
    return rule < PLAN_RULE_COUNT ? rule_text[rule] : "unknown rule";
}

const char *plan_table_name(enum bh_table table)
{
    return table <= BH_TABLE_COUNT ? table_name[table] : "unknown table";
}

/* One table a byte position in a 32-bit word: four lookups for four bytes. */
struct crc_tables {
    uint32_t at[4][256];
};

static void crc_prepare(struct crc_tables *t)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (uint32_t bit = 0; bit < 8; bit++) {
            crc = crc % 2 != 0 ? crc / 2 ^ CRC32C_POLYNOMIAL : crc / 2;
        }
        t->at[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (uint32_t k = 1; k < 4; k++) {
            uint32_t before = t->at[k - 1][i];
            t->at[k][i] = before / 256 ^ t->at[0][before % 256];
        }
    }
}

static uint32_t crc_word(const struct crc_tables *t, uint32_t crc, uint32_t word)
{
    uint32_t x = crc ^ word;

    return t->at[3][x % 256] ^ t->at[2][x / 256 % 256] ^ t->at[1][x / 65536 % 256]
         ^ t->at[0][x / 16777216];
}

/* A plan is a whole number of pages, so of words; a tail that isn't a word is left out. */
uint32_t plan_checksum(const void *plan, uint64_t size)
{
    static struct crc_tables tables;
    const uint32_t *word = plan;
    uint64_t own = offsetof(struct bh_plan_header, checksum) / sizeof(uint32_t);
    uint32_t crc = 0xffffffffu;

    crc_prepare(&tables);
    for (uint64_t i = 0; i < size / sizeof(uint32_t); i++) {
        crc = crc_word(&tables, crc, i == own ? 0 : word[i]);
    }
    return ~crc;
}

static enum plan_rule check_header(const struct bh_plan_header *h, uint64_t size, uint32_t controls)
{
    if (h->magic != BH_PLAN_MAGIC) {
        return PLAN_MAGIC;
    }
    if (h->version != BH_PLAN_VERSION || h->header_size != sizeof(*h)) {
        return PLAN_VERSION;
    }
    if (h->total_size != size) {
        return PLAN_SIZE;
    }
    if (plan_checksum(h, size) != h->checksum) {
        return PLAN_CHECKSUM;
    }
    return (h->flags & ~controls) == 0 ? PLAN_OK : PLAN_CONTROLS;
}

/* `end`: where the table before ended; becomes this one's end. */
static enum plan_rule check_table(const struct bh_plan_header *h, enum bh_table table,
                                  uint64_t *end)
{
    const struct bh_plan_table *t = &h->table[table];
    uint64_t bytes = (uint64_t)t->count * entry_size[table];

    if (t->entry_size != entry_size[table]) {
        return PLAN_TABLE_ENTRY;
    }
    if (t->count > table_limit[table]) {
        return PLAN_TABLE_COUNT;
    }
    if (t->offset % 8 != 0 || t->offset < *end || t->offset > h->total_size
        || bytes > h->total_size - t->offset) {
        return PLAN_TABLE_PLACE;
    }
    *end = t->offset + bytes;
    return PLAN_OK;
}

static struct plan_verdict check_tables(const struct bh_plan_header *h, uint64_t *end)
{
    struct plan_verdict verdict = { PLAN_OK, BH_TABLE_COUNT, 0 };

    *end = sizeof(*h);
    for (uint32_t table = 0; table < BH_TABLE_COUNT && verdict.rule == PLAN_OK; table++) {
        verdict.rule = check_table(h, table, end);
        verdict.table = table;
    }
    return verdict;
}

/* The tables' places have been checked. */
static void open_view(struct plan_view *view, const struct bh_plan_header *h, uint64_t tables_end)
{
    const uint8_t *base = (const uint8_t *)h;
    const struct bh_plan_table *t = h->table;

    view->header      = h;
    view->region      = (const void *)(base + t[BH_TABLE_REGION].offset);
    view->space       = (const void *)(base + t[BH_TABLE_SPACE].offset);
    view->mapping     = (const void *)(base + t[BH_TABLE_MAPPING].offset);
    view->compartment = (const void *)(base + t[BH_TABLE_COMPARTMENT].offset);
    view->slot        = (const void *)(base + t[BH_TABLE_SLOT].offset);
    view->thread      = (const void *)(base + t[BH_TABLE_THREAD].offset);
    view->vcpu        = (const void *)(base + t[BH_TABLE_VCPU].offset);
    view->doorbell    = (const void *)(base + t[BH_TABLE_DOORBELL].offset);
    view->channel     = (const void *)(base + t[BH_TABLE_CHANNEL].offset);
    view->interrupt   = (const void *)(base + t[BH_TABLE_INTERRUPT].offset);
    view->device      = (const void *)(base + t[BH_TABLE_DEVICE].offset);
    view->port_range  = (const void *)(base + t[BH_TABLE_PORT_RANGE].offset);
    view->mode        = (const void *)(base + t[BH_TABLE_MODE].offset);
    view->placement   = (const void *)(base + t[BH_TABLE_PLACEMENT].offset);
    for (uint32_t table = 0; table < BH_TABLE_COUNT; table++) {
        view->count[table] = t[table].count;
    }
    view->tables_end = (tables_end + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE;
}

enum check_pass { PASS_FIELDS, PASS_RELATIONS };

static struct plan_verdict check_entries(const struct plan_view *p, enum check_pass pass)
{
    struct plan_verdict verdict = { PLAN_OK, BH_TABLE_COUNT, 0 };

    for (uint32_t table = 0; table < BH_TABLE_COUNT; table++) {
        for (uint32_t i = 0; i < table_limit[table] && i < p->count[table]; i++) {
            verdict.rule = pass == PASS_FIELDS ? plan_fields(p, table, i)
                                               : plan_relations(p, table, i);
            if (verdict.rule != PLAN_OK) {
                verdict.table = table;
                verdict.index = i;
                return verdict;
            }
        }
    }
    return verdict;
}

static enum plan_rule check_before_tables(const void *plan, uint64_t size, uint32_t controls)
{
    if ((uintptr_t)plan % BH_PAGE_SIZE != 0) {
        return PLAN_ALIGN;
    }
    if (size < sizeof(struct bh_plan_header) || size % BH_PAGE_SIZE != 0) {
        return PLAN_SHORT;
    }
    return check_header(plan, size, controls);
}

struct plan_verdict plan_check(const void *plan, uint64_t size, uint32_t controls,
                               struct plan_view *view)
{
    struct plan_verdict verdict = { PLAN_OK, BH_TABLE_COUNT, 0 };
    uint64_t tables_end = 0;

    verdict.rule = check_before_tables(plan, size, controls);
    if (verdict.rule != PLAN_OK) {
        return verdict;
    }
    verdict = check_tables(plan, &tables_end);
    if (verdict.rule != PLAN_OK) {
        return verdict;
    }
    open_view(view, plan, tables_end);
    verdict.rule = plan_header_fields(view);
    verdict.table = BH_TABLE_COUNT;
    if (verdict.rule == PLAN_OK) {
        verdict = check_entries(view, PASS_FIELDS);
    }
    if (verdict.rule == PLAN_OK) {
        verdict = check_entries(view, PASS_RELATIONS);
    }
    if (verdict.rule == PLAN_OK && plan_ram_size(view) != view->header->memory_needed) {
        verdict = (struct plan_verdict){ PLAN_MEMORY_NEEDED, BH_TABLE_COUNT, 0 };
    }
    return verdict;
}
