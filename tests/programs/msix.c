/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile driver of an e1000e (82574 data sheet, 10.2.4) that has got hold of its MSI-X table, as
 * a device can that sends whatever message it likes: it writes a message with another remapping
 * index, the setting "entry", and makes the device send it ten times; or, with the setting "vector",
 * one in the plain format (Intel SDM volume 3, 11.11), to core 0. Without a region "bar3" it only
 * drives its own interrupt.
 */
#include <stdint.h>

#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/mmio/mmio.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum nic_register { NIC_ICS = 0xc8, NIC_IMS = 0xd0, NIC_IVAR = 0xe4 };
enum { CAUSE_RECEIVE_0 = 1u << 20, IVAR_RECEIVE_0_TO_ENTRY_0 = 1u << 3 };
enum { TABLE_ADDRESS = 0, TABLE_ADDRESS_HIGH = 4, TABLE_DATA = 8, TABLE_CONTROL = 12 };
enum { MESSAGE_PLAIN = 0xfee00000u, MESSAGE_REMAPPABLE = 0xfee00010u, TIMES = 10 };

static void pause_ms(uint64_t ms) {
    uint64_t bits, end = time_after_ms(ms);

    while (time_now() < end) {
        call_wait(end, &bits);
        log_poll();
    }
}

static void write_table(uint32_t address, uint32_t data) {
    const struct bh_manifest_entry *region = manifest_find(BH_ENTRY_REGION, "bar3");
    volatile uint8_t *table;

    if (region == 0)
        return;
    table = manifest_address(region);
    mmio_write32(table, TABLE_ADDRESS, address);
    mmio_write32(table, TABLE_ADDRESS_HIGH, 0);
    mmio_write32(table, TABLE_DATA, data);
    mmio_write32(table, TABLE_CONTROL, 0);
    log_line("msix: the table says %x", mmio_read32(table, TABLE_ADDRESS));
}

int main(void) {
    volatile uint8_t *registers = manifest_address(manifest_need(BH_ENTRY_REGION, "bar0"));
    uint32_t device = manifest_need(BH_ENTRY_DEVICE, "nic")->slot;
    uint32_t vector = (uint32_t)manifest_number("vector", 0);

    pause_ms(2000);
    if (call_device_control(device, BH_DEVICE_BUS_MASTER_ON) != BH_OK)
        program_stop("msix: the device mayn't master the bus");
    if (vector != 0)
        write_table(MESSAGE_PLAIN, vector);
    else
        write_table(MESSAGE_REMAPPABLE | (uint32_t)manifest_number("entry", 0) << 5, 0);
    mmio_write32(registers, NIC_IVAR, IVAR_RECEIVE_0_TO_ENTRY_0);
    mmio_write32(registers, NIC_IMS, CAUSE_RECEIVE_0);
    for (uint32_t i = 0; i < TIMES; i++) {
        mmio_write32(registers, NIC_ICS, CAUSE_RECEIVE_0);
        pause_ms(50);
    }
    log_line("msix: sent");
    pause_ms(100);
    return 0;
}
