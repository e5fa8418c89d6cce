/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files that lower links: the parts of which each kind of link is made. */
#ifndef TOOLS_BULKHEAD_LOWER_LINK_H
#define TOOLS_BULKHEAD_LOWER_LINK_H

#include "lower.h"

#define NET_HALF (8u << 10)
#define NET_AREA (512u << 10)

struct link {
    uint32_t    client;             /* compartments */
    uint32_t    server;
    const char *as;                 /* the client's name for it */
    const char *server_as;          /* the server's prefix */
    const char *shown;              /* the server's name for the client */
    uint32_t    thread;             /* of the client: which hears of the server's messages */
    uint64_t    half;
    uint64_t    area;               /* of each direction; 0: none, as with an uplink */
    struct origin origin;
};

/* Makes both ends; answers the region of the client's outgoing area, BH_NONE without one. */
uint32_t link_make(struct model *m, const struct link *link);

/* The end that was made last in this compartment. */
struct bh_manifest_link *link_last(struct model *m, uint32_t compartment);

void link_setting(struct model *m, uint32_t compartment, const char *name, const char *value);

/* A region of a driver's device: mapped in its process with `process` rights (0: not), and in the
 * device's space with `dma` rights; answers the IOVA. */
uint64_t link_device_region(struct model *m, uint32_t driver, const char *name, uint32_t region,
                            uint32_t process, uint32_t dma, struct origin origin);

/* A driver's memory for its device's descriptors, unless the description gave it some. */
void link_driver_memory(struct model *m, uint32_t driver, const char *as, uint64_t size,
                        struct origin origin);

/* lower_disk.c: block multiplexers, their driver and their clients. */
void lower_disks(struct model *m, const struct programs *programs);

/* lower_seat.c: the seat, its drivers and the VMs that have a screen. */
void lower_seat(struct model *m, const struct programs *programs);

#endif
