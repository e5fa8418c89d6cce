/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of a Bochs display (QEMU's standard VGA): serves one client, the seat. Touches the display's
 * registers and framebuffer, and the link; see drivers/bochs/display.h for whom it trusts. The device
 * has neither DMA nor an interrupt.
 */
#include "drivers/bochs/display.h"
#include "drivers/bochs/registers.h"

#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

static struct display display;

static void find_regions(void) {
    const struct bh_manifest_entry *framebuffer = manifest_need(BH_ENTRY_REGION, "bar0");
    const struct bh_manifest_entry *registers = manifest_need(BH_ENTRY_REGION, "bar2");

    if (framebuffer->size < DISPLAY_BYTES || registers->size < BOCHS_SIZE)
        program_stop("regions \"bar0\" and \"bar2\" need %u and %u bytes",
                     (unsigned)DISPLAY_BYTES, (unsigned)BOCHS_SIZE);
    display.framebuffer = manifest_address(framebuffer);
    display.registers = manifest_address(registers);
}

static void turn(void) {
    display_turn(&display);
}

static bool settle(uint32_t *notify) {
    return display_settle(&display, notify);
}

static void woken(void *context) {
    (void)context;
}

static void open_client(void) {
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "client0");

    if (link->link.in_size < DISPLAY_BYTES)
        program_stop("link \"client0\": its area needs %u bytes", (unsigned)DISPLAY_BYTES);
    ring_open(&display.client, link, time_generation());
    service_on(service_link_bits(link), woken, NULL);
}

int main(void) {
    static const struct service_program program = { turn, settle, NULL };

    find_regions();
    if (!display_start(&display))
        program_stop("no display with a mode of %u x %u", (unsigned)DISPLAY_WIDTH,
                     (unsigned)DISPLAY_HEIGHT);
    open_client();
    log_line("display of %u x %u", (unsigned)DISPLAY_WIDTH, (unsigned)DISPLAY_HEIGHT);
    service_run(&program);
}
