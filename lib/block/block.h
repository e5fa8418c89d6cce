/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to a disk over a link (lib/ring): client <-> block multiplexer <-> driver. Trusts nobody.
 *
 * The data never crosses the link: it lies in the client's own area, which only the client and the
 * disk (by its device space) can reach. From the request until its answer it is the disk's. Or it
 * lies in the client's memory, of a client whose description lets the disk reach that, too.
 *
 *   request   kind = operation; offset: of the data in the client's area, a multiple of BLOCK_SECTOR;
 *             length: sectors, 1 to BLOCK_MOST (a flush: 0; a discard, which has no data: up to
 *             BLOCK_DISCARD_MOST); extra = first sector | tag << 48; port: multiplexer -> driver:
 *             number of the client whose area it is. port | BLOCK_LISTED, of a read or a write:
 *             the data lies where a list says; offset: of that in the client's lists, a multiple of
 *             BLOCK_LIST
 *   list      an offset in the client's memory for each page of the data, 64 bits each: the first one
 *             anywhere (a multiple of 4), which reaches to its page's end; the others pages'
 *             beginnings. It may change at any time: who follows it reads each of them once
 *   answer    kind = BLOCK_DONE; offset = enum block_status; extra = tag << 48. Answers come in any
 *             order. The sender chooses tags and has at most one request under way for each.
 *   BLOCK_INFO  the first message of a server in each life of the link: extra = size in sectors,
 *             length = enum block_info flags, offset = bytes that requests should be a multiple of
 *
 * A server releases a request's descriptor when it has read it, and reads no more requests than it
 * has room to answer. What a discarded sector holds afterwards is not defined.
 */
#ifndef BULKHEAD_LIB_BLOCK_H
#define BULKHEAD_LIB_BLOCK_H

#include "lib/ring/ring.h"

enum {
    BLOCK_SECTOR = 512,
    BLOCK_MOST   = 256,            /* sectors of one request */
    BLOCK_DISCARD_MOST = 32768,
    BLOCK_TAGS   = 256,            /* tags are below this */
    BLOCK_LIST   = 512,            /* bytes from one list to the next */
    BLOCK_PAGE   = 4096,
    BLOCK_LISTED = 0x80,           /* in a request's port */
};

#define BLOCK_LBA_MASK 0xffffffffffffull

enum block_kind {
    BLOCK_READ    = 1,
    BLOCK_WRITE   = 2,
    BLOCK_FLUSH   = 3,
    BLOCK_DISCARD = 4,
    BLOCK_DONE    = 5,
    BLOCK_INFO    = 6,
};

enum block_status {
    BLOCK_OK       = 0,
    BLOCK_FAILED   = 1,            /* the disk says so */
    BLOCK_REFUSED  = 2,            /* out of the extent, misaligned, too long, or no such request */
    BLOCK_READONLY = 3,
};

enum block_info {
    BLOCK_INFO_READONLY = 1 << 0,
    BLOCK_INFO_DISCARD  = 1 << 1,
};

static inline bool block_listed(struct ring_descriptor request) {
    return (request.port & BLOCK_LISTED) != 0;
}

/* The number of the client. */
static inline uint32_t block_client(struct ring_descriptor request) {
    return request.port & (uint32_t)~BLOCK_LISTED;
}

static inline uint64_t block_lba(struct ring_descriptor message) {
    return message.extra & BLOCK_LBA_MASK;
}

static inline uint32_t block_tag(struct ring_descriptor message) {
    return (uint32_t)(message.extra >> 48);
}

static inline uint64_t block_extra(uint64_t lba, uint32_t tag) {
    return lba | (uint64_t)tag << 48;
}

static inline void block_answer(struct ring *ring, uint32_t tag, enum block_status status) {
    ring_put(ring, (struct ring_descriptor){
        .kind = BLOCK_DONE, .offset = status, .extra = block_extra(0, tag) });
}

/* Whether [first, first + count) lies in a disk or extent of `size` sectors. */
static inline bool block_within(uint64_t first, uint64_t count, uint64_t size) {
    return count <= size && first <= size - count;
}

/* Whether a request is one, and its data lies in an area of `area` bytes; says nothing of sectors, and
 * nothing of a list. */
static inline bool block_valid(struct ring_descriptor request, uint64_t area) {
    uint64_t bytes = (uint64_t)request.length * BLOCK_SECTOR;

    if (request.kind == BLOCK_FLUSH)
        return true;
    if (request.kind == BLOCK_DISCARD)
        return request.length != 0 && request.length <= BLOCK_DISCARD_MOST;
    if (request.length == 0 || request.length > BLOCK_MOST)
        return false;
    if (request.kind != BLOCK_READ && request.kind != BLOCK_WRITE)
        return false;
    return block_listed(request) || (request.offset % BLOCK_SECTOR == 0 &&
                                     ring_inside(request.offset, bytes, area));
}

#endif
