/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of the Intel 82574L network card: serves one client, the switch. Touches BAR 0, its own
 * descriptor rings and the link; see drivers/e1000e/nic.h for whom it trusts.
 */
#include "drivers/e1000e/nic.h"

#include "lib/call/call.h"
#include "lib/driver/driver.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { RETRY_MS = 1000 };    /* a card that didn't answer is tried again */

static struct nic nic;
static bool retry;

static void find_areas(void) {
    for (unsigned i = 0; i < NIC_AREAS; i++) {
        const struct bh_manifest_entry *area = manifest_find_numbered(BH_ENTRY_REGION, "tx", i, "");

        if (area != NULL)
            nic.area[i] = (struct nic_area){ area->iova, area->size };
    }
}

static void find_regions(void) {
    const struct bh_manifest_entry *bar = manifest_need(BH_ENTRY_REGION, "bar0");
    const struct bh_manifest_entry *rings = manifest_need(BH_ENTRY_REGION, "rings");
    const struct bh_manifest_entry *pool = manifest_need(BH_ENTRY_REGION, "pool");

    if (bar->size < NIC_BAR_SIZE || rings->size < sizeof(struct nic_rings))
        program_stop("regions \"bar0\" and \"rings\" need %u and %lu bytes",
                     (unsigned)NIC_BAR_SIZE, sizeof(struct nic_rings));
    nic.registers = manifest_address(bar);
    nic.rings = manifest_address(rings);
    nic.rings_iova = rings->iova;
    nic.pool = (struct nic_area){ pool->iova, pool->size };
    find_areas();
}

static void start(void) {
    retry = !nic_start(&nic);
    if (retry)
        log_line("the card doesn't leave its reset; trying again");
}

static void tell_link(void) {
    static uint32_t told = UINT32_MAX;
    uint32_t speed = nic_link_speed(&nic);

    if (speed == told)
        return;
    told = speed;
    log_line("link %s, %u Mb/s", speed != 0 ? "up" : "down", speed);
}

/* A client in a new life knows nothing of what was in flight: the card begins anew as well. */
static void check_link(void) {
    enum ring_event event = ring_check(&nic.link);

    if (event == RING_LOST)
        nic_stop(&nic);
    if (event == RING_NEW)
        start();
    if (event == RING_NEW && nic.running)
        tell_link();
}

static void turn(void) {
    check_link();
    if (retry && ring_up(&nic.link))
        start();
    nic_turn(&nic, time_now());
}

static bool settle(uint32_t *notify) {
    return nic_settle(&nic, notify);
}

static uint64_t deadline(void) {
    if (retry)
        return time_after_ms(RETRY_MS);
    return nic.running && nic.pace.on ? nic.pace.due : BH_FOREVER;
}

static void woken(void *context) {
    (void)context;
}

static void received(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_RXQ0);
}

static void sent(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_TXQ0);
}

static void changed(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_OTHER | CAUSE_LSC);
    tell_link();
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "client0");
    uint8_t mac[NET_MAC_BYTES];

    find_regions();
    nic.pace.period = time_khz() * PACE_US / 1000;
    if (!driver_take_device("nic"))
        program_stop("no network without the card");
    nic_address(&nic, mac);
    log_line("82574L, address %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    driver_on_interrupt("irq0", received, NULL);
    driver_on_interrupt("irq1", sent, NULL);
    driver_on_interrupt("irq2", changed, NULL);
    net_open(&nic.link, link, time_generation());
    if (nic.link.out_depth > NIC_POOL_MOST)
        program_stop("link \"client0\": its halves are too large for %u frames",
                     (unsigned)NIC_POOL_MOST);
    service_on(service_link_bits(link), woken, NULL);
    service_run(&program);
}
