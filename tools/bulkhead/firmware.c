/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware images that the build brings (guests/guests.mk), and others by their file. */
#include <stddef.h>
#include <string.h>

#include "firmware.h"

const char *firmware_file(const char *name) {
    static const struct { const char *name, *file; } images[] = {
        { "seabios", "firmware/seabios.bin" },
        { "ovmf", "firmware/ovmf.bin" },
    };

    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
        if (strcmp(images[i].name, name) == 0) {
            return images[i].file;
        }
    }
    return strpbrk(name, "/.") != NULL ? name : NULL;
}
