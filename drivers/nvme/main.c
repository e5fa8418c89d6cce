/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of an NVMe disk: serves one client, the block multiplexer. Touches the controller's
 * registers, its own queues and the link; see drivers/nvme/nvme.h for whom it trusts.
 */
#include "drivers/nvme/nvme.h"

#include "lib/call/call.h"
#include "lib/driver/driver.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { RETRY_MS = 2000 };

static struct nvme nvme;
static bool retry;

static void pause(void) {
    uint64_t bits;

    call_wait(time_now() + time_khz() / 4, &bits);
}

static void find_areas(void) {
    for (unsigned i = 0; i < NVME_AREAS; i++) {
        const struct bh_manifest_entry *area =
            manifest_find_numbered(BH_ENTRY_REGION, "data", i, "");

        if (area != NULL)
            nvme.area[i] = (struct nvme_area){ driver_address("disk", area), area->size };
    }
}

static void find_regions(void) {
    const struct bh_manifest_entry *bar = manifest_need(BH_ENTRY_REGION, "bar0");
    const struct bh_manifest_entry *rings = manifest_need(BH_ENTRY_REGION, "rings");

    if (bar->size < NVME_BAR_SIZE || rings->size < sizeof(struct nvme_rings))
        program_stop("regions \"bar0\" and \"rings\" need %u and %lu bytes",
                     (unsigned)NVME_BAR_SIZE, sizeof(struct nvme_rings));
    nvme.registers = manifest_address(bar);
    nvme.rings = manifest_address(rings);
    nvme.rings_iova = driver_address("disk", rings);
    find_areas();
}

/* Waiting for the device eats notifications, so the link is looked at again afterwards. */
static void start(void) {
    retry = !nvme_start(&nvme, pause);
    if (retry) {
        log_line("the disk doesn't start; trying again");
        return;
    }
    log_line("disk of %lu MiB, blocks of %u bytes", nvme.sectors / 2048,
             nvme.sectors_per_block * (unsigned)BLOCK_SECTOR);
    nvme_tell(&nvme);
}

/* A client in a new life knows nothing of what was in flight: the disk begins anew as well. */
static void turn(void) {
    enum ring_event event = ring_check(&nvme.link);

    if (event == RING_LOST)
        nvme.running = false;
    if (event == RING_NEW || (retry && ring_up(&nvme.link)))
        start();
    nvme_turn(&nvme);
}

static bool settle(uint32_t *notify) {
    return nvme_settle(&nvme, notify);
}

static uint64_t deadline(void) {
    return retry ? time_after_ms(RETRY_MS) : BH_FOREVER;
}

static void woken(void *context) {
    (void)context;
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "client0");

    find_regions();
    if (!driver_take_device("disk"))
        program_stop("no disk without the device");
    driver_on_interrupt("irq0", woken, NULL);
    driver_on_interrupt("irq1", woken, NULL);
    ring_open(&nvme.link, link, time_generation());
    service_on(service_link_bits(link), woken, NULL);
    service_run(&program);
}
