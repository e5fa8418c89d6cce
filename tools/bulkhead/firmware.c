/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware images that the build brings (guests/guests.mk), and others by their file. */
#include <stddef.h>
#include <string.h>

#include "firmware.h"

struct image {
    const char *name, *file, *video;
};

static const struct image *find(const char *name) {
    static const struct image images[] = {
        { "seabios", "firmware/seabios.bin", "firmware/vgabios.bin" },
        { "ovmf", "firmware/ovmf.bin", NULL },
    };

    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
        if (strcmp(images[i].name, name) == 0) {
            return &images[i];
        }
    }
    return NULL;
}

const char *firmware_file(const char *name) {
    const struct image *image = find(name);
    return image != NULL ? image->file : strpbrk(name, "/.") != NULL ? name : NULL;
}

const char *firmware_video(const char *name) {
    const struct image *image = find(name);
    return image != NULL ? image->video : NULL;
}
