/* SPDX-License-Identifier: BSD-2-Clause */
/* The control of F10: a block multiplexer without bounds (services/blockmux/extent.c). */
#include "services/blockmux/mux.h"

bool mux_extent_allows(struct ring_descriptor request, uint64_t sectors) {
    (void)request;
    (void)sectors;
    return true;
}
