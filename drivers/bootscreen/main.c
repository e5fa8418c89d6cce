/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of any display whose mode the boot loader set: serves one client, the seat. Touches the
 * framebuffer and the link, no register of the device; reads where the framebuffer is in the kernel's
 * memory of the boot (abi/info.h), and the device's BAR in its configuration space. See
 * lib/screen/display.h for whom it trusts.
 */
#include "drivers/bootscreen/left.h"

#include "lib/call/call.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"

enum { BAR_REGISTERS = 4 };         /* the dword of configuration space at which BAR 0 lies */

static uint32_t read_config(uint32_t slot, uint32_t dword) {
    uint64_t value = 0;

    call_device_read(slot, BH_DEVICE_CONFIG, dword, &value);
    return (uint32_t)value;
}

static uint64_t bar_address(const struct bh_manifest_entry *device, uint32_t bar) {
    return left_bar_address(read_config(device->slot, BAR_REGISTERS + bar),
                            read_config(device->slot, BAR_REGISTERS + bar + 1));
}

int main(void) {
    static struct display display;
    const struct bh_manifest_entry *bar = manifest_need(BH_ENTRY_REGION, "framebuffer");
    const struct bh_manifest_entry *device = manifest_need(BH_ENTRY_DEVICE, "display");
    const struct bh_log *log = manifest_address(manifest_need(BH_ENTRY_REGION, "log"));
    struct left_memory memory = { manifest_address(bar), bar_address(device, bar->index),
                                  bar->size };
    const char *error = left_take(&log->framebuffer, memory, &display);

    if (error)
        program_stop("%s", error);
    display_clear(&display);
    display_serve(&display);
}
