/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of an NVMe disk's virtual functions over a fake subsystem, which keeps the rules of NVMe
 * 8.5: who gets which namespace, queues and interrupts, and what is left of it when the disk lies
 * or fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/nvme/nvme.h"
#include "lib/mmio/mmio.h"

enum {
    RINGS_IOVA = 0x100000, OWN = 1, FOREIGN = 2, FIRST = 10, SECONDARIES = 3, IDS = 16, SPACES = 6,
    COMMANDS_MOST = 5000,
};

/* What an admin command answers. */
enum { GOOD = 0, BAD = 2 };

static struct secondary {
    bool online;
    uint32_t queues, interrupts;
} secondary[SECONDARIES];

static struct resource {
    uint32_t flexible, own, own_next;
} resource[2];                     /* queues, interrupts */

static uint32_t registers[NVME_BAR_SIZE / 4];
static struct nvme_rings *rings;
static struct nvme *nvme;
static bool attached[SPACES + 1][IDS];
static uint32_t head, commands, fails_after, never_after, resets;
static uint16_t abilities;
static bool unreadable;            /* our namespace */
static void (*lie)(const struct nvme_command *command, uint8_t *page);

static void put(uint8_t *page, uint32_t offset, uint32_t value, uint32_t bytes) {
    memcpy(page + offset, &value, bytes);
}

static uint32_t assigned(unsigned kind) {
    uint32_t sum = 0;

    for (unsigned i = 0; i < SECONDARIES; i++)
        sum += kind == 0 ? secondary[i].queues : secondary[i].interrupts;
    return sum;
}

static void list_spaces(uint8_t *page, uint32_t behind) {
    for (uint32_t space = behind + 1, at = 0; space <= SPACES; space++, at += 4)
        put(page, at, space, 4);
}

static void list_attached(uint8_t *page, uint32_t space) {
    uint32_t count = 0;

    for (uint32_t id = 0; id < IDS; id++) {
        if (attached[space][id])
            put(page, 2 * ++count, id, 2);
    }
    put(page, 0, count, 2);
}

static void list_secondaries(uint8_t *page) {
    put(page, 0, SECONDARIES, 1);
    for (uint32_t i = 0; i < SECONDARIES; i++) {
        uint8_t *entry = page + 32 + 32 * i;

        put(entry, 0, FIRST + i, 2);
        put(entry, 2, OWN, 2);
        put(entry, 4, secondary[i].online, 1);
        put(entry, 8, i + 1, 2);
    }
}

static void list_resources(uint8_t *page) {
    for (unsigned kind = 0; kind < 2; kind++) {
        uint8_t *at = page + 32 + 32 * kind;

        put(at, 0, resource[kind].flexible, 4);
        put(at, 8, resource[kind].own, 2);
        put(at, 10, 3, 2);
        put(at, 12, 4, 2);
        put(at, 14, 1, 2);
    }
}

static unsigned identify(const struct nvme_command *command) {
    uint8_t *page = rings->identify;

    memset(page, 0, 4096);
    switch (command->dword10) {
    case IDENTIFY_NAMESPACE:
        if (unreadable)
            return BAD;
        if (!attached[command->space][OWN])
            return GOOD;           /* zeros, as the specification says */
        put(page, 0, 1000, 4);
        put(page, 128 + 2, 9, 1);
        return GOOD;
    case IDENTIFY_CONTROLLER:
        put(page, 78, OWN, 2);
        put(page, 256, abilities, 2);
        return GOOD;
    case IDENTIFY_ALLOCATED: list_spaces(page, command->space); return GOOD;
    case IDENTIFY_ATTACHED:  list_attached(page, command->space); return GOOD;
    case IDENTIFY_PRIMARY:   list_resources(page); return GOOD;
    case IDENTIFY_SECONDARY: list_secondaries(page); return GOOD;
    default:                 return BAD;
    }
}

/* No controller that is online loses or gets a namespace, which the specification would allow. */
static unsigned attach(const struct nvme_command *command) {
    bool on = command->dword10 == ATTACHMENT_ATTACH;
    uint16_t id = rings->ids[1];

    assert_int_equal(command->prp1, RINGS_IOVA + offsetof(struct nvme_rings, ids));
    assert_in_range(command->space, 1, SPACES);
    assert_int_equal(rings->ids[0], 1);
    if (id >= IDS || attached[command->space][id] == on)
        return BAD;
    assert_false(id >= FIRST && id < FIRST + SECONDARIES && secondary[id - FIRST].online);
    attached[command->space][id] = on;
    return GOOD;
}

static unsigned assign(struct secondary *s, unsigned kind, uint32_t count) {
    uint32_t *has = kind == 0 ? &s->queues : &s->interrupts;
    uint32_t rest = resource[kind].flexible - resource[kind].own - assigned(kind) + *has;

    if (s->online || count > rest)
        return BAD;
    *has = count;
    return GOOD;
}

static unsigned manage(const struct nvme_command *command) {
    uint32_t id = command->dword10 >> 16, kind = command->dword10 >> 8 & 7;
    struct secondary *s;

    if ((command->dword10 & 0xf) == VIRTUAL_PRIMARY) {
        assert_int_equal(id, OWN);
        resource[kind].own_next = command->dword11;
        return GOOD;
    }
    if (id < FIRST || id >= FIRST + SECONDARIES)
        return BAD;
    s = &secondary[id - FIRST];
    switch (command->dword10 & 0xf) {
    case VIRTUAL_OFFLINE:
        *s = (struct secondary){ 0 };
        return GOOD;
    case VIRTUAL_ASSIGN:
        return assign(s, kind, command->dword11);
    case VIRTUAL_ONLINE:
        s->online = s->queues >= 2 && s->interrupts >= 1;
        return s->online ? GOOD : BAD;
    default:
        return BAD;
    }
}

static unsigned admin(const struct nvme_command *command) {
    switch (command->opcode) {
    case ADMIN_IDENTIFY:   return identify(command);
    case ADMIN_ATTACHMENT: return attach(command);
    case ADMIN_VIRTUAL:    return manage(command);
    default:               return GOOD;
    }
}

static void run(uint32_t slot) {
    volatile struct nvme_completion *done = &rings->admin_done[slot];
    uint16_t phase = (head / NVME_ADMIN_DEPTH + 1) % 2;
    unsigned status = ++commands > fails_after ? BAD : admin(&rings->admin[slot]);

    if (lie != NULL && rings->admin[slot].opcode == ADMIN_IDENTIFY)
        lie(&rings->admin[slot], rings->identify);
    assert_true(commands < COMMANDS_MOST);
    done->id = (uint16_t)slot;
    done->status = (uint16_t)(status << 1 | phase);
    head++;
}

uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    assert_ptr_equal(base, registers);
    return registers[offset / 4];
}

/* A controller reset takes the secondary ones offline, and frees nothing (8.5). */
static void configure(uint32_t value) {
    registers[NVME_CSTS / 4] = value & CC_ENABLE;
    resets++;
    head = 0;
    for (unsigned i = 0; i < SECONDARIES; i++)
        secondary[i].online = false;
}

void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    assert_ptr_equal(base, registers);
    registers[offset / 4] = value;
    if (offset == NVME_CC)
        configure(value);
    while (offset == NVME_DOORBELLS && head % NVME_ADMIN_DEPTH != value && commands < never_after)
        run(head % NVME_ADMIN_DEPTH);
}

static void no_pause(void) {
}

/* What a function-level reset of the physical function does. */
static void reset_function(void) {
    for (unsigned kind = 0; kind < 2; kind++)
        resource[kind].own = resource[kind].own_next;
}

/* The first virtual function has namespace 2, the second 3, the third none; namespaces are attached
 * where they shouldn't be, and none where it should. */
static int setup(void **state) {
    (void)state;
    memset(registers, 0, sizeof(registers));
    memset(secondary, 0, sizeof(secondary));
    memset(attached, 0, sizeof(attached));
    registers[NVME_CAP_LOW / 4] = 1023;
    head = commands = resets = 0;
    unreadable = false;
    fails_after = never_after = UINT32_MAX;
    abilities = OACS_NAMESPACES | OACS_VIRTUAL;
    lie = NULL;
    resource[0] = (struct resource){ .flexible = 6 };
    resource[1] = (struct resource){ .flexible = 3 };
    rings = calloc(1, sizeof(*rings));
    nvme = calloc(1, sizeof(*nvme));
    nvme->registers = registers;
    nvme->rings = rings;
    nvme->rings_iova = RINGS_IOVA;
    nvme->functions.function[0].space = 2;
    nvme->functions.function[1].space = 3;
    nvme->functions.count = 2;
    attached[1][FIRST] = attached[1][FIRST + 2] = attached[2][FIRST + 1] = true;
    attached[2][OWN] = attached[3][FIRST] = attached[3][FOREIGN] = attached[4][FIRST + 1] = true;
    attached[5][FOREIGN] = true;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    free(nvme);
    free(rings);
    return 0;
}

static void assert_attached(uint32_t space, uint32_t wanted) {
    for (uint32_t id = 0; id < IDS; id++)
        assert_int_equal(attached[space][id], id == wanted);
}

static void assert_all_in_order(void) {
    assert_attached(1, OWN);
    assert_attached(2, FIRST);
    assert_attached(3, FIRST + 1);
    assert_attached(4, IDS);
    assert_attached(5, FOREIGN);
    for (unsigned i = 0; i < SECONDARIES; i++) {
        assert_int_equal(secondary[i].online, i < 2);
        assert_int_equal(nvme->functions.function[i].online, i < 2);
    }
}

static void test_each_has_its_own(void **state) {
    (void)state;
    assert_true(nvme_start(nvme, no_pause));
    assert_all_in_order();
    assert_true(nvme_measure(nvme, no_pause));
    assert_int_equal(nvme->sectors, 1000);
    assert_int_equal(secondary[0].queues, 3);
    assert_int_equal(secondary[1].interrupts, 1);
    assert_int_equal(secondary[2].queues, 0);
    assert_false(nvme->functions.wants_reset);
}

static void test_again_after_a_reset(void **state) {
    (void)state;
    assert_true(nvme_start(nvme, no_pause));
    for (unsigned i = 0; i < 5; i++) {
        uint32_t before = commands;

        assert_true(nvme_start(nvme, no_pause));
        assert_all_in_order();
        assert_true(commands - before < 40);
    }
}

static void test_nothing_is_attached_at_first(void **state) {
    (void)state;
    memset(attached, 0, sizeof(attached));
    attached[5][FOREIGN] = true;
    assert_true(nvme_start(nvme, no_pause));
    assert_all_in_order();
}

static void test_what_we_hold_is_given_up(void **state) {
    (void)state;
    resource[0].own = resource[1].own = 3;
    resource[0].flexible = 5;
    assert_true(nvme_start(nvme, no_pause));
    assert_true(nvme->functions.wants_reset);
    assert_false(secondary[0].online || secondary[1].online);
    reset_function();
    assert_true(nvme_start(nvme, no_pause));
    assert_false(nvme->functions.wants_reset);
    assert_all_in_order();
    assert_int_equal(secondary[0].queues, 2);
}

static void test_too_little_for_all(void **state) {
    (void)state;
    resource[0].flexible = 3;
    assert_true(nvme_start(nvme, no_pause));
    assert_false(nvme->functions.wants_reset);
    assert_false(secondary[0].online || secondary[1].online);
}

static void test_disk_without_the_ability(void **state) {
    (void)state;
    attached[1][OWN] = true;
    for (abilities = 0; abilities <= OACS_VIRTUAL; abilities += OACS_NAMESPACES) {
        if (abilities == (OACS_NAMESPACES | OACS_VIRTUAL))
            continue;
        assert_true(nvme_start(nvme, no_pause));
        assert_false(secondary[0].online);
        assert_true(attached[3][FIRST]);
    }
}

/* Virtual functions have theirs while we wait for ours. */
static void test_our_namespace_is_unreadable(void **state) {
    uint32_t before;

    (void)state;
    assert_true(nvme_start(nvme, no_pause));
    before = resets;
    unreadable = true;
    for (unsigned i = 0; i < 3 * NVME_ADMIN_DEPTH; i++)
        assert_false(nvme_measure(nvme, no_pause));
    assert_true(nvme->ready);
    assert_all_in_order();
    unreadable = false;
    assert_true(nvme_measure(nvme, no_pause));
    assert_int_equal(resets, before);
}

static void test_our_namespace_is_taken_from_us(void **state) {
    (void)state;
    assert_true(nvme_start(nvme, no_pause));
    attached[1][OWN] = false;
    attached[1][FOREIGN] = true;
    assert_true(nvme_measure(nvme, no_pause));
    assert_all_in_order();
    nvme->functions.count = 0;
    attached[1][OWN] = false;
    assert_false(nvme_measure(nvme, no_pause));
    assert_true(nvme->ready && !attached[1][OWN]);
}

/* Whichever command fails, or is never answered: nobody is online who has another's namespace. */
static void test_every_failure(void **state) {
    uint32_t all;

    (void)state;
    assert_true(nvme_start(nvme, no_pause));
    assert_true(nvme_measure(nvme, no_pause));
    all = commands;
    for (uint32_t i = 0; i < 2 * all; i++) {
        teardown(state);
        setup(state);
        fails_after = i < all ? i : UINT32_MAX;
        never_after = i < all ? UINT32_MAX : i - all;
        if (nvme_start(nvme, no_pause))
            nvme_measure(nvme, no_pause);
        for (unsigned f = 0; f < SECONDARIES; f++) {
            for (uint32_t space = 1; space <= SPACES && secondary[f].online; space++)
                assert_int_equal(attached[space][FIRST + f], f < 2 && space == f + 2);
        }
    }
}

static void lie_of_secondaries(const struct nvme_command *command, uint8_t *page) {
    if (command->dword10 != IDENTIFY_SECONDARY)
        return;
    put(page, 0, 255, 1);
    put(page + 32, 0, OWN, 2);                     /* the first function would be ourselves, ... */
    put(page + 64, 2, FOREIGN, 2);                 /* ... the second another disk's, ... */
    put(page + 96, 8, 200, 2);                     /* ... the third beyond all */
}

static void lie_of_one_controller(const struct nvme_command *command, uint8_t *page) {
    if (command->dword10 == IDENTIFY_SECONDARY)
        put(page + 64, 0, FIRST, 2);               /* both functions would be one */
}

static void lie_of_spaces(const struct nvme_command *command, uint8_t *page) {
    if (command->dword10 == IDENTIFY_ALLOCATED)
        put(page, 0, command->space == 0 ? 1 : 2, 4);      /* never ends */
}

static void lie_of_resources(const struct nvme_command *command, uint8_t *page) {
    if (command->dword10 == IDENTIFY_PRIMARY)
        memset(page, 0xff, 4096);
}

static void test_lies(void **state) {
    (void)state;
    attached[1][OWN] = true;
    lie = lie_of_secondaries;
    nvme_start(nvme, no_pause);
    assert_false(secondary[0].online || secondary[1].online || secondary[2].online);
    lie = lie_of_spaces;
    nvme_start(nvme, no_pause);
    assert_false(secondary[0].online || secondary[1].online);
    lie = lie_of_resources;
    nvme_start(nvme, no_pause);
    assert_false(secondary[0].online || secondary[1].online);
    lie = lie_of_one_controller;
    nvme_start(nvme, no_pause);
    assert_false(secondary[1].online || attached[3][FIRST]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_each_has_its_own), TEST(test_again_after_a_reset),
        TEST(test_nothing_is_attached_at_first), TEST(test_what_we_hold_is_given_up),
        TEST(test_too_little_for_all), TEST(test_disk_without_the_ability),
        TEST(test_our_namespace_is_unreadable), TEST(test_our_namespace_is_taken_from_us),
        TEST(test_every_failure), TEST(test_lies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
