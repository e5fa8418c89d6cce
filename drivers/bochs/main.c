/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of a Bochs display (QEMU's standard VGA): serves one client, the seat. Touches the display's
 * registers and framebuffer, and the link; see lib/screen/display.h for whom it trusts. The device
 * has neither DMA nor an interrupt.
 */
#include "drivers/bochs/mode.h"

#include "lib/manifest/manifest.h"
#include "lib/start/start.h"

int main(void) {
    static struct display display;
    const struct bh_manifest_entry *framebuffer = manifest_need(BH_ENTRY_REGION, "bar0");
    const struct bh_manifest_entry *registers = manifest_need(BH_ENTRY_REGION, "bar2");

    if (framebuffer->size < MODE_BYTES || registers->size < BOCHS_SIZE)
        program_stop("regions \"bar0\" and \"bar2\" need %u and %u bytes",
                     (unsigned)MODE_BYTES, (unsigned)BOCHS_SIZE);
    display.framebuffer = manifest_address(framebuffer);
    if (!mode_start(manifest_address(registers), &display))
        program_stop("no display with a mode of %u x %u", (unsigned)MODE_WIDTH,
                     (unsigned)MODE_HEIGHT);
    display_serve(&display);
}
