/* SPDX-License-Identifier: BSD-2-Clause */
/* The multiplexer's core (services/blockmux/mux.h). Touches the links' halves only. */
#include "services/blockmux/mux.h"

#include "lib/c/string.h"
#include "services/blockmux/gpt.h"

void mux_init(struct mux *mux) {
    mux->free_count = 0;
    for (uint32_t tag = 0; tag < MUX_TAGS; tag++) {
        mux->request[tag].client = MUX_CLIENTS;
        mux->free[mux->free_count++] = (uint16_t)tag;
    }
}

/* The extent as far as the disk goes. */
static uint64_t usable_sectors(const struct mux *mux, const struct mux_client *client) {
    uint64_t left = client->first <= mux->disk_sectors ? mux->disk_sectors - client->first : 0;

    return client->sectors < left ? client->sectors : left;
}

static bool is_readonly(const struct mux *mux, const struct mux_client *client) {
    return client->readonly || (mux->disk_flags & BLOCK_INFO_READONLY) != 0;
}

static void tell(struct mux *mux, struct mux_client *client) {
    uint32_t flags = is_readonly(mux, client) ? BLOCK_INFO_READONLY : mux->disk_flags;

    ring_put(&client->ring, (struct ring_descriptor){
        .kind = BLOCK_INFO, .length = (uint16_t)flags, .offset = mux->disk_block,
        .extra = block_extra(usable_sectors(mux, client), 0) });
    client->told = true;
}

static enum block_status check(const struct mux *mux, const struct mux_client *client,
                               struct ring_descriptor request) {
    bool changes = request.kind == BLOCK_WRITE || request.kind == BLOCK_DISCARD;

    if (!block_valid(request, client->area) || block_tag(request) >= BLOCK_TAGS)
        return BLOCK_REFUSED;
    if (request.kind == BLOCK_FLUSH)
        return BLOCK_OK;
    if (changes && is_readonly(mux, client))
        return BLOCK_READONLY;
    if (!mux_extent_allows(request, usable_sectors(mux, client)))
        return BLOCK_REFUSED;
    return BLOCK_OK;
}

/* Needs a free tag and space at the driver. */
static void forward(struct mux *mux, uint32_t number, struct ring_descriptor request) {
    struct mux_client *client = &mux->client[number];
    uint32_t tag = mux->free[--mux->free_count];
    uint64_t lba = request.kind == BLOCK_FLUSH ? 0 : client->first + block_lba(request);
    struct ring_descriptor forwarded = request;

    forwarded.port = (uint8_t)(number | (request.port & BLOCK_LISTED));
    forwarded.extra = block_extra(lba, tag);
    mux->request[tag] = (struct mux_request){ forwarded, number, block_tag(request),
                                              client->life };
    client->under_way++;
    ring_put(&mux->backend, forwarded);
}

static void take_request(struct mux *mux, uint32_t number) {
    struct mux_client *client = &mux->client[number];
    struct ring_descriptor request = ring_get(&client->ring);
    enum block_status status = check(mux, client, request);

    ring_done(&client->ring, 1);
    client->requests++;
    if (status == BLOCK_OK) {
        forward(mux, number, request);
        return;
    }
    client->refused++;
    block_answer(&client->ring, block_tag(request), status);
}

static uint32_t least(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Each client's part of the tags, so that none can take them all. */
static uint32_t quota(const struct mux *mux) {
    return mux->client_count == 0 ? 0 : MUX_TAGS / mux->client_count;
}

/* How many requests may be taken from this client now: there is room for each answer. */
static uint32_t takeable(struct mux *mux, struct mux_client *client) {
    uint32_t waiting = ring_available(&client->ring);
    uint32_t room, allowed, most;

    if (waiting == 0 || !client->told)
        return 0;
    room = ring_space(&client->ring);
    room = room > client->under_way ? room - client->under_way : 0;
    allowed = quota(mux) > client->under_way ? quota(mux) - client->under_way : 0;
    most = least(least(room, allowed), least(mux->free_count, ring_space(&mux->backend)));
    return least(waiting, most);
}

bool mux_extents_known(const struct mux *mux) {
    return mux->disk_known && (mux->table_known || !mux->table_wanted);
}

static void client_changed(struct mux_client *client) {
    client->life++;
    client->told = false;
}

static void serve_client(struct mux *mux, uint32_t number) {
    struct mux_client *client = &mux->client[number];
    bool drained;
    uint32_t count;

    if (client->told && ring_quiet(&client->ring))
        return;
    if (ring_check(&client->ring) != RING_SAME)
        client_changed(client);
    drained = client->told || client->under_way == 0;
    if (!client->told && drained && mux_extents_known(mux) && ring_space(&client->ring) > 0)
        tell(mux, client);
    count = least(takeable(mux, client), MUX_SHARE);
    for (uint32_t i = 0; i < count; i++)
        take_request(mux, number);
}

/* The beginning of the disk, into our scratch area. */
static void ask_table(struct mux *mux) {
    uint32_t tag = mux->free[--mux->free_count];
    struct ring_descriptor request = {
        .kind = BLOCK_READ, .length = MUX_TABLE, .port = (uint8_t)mux->client_count,
        .extra = block_extra(0, tag) };

    mux->request[tag] = (struct mux_request){ .forwarded = request, .client = MUX_SELF };
    mux->table_asked = true;
    ring_put(&mux->backend, request);
}

static bool overlap(const struct mux_client *a, const struct mux_client *b) {
    bool apart = block_within(0, a->sectors, b->first - a->first) && a->first <= b->first;
    bool apart_too = block_within(0, b->sectors, a->first - b->first) && b->first <= a->first;

    return !apart && !apart_too && !(a->readonly && b->readonly) && a->sectors > 0 &&
           b->sectors > 0;
}

/* A disk's table may say anything: of clients that would share sectors, the first keeps them. */
static void drop_overlaps(struct mux *mux) {
    for (unsigned i = 0; i < mux->client_count; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (overlap(&mux->client[j], &mux->client[i]))
                mux->client[i].sectors = 0;
        }
    }
}

/* A partition that isn't found leaves its client an empty disk. The table is copied before it is
 * looked at: the device could still write there. */
static void take_table(struct mux *mux, bool read) {
    static uint8_t table[MUX_TABLE * BLOCK_SECTOR];

    memcpy(table, mux->scratch, sizeof(table));
    for (unsigned i = 0; i < mux->client_count; i++) {
        struct mux_client *client = &mux->client[i];
        struct gpt_extent extent = { 0, 0 };

        if (client->partition == NULL)
            continue;
        if (read)
            gpt_find(table, sizeof(table), mux->disk_block, mux->disk_sectors, client->partition,
                     &extent);
        client->first = extent.first;
        client->sectors = extent.sectors;
    }
    drop_overlaps(mux);
    mux->table_known = true;
}

static void take_info(struct mux *mux, struct ring_descriptor info) {
    mux->disk_sectors = block_lba(info);
    mux->disk_flags = info.length;
    mux->disk_block = info.offset;
    mux->disk_known = true;
    if (mux->table_wanted && !mux->table_asked && mux->free_count > 0 &&
        ring_space(&mux->backend) > 0)
        ask_table(mux);
}

static void pass_answer(struct mux_client *client, const struct mux_request *request, bool well) {
    client->under_way--;
    if (request->life == client->life && ring_up(&client->ring))
        block_answer(&client->ring, request->client_tag, well ? BLOCK_OK : BLOCK_FAILED);
}

static void take_answer(struct mux *mux, struct ring_descriptor answer) {
    uint32_t tag = block_tag(answer);
    struct mux_request *request;

    if (tag >= MUX_TAGS || mux->request[tag].client == MUX_CLIENTS) {
        mux->stray++;
        return;
    }
    request = &mux->request[tag];
    if (request->client == MUX_SELF)
        take_table(mux, answer.offset == BLOCK_OK);
    else
        pass_answer(&mux->client[request->client], request, answer.offset == BLOCK_OK);
    request->client = MUX_CLIENTS;
    mux->free[mux->free_count++] = (uint16_t)tag;
}

/* The driver's new life knows nothing of what is under way. Its ring holds all of it. */
static void send_again(struct mux *mux) {
    for (uint32_t tag = 0; tag < MUX_TAGS; tag++) {
        if (mux->request[tag].client != MUX_CLIENTS && ring_space(&mux->backend) > 0)
            ring_put(&mux->backend, mux->request[tag].forwarded);
    }
}

static void serve_backend(struct mux *mux) {
    if (ring_quiet(&mux->backend))
        return;
    if (ring_check(&mux->backend) == RING_NEW)
        send_again(mux);
    for (uint32_t n = ring_available(&mux->backend); n > 0; n--) {
        struct ring_descriptor message = ring_get(&mux->backend);

        ring_done(&mux->backend, 1);
        if (message.kind == BLOCK_INFO)
            take_info(mux, message);
        else if (message.kind == BLOCK_DONE)
            take_answer(mux, message);
    }
}

void mux_turn(struct mux *mux) {
    serve_backend(mux);
    for (unsigned i = mux->first_served; i < mux->client_count; i++)
        serve_client(mux, i);
    for (unsigned i = 0; i < mux->first_served; i++)
        serve_client(mux, i);
    mux->first_served = mux->first_served + 1 < mux->client_count ? mux->first_served + 1 : 0;
}

/* A client whose requests can't be taken waits for an answer of the disk, which wakes us, or for
 * itself to take answers. */
static bool settle_client(struct mux *mux, struct mux_client *client, uint32_t *notify) {
    ring_flush_messages(&client->ring, notify);
    if (ring_sleep(&client->ring))
        return true;
    if (takeable(mux, client) > 0)
        return false;
    return client->under_way > 0 || !client->told || ring_await_space(&client->ring);
}

bool mux_settle(struct mux *mux, uint32_t *notify) {
    bool settled = true;

    for (unsigned i = 0; i < mux->client_count; i++)
        settled &= settle_client(mux, &mux->client[i], notify);
    ring_flush_messages(&mux->backend, notify);
    return settled & ring_sleep(&mux->backend);
}
