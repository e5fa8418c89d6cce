/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seat as a service: its links, its event loop. See services/seat/seat.h for what it does with
 * pictures and keys.
 */
#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/stream/stream.h"
#include "lib/time/time.h"
#include "services/seat/seat.h"

static struct seat seat;
static const struct bh_manifest_entry *compartments[SEAT_CLIENTS];

static void open_clients(void) {
    seat.client_count = manifest_count(BH_ENTRY_LINK, "client", SEAT_CLIENTS);
    for (unsigned i = 0; i < seat.client_count; i++) {
        const struct bh_manifest_entry *link =
            manifest_find_numbered(BH_ENTRY_LINK, "client", i, "");

        memcpy(seat.client[i].name, link->link.peer, BH_NAME_SIZE);
        compartments[i] = manifest_find(BH_ENTRY_COMPARTMENT, link->link.peer);
        ring_open(&seat.client[i].ring, link, time_generation());
    }
}

/* A compartment that is stopped leaves its end of the link as it was. */
static void look_at_the_shown(void) {
    struct seat_client *client = &seat.client[seat.shown];
    uint64_t state = BH_COMPARTMENT_RUNNING;

    if (compartments[seat.shown] != NULL)
        call_compartment_control(compartments[seat.shown]->slot, BH_COMPARTMENT_STATE, &state);
    client->stopped = state != BH_COMPARTMENT_RUNNING;
}

static void turn(void) {
    bool display = seat.width > 0;

    look_at_the_shown();
    seat_turn(&seat, time_now() / time_khz());
    if (seat.width > 0 && !display)
        log_line("screen of %u x %u for %u guests", seat.width, seat.height, seat.client_count);
}

static bool settle(uint32_t *notify) {
    return seat_settle(&seat, notify);
}

static uint64_t deadline(void) {
    uint64_t at = seat_deadline(&seat);

    return at == UINT64_MAX ? BH_FOREVER : at * time_khz();
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };

    ring_open(&seat.screen, manifest_need(BH_ENTRY_LINK, "screen"), time_generation());
    stream_open(&seat.keyboard, manifest_need(BH_ENTRY_LINK, "keyboard"),
                time_generation());
    open_clients();
    service_run(&program);
}
