/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the 82576's driver: what its virtual functions may ask for, pools and mailboxes over a
 * fake card, and the card's own queues as far as they differ from those of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/igb/nic.h"
#include "drivers/igb/pools.h"
#include "lib/mmio/mmio.h"
#include "tests/unit/link_pair.h"

enum { POOL = 512 * NET_SLOT, POOL_IOVA = 0x10000000, AREA_IOVA = 0x20000000, AREA = 0x10000 };

static uint32_t registers[IGB_BAR_SIZE / 4];
static bool stuck_in_reset, peer_holds, peer_never_lets_go;
static struct nic_rings rings;
static struct nic *nic;
static struct pools pools;
static struct link_pair pair;
static struct ring netswitch;
static uint32_t card_receive;

uint32_t mmio_read32(const volatile void *base, uint32_t offset) {
    assert_ptr_equal(base, registers);
    uint32_t value = registers[offset / 4];
    if (offset == IGB_ICR)
        registers[offset / 4] = 0;
    return value;
}

/* The mailbox's memory is ours if the peer hasn't taken it, and the peer can be made to let go. */
static uint32_t mailbox_written(uint32_t value) {
    if ((value & P2V_TAKE_AWAY) != 0 && !peer_never_lets_go)
        peer_holds = false;
    return (value & ~(uint32_t)(P2V_TAKE | P2V_TAKE_AWAY)) |
           ((value & P2V_TAKE) != 0 && !peer_holds ? P2V_TAKE : 0);
}

void mmio_write32(volatile void *base, uint32_t offset, uint32_t value) {
    assert_ptr_equal(base, registers);
    assert_true(offset < IGB_BAR_SIZE && offset % 4 == 0);
    if (offset == IGB_CTRL && !stuck_in_reset)
        value &= ~(uint32_t)CTRL_RST;
    if (offset == IGB_MDIC)
        value |= MDIC_READY;
    if (offset >= IGB_P2VMAILBOX && offset < IGB_P2VMAILBOX + 4 * IGB_POOLS)
        value = mailbox_written(value);
    if (offset == IGB_VFLRE || offset == IGB_MBVFICR)
        value = registers[offset / 4] & ~value;
    registers[offset / 4] = offset == IGB_EIMS ? registers[offset / 4] | value : value;
    if (offset == IGB_EIMC)
        registers[IGB_EIMS / 4] &= ~value;
}

static uint32_t reg(uint32_t offset) {
    return registers[offset / 4];
}

static int setup(void **state) {
    (void)state;
    memset(registers, 0, sizeof(registers));
    stuck_in_reset = peer_holds = peer_never_lets_go = false;
    card_receive = 0;
    pools = (struct pools){ .registers = registers };
    for (unsigned i = 0; i < IGB_VIRTUAL; i++)
        memcpy(pools.function[i].mac, (uint8_t[]){ 0x52, 0x54, 0, 0, 1, (uint8_t)i }, 6);
    nic = calloc(1, sizeof(*nic));
    nic->registers = registers;
    nic->rings = &rings;
    nic->rings_iova = 0x100000;
    nic->pool = (struct nic_area){ POOL_IOVA, POOL };
    nic->area[0] = (struct nic_area){ AREA_IOVA, AREA };
    link_pair_make(&pair, 8192, 4096);
    pair.a.link.out_area = 0;
    ring_open(&nic->link, &pair.a, 1);
    ring_open(&netswitch, &pair.b, 2);
    ring_check(&nic->link);
    ring_check(&netswitch);
    ring_check(&nic->link);
    assert_true(nic_reset(nic));
    pools_start(&pools);
    assert_true(nic_start(nic));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    link_pair_free(&pair);
    free(nic);
    return 0;
}

static void turn(void) {
    uint32_t notify = BH_NONE;

    nic_turn(nic, 0);
    nic_settle(nic, &notify);
}

/* A virtual function's message; answers the first word of our answer. */
static uint32_t message(unsigned number, uint32_t first, uint32_t second, uint32_t third) {
    uint32_t *memory = &registers[(IGB_VMBMEM + number * 64) / 4];

    memory[0] = first;
    memory[1] = second;
    memory[2] = third;
    registers[IGB_MBVFICR / 4] = 1u << number;
    registers[(IGB_P2VMAILBOX + 4 * number) / 4] = 0;
    pools_serve(&pools);
    return memory[0];
}

static bool is_open(unsigned number) {
    return (reg(IGB_VFRE) >> number & 1) != 0 && (reg(IGB_VFTE) >> number & 1) != 0;
}

static void test_queues(void **state) {
    (void)state;
    assert_int_equal(reg(IGB_RDT), NIC_DEPTH - 1);
    assert_int_equal(reg(IGB_RDBAL), 0x100000);
    assert_int_equal(reg(IGB_TDBAL), 0x100000 + NIC_DEPTH * 16);
    assert_int_equal(reg(IGB_VFRE), 1 << IGB_OWN_POOL);
    rings.receive[0].length = 64;
    rings.receive[0].status = RX_DONE | RX_LAST;
    rings.receive[1].length = 64;
    rings.receive[1].status = RX_DONE;
    rings.receive[2].length = 64;
    rings.receive[2].status = RX_DONE | RX_LAST | RX_ERROR;
    ring_put(&netswitch, (struct ring_descriptor){ .offset = 64, .length = 99, .kind = NET_FRAME });
    ring_flush(&netswitch);
    turn();
    assert_int_equal(ring_available(&netswitch), 1);
    assert_int_equal(nic->dropped, 2);
    assert_int_equal(reg(IGB_TDT), 1);
    assert_int_equal(rings.transmit[0].address, AREA_IOVA + 64);
    assert_int_equal(rings.transmit[0].command & 0xffff, 99);
    assert_int_equal(ring_space(&netswitch), 255);
    rings.transmit[0].status = TX_DONE;
    turn();
    assert_int_equal(ring_space(&netswitch), 256);
}

static void test_a_new_client_leaves_virtual_functions_alone(void **state) {
    (void)state;
    message(2, MAILBOX_RESET, 0, 0);
    assert_true(nic_start(nic));
    assert_true(is_open(2));
}

static void test_gone(void **state) {
    (void)state;
    stuck_in_reset = true;
    assert_false(nic_reset(nic));
    memset(registers, 0xff, sizeof(registers));
    assert_false(nic_reset(nic));
    for (unsigned i = 0; i < 1000; i++)
        pools_serve(&pools);
}

static void test_reset_opens_a_function(void **state) {
    (void)state;
    assert_false(is_open(1));
    assert_int_equal(message(1, MAILBOX_RESET, 0, 0), MAILBOX_RESET | MAILBOX_ACK);
    assert_memory_equal(&registers[(IGB_VMBMEM + 64 + 4) / 4], pools.function[1].mac, 6);
    assert_int_equal(reg(IGB_P2VMAILBOX + 4), P2V_ACK | P2V_STATUS);
    assert_true(is_open(1));
    assert_false(is_open(0));
    assert_int_equal(reg(IGB_RAL + 8), 0x00005452);
    assert_int_equal(reg(IGB_RAH + 8), 0x0101 | RAH_POOL(1) | RAH_VALID);
    registers[IGB_VFLRE / 4] = 1 << 1;
    pools_serve(&pools);
    assert_false(is_open(1));
    assert_int_equal(reg(IGB_RAH + 8), 0);
    assert_int_equal(message(1, MAILBOX_MULTICAST, 0, 0), MAILBOX_MULTICAST | MAILBOX_NACK);
}

static void test_what_a_function_may_have(void **state) {
    (void)state;
    uint32_t ok = MAILBOX_ACK | MAILBOX_READY, no = MAILBOX_NACK | MAILBOX_READY;

    message(0, MAILBOX_RESET, 0, 0);
    assert_int_equal(message(0, MAILBOX_ADDRESS, 0x00005452, 0x0001), MAILBOX_ADDRESS | ok);
    assert_int_equal(message(0, MAILBOX_ADDRESS, 0x00005452, 0x0101), MAILBOX_ADDRESS | no);
    assert_int_equal(message(0, MAILBOX_ADDRESS | 1 << 16, 0, 0), MAILBOX_ADDRESS | ok);
    assert_int_equal(message(0, MAILBOX_ADDRESS | 2 << 16, 0x00005452, 0x0001),
                     MAILBOX_ADDRESS | no);
    assert_int_equal(reg(IGB_RAH), 0x0001 | RAH_POOL(0) | RAH_VALID);
    assert_int_equal(message(0, MAILBOX_VLAN | 1 << 16, 0, 0), MAILBOX_VLAN | ok);
    assert_int_equal(message(0, MAILBOX_VLAN | 1 << 16, 7, 0), MAILBOX_VLAN | no);
    assert_int_equal(message(0, MAILBOX_LENGTH, 1518, 0), MAILBOX_LENGTH | ok);
    assert_int_equal(message(0, MAILBOX_LENGTH, 9000, 0), MAILBOX_LENGTH | no);
    assert_int_equal(message(0, 0x06 | 2 << 16, 0, 0), 0x06 | no);          /* promiscuous */
    assert_int_equal(message(0, 0xffffffff, 0, 0), 0xffff | no | MAILBOX_READY);
    assert_int_equal(message(0, MAILBOX_MULTICAST | 3 << 16, 0, 0), MAILBOX_MULTICAST | ok);
    assert_true((reg(IGB_VMOLR) & VMOLR_MULTICAST) != 0);
    message(0, MAILBOX_MULTICAST, 0, 0);
    assert_true((reg(IGB_VMOLR) & VMOLR_MULTICAST) == 0);
    assert_true((reg(IGB_VMOLR) & VMOLR_UNICAST) == 0);
}

static void test_who_was_refused_last(void **state) {
    (void)state;
    message(0, MAILBOX_RESET, 0, 0);
    message(2, MAILBOX_RESET, 0, 0);
    message(2, MAILBOX_VLAN | 1 << 16, 7, 0);
    message(0, MAILBOX_VLAN | 1 << 16, 0, 0);
    assert_int_equal(pools.refused, 1);
    assert_int_equal(pools.refused_last, 2);
}

static void test_mailbox_that_is_held(void **state) {
    (void)state;
    peer_holds = true;
    assert_int_equal(message(3, MAILBOX_RESET, 0, 0), MAILBOX_RESET | MAILBOX_ACK);
    peer_holds = peer_never_lets_go = true;
    assert_int_equal(message(3, MAILBOX_ADDRESS, 0, 0), MAILBOX_ADDRESS);
    assert_true(is_open(3));
}

static void test_vlans(void **state) {
    (void)state;
    pools.function[2].vlan = 69;
    pools_start(&pools);
    message(2, MAILBOX_RESET, 0, 0);
    message(3, MAILBOX_RESET, 0, 0);
    assert_true((reg(IGB_RCTL) & RCTL_VFE) != 0);
    assert_int_equal(reg(IGB_VFTA + 8), 1 << 5);
    assert_int_equal(reg(IGB_VLVF + 8), 69 | VLVF_POOL(2) | VLVF_ENABLE);
    assert_int_equal(reg(IGB_VMVIR + 8), 69 | VMVIR_DEFAULT);
    assert_true((reg(IGB_VMOLR + 8) & VMOLR_UNTAGGED) == 0);
    assert_int_equal(reg(IGB_VMVIR + 12), 0);
    assert_true((reg(IGB_VMOLR + 12) & VMOLR_UNTAGGED) != 0);
}

static void test_own_addresses(void **state) {
    (void)state;
    pools.own_count = 1;
    memcpy(pools.own[0], (uint8_t[]){ 2, 0, 0, 0, 0, 9 }, 6);
    pools_start(&pools);
    assert_int_equal(reg(IGB_RAL + 64), 2);
    assert_int_equal(reg(IGB_RAH + 64), 0x0900 | RAH_POOL(IGB_OWN_POOL) | RAH_VALID);
}

static void test_told_after_a_start(void **state) {
    (void)state;
    assert_int_equal(reg(IGB_VMBMEM), MAILBOX_CONTROL | MAILBOX_NACK);
    assert_true((reg(IGB_CTRL_EXT) & CTRL_EXT_PFRSTD) != 0);
    message(0, MAILBOX_RESET, 0, 0);
    pools_tell(&pools);
    assert_int_equal(reg(IGB_VMBMEM), MAILBOX_CONTROL | MAILBOX_READY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_queues), TEST(test_a_new_client_leaves_virtual_functions_alone),
        TEST(test_gone), TEST(test_reset_opens_a_function), TEST(test_what_a_function_may_have),
        TEST(test_mailbox_that_is_held), TEST(test_vlans), TEST(test_own_addresses),
        TEST(test_told_after_a_start), TEST(test_who_was_refused_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
