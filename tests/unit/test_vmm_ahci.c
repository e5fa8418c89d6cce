/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emulated AHCI controller's registers, its port's life and its command lists; and drivers that
 * break the rules (ATTACKS.md, F1, F2, F5, F6), which cost themselves the port, nobody else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ahci_driver.h"
#include "tests/unit/mux_expect.h"
#include "vmm/platform/layout.h"

enum { VECTOR = 0x41 };
#define PIN LAYOUT_PCI_PIN(LAYOUT_PCI_AHCI)

static int setup(void **state) {
    (void)state;
    vm_fake_make(1);
    vm_fake_use_ahci(false);
    mux_announce(DRIVER_SECTORS, 0);
    driver_start();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vm_fake_free();
    return 0;
}

static struct ahci_port *port(void) { return &vm_fake.vm.ahci.port[0]; }

static void issue_read(uint32_t slot, uint64_t sector, uint32_t count) {
    struct ahci_h2d fis = driver_fis(ATA_READ_DMA_EXT, sector, count);
    driver_command(slot, &fis, count * BLOCK_SECTOR, 0);
    driver_issue(1u << slot);
}

static void expect_fatal(uint32_t cause) {
    assert_true(driver_port(PORT_IS) & cause);
    assert_true(port()->failed);
    issue_read(3, 0, 1);                                /* the port stands still */
    expect_no_request();
    driver_restart();
    issue_read(4, 9, 1);
    mux_answer(expect_request(BLOCK_READ, 9, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 0);
}

/* ---- Registers ---- */

static void controller_is_an_ich9(void **state) {
    (void)state;
    assert_int_equal(vm_fake_config_read(LAYOUT_PCI_AHCI, PCI_ID), 0x29228086);
    assert_int_equal(vm_fake_config_read(LAYOUT_PCI_AHCI, PCI_CLASS) >> 8, 0x010601);
    assert_int_equal(vm_fake_config_read(LAYOUT_PCI_AHCI, PCI_BAR + 4 * AHCI_MEMORY_BAR),
                     LAYOUT_AHCI_BAR);
    assert_int_equal(vm_fake_config_read(LAYOUT_PCI_AHCI, PCI_INTERRUPT_LINE) & 0xffff,
                     0x0100 | PIN);
    assert_int_equal(driver_hba(HBA_PI), 1);
    assert_int_equal(driver_hba(HBA_VS), 0x00010301);
    assert_int_equal(driver_hba(HBA_CAP) & 0x1fff, 31 << 8);
    assert_int_equal(driver_port(PORT_SSTS), 0x123);
    assert_int_equal(driver_port(PORT_SIG), 0x101);
    assert_int_equal(driver_port(PORT_TFD), 0x150);
}

static void absent_ports_and_odd_accesses_answer_nothing(void **state) {
    (void)state;
    assert_int_equal(driver_hba(HBA_PORTS + PORT_REGISTERS + PORT_SSTS), 0);
    assert_int_equal(driver_hba(AHCI_MEMORY_SIZE - 4), 0);
    driver_set_hba(HBA_PORTS + PORT_REGISTERS + PORT_CI, ~0u);
    assert_int_equal(vm_fake_load(LAYOUT_AHCI_BAR + HBA_VS + 2, 2), 1);
    assert_int_equal(vm_fake_load(LAYOUT_AHCI_BAR + HBA_VS + 2, 1), 1);
    assert_int_equal(vm_fake_load(LAYOUT_AHCI_BAR + HBA_IS, 8), 1ull << 32);
    vm_fake_store(LAYOUT_AHCI_BAR + HBA_PORTS + PORT_IE, 1, 0);
    assert_int_equal(driver_port(PORT_IE), PXIS_ALL);
    vm_fake_store(LAYOUT_AHCI_BAR + HBA_PORTS + PORT_CLB, 8, 0x123456789abcull);
    assert_int_equal(driver_port(PORT_CLB), 0x56789800);
    assert_int_equal(driver_port(PORT_CLBU), 0x1234);
}

static void hba_reset_keeps_the_addresses(void **state) {
    (void)state;
    driver_set_hba(HBA_GHC, GHC_HR);
    assert_int_equal(driver_hba(HBA_GHC), GHC_AE);
    assert_int_equal(driver_port(PORT_CLB), DRIVER_LIST);
    assert_int_equal(driver_port(PORT_IE), 0);
    assert_int_equal(driver_port(PORT_CMD), PXCMD_SUD | PXCMD_POD);
    assert_int_equal(driver_port(PORT_SIG), 0x101);
    assert_int_equal(driver_port(PORT_SERR), SERR_X);
}

static void comreset_brings_the_drive_back(void **state) {
    (void)state;
    memset((void *)(uintptr_t)driver_ram(DRIVER_RECEIVED, 256), 0, 256);
    driver_set_port(PORT_SCTL, 0x301);
    assert_int_equal(driver_port(PORT_SSTS), 0);
    assert_int_equal(driver_port(PORT_TFD) & 0xff, STATUS_BUSY);
    driver_set_port(PORT_SCTL, 0x300);
    assert_int_equal(driver_port(PORT_SSTS), 0x123);
    assert_int_equal(driver_port(PORT_IS), PXIS_PCS);
    driver_set_port(PORT_IS, ~0u);
    assert_int_equal(driver_port(PORT_IS), PXIS_PCS);
    driver_set_port(PORT_SERR, ~0u);
    assert_int_equal(driver_port(PORT_IS), 0);
    assert_int_equal(driver_received(RECEIVED_D2H)->type, FIS_D2H);
    assert_int_equal(driver_received(RECEIVED_D2H)->count, 1);
    assert_int_equal(driver_received(RECEIVED_D2H)->lba[0], 1);
}

static void signature_waits_until_it_is_received(void **state) {
    (void)state;
    driver_set_port(PORT_CMD, 0);
    driver_set_port(PORT_SCTL, 1);
    driver_set_port(PORT_SCTL, 0);
    memset((void *)(uintptr_t)driver_ram(DRIVER_RECEIVED, 256), 0, 256);
    driver_set_port(PORT_CMD, PXCMD_FRE);
    assert_int_equal(driver_received(RECEIVED_D2H)->type, FIS_D2H);
    assert_int_equal(driver_port(PORT_CMD) & (PXCMD_FR | PXCMD_CR), PXCMD_FR);
}

static void software_reset_by_a_control_fis(void **state) {
    (void)state;
    struct ahci_h2d fis = { .type = FIS_H2D, .control = CONTROL_SRST };
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    assert_int_equal(driver_port(PORT_CI), 0);
    fis.control = 0;
    memset((void *)(uintptr_t)driver_ram(DRIVER_RECEIVED, 256), 0, 256);
    driver_command(1, &fis, 0, 0);
    driver_issue(2);
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_int_equal(driver_received(RECEIVED_D2H)->count, 1);
    assert_int_equal(driver_port(PORT_TFD), 0x150);
}

static void reset_by_a_command(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_DEVICE_RESET, 0, 0);
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_int_equal(driver_port(PORT_IS), 0);
    assert_int_equal(driver_port(PORT_TFD), 0x150);
    assert_int_equal(driver_received(RECEIVED_D2H)->count, 1);
}

static void interrupt_is_a_level(void **state) {
    (void)state;
    vm_fake_store(0xfec00000, 4, 0x10 + 2 * PIN);
    vm_fake_store(0xfec00010, 4, 0x8000 | VECTOR);
    struct ahci_h2d fis = driver_fis(ATA_CHECK_POWER, 0, 0);
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    assert_int_equal(driver_port(PORT_IS), PXIS_DHRS);
    assert_int_equal(driver_hba(HBA_IS), 1);
    assert_true(vm_fake.vm.ahci_line);
    driver_set_hba(HBA_IS, 1);                          /* too early: the cause is still there */
    assert_int_equal(driver_hba(HBA_IS), 1);
    driver_set_port(PORT_IS, PXIS_DHRS);
    assert_int_equal(driver_hba(HBA_IS), 1);
    driver_set_hba(HBA_IS, 1);
    assert_false(vm_fake.vm.ahci_line);
    driver_set_port(PORT_IE, 0);
    driver_issue(1);
    assert_int_equal(driver_hba(HBA_IS), 0);
    driver_set_port(PORT_IE, PXIS_DHRS);
    assert_true(vm_fake.vm.ahci_line);
    driver_set_hba(HBA_GHC, GHC_AE);
    assert_false(vm_fake.vm.ahci_line);
}

static bool has_message(void) {
    struct apic *apic = &vm_fake.vm.vcpu[0].apic;
    apic_collect(apic);
    bool has = (apic->irr[VECTOR / 32] >> (VECTOR % 32) & 1) != 0;
    apic->irr[VECTOR / 32] &= ~(1u << (VECTOR % 32));
    return has;
}

static void message_takes_the_pins_place(void **state) {
    (void)state;
    enum { MSI = PCI_FIRST_CAPABILITY };
    struct ahci_h2d fis = driver_fis(ATA_CHECK_POWER, 0, 0);
    assert_int_equal(vm_fake_config_read(LAYOUT_PCI_AHCI, PCI_CAPABILITIES) & 0xff, MSI);
    vm_fake_config_write(LAYOUT_PCI_AHCI, MSI + 4, 0xfee00000);
    vm_fake_config_write(LAYOUT_PCI_AHCI, MSI + 8, VECTOR);
    vm_fake_config_write(LAYOUT_PCI_AHCI, MSI, 0xffff0000);
    assert_int_equal(vm_fake_config_read(LAYOUT_PCI_AHCI, MSI), 0x00010005);
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    assert_true(has_message());
    assert_false(vm_fake.vm.ahci_line);
    driver_issue(1);
    assert_false(has_message());                        /* the first one isn't taken yet */
    driver_set_hba(HBA_IS, 1);
    assert_true(has_message());                         /* the cause is still there */
    driver_set_port(PORT_IS, ~0u);
    driver_set_hba(HBA_IS, 1);
    assert_false(has_message());
    driver_issue(1);
    assert_true(has_message());
    driver_set_hba(HBA_GHC, GHC_AE);
    driver_set_hba(HBA_GHC, GHC_AE | GHC_IE);
    assert_true(has_message());
}

/* ---- Lists ---- */

static void nothing_is_taken_while_stopped_or_masterless(void **state) {
    (void)state;
    driver_set_port(PORT_CMD, PXCMD_FRE);
    issue_read(0, 1, 1);
    assert_int_equal(driver_port(PORT_CI), 0);
    driver_set_port(PORT_CMD, PXCMD_FRE | PXCMD_ST);
    vm_fake_config_write(LAYOUT_PCI_AHCI, PCI_COMMAND, 3);
    issue_read(0, 1, 1);
    expect_no_request();
    unsigned kicks = vm_fake.io_kicks;
    vm_fake_config_write(LAYOUT_PCI_AHCI, PCI_COMMAND, 7);
    assert_int_equal(vm_fake.io_kicks, kicks + 1);
    devices_run(&vm_fake.vm);
    mux_answer(expect_request(BLOCK_READ, 1, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 0);
}

static void nothing_is_stored_without_bus_mastering(void **state) {
    (void)state;
    static const uint8_t untouched[512];
    issue_read(0, 1, 1);
    struct ring_descriptor request = expect_request(BLOCK_READ, 1, 1);
    memset(mux_data(request), 0xab, 512);
    vm_fake_config_write(LAYOUT_PCI_AHCI, PCI_COMMAND, 3);
    mux_answer(request, BLOCK_OK);
    assert_memory_equal(driver_ram(DRIVER_DATA, 512), untouched, 512);
    vm_fake_config_write(LAYOUT_PCI_AHCI, PCI_COMMAND, 7);
    expect_fatal(PXIS_HBFS);
}

static void commands_wait_until_the_disk_is_known(void **state) {
    (void)state;
    vm_fake_free();
    vm_fake_make(1);
    vm_fake_use_ahci(false);
    driver_start();
    struct ahci_h2d fis = driver_fis(ATA_IDENTIFY, 0, 0);
    driver_command(0, &fis, 512, 0);
    driver_issue(1);
    assert_int_equal(driver_port(PORT_CI), 1);
    mux_announce(12345, 0);
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_int_equal(driver_ram(DRIVER_DATA, 512)[120], 12345 & 0xff);
}

static void commands_of_one_turn_end_in_turn(void **state) {
    (void)state;
    issue_read(2, 20, 1);
    issue_read(1, 10, 1);
    assert_int_equal(driver_port(PORT_TFD) & STATUS_BUSY, STATUS_BUSY);
    mux_answer(expect_request(BLOCK_READ, 20, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 2);
    mux_answer(expect_request(BLOCK_READ, 10, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_int_equal(driver_port(PORT_TFD) & 0xff, STATUS_GOOD);
}

static void list_outside_ram_is_fatal(void **state) {
    (void)state;
    driver_set_port(PORT_CLBU, 1);
    issue_read(0, 0, 1);
    driver_set_port(PORT_CLBU, 0);
    expect_fatal(PXIS_HBFS);
}

static void list_at_the_end_of_everything_is_fatal(void **state) {
    (void)state;
    driver_set_port(PORT_CLB, ~0u);
    driver_set_port(PORT_CLBU, ~0u);
    issue_read(31, 0, 1);
    driver_set_port(PORT_CLB, DRIVER_LIST);
    driver_set_port(PORT_CLBU, 0);
    expect_fatal(PXIS_HBFS);
}

static void table_outside_ram_is_fatal(void **state) {
    (void)state;
    static const uint64_t bad[] = { FAKE_RAM, ~0ull, LAYOUT_AHCI_BAR, 1ull << 63 };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct ahci_h2d fis = driver_fis(ATA_READ_DMA_EXT, 0, 1);
        driver_command(0, &fis, 512, 0);
        vm_fake_poke(DRIVER_LIST + 8, &bad[i], 8);
        driver_issue(1);
        expect_fatal(PXIS_HBFS);
    }
}

static void data_outside_ram_is_fatal(void **state) {
    (void)state;
    static const uint64_t bad[] = { FAKE_RAM, FAKE_RAM - 2, LAYOUT_AHCI_BAR, ~1ull, 0xfee00000 };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct ahci_h2d fis = driver_fis(ATA_READ_DMA_EXT, 0, 1);
        driver_command(0, &fis, 512, 0);
        driver_set_prd(0, 0, bad[i], 511);
        driver_issue(1);
        expect_no_request();
        expect_fatal(PXIS_HBFS);
    }
}

static void received_area_outside_ram_is_fatal(void **state) {
    (void)state;
    driver_set_port(PORT_FBU, 1);
    struct ahci_h2d fis = driver_fis(ATA_CHECK_POWER, 0, 0);
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    driver_set_port(PORT_FBU, 0);
    expect_fatal(PXIS_HBFS);
}

static void other_frames_are_fatal(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_CHECK_POWER, 0, 0);
    fis.type = FIS_D2H;
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    expect_fatal(PXIS_IFS);
}

static void short_descriptors_overflow(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_READ_DMA_EXT, 0, 2);
    driver_command(0, &fis, 512, 0);
    driver_issue(1);
    expect_no_request();
    expect_fatal(PXIS_OFS);
    fis.command = ATA_IDENTIFY;
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    expect_fatal(PXIS_OFS);
}

/* 65535 descriptors of two bytes: only as many as the rule says are looked at. */
static void endless_descriptors_overflow(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_READ_DMA_EXT, 0, 2);
    struct ahci_header header = { .flags = 5 | 0xffffu << HEADER_PRDTL_SHIFT,
                                  .table = DRIVER_TABLES };
    driver_command(0, &fis, 0, 0);
    vm_fake_poke(DRIVER_LIST, &header, sizeof(header));
    for (unsigned i = 0; i < AHCI_PRDS; i++)
        driver_set_prd(0, i, DRIVER_DATA, 1);
    driver_issue(1);
    assert_int_equal(port()->command[0].buffers, AHCI_PRDS);
    expect_no_request();
    expect_fatal(PXIS_OFS);
}

static void data_goes_through_odd_regions(void **state) {
    (void)state;
    static const uint32_t sizes[] = { 2, 254, 1026, 6, 248 };
    struct ahci_h2d fis = driver_fis(ATA_READ_DMA_EXT, 5, 3);
    uint8_t wanted[3 * 512];
    driver_command(0, &fis, 2, 4);
    for (unsigned i = 0; i < 5; i++)
        driver_set_prd(0, i, DRIVER_DATA + 0x1000 * i + 2 * i, sizes[i] - 1);
    driver_issue(1);
    struct ring_descriptor request = expect_request(BLOCK_READ, 5, 3);
    for (unsigned i = 0; i < sizeof(wanted); i++)
        wanted[i] = (uint8_t)(i * 7 + i / 256);
    memcpy(mux_data(request), wanted, sizeof(wanted));
    mux_answer(request, BLOCK_OK);
    uint32_t done = 0;
    for (unsigned i = 0; i < 5; i++) {
        uint32_t part = sizeof(wanted) - done < sizes[i] ? (uint32_t)sizeof(wanted) - done
                                                         : sizes[i];
        assert_memory_equal(driver_ram(DRIVER_DATA + 0x1000 * i + 2 * i, part), wanted + done,
                            part);
        done += part;
    }
    assert_int_equal(done, sizeof(wanted));
    assert_int_equal(driver_transferred(0), sizeof(wanted));
}

static void descriptor_may_ask_for_an_interrupt(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_IDENTIFY, 0, 0);
    driver_command(0, &fis, 512, 0);
    driver_set_prd(0, 0, DRIVER_DATA, 511 | PRD_INTERRUPT);
    driver_issue(1);
    assert_int_equal(driver_port(PORT_IS), PXIS_DPS | PXIS_PSS);
}

/* ---- Resets with requests in flight ---- */

static void expect_old_life_is_over(struct ring_descriptor old) {
    static const uint8_t untouched[512];
    driver_restart();
    issue_read(5, 77, 1);
    expect_no_request();                                /* until the old one is answered */
    memset(mux_data(old), 0xab, 512);
    mux_answer(old, BLOCK_OK);
    assert_memory_equal(driver_ram(DRIVER_DATA, 512), untouched, 512);
    mux_answer(expect_request(BLOCK_READ, 77, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 0);
}

static void late_answers_reach_nobody_after_a_stop(void **state) {
    (void)state;
    issue_read(0, 1, 1);
    struct ring_descriptor old = expect_request(BLOCK_READ, 1, 1);
    driver_set_port(PORT_CMD, PXCMD_FRE);
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_int_equal(driver_port(PORT_CMD) & PXCMD_CR, 0);
    driver_set_port(PORT_CMD, PXCMD_FRE | PXCMD_CLO);   /* the drive still says busy */
    expect_old_life_is_over(old);
}

static void late_answers_reach_nobody_after_a_comreset(void **state) {
    (void)state;
    issue_read(0, 1, 1);
    struct ring_descriptor old = expect_request(BLOCK_READ, 1, 1);
    driver_set_port(PORT_SCTL, 1);
    driver_set_port(PORT_SCTL, 0);
    expect_old_life_is_over(old);
}

static void late_answers_reach_nobody_after_an_hba_reset(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_queued_fis(ATA_READ_QUEUED, 1, 1, 0);
    driver_command(0, &fis, 512, 0);
    driver_issue_queued(1);
    struct ring_descriptor old = expect_request(BLOCK_READ, 1, 1);
    driver_set_hba(HBA_GHC, GHC_HR);
    driver_start();
    expect_old_life_is_over(old);
}

static void late_answers_reach_nobody_after_the_vms_reset(void **state) {
    (void)state;
    issue_read(0, 1, 1);
    struct ring_descriptor old = expect_request(BLOCK_READ, 1, 1);
    devices_reset(&vm_fake.vm);
    driver_start();
    expect_old_life_is_over(old);
}

static void requests_survive_the_servers_restart(void **state) {
    (void)state;
    struct ahci_h2d fis = driver_fis(ATA_WRITE_DMA_EXT, 3, 1);
    driver_command(0, &fis, 512, 0);
    driver_issue(1);
    expect_request(BLOCK_WRITE, 3, 1);
    mux_restart();
    mux_answer(expect_request(BLOCK_WRITE, 3, 1), BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 0);
    assert_int_equal(driver_port(PORT_TFD), STATUS_GOOD);
}

static void lying_server_changes_nothing(void **state) {
    (void)state;
    issue_read(0, 1, 1);
    struct ring_descriptor request = expect_request(BLOCK_READ, 1, 1);
    struct ring_descriptor other = request;
    other.extra = block_extra(0, block_tag(request) + 1);
    mux_answer(other, BLOCK_OK);
    other.extra = block_extra(0, 0xffff);
    mux_answer(other, BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 1);
    mux_answer(request, BLOCK_OK);
    assert_int_equal(driver_port(PORT_CI), 0);
    driver_set_port(PORT_IS, ~0u);
    mux_answer(request, BLOCK_OK);
    assert_int_equal(driver_port(PORT_IS), 0);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(controller_is_an_ich9),
        TEST(absent_ports_and_odd_accesses_answer_nothing),
        TEST(hba_reset_keeps_the_addresses),
        TEST(comreset_brings_the_drive_back),
        TEST(signature_waits_until_it_is_received),
        TEST(software_reset_by_a_control_fis),
        TEST(reset_by_a_command),
        TEST(interrupt_is_a_level),
        TEST(message_takes_the_pins_place),
        TEST(nothing_is_taken_while_stopped_or_masterless),
        TEST(nothing_is_stored_without_bus_mastering),
        TEST(commands_wait_until_the_disk_is_known),
        TEST(commands_of_one_turn_end_in_turn),
        TEST(list_outside_ram_is_fatal),
        TEST(list_at_the_end_of_everything_is_fatal),
        TEST(table_outside_ram_is_fatal),
        TEST(data_outside_ram_is_fatal),
        TEST(received_area_outside_ram_is_fatal),
        TEST(other_frames_are_fatal),
        TEST(short_descriptors_overflow),
        TEST(endless_descriptors_overflow),
        TEST(data_goes_through_odd_regions),
        TEST(descriptor_may_ask_for_an_interrupt),
        TEST(late_answers_reach_nobody_after_a_stop),
        TEST(late_answers_reach_nobody_after_a_comreset),
        TEST(late_answers_reach_nobody_after_an_hba_reset),
        TEST(late_answers_reach_nobody_after_the_vms_reset),
        TEST(requests_survive_the_servers_restart),
        TEST(lying_server_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
