/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of a plan: header, checksum, the place of every table, then the passes over all entries
 * (plan_rules.h). The plan may be any bytes; nothing is followed before it was bounded.
 */
#include "core/plan_check.h"

#include "core/plan_rules.h"

#define CRC32C_POLYNOMIAL 0x82f63b78u   /* reflected; RFC 3720, 12.1 */
#define RULE_TEXT(name, text) text,
#define TABLE_NAME(suffix, name, most) #name,
#define TABLE_LIMIT(suffix, name, most) most,
#define TABLE_ENTRY(suffix, name, most) sizeof(struct bh_plan_##name),

static const uint32_t table_limit[BH_TABLE_COUNT] = { PLAN_TABLES(TABLE_LIMIT) };
static const uint32_t entry_size[BH_TABLE_COUNT] = { PLAN_TABLES(TABLE_ENTRY) };
static const char *const table_name[] = { PLAN_TABLES(TABLE_NAME) "header" };
static const char *const rule_text[PLAN_RULE_COUNT] = { PLAN_RULES(RULE_TEXT) };

const char *plan_rule_text(enum plan_rule rule) {
    return rule < PLAN_RULE_COUNT ? rule_text[rule] : "unknown rule";
}

const char *plan_table_name(enum bh_table table) {
    return table <= BH_TABLE_COUNT ? table_name[table] : "unknown table";
}

static void crc_prepare(uint32_t table[256]) {
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (uint32_t bit = 0; bit < 8; bit++)
            table[i] = table[i] / 2 ^ table[i] % 2 * CRC32C_POLYNOMIAL;
    }
}

/* A plan is a whole number of pages, so of words; a tail that isn't a word is left out. */
uint32_t plan_checksum(const void *plan, uint64_t size) {
    static uint32_t table[256];
    const uint32_t *word = plan;
    uint64_t own = offsetof(struct bh_plan_header, checksum) / sizeof(uint32_t);
    uint32_t crc = 0xffffffffu;

    crc_prepare(table);
    for (uint64_t i = 0; i < size / sizeof(uint32_t); i++) {
        crc ^= i == own ? 0 : word[i];
        for (uint32_t byte = 0; byte < sizeof(uint32_t); byte++)
            crc = crc / 256 ^ table[crc % 256];
    }
    return ~crc;
}

static enum plan_rule check_header(const struct bh_plan_header *h, uint64_t size,
                                   uint32_t controls) {
    return (uintptr_t)h % BH_PAGE_SIZE != 0                    ? PLAN_ALIGN
         : size < sizeof(*h) || size % BH_PAGE_SIZE != 0       ? PLAN_SHORT
         : h->magic != BH_PLAN_MAGIC                           ? PLAN_MAGIC
         : h->version != BH_PLAN_VERSION
           || h->header_size != sizeof(*h)                     ? PLAN_VERSION
         : h->total_size != size                               ? PLAN_SIZE
         : plan_checksum(h, size) != h->checksum               ? PLAN_CHECKSUM
         : (h->flags & ~controls) != 0                         ? PLAN_CONTROLS
         : PLAN_OK;
}

/* Tables lie one behind the other, after the header; `end`: where the last one ends. */
static struct plan_verdict check_tables(const struct bh_plan_header *h, uint64_t *end) {
    *end = sizeof(*h);
    for (uint32_t table = 0; table < BH_TABLE_COUNT; table++) {
        const struct bh_plan_table *t = &h->table[table];
        uint64_t bytes = (uint64_t)t->count * entry_size[table];
        bool placed = t->offset == *end && t->entry_size == entry_size[table]
                   && bytes <= h->total_size - *end;
        enum plan_rule rule = t->count > table_limit[table] ? PLAN_TABLE_COUNT
                            : !placed                       ? PLAN_TABLE_PLACE
                            : PLAN_OK;
        if (rule != PLAN_OK)
            return (struct plan_verdict){ rule, table, 0 };
        *end = t->offset + bytes;
    }
    return (struct plan_verdict){ PLAN_OK, BH_TABLE_COUNT, 0 };
}

static const void *entry_at(const struct plan_view *p, enum bh_table table, uint32_t index) {
    return (const uint8_t *)p->header + p->header->table[table].offset
         + (uint64_t)index * entry_size[table];
}

/* The tables' places have been checked. */
static void open_view(struct plan_view *view, const struct bh_plan_header *h, uint64_t tables_end) {
    view->header = h;
#define OPEN_TABLE(suffix, name, most) \
    view->name = entry_at(view, BH_TABLE_##suffix, 0); \
    view->count[BH_TABLE_##suffix] = h->table[BH_TABLE_##suffix].count;
    PLAN_TABLES(OPEN_TABLE)
#undef OPEN_TABLE
    view->tables_end = (tables_end + BH_PAGE_SIZE - 1) / BH_PAGE_SIZE * BH_PAGE_SIZE;
}

static struct plan_verdict check_entries(const struct plan_view *p, bool relations) {
    for (uint32_t table = 0; table < BH_TABLE_COUNT; table++)
        for (uint32_t i = 0; i < table_limit[table] && i < p->count[table]; i++) {
            enum plan_rule rule = relations ? plan_relations(p, table, i)
                                            : plan_fields(p, table, entry_at(p, table, i));
            if (rule != PLAN_OK)
                return (struct plan_verdict){ rule, table, i };
        }
    return (struct plan_verdict){ PLAN_OK, BH_TABLE_COUNT, 0 };
}

struct plan_verdict plan_check(const void *plan, uint64_t size, uint32_t controls,
                               struct plan_view *view) {
    struct plan_verdict verdict = { check_header(plan, size, controls), BH_TABLE_COUNT, 0 };
    uint64_t tables_end = 0;

    if (verdict.rule == PLAN_OK)
        verdict = check_tables(plan, &tables_end);
    if (verdict.rule != PLAN_OK)
        return verdict;
    open_view(view, plan, tables_end);
    verdict.rule = plan_fields(view, BH_TABLE_COUNT, plan);
    if (verdict.rule == PLAN_OK)
        verdict = check_entries(view, false);
    return verdict.rule == PLAN_OK ? check_entries(view, true) : verdict;
}
