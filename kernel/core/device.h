/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices as the plan names them: found, confined, quiesced, reset. No work here is unbounded: what
 * must wait says until when and is called again.
 */
#pragma once

#include "abi/call.h"
#include "abi/plan.h"

#include "core/address.h"

/* Boot, in this order: find every function and turn its bus mastering off; (the IOMMU denies all);
 * match the plan's devices, isolation groups, BARs. */
void device_discover(void);
void device_install(void);                    /* before region_install: BARs are known after it */

/* Where a BH_REGION_BAR lies; stops the boot when its pages aren't all the BAR's, or hold what
 * their owner may not reach (the MSI-X table and its PBA, other registers). */
paddr_t device_bar_place(const struct bh_plan_region *region);

enum bh_status device_control(uint32_t device, enum bh_device_operation operation);
enum bh_status device_read(uint32_t device, enum bh_device_value what, uint64_t argument,
                           uint64_t *value);

/* The reset ladder in bounded steps: bus mastering off, function-level reset or next rung,
 * transactions drained, interrupts masked and entries invalidated, space invalidated. Call
 * device_reset_start, then device_reset_step until it is done (true); not before *again_at. */
void device_reset_start(uint32_t device);
bool device_reset_step(uint32_t device, uint64_t *again_at);
void device_release(uint32_t device);         /* its owner starts: space attached, ready for use */

/* A fault of the IOMMU, attributed: counts, logs within the rate limit, blocks after the limit. */
struct device_fault {
    uint32_t requester_id;
    uint64_t address;       /* IOVA; for interrupt faults the entry's index */
    uint32_t reason;        /* the unit's own code */
    bool     write;
    bool     interrupt;     /* interrupt remapping fault */
    const char *reason_text;
};
void device_fault(const struct device_fault *fault);
void device_tell_errors(void);                /* logs who signalled an error of its bus since */
