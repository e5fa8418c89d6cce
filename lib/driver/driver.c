/* SPDX-License-Identifier: BSD-2-Clause */
/* What drivers share (lib/driver/driver.h). Touches the driver's own device by named calls only. */
#include "lib/driver/driver.h"

#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"

enum { INTERRUPTS = 8 };

static struct source {
    service_handler *handler;
    void *context;
    uint32_t slot;
} sources[INTERRUPTS];

static unsigned source_count;

static void deliver(void *context)
{
    const struct source *source = context;

    source->handler(source->context);
    call_irq_ack(source->slot);
}

void driver_on_interrupt(const char *name, service_handler *handler, void *context)
{
    const struct bh_manifest_entry *entry = manifest_need(BH_ENTRY_INTERRUPT, name);
    struct source *source = &sources[source_count];

    if (source_count == INTERRUPTS)
        program_stop("driver: more than %u interrupts", (unsigned)INTERRUPTS);
    source_count++;
    *source = (struct source){ handler, context, entry->slot };
    service_on(entry->bits, deliver, source);
}

bool driver_take_device(const char *name)
{
    const struct bh_manifest_entry *device = manifest_need(BH_ENTRY_DEVICE, name);
    int status = call_device_control(device->slot, BH_DEVICE_RESET);

    if (status != BH_OK)
        log_line("%s: reset failed (%d)", name, status);
    status = call_device_control(device->slot, BH_DEVICE_BUS_MASTER_ON);
    if (status != BH_OK)
        log_line("%s: bus mastering refused (%d)", name, status);
    return status == BH_OK;
}
