/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to a disk: Linux' asynchronous I/O by its bare system calls on a block device that is
 * opened with O_DIRECT, so that no cache answers. One request under way, or WINDOW: whatever is
 * answered is replaced at once. Offsets jump, so that the kernel has nothing to merge. Reads and
 * overwrites the disk that its argument names; trusts Linux.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/linux/measure.h"

#define SMALL  4096u
#define LARGE  (128u * 1024)
#define WINDOW 16u
#define STRIDE 7919u               /* prime, so that all places are visited */

static struct {
    aio_context_t context;
    struct iocb request[WINDOW];
    uint64_t places;               /* of the size of a request */
    uint64_t next;
} disk;

static void open_disk(const char *path, unsigned int size, uint16_t operation) {
    uint64_t bytes = 0;
    int file = open(path, O_RDWR | O_DIRECT);

    if (file < 0 || ioctl(file, BLKGETSIZE64, &bytes) || bytes < size)
        fail(path);
    if (syscall(SYS_io_setup, WINDOW, &disk.context))
        fail("io_setup");
    disk.places = bytes / size;
    for (unsigned int i = 0; i < WINDOW; i++) {
        void *buffer = aligned_alloc(LARGE, LARGE);

        if (!buffer)
            fail("buffer");
        memset(buffer, (int)i, LARGE);
        disk.request[i] = (struct iocb){
            .aio_fildes = (uint32_t)file, .aio_lio_opcode = operation, .aio_nbytes = size,
            .aio_buf = (uint64_t)(uintptr_t)buffer };
    }
}

static void submit(struct iocb **requests, long count) {
    for (long i = 0; i < count; i++)
        requests[i]->aio_offset = (int64_t)(disk.next++ * STRIDE % disk.places *
                                            requests[i]->aio_nbytes);
    if (count && syscall(SYS_io_submit, disk.context, count, requests) != count)
        fail("io_submit");
}

/* Waits for at least one answer; which requests are answered. */
static long reap(struct iocb **requests) {
    struct io_event event[WINDOW];
    long count = syscall(SYS_io_getevents, disk.context, 1L, (long)WINDOW, event, NULL);

    if (count < 1)
        fail("io_getevents");
    for (long i = 0; i < count; i++) {
        requests[i] = (struct iocb *)(uintptr_t)event[i].obj;
        if (event[i].res != (int64_t)requests[i]->aio_nbytes) {
            errno = EIO;
            fail("a request");
        }
    }
    return count;
}

static void run_requests(long total, long depth) {
    struct iocb *requests[WINDOW];
    long under_way = depth, left = total - depth;

    for (long i = 0; i < depth; i++)
        requests[i] = &disk.request[i];
    submit(requests, depth);
    while (under_way > 0) {
        long answered = reap(requests);
        long again = answered < left ? answered : left;

        submit(requests, again);
        under_way += again - answered;
        left -= again;
    }
}

#define MEASURE_REQUESTS(id, depth) do {                        \
        run_requests(ROUNDS, depth);                            \
        for (int batch_ = 0; batch_ < BATCHES; batch_++) {      \
            MARK_BEGIN(id);                                     \
            run_requests(ROUNDS, depth);                        \
            MARK_END(id);                                       \
        }                                                       \
    } while (0)

void measure_read_4k(const char *path) {
    open_disk(path, SMALL, IOCB_CMD_PREAD);
    MEASURE_REQUESTS(MARK_READ_4K, 1);
}

void measure_read_4k_16(const char *path) {
    open_disk(path, SMALL, IOCB_CMD_PREAD);
    MEASURE_REQUESTS(MARK_READ_4K_16, WINDOW);
}

void measure_read_128k(const char *path) {
    open_disk(path, LARGE, IOCB_CMD_PREAD);
    MEASURE_REQUESTS(MARK_READ_128K, 1);
}

void measure_read_128k_16(const char *path) {
    open_disk(path, LARGE, IOCB_CMD_PREAD);
    MEASURE_REQUESTS(MARK_READ_128K_16, WINDOW);
}

void measure_write_4k(const char *path) {
    open_disk(path, SMALL, IOCB_CMD_PWRITE);
    MEASURE_REQUESTS(MARK_WRITE_4K, 1);
}

void measure_write_4k_16(const char *path) {
    open_disk(path, SMALL, IOCB_CMD_PWRITE);
    MEASURE_REQUESTS(MARK_WRITE_4K_16, WINDOW);
}

void measure_write_128k(const char *path) {
    open_disk(path, LARGE, IOCB_CMD_PWRITE);
    MEASURE_REQUESTS(MARK_WRITE_128K, 1);
}

void measure_write_128k_16(const char *path) {
    open_disk(path, LARGE, IOCB_CMD_PWRITE);
    MEASURE_REQUESTS(MARK_WRITE_128K_16, WINDOW);
}
