/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile driver of the emulated AHCI controller, and a hostile block multiplexer: the input is a
 * list of register accesses, commands and packets (any, and nearly good ones, so that data moves),
 * writes to the lists, answers of the multiplexer and turns of the I/O thread. Whatever comes, the
 * port reads and writes nothing but guest RAM and its link (the sanitizers watch), each turn ends,
 * what the multiplexer gets is a request within the disk, and a reset makes the port work again.
 */
#include <stdlib.h>

#include "tests/fuzz/hostile_mux.h"
#include "tests/fuzz/input.h"
#include "tests/unit/ahci_driver.h"
#include "vmm/platform/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 300, TURNS = 1000 };

/* ---- The driver ---- */

static uint32_t take_register(struct input *in) {
    static const uint16_t registers[] = {
        HBA_GHC, HBA_IS, HBA_PORTS + PORT_CLB, HBA_PORTS + PORT_CLBU, HBA_PORTS + PORT_FB,
        HBA_PORTS + PORT_FBU, HBA_PORTS + PORT_IS, HBA_PORTS + PORT_IE, HBA_PORTS + PORT_CMD,
        HBA_PORTS + PORT_SCTL, HBA_PORTS + PORT_SERR, HBA_PORTS + PORT_SACT, HBA_PORTS + PORT_CI,
        HBA_PORTS + PORT_TFD,
    };
    return registers[take(in, 1) % (sizeof(registers) / sizeof(*registers))];
}

static enum ata_command take_command(struct input *in) {
    static const uint8_t commands[] = {
        ATA_READ_DMA, ATA_READ_DMA_EXT, ATA_READ_SECTORS, ATA_READ_VERIFY_EXT, ATA_WRITE_DMA_EXT,
        ATA_WRITE_SECTORS_EXT, ATA_READ_QUEUED, ATA_READ_QUEUED, ATA_READ_QUEUED,
        ATA_READ_QUEUED, ATA_WRITE_QUEUED, ATA_IDENTIFY, ATA_DATA_SET_MANAGEMENT,
        ATA_READ_LOG_EXT, ATA_FLUSH_EXT, ATA_SET_FEATURES, ATA_IDENTIFY_PACKET,
    };
    uint8_t which = (uint8_t)take(in, 1);
    return which < 0xc0 ? commands[which % sizeof(commands)] : (enum ata_command)take(in, 1);
}

/* Few slots, so that they are used again while they are in work. */
static uint32_t take_slot(struct input *in) {
    return (uint32_t)take(in, 1) % 3 * 10;
}

/* A region of odd size: among others, or the last one of RAM. */
static void put_region(struct input *in, uint32_t slot, unsigned number) {
    uint32_t size = ((uint32_t)take(in, 3) & 0x3fffe) + 2;
    uint64_t at = take(in, 2) * 2;
    driver_set_prd(slot, number, at < 0x10000 ? DRIVER_DATA + at : FAKE_RAM - size, size - 1);
}

/* A good command but for what the input changes. */
static void put_command(struct input *in) {
    uint32_t slot = take_slot(in);
    enum ata_command command = take_command(in);
    bool queued = command == ATA_READ_QUEUED || command == ATA_WRITE_QUEUED;
    uint64_t sector = take(in, 2) * (take(in, 1) % 4);
    uint32_t count = (uint32_t)take(in, 2) % 700;   /* up to three requests at the backend */
    struct ahci_h2d fis = queued ? driver_queued_fis(command, sector, count, slot)
                                 : driver_fis(command, sector, count);
    if (!queued)
        fis.features = (uint8_t)take(in, 1);
    unsigned regions = (unsigned)take(in, 1) % 8;
    driver_command(slot, &fis, 0x10000, regions);
    for (unsigned i = 0; i <= regions; i++)
        put_region(in, slot, i);
    if (take(in, 1) % 4 == 0)
        driver_set_prd(slot, (unsigned)take(in, 1) % 8, take(in, 8), (uint32_t)take(in, 4));
    if (queued)
        driver_set_port(PORT_SACT, 1u << slot);
    driver_set_port(PORT_CI, 1u << slot);
    if (take(in, 1) % 2 != 0)
        devices_run(&vm_fake.vm);
}

static void put_packet(struct input *in) {
    static const uint8_t packets[] = {
        PACKET_READ_10, PACKET_READ_12, PACKET_INQUIRY, PACKET_REQUEST_SENSE, PACKET_READ_TOC,
        PACKET_MODE_SENSE_6, PACKET_MODE_SENSE_10, PACKET_GET_CONFIGURATION, PACKET_GET_EVENT,
        PACKET_READ_CAPACITY, PACKET_READ_DISC, PACKET_MECHANISM_STATUS,
    };
    uint32_t slot = take_slot(in);
    uint8_t packet[12];
    for (unsigned i = 0; i < sizeof(packet); i++)
        packet[i] = (uint8_t)take(in, 1);
    packet[0] = packets[packet[0] % sizeof(packets)];
    if (packet[0] == PACKET_READ_10 || packet[0] == PACKET_READ_12)
        packet[2] = packet[3] = packet[6] = 0;
    driver_packet(slot, packet, 1 + ((uint32_t)take(in, 3) & 0x3ffff));
    driver_set_port(PORT_CI, 1u << slot);
}

static void poke_lists(struct input *in) {
    static const uint32_t at[] = { DRIVER_LIST, DRIVER_TABLES, DRIVER_TABLES + TABLE_PRDT };
    uint64_t value = take(in, 8);
    vm_fake_poke(at[take(in, 1) % 3] + (take(in, 1) << (take(in, 1) % 6)), &value,
                 1u << take(in, 1) % 4);
}

static void any_access(struct input *in) {
    uint64_t at = LAYOUT_AHCI_BAR + take(in, 2);
    unsigned size = 1u << take(in, 1) % 4;
    vm_fake_load(at, size);
    vm_fake_store(at, size, take(in, 8));
}

/* ---- The input ---- */

static void step(struct input *in) {
    switch (take(in, 1) % 16) {
    case 0: driver_set_hba(take_register(in), (uint32_t)take(in, 4)); break;
    case 1: driver_hba(take_register(in)); break;
    case 2:
    case 3: put_command(in); break;
    case 4: put_packet(in); break;
    case 5: poke_lists(in); break;
    case 6: any_access(in); break;
    case 7: driver_restart(); break;
    case 8: driver_start(); break;
    case 9: hostile_mux_announce(take(in, 3), (uint16_t)take(in, 1)); break;
    case 10:
    case 11: hostile_mux_answer(in); break;
    case 12: hostile_mux_speak(in); break;
    case 13: hostile_mux_lie(in); break;
    case 14: vm_fake_config_write(LAYOUT_PCI_AHCI, (unsigned)take(in, 1), (uint32_t)take(in, 4));
             break;
    default: hostile_mux_run(TURNS); break;
    }
}

/* Whatever was, once the multiplexer has answered all and the driver has begun anew. */
static void expect_a_working_port(void) {
    struct ahci_h2d fis = driver_fis(ATA_CHECK_POWER, 0, 0);
    vm_fake_config_write(LAYOUT_PCI_AHCI, PCI_BAR + 4 * AHCI_MEMORY_BAR, LAYOUT_AHCI_BAR);
    vm_fake_config_write(LAYOUT_PCI_AHCI, PCI_COMMAND, 7);
    driver_set_hba(HBA_GHC, GHC_HR);
    hostile_mux_answer_all();
    driver_start();
    driver_command(0, &fis, 0, 0);
    driver_issue(1);
    if (driver_port(PORT_CI) != 0 || driver_port(PORT_IS) != PXIS_DHRS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };
    vm_fake_make(1);
    vm_fake_use_ahci(take(&in, 1) % 2 != 0);
    hostile_mux_begin();
    driver_start();
    hostile_mux_announce(DRIVER_SECTORS, BLOCK_INFO_DISCARD);
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    hostile_mux_run(TURNS);
    if (!hostile_mux_lied())
        expect_a_working_port();
    vm_fake_free();
    return 0;
}
