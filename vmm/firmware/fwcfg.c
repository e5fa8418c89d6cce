/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware configuration device. The guest chooses selector and how often it reads.
 */
#include "vmm/firmware/fwcfg.h"

#include "lib/c/string.h"

enum {                               /* fw_cfg, "File Directory": big-endian */
    ENTRY_SIZE = 64, ENTRY_KEY_AT = 4, ENTRY_NAME_AT = 8, DIRECTORY_HEAD = 4,
};

void fwcfg_reset(struct fwcfg *device) {
    memset(device, 0, sizeof(*device));
}

uint8_t *fwcfg_add(struct fwcfg *device, uint16_t key, uint32_t size) {
    if (device->count == FWCFG_ITEMS || FWCFG_STORE - device->used < size) {
        device->overflow = true;
        return NULL;
    }
    uint8_t *bytes = device->store + device->used;
    device->item[device->count++] = (struct fwcfg_item){ .key = key, .bytes = bytes,
                                                         .size = size };
    device->used += size;
    return bytes;
}

uint8_t *fwcfg_add_file(struct fwcfg *device, const char *name, uint32_t size) {
    uint8_t *bytes = fwcfg_add(device, (uint16_t)(FWCFG_FIRST_FILE + device->count), size);
    size_t length = strlen(name);
    if (bytes && length < FWCFG_NAME)
        memcpy(device->item[device->count - 1].name, name, length);
    return bytes;
}

void fwcfg_add_image(struct fwcfg *device, const char *name, const uint8_t *bytes, uint32_t size) {
    if (!fwcfg_add_file(device, name, 0))
        return;
    device->item[device->count - 1].bytes = bytes;
    device->item[device->count - 1].size = size;
}

static void put_big(uint8_t *bytes, unsigned size, uint32_t value) {
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

bool fwcfg_finish(struct fwcfg *device) {
    uint32_t files = 0;
    for (uint32_t i = 0; i < device->count; i++)
        files += device->item[i].name[0] != 0;
    uint8_t *at = fwcfg_add(device, FWCFG_DIRECTORY, DIRECTORY_HEAD + files * ENTRY_SIZE);
    if (device->overflow)
        return false;
    put_big(at, DIRECTORY_HEAD, files);
    at += DIRECTORY_HEAD;
    for (uint32_t i = 0; i < device->count; i++) {
        const struct fwcfg_item *item = &device->item[i];
        if (item->name[0] == 0)
            continue;
        put_big(at, 4, item->size);
        put_big(at + ENTRY_KEY_AT, 2, item->key);
        memcpy(at + ENTRY_NAME_AT, item->name, FWCFG_NAME);
        at += ENTRY_SIZE;
    }
    return true;
}

void fwcfg_select(struct fwcfg *device, uint16_t key) {
    device->selected = key;
    device->position = 0;
}

uint8_t fwcfg_read(struct fwcfg *device) {
    for (uint32_t i = 0; i < device->count; i++) {
        const struct fwcfg_item *item = &device->item[i];
        if (item->key == device->selected)
            return device->position < item->size ? item->bytes[device->position++] : 0;
    }
    return 0;
}
