/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NVMe controller's registers, as the guest reads and writes them.
 */
#include "vmm/nvme/parts.h"

/* How long a driver should wait for the controller to become ready, in half seconds: as long as can
 * be said, for it may wait for a multiplexer that begins anew. */
enum { READY_TIMEOUT = 255 };

static uint32_t low(uint64_t value) { return (uint32_t)value; }
static uint32_t high(uint64_t value) { return (uint32_t)(value >> 32); }

/* A reset is over when the disk doesn't reach the guest's RAM any more. */
static uint32_t read_status(const struct nvme *nvme) {
    bool in_reset = !(nvme->config & CC_EN) && backend_reaches_guest(&nvme->backend);
    return nvme->status | (in_reset ? CSTS_RDY : 0);
}

static uint32_t read_register(const struct nvme *nvme, uint32_t offset) {
    const uint64_t capabilities = CAP_MQES(NVME_QUEUE_SIZE) | CAP_CQR | CAP_TO(READY_TIMEOUT) |
                                  CAP_NVM;
    if (offset >= NVME_MSIX && offset < NVME_PENDING)
        return pci_msix_read(&nvme->pci, offset - NVME_MSIX);
    switch (offset) {
    case NVME_CAP: return low(capabilities);
    case NVME_CAP + 4: return high(capabilities);
    case NVME_VS: return VERSION_1_4;
    case NVME_CC: return nvme->config;
    case NVME_CSTS: return read_status(nvme);
    case NVME_AQA: return nvme->admin_sizes;
    case NVME_ASQ: return low(nvme->admin_sq);
    case NVME_ASQ + 4: return high(nvme->admin_sq);
    case NVME_ACQ: return low(nvme->admin_cq);
    case NVME_ACQ + 4: return high(nvme->admin_cq);
    case NVME_PENDING: return pci_msix_pending(&nvme->pci);
    default: return 0;
    }
}

uint64_t nvme_read(const struct nvme *nvme, uint32_t offset, unsigned size) {
    uint64_t value = read_register(nvme, offset & ~3u) >> (8 * (offset % 4));
    if (size == 8)
        return value | (uint64_t)read_register(nvme, offset + 4) << 32;
    return value & ((1ull << (8 * size)) - 1);
}

bool nvme_rings_in_memory(const struct nvme *nvme) {
    return nvme->doorbells || !(nvme->config & CC_EN);
}

/* ---- Writes: true, the I/O thread has something to do ---- */

static bool write_config(struct nvme *nvme, uint32_t value) {
    uint32_t old = nvme->config;
    bool enabled = (value & CC_EN) != 0;
    nvme->config = value & CC_KEPT;
    if (enabled && !(old & CC_EN))
        nvme_enable(nvme);
    if (!enabled && (old & CC_EN))
        nvme_reset(nvme);
    if (!(value & CC_SHN) || (old & CC_SHN))
        return enabled;
    nvme->shutdown_due = (nvme->status & CSTS_RDY) != 0;
    nvme->status |= nvme->shutdown_due ? CSTS_SHST_BUSY : CSTS_SHST_DONE;
    return true;
}

static void write_part(uint64_t *field, uint32_t offset, uint32_t value) {
    if (offset % 8 == 0)
        *field = (*field & 0xffffffff00000000ull) | value;
    else
        *field = (uint32_t)*field | (uint64_t)value << 32;
}

/* The admin queues are where they were when the controller was enabled. */
static void write_admin(struct nvme *nvme, uint32_t offset, uint32_t value) {
    switch (offset) {
    case NVME_AQA: nvme->admin_sizes = value & AQA_KEPT; break;
    case NVME_ASQ:
    case NVME_ASQ + 4: write_part(&nvme->admin_sq, offset, value); break;
    case NVME_ACQ:
    case NVME_ACQ + 4: write_part(&nvme->admin_cq, offset, value); break;
    default: break;
    }
}

static bool write_register(struct nvme *nvme, uint32_t offset, uint32_t value) {
    if (offset >= NVME_DOORBELLS && offset < NVME_MSIX)
        return nvme_ring(nvme, (offset - NVME_DOORBELLS) / NVME_DOORBELL, value);
    if (offset >= NVME_MSIX && offset < NVME_PENDING)
        pci_msix_write(&nvme->pci, offset - NVME_MSIX, value);
    if (offset == NVME_CC)
        return write_config(nvme, value);
    if (!(nvme->config & CC_EN))
        write_admin(nvme, offset, value);
    return false;
}

bool nvme_write(struct nvme *nvme, uint32_t offset, unsigned size, uint64_t value) {
    if (size < 4)
        return false;
    bool work = write_register(nvme, offset, low(value));
    if (size == 8)
        work |= write_register(nvme, offset + 4, high(value));
    return work;
}
