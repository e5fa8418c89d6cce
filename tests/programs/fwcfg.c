/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile process that tries QEMU's firmware configuration device (QEMU, docs/specs/fw_cfg.rst),
 * whose DMA passes the IOMMU: it asks for the signature "QEMU" to be written to the physical
 * address "target". The test tells it the physical address of its own page "command", too.
 */
#include <stdint.h>

#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { DMA_PORT_HIGH = 0x514, DMA_PORT_LOW = 0x518 };
enum { CONTROL_READ = 1u << 1, CONTROL_SELECT = 1u << 3 };
enum { MARK = 0xc3, MARK_OFFSET = 64 };   /* by which the test finds the page */

struct command {                      /* all big endian */
    uint32_t control;
    uint32_t length;
    uint64_t address;
};

static void port_write32(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint64_t setting_when_known(const char *name) {
    uint64_t bits;

    while (strcmp(manifest_setting(name, "0"), "later") == 0)
        call_wait(time_after_ms(50), &bits);
    return manifest_number(name, 0);
}

int main(void) {
    uint8_t *page = manifest_address(manifest_need(BH_ENTRY_REGION, "command"));
    struct command *command = (struct command *)page;
    uint64_t here, target;

    memset(page + MARK_OFFSET, MARK, MARK_OFFSET);
    here = setting_when_known("command");
    target = setting_when_known("target");
    command->control = __builtin_bswap32(CONTROL_READ | CONTROL_SELECT);
    command->length = __builtin_bswap32(4);
    command->address = __builtin_bswap64(target);
    log_line("fwcfg: asking for a write to %lx", target);
    call_wait(time_after_ms(200), &(uint64_t){ 0 });
    __asm__ volatile("" : : : "memory");
    port_write32(DMA_PORT_HIGH, __builtin_bswap32((uint32_t)(here >> 32)));
    port_write32(DMA_PORT_LOW, __builtin_bswap32((uint32_t)here));
    log_line("fwcfg: asked");
    return 0;
}
