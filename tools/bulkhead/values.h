/* SPDX-License-Identifier: BSD-2-Clause */
/* The written forms of values: sizes, times, addresses of PCI functions, MAC addresses, rights.
 * Each parser answers whether the whole text was such a value; the text may be anything. */
#ifndef TOOLS_BULKHEAD_VALUES_H
#define TOOLS_BULKHEAD_VALUES_H

#include <stdbool.h>
#include <stdint.h>

bool value_size(const char *text, uint64_t *bytes);        /* 4096, 0x1000, 64K, 256M, 2G */
bool value_time(const char *text, uint32_t *microseconds); /* 500us, 5ms, 1s */
bool value_pci(const char *text, uint32_t *requester_id);  /* 00:02.0 */
bool value_id(const char *text, uint16_t *vendor, uint16_t *device);   /* 8086:10d3, or any */
bool value_mac(const char *text, uint8_t mac[6]);          /* 52:54:00:12:34:56 */
bool value_rights(const char *text, uint32_t *rights);     /* r, rw, rx, w, rwx */
bool value_name(const char *text);                         /* what an object may be called */

#endif
