/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NVMe controller's life: power-on, enabling and reset, the I/O thread's turn.
 */
#include "vmm/nvme/parts.h"

/* QEMU's controller, which no driver takes for one with faults of its own. */
enum { VENDOR = 0x1b36, DEVICE = 0x0010, CLASS_NVME = 0x010802 };

void nvme_create(struct nvme *nvme, const struct guest_memory *memory, uint32_t memory_base,
                 uint32_t number) {
    nvme->memory = memory;
    nvme->number = number;
    nvme->config = nvme->admin_sizes = 0;
    nvme->admin_sq = nvme->admin_cq = 0;
    pci_create(&nvme->pci, VENDOR, DEVICE, CLASS_NVME, DEVICE);
    pci_add_memory_bar(&nvme->pci, NVME_BAR, memory_base, NVME_BAR_SIZE);
    pci_add_msix(&nvme->pci, NVME_QUEUES, NVME_BAR, NVME_MSIX, NVME_PENDING);
    backend_create(&nvme->backend);
    nvme_reset(nvme);
}

void nvme_reset(struct nvme *nvme) {
    nvme_forget(nvme);
    nvme->status = 0;
    nvme->starting = nvme->deleting = nvme->armed = false;
    nvme->queues = nvme->done = 0;
    nvme->turn = 0;
    for (uint32_t i = 0; i < NVME_QUEUES; i++) {
        nvme->sq[i] = (struct nvme_sq){ 0 };
        nvme->cq[i] = (struct nvme_cq){ 0 };
    }
    nvme->doorbells = nvme->event_indexes = NULL;
    nvme->pci.msix_pending = 0;
    nvme_reset_features(nvme);
}

static bool open_admin_queues(struct nvme *nvme) {
    uint32_t sq_size = (nvme->admin_sizes & AQA_SIZE) + 1;
    uint32_t cq_size = (nvme->admin_sizes >> AQA_CQ_SHIFT & AQA_SIZE) + 1;
    bool aligned = nvme->admin_sq % NVME_PAGE == 0 && nvme->admin_cq % NVME_PAGE == 0;
    bool plain = (nvme->config & (CC_CSS | CC_MPS | CC_AMS)) == 0;
    if (!plain || !aligned || sq_size < 2 || cq_size < 2)
        return false;
    return nvme_open_cq(nvme, 0, nvme->admin_cq, cq_size) &&
           nvme_open_sq(nvme, 0, nvme->admin_sq, sq_size, 0);
}

void nvme_enable(struct nvme *nvme) {
    bool good = open_admin_queues(nvme);
    nvme->cq[0].interrupts = true;
    nvme->starting = good;
    nvme->status = good ? 0 : CSTS_CFS;
}

/* Whether commands may be looked at. */
static bool is_ready(const struct nvme *nvme) {
    return (nvme->status & CSTS_RDY) && pci_may_master(&nvme->pci);
}

/* Not before all is answered that was under way at the last reset. */
static void become_ready(struct nvme *nvme) {
    if (!nvme->backend.known || !backend_quiet(&nvme->backend))
        return;
    nvme->starting = false;
    nvme->status |= CSTS_RDY;
}

static void signal(struct nvme *nvme) {
    bool enabled = pci_msix_enabled(&nvme->pci);
    for (; nvme->done != 0; nvme->done &= nvme->done - 1) {
        const struct nvme_cq *cq = &nvme->cq[__builtin_ctz(nvme->done)];
        if (cq->interrupts && enabled)
            pci_msix_raise(&nvme->pci, cq->vector);
    }
}

static bool look(struct nvme *nvme, unsigned budget) {
    bool more = false;
    if (nvme->deleting || nvme_has_command(nvme, 0))
        more = nvme_run_admin(nvme, budget);
    return nvme_take_commands(nvme, budget) || more;
}

__attribute__((flatten))               /* all of it is done for every request */
bool nvme_run(struct nvme *nvme, unsigned budget, enum backend_turn turn, uint32_t *last) {
    bool more = false;
    if (!nvme->present)
        return false;
    bool ready = is_ready(nvme);
    if ((turn & BACKEND_REQUESTS) || !ready)
        nvme->armed = false;
    if (backend_hears(&nvme->backend, turn)) {
        backend_check(&nvme->backend);
        more = nvme_take_answers(nvme, budget, ready);
    }
    if (nvme->starting)
        become_ready(nvme);
    if (is_ready(nvme)) {
        if (!nvme->armed)
            more |= look(nvme, budget);
        if (nvme->events != 0)
            nvme_tell_events(nvme);
        signal(nvme);
    }
    backend_flush(&nvme->backend, last);
    return more;
}

/* While commands can't be taken, the guest's further ones needn't wake us. */
bool nvme_settle(struct nvme *nvme) {
    if (!nvme->present)
        return true;
    if (nvme->armed)
        return backend_settle(&nvme->backend, false);
    bool open = is_ready(nvme) && ring_up(&nvme->backend.link);
    if (open && backend_free(&nvme->backend) != BACKEND_SLOTS)
        return backend_settle(&nvme->backend, false) && nvme_arm(nvme);
    return backend_settle(&nvme->backend, open);
}
