/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What controller and namespace say of themselves ("Identify command"). Bytes that aren't named
 * here are zero.
 */
#include "vmm/nvme/parts.h"

#include "lib/c/string.h"

struct field { uint16_t offset; uint8_t size; uint32_t value; };

/* "Identify Controller Data Structure" */
static const struct field controller_fields[] = {
    { 0, 2, 0x1b36 }, { 2, 2, 0x1b36 },   /* vendor, subsystem's vendor */
    { 77, 1, 5 },                    /* a transfer's pages at most: 2^5 */
    { 80, 4, VERSION_1_4 },
    { 92, 4, EVENTS_NAMESPACE },     /* optional events */
    { 111, 1, 1 },                   /* an I/O controller */
    { 256, 2, 1u << 8 },             /* doorbells in memory */
    { 258, 1, 3 },                   /* aborts at once - 1 */
    { 259, 1, NVME_EVENT_REQUESTS - 1 },
    { 260, 1, 0x03 },                /* one firmware slot, read-only */
    { 266, 2, 0x157 }, { 268, 2, 0x175 },   /* temperatures to be warned of, in K */
    { 512, 1, 0x66 }, { 513, 1, 0x44 },     /* entries of 64 and 16 bytes */
    { 516, 4, 1 },                   /* namespaces */
};
_Static_assert(BACKEND_SLOT == NVME_PAGE << 5, "a transfer is a request to the backend");

static void put(uint8_t *answer, unsigned offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        answer[offset + i] = (uint8_t)(value >> (8 * i));
}

/* Filled up with spaces. */
static void put_text(uint8_t *answer, unsigned offset, unsigned size, const char *text) {
    memset(answer + offset, ' ', size);
    memcpy(answer + offset, text, strlen(text));
}

/* A UUID of a kind that everybody makes up by himself (RFC 9562, version 8), with the disk's number
 * as its last byte. */
static void put_uuid(const struct nvme *nvme, uint8_t uuid[16]) {
    memcpy(uuid, "bulkhe\x80" "d\x80nvme\0\0", 16);
    uuid[15] = (uint8_t)nvme->number;
}

/* The subsystem's name ("NVMe Qualified Names"): the UUID as text. */
static void put_name(const struct nvme *nvme, char *name) {
    static const char prefix[] = "nqn.2014-08.org.nvmexpress:uuid:";
    static const char digits[] = "0123456789abcdef";
    uint8_t uuid[16];
    put_uuid(nvme, uuid);
    memcpy(name, prefix, sizeof(prefix) - 1);
    name += sizeof(prefix) - 1;
    for (unsigned i = 0; i < sizeof(uuid); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *name++ = '-';
        *name++ = digits[uuid[i] >> 4];
        *name++ = digits[uuid[i] & 15];
    }
}

static void fill_controller(const struct nvme *nvme, uint8_t *answer) {
    enum { SERIAL = 4, SERIAL_SIZE = 20, MODEL = 24, MODEL_SIZE = 40, FIRMWARE = 64,
           FIRMWARE_SIZE = 8, OPTIONAL = 520, CACHE = 525, SUBSYSTEM = 768, DEALLOCATE = 1 << 2 };
    char serial[] = "bulkhead-0";
    serial[sizeof(serial) - 2] = (char)('0' + nvme->number);
    for (unsigned i = 0; i < sizeof(controller_fields) / sizeof(*controller_fields); i++)
        put(answer, controller_fields[i].offset, controller_fields[i].size,
            controller_fields[i].value);
    put_text(answer, SERIAL, SERIAL_SIZE, serial);
    put_text(answer, MODEL, MODEL_SIZE, "Bulkhead disk");
    put_text(answer, FIRMWARE, FIRMWARE_SIZE, "1");
    put_name(nvme, (char *)answer + SUBSYSTEM);
    answer[OPTIONAL] = nvme->backend.discards && !nvme->backend.readonly ? DEALLOCATE : 0;
    answer[CACHE] = !nvme->backend.readonly;
}

/* "Identify Namespace Data Structure": one format, of 512 bytes. */
static void fill_namespace(struct nvme *nvme, uint8_t *answer) {
    enum { SIZE = 0, CAPACITY = 8, USED = 16, ATTRIBUTES = 99, PROTECTED = 1, FORMAT = 128,
           SECTOR_POWER = 9 << 16 };
    nvme->told_sectors = nvme->backend.sectors;
    put(answer, SIZE, 8, nvme->backend.sectors);
    put(answer, CAPACITY, 8, nvme->backend.sectors);
    put(answer, USED, 8, nvme->backend.sectors);
    answer[ATTRIBUTES] = nvme->backend.readonly ? PROTECTED : 0;
    put(answer, FORMAT, 4, SECTOR_POWER);
}
_Static_assert(BLOCK_SECTOR == 1 << 9, "the format");

/* "Namespace Identification Descriptor list" */
static void fill_descriptors(const struct nvme *nvme, uint8_t *answer) {
    enum { TYPE = 0, LENGTH = 1, UUID = 4, TYPE_UUID = 3, LENGTH_UUID = 16 };
    answer[TYPE] = TYPE_UUID;
    answer[LENGTH] = LENGTH_UUID;
    put_uuid(nvme, answer + UUID);
}

/* Of all namespaces beyond a number. */
static enum nvme_status fill_list(uint32_t beyond, uint8_t *answer) {
    if (beyond >= UINT32_MAX - 1)
        return NVME_BAD_NAMESPACE;
    answer[0] = beyond < 1;
    return NVME_OK;
}

static enum nvme_status fill(struct nvme *nvme, const struct nvme_entry *entry, uint8_t *answer) {
    enum { STRUCTURE = 0xff };
    uint32_t structure = entry->dword10 & STRUCTURE;
    bool of_namespace = structure == IDENTIFY_NAMESPACE || structure == IDENTIFY_DESCRIPTORS;
    if (of_namespace && entry->namespace != 1)
        return NVME_BAD_NAMESPACE;
    switch (structure) {
    case IDENTIFY_NAMESPACE: fill_namespace(nvme, answer); return NVME_OK;
    case IDENTIFY_CONTROLLER: fill_controller(nvme, answer); return NVME_OK;
    case IDENTIFY_LIST: return fill_list(entry->namespace, answer);
    case IDENTIFY_DESCRIPTORS: fill_descriptors(nvme, answer); return NVME_OK;
    default: return NVME_BAD_FIELD;
    }
}

enum nvme_status nvme_identify(struct nvme *nvme, const struct nvme_entry *entry) {
    struct nvme_pages pages;
    memset(nvme->answer, 0, NVME_PAGE);
    enum nvme_status status = nvme_find_pages(nvme, entry, NVME_PAGE, &pages);
    if (status == NVME_OK)
        status = fill(nvme, entry, nvme->answer);
    if (status == NVME_OK)
        nvme_scatter(&pages, nvme->answer, NVME_PAGE);
    return status;
}
