/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a driver sets, what it is told by itself, and what it finds in the logs.
 */
#include "vmm/nvme/parts.h"

#include "lib/c/string.h"

/* ---- Features ---- */

enum { FEATURE_ID = 0xff, SELECT_SHIFT = 8, SELECT = 7, CHANGEABLE = 4, VECTOR = 0xffff };

/* As many I/O queues of both kinds, each counted from zero. */
#define GRANTED_QUEUES ((NVME_QUEUES - 2) | (NVME_QUEUES - 2) << 16)

static const uint32_t defaults[NVME_FEATURES] = {
    [FEATURE_CACHE] = 1, [FEATURE_QUEUES] = GRANTED_QUEUES,
};

void nvme_reset_features(struct nvme *nvme) {
    memcpy(nvme->feature, defaults, sizeof(nvme->feature));
    for (uint32_t i = 0; i < NVME_QUEUES; i++)
        nvme->vector_feature[i] = i;
    nvme->event_requests = 0;
    nvme->events = nvme->events_held = 0;
    nvme->told_sectors = 0;
    nvme->changed = false;
}

static bool is_feature(uint32_t feature) {
    return feature >= FEATURE_ARBITRATION && feature <= FEATURE_EVENTS &&
           feature != FEATURE_LBA_TYPES;
}

static bool is_good(uint32_t feature, uint32_t value) {
    enum { POWER_STATE = 0x1f, CACHE = 1, NONE = 0xffff };
    switch (feature) {
    case FEATURE_POWER: return (value & POWER_STATE) == 0;
    case FEATURE_QUEUES: return (value & NONE) != NONE && value >> 16 != NONE;
    case FEATURE_VECTOR: return (value & VECTOR) < NVME_QUEUES;
    case FEATURE_CACHE: return value <= CACHE;
    default: return true;
    }
}

static void set(struct nvme *nvme, uint32_t feature, uint32_t value) {
    if (feature == FEATURE_VECTOR)
        nvme->vector_feature[(value & VECTOR) % NVME_QUEUES] = value;
    else if (feature != FEATURE_QUEUES)
        nvme->feature[feature] = value;
}

enum nvme_status nvme_set_features(struct nvme *nvme, const struct nvme_entry *entry,
                                   uint32_t *result) {
    uint32_t feature = entry->dword10 & FEATURE_ID;
    if (entry->dword10 & FEATURE_SAVE)
        return NVME_NOT_SAVEABLE;
    if (!is_feature(feature) || !is_good(feature, entry->dword11))
        return NVME_BAD_FIELD;
    set(nvme, feature, entry->dword11);
    if (feature == FEATURE_QUEUES)
        *result = GRANTED_QUEUES;
    return NVME_OK;
}

enum nvme_status nvme_get_features(const struct nvme *nvme, const struct nvme_entry *entry,
                                   uint32_t *result) {
    uint32_t feature = entry->dword10 & FEATURE_ID;
    uint32_t vector = entry->dword11 & VECTOR;
    bool there = is_feature(feature) && (feature != FEATURE_VECTOR || vector < NVME_QUEUES);
    if (!there)
        return NVME_BAD_FIELD;
    switch (entry->dword10 >> SELECT_SHIFT & SELECT) {
    case SELECT_CURRENT:
        *result = feature == FEATURE_VECTOR ? nvme->vector_feature[vector]
                                            : nvme->feature[feature];
        return NVME_OK;
    case SELECT_DEFAULT:
    case SELECT_SAVED:
        *result = feature == FEATURE_VECTOR ? vector : defaults[feature];
        return NVME_OK;
    case SELECT_SUPPORTED: *result = CHANGEABLE; return NVME_OK;
    default: return NVME_BAD_FIELD;
    }
}

/* ---- Events ---- */

static uint32_t tells(uint32_t event) {
    enum { ERROR = 0, NOTICE = 2 };
    switch (event) {
    case EVENT_BAD_REGISTER: return EVENT_TELLS(ERROR, 0, LOG_ERRORS);
    case EVENT_BAD_VALUE: return EVENT_TELLS(ERROR, 1, LOG_ERRORS);
    default: return EVENT_TELLS(NOTICE, 0, LOG_CHANGED);
    }
}

static void tell(struct nvme *nvme, uint32_t event) {
    nvme->events &= ~event;
    nvme->events_held |= event & EVENT_ERRORS ? EVENT_ERRORS : EVENT_NOTICES;
    nvme->event_requests--;
    nvme_post(nvme, 0, nvme->event_request[nvme->event_requests], NVME_OK, tells(event));
}

/* The first of these, if the driver may be told. */
static void tell_one(struct nvme *nvme, uint32_t kinds) {
    uint32_t open = nvme->events & ~nvme->events_held & kinds;
    if (open != 0 && nvme->event_requests != 0 && nvme_claim(nvme, 0))
        tell(nvme, open & -open);
}

/* A notice that the driver didn't ask for is none. */
__attribute__((noinline))              /* seldom */
void nvme_tell_events(struct nvme *nvme) {
    if (!(nvme->feature[FEATURE_EVENTS] & EVENTS_NAMESPACE))
        nvme->events &= ~(uint32_t)EVENT_NAMESPACE;
    tell_one(nvme, EVENT_ERRORS);
    tell_one(nvme, EVENT_NOTICES);
}

/* ---- Logs ---- */

enum { LOG_ID = 0xff, DWORDS_SHIFT = 16 };

/* "Firmware Slot Information": the first one is active. */
static void fill_firmware(uint8_t *log) {
    enum { ACTIVE = 0, REVISION = 8 };
    log[ACTIVE] = 1;
    memcpy(log + REVISION, "1       ", 8);
}

/* "SMART / Health Information": nothing is worn, and nothing was counted. */
static void fill_health(uint8_t *log) {
    enum { SPARE = 3, SPARE_THRESHOLD = 4 };
    log[SPARE] = 100;
    log[SPARE_THRESHOLD] = 1;
}

/* "Changed Namespace List" */
static void fill_changed(struct nvme *nvme, uint8_t *log) {
    log[0] = nvme->changed;
    nvme->changed = false;
}

/* false: there is no such log. Reading one lets the next event of its kind through. */
static bool fill(struct nvme *nvme, uint32_t log, bool retain, uint8_t *page) {
    uint32_t held = 0;
    switch (log) {
    case LOG_ERRORS: held = EVENT_ERRORS; break;
    case LOG_HEALTH: fill_health(page); break;
    case LOG_FIRMWARE: fill_firmware(page); break;
    case LOG_CHANGED: fill_changed(nvme, page); held = EVENT_NOTICES; break;
    default: return false;
    }
    if (!retain)
        nvme->events_held &= ~held;
    return true;
}

enum nvme_status nvme_get_log(struct nvme *nvme, const struct nvme_entry *entry) {
    uint32_t bytes = ((entry->dword10 >> DWORDS_SHIFT) + 1) * (uint32_t)sizeof(uint32_t);
    struct nvme_pages pages;
    if (bytes > NVME_PAGE || entry->dword12 != 0 || entry->dword13 != 0)
        return NVME_BAD_FIELD;
    enum nvme_status status = nvme_find_pages(nvme, entry, bytes, &pages);
    if (status != NVME_OK)
        return status;
    memset(nvme->answer, 0, NVME_PAGE);
    if (!fill(nvme, entry->dword10 & LOG_ID, (entry->dword10 & LOG_RETAIN) != 0, nvme->answer))
        return NVME_BAD_LOG;
    nvme_scatter(&pages, nvme->answer, bytes);
    return NVME_OK;
}
