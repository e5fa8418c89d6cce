/* SPDX-License-Identifier: BSD-2-Clause */
/* A network card's driver as a program (lib/nic/program.h): regions, link and life. */
#include "lib/nic/program.h"

#include "lib/driver/driver.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { RETRY_MS = 1000 };    /* a card that didn't answer is tried again */

static struct nic *nic;
static bool retry;
static nic_moment *extra;
static uint64_t extra_due = BH_FOREVER;

static void find_areas(struct nic *card) {
    for (unsigned i = 0; i < NIC_AREAS; i++) {
        const struct bh_manifest_entry *area = manifest_find_numbered(BH_ENTRY_REGION, "tx", i, "");

        if (area != NULL)
            card->area[i] = (struct nic_area){ driver_address("nic", area), area->size };
    }
}

void nic_find_regions(struct nic *card, uint32_t bar_size, uint32_t rings_size) {
    const struct bh_manifest_entry *bar = manifest_need(BH_ENTRY_REGION, "bar0");
    const struct bh_manifest_entry *rings = manifest_need(BH_ENTRY_REGION, "rings");
    const struct bh_manifest_entry *pool = manifest_need(BH_ENTRY_REGION, "pool");

    if (bar->size < bar_size || rings->size < rings_size)
        program_stop("regions \"bar0\" and \"rings\" need %u and %u bytes", bar_size, rings_size);
    card->registers = manifest_address(bar);
    card->rings = manifest_address(rings);
    card->rings_iova = driver_address("nic", rings);
    card->pool = (struct nic_area){ driver_address("nic", pool), pool->size };
    find_areas(card);
}

static void start(void) {
    retry = !nic_start(nic);
    if (retry)
        log_line("the card doesn't leave its reset; trying again");
}

void nic_tell_link(void) {
    static uint32_t told = UINT32_MAX;
    uint32_t speed = nic_link_speed(nic);

    if (speed == told)
        return;
    told = speed;
    log_line("link %s, %u Mb/s", speed != 0 ? "up" : "down", speed);
}

/* A client in a new life knows nothing of what was in flight: the card begins anew as well. */
static void check_link(void) {
    enum ring_event event = ring_check(&nic->link);

    if (event == RING_LOST)
        nic_stop(nic);
    if (event == RING_NEW)
        start();
    if (event == RING_NEW && nic->running)
        nic_tell_link();
}

static void turn(void) {
    uint64_t now = time_now();

    check_link();
    if (retry && ring_up(&nic->link))
        start();
    nic_turn(nic, now);
    if (extra != NULL)
        extra_due = extra(now);
}

static bool settle(uint32_t *notify) {
    return nic_settle(nic, notify);
}

static uint64_t deadline(void) {
    uint64_t due = nic->running && nic->pace.on ? nic->pace.due : BH_FOREVER;

    if (retry)
        due = time_after_ms(RETRY_MS);
    return due < extra_due ? due : extra_due;
}

_Noreturn void nic_run(struct nic *card, nic_moment *moment) {
    static const struct service_program program = { turn, settle, deadline };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "client0");

    nic = card;
    extra = moment;
    nic->pace.period = time_khz() * PACE_US / 1000;
    net_open(&nic->link, link, time_generation());
    if (nic->link.out_depth > NIC_POOL_MOST)
        program_stop("link \"client0\": its halves are too large for %u frames",
                     (unsigned)NIC_POOL_MOST);
    service_run(&program);
}
