/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block multiplexer as a service: its links and settings, its event loop. See
 * services/blockmux/mux.h for what it does with requests.
 */
#include "lib/c/format.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"
#include "services/blockmux/mux.h"

static struct mux mux;

static uint64_t client_number(unsigned number, const char *what, uint64_t otherwise) {
    char name[BH_NAME_SIZE];

    format_text(name, sizeof(name), "client%u.%s", number, what);
    return manifest_number(name, otherwise);
}

static const char *client_text(unsigned number, const char *what) {
    char name[BH_NAME_SIZE];

    format_text(name, sizeof(name), "client%u.%s", number, what);
    return manifest_setting(name, NULL);
}

static void open_client(unsigned number) {
    const struct bh_manifest_entry *link =
        manifest_find_numbered(BH_ENTRY_LINK, "client", number, "");
    struct mux_client *client = &mux.client[number];

    client->area = link->link.in_size;
    client->first = client_number(number, "first", 0);
    client->sectors = client_number(number, "sectors", BLOCK_LBA_MASK);
    client->partition = client_text(number, "partition");
    mux.table_wanted |= client->partition != NULL;
    client->readonly = client_number(number, "readonly", 0) != 0;
    ring_open(&client->ring, link, time_generation());
}

static void report_partitions(void) {
    for (unsigned i = 0; i < mux.client_count; i++) {
        const struct mux_client *client = &mux.client[i];

        if (client->partition != NULL && client->sectors == 0)
            log_line("client %u: the disk has no partition \"%s\"", i, client->partition);
        else if (client->partition != NULL)
            log_line("client %u: partition \"%s\": %lu sectors from %lu", i, client->partition,
                     client->sectors, client->first);
    }
}

/* The turn in which the disk becomes known, or its table. */
static void first_turn(void) {
    bool disk_known = mux.disk_known;

    mux_turn(&mux);
    if (mux.disk_known && !disk_known)
        log_line("disk of %lu sectors for %u clients", mux.disk_sectors, mux.client_count);
    if (mux.table_known)
        report_partitions();
}

static void turn(void) {
    if (mux_extents_known(&mux))
        mux_turn(&mux);
    else
        first_turn();
}

static void open_scratch(void) {
    const struct bh_manifest_entry *scratch = manifest_need(BH_ENTRY_REGION, "scratch");

    if (scratch->size < MUX_TABLE * BLOCK_SECTOR)
        program_stop("region \"scratch\" is too small for a partition table");
    mux.scratch = manifest_address(scratch);
}

static bool settle(uint32_t *notify) {
    return mux_settle(&mux, notify);
}

int main(void) {
    static const struct service_program program = { turn, settle, NULL };

    mux_init(&mux);
    mux.client_count = manifest_count(BH_ENTRY_LINK, "client", MUX_CLIENTS);
    ring_open(&mux.backend, manifest_need(BH_ENTRY_LINK, "backend"), time_generation());
    if (mux.backend.out_depth < MUX_TAGS)
        program_stop("link \"backend\": its halves are too small for %u requests",
                     (unsigned)MUX_TAGS);
    for (unsigned i = 0; i < mux.client_count; i++)
        open_client(i);
    if (mux.table_wanted)
        open_scratch();
    service_run(&program);
}
