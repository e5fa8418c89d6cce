/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of an NVMe disk: serves one client, the block multiplexer, and is what the disk's virtual
 * functions depend on, whose namespaces are settings ("vf0.namespace"). Touches the controller's
 * registers, its own queues and the link; see drivers/nvme/nvme.h for whom it trusts.
 */
#include "drivers/nvme/nvme.h"

#include "lib/c/format.h"
#include "lib/call/call.h"
#include "lib/driver/driver.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { RETRY_FIRST_MS = 2000, RETRY_LAST_MS = 60000 };

static struct nvme nvme;
static uint64_t retry_at;          /* when what failed is tried again */
static uint64_t retry_ms = RETRY_FIRST_MS;
static bool waited;                /* for the device, which eats notifications: look again */

static void pause(void) {
    uint64_t bits;

    waited = true;
    call_wait(time_now() + time_khz() / 4, &bits);
}

static struct nvme_memory find_memory(unsigned number) {
    const struct bh_manifest_entry *lists =
        manifest_find_numbered(BH_ENTRY_REGION, "lists", number, "");
    const struct bh_manifest_entry *low =
        manifest_find_numbered(BH_ENTRY_REGION, "memory", number, ".low");
    const struct bh_manifest_entry *high =
        manifest_find_numbered(BH_ENTRY_REGION, "memory", number, ".high");
    struct nvme_memory memory = { 0 };

    if (lists == NULL || low == NULL)
        return memory;
    memory.lists = manifest_address(lists);
    memory.lists_size = lists->size;
    memory.size = memory.low_size = low->size;
    memory.low_iova = driver_address("disk", low);
    if (high != NULL) {
        memory.size += high->size;
        memory.high_iova = driver_address("disk", high);
    }
    return memory;
}

static void find_areas(void) {
    for (unsigned i = 0; i < NVME_AREAS; i++) {
        const struct bh_manifest_entry *area =
            manifest_find_numbered(BH_ENTRY_REGION, "data", i, "");

        if (area != NULL)
            nvme.area[i] = (struct nvme_area){ driver_address("disk", area), area->size };
        nvme.memory[i] = find_memory(i);
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

static void find_functions(void) {
    struct nvme_functions *f = &nvme.functions;
    char name[BH_NAME_SIZE];

    for (unsigned i = 0; i < NVME_FUNCTIONS; i++) {
        format_text(name, sizeof(name), "vf%u.namespace", i);
        f->function[i].space = (uint32_t)manifest_number(name, 0);
        if (manifest_number(name, 0) > NVME_LAST_SPACE || f->function[i].space == NVME_OWN_SPACE)
            program_stop("setting \"%s\": that is no virtual function's namespace", name);
        f->count += f->function[i].space != 0;
    }
}

static void tell_functions(void) {
    for (unsigned i = 0; i < NVME_FUNCTIONS; i++) {
        const struct nvme_function *f = &nvme.functions.function[i];

        if (f->online)
            log_line("virtual function %u: namespace %u, %u queues, %u interrupts", i, f->space,
                     f->queues, f->interrupts);
        else if (f->space != 0)
            log_line("virtual function %u: the disk didn't bring it online", i);
    }
}

/* Less and less often, as a start takes the virtual functions from their owners for a while. */
static void try_later(const char *why) {
    log_line("%s; trying again in %lu s", why, retry_ms / 1000);
    retry_at = time_after_ms(retry_ms);
    retry_ms = 2 * retry_ms < RETRY_LAST_MS ? 2 * retry_ms : RETRY_LAST_MS;
}

/* What our controller has to give up for its functions it gives up with a reset of the kernel's. */
static void start(void) {
    nvme_start(&nvme, pause);
    if (nvme.functions.wants_reset && driver_take_device("disk"))
        nvme_start(&nvme, pause);
    if (nvme.ready)
        tell_functions();
    else
        try_later("the disk doesn't start");
}

static void measure(void) {
    if (nvme_measure(&nvme, pause))
        log_line("disk of %lu MiB, blocks of %u bytes", nvme.sectors / 2048,
                 nvme.sectors_per_block * (unsigned)BLOCK_SECTOR);
    else
        try_later("namespace 1 can't be read");
}

/* A client in a new life knows nothing of what was in flight: the queues begin anew as well. */
static void serve(void) {
    if (!nvme_open(&nvme, pause)) {
        try_later("the disk's queues can't be made anew");
        return;
    }
    retry_ms = RETRY_FIRST_MS;
    nvme_tell(&nvme);
}

static bool is_up(void) {
    return nvme.ready && nvme.known;
}

static void start_what_is_due(void) {
    if (is_up() || time_now() < retry_at)
        return;
    if (!nvme.ready)
        start();
    if (nvme.ready && !nvme.known)
        measure();
}

static void turn(void) {
    enum ring_event event = ring_check(&nvme.link);

    waited = false;
    if (event == RING_NEW || event == RING_LOST)
        nvme.running = false;
    start_what_is_due();
    if (!nvme.running && is_up() && ring_up(&nvme.link))
        serve();
    nvme_turn(&nvme);
}

static bool settle(uint32_t *notify) {
    return nvme_settle(&nvme, notify) && !waited;
}

static uint64_t deadline(void) {
    return is_up() ? BH_FOREVER : retry_at;
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "client0");

    find_regions();
    find_functions();
    if (nvme.functions.count > 0 ? !driver_use_device("disk") : !driver_take_device("disk"))
        program_stop("no disk without the device");
    manifest_need(BH_ENTRY_INTERRUPT, "irq0");
    manifest_need(BH_ENTRY_INTERRUPT, "irq1");
    ring_open(&nvme.link, link, time_generation());
    service_run(&program);
}
