/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware that a VM can start with. */
#ifndef TOOLS_BULKHEAD_FIRMWARE_H
#define TOOLS_BULKHEAD_FIRMWARE_H

/* Its image, below the build folder; NULL: there is none of that name. What has a slash or a dot is a
 * file already. */
const char *firmware_file(const char *name);

/* The BIOS of the graphics card that it needs beside; NULL: none. */
const char *firmware_video(const char *name);

#endif
