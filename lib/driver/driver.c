/* SPDX-License-Identifier: BSD-2-Clause */
/* What drivers share (lib/driver/driver.h). Touches the driver's own device by named calls only. */
#include "lib/driver/driver.h"

#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum {
    RESET_POLL_MS = 10,
    RESET_POLLS   = 300,
};

void driver_on_interrupt(const char *name, service_handler *handler, void *context) {
    service_on(manifest_need(BH_ENTRY_INTERRUPT, name)->bits, handler, context);
}

/* The kernel takes the reset's next step each time that it is asked for the state. */
static uint64_t await_reset(uint32_t slot) {
    uint64_t state = BH_DEVICE_RESETTING;
    uint64_t bits;

    for (unsigned i = 0; i < RESET_POLLS && state == BH_DEVICE_RESETTING; i++) {
        call_device_read(slot, BH_DEVICE_STATE, 0, &state);
        if (state == BH_DEVICE_RESETTING)
            call_wait(time_after_ms(RESET_POLL_MS), &bits);
    }
    return state;
}

bool driver_use_device(const char *name) {
    const struct bh_manifest_entry *device = manifest_need(BH_ENTRY_DEVICE, name);
    int master = call_device_control(device->slot, BH_DEVICE_BUS_MASTER_ON);

    if (master != BH_OK)
        log_line("%s: bus mastering refused (%d)", name, master);
    return master == BH_OK;
}

bool driver_take_device(const char *name) {
    const struct bh_manifest_entry *device = manifest_need(BH_ENTRY_DEVICE, name);
    int reset = call_device_control(device->slot, BH_DEVICE_RESET);
    uint64_t state = await_reset(device->slot);

    if (reset != BH_OK || state != BH_DEVICE_QUIET)
        log_line("%s: reset answered %d, state %lu", name, reset, state);
    return driver_use_device(name);
}

uint64_t driver_address(const char *name, const struct bh_manifest_entry *region) {
    const struct bh_manifest_entry *device = manifest_need(BH_ENTRY_DEVICE, name);
    uint64_t address;

    if (call_device_read(device->slot, BH_DEVICE_BUS_ADDRESS, region->iova, &address) != BH_OK)
        program_stop("%s: region \"%s\" isn't in its device's space", name, region->name);
    return address;
}
