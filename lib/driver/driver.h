/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What drivers share: their device by name, its named operations, interrupts as service handlers.
 */
#ifndef BULKHEAD_LIB_DRIVER_H
#define BULKHEAD_LIB_DRIVER_H

#include "lib/manifest/manifest.h"
#include "lib/service/service.h"

/* Calls `handler` when the interrupt came. */
void driver_on_interrupt(const char *name, service_handler *handler, void *context);

/* Resets the device by the kernel's ladder, then lets it master the bus. False: it couldn't; the
 * reason is on the log. */
bool driver_take_device(const char *name);

/* Without the reset, for a driver that has another one: the kernel's would take away a function's
 * virtual functions for a while. (After a crash the kernel has done it before the driver starts.) */
bool driver_use_device(const char *name);

/* What the device `name` is to be told of one of our regions that it reaches: the region's address in
 * the device's space, or, for an unsafe device without IOMMU, in physical memory. */
uint64_t driver_address(const char *name, const struct bh_manifest_entry *region);

#endif
