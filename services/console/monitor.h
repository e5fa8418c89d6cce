/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bulkhead's own monitor: commands typed at the overview. It shows the kernel's read-only counters
 * with the plan's names, and acts on what the manifest lets this program act on: supervised
 * compartments, modes, the machine. A command line is untrusted text.
 */
#ifndef BULKHEAD_SERVICES_CONSOLE_MONITOR_H
#define BULKHEAD_SERVICES_CONSOLE_MONITOR_H

#include "services/console/console.h"

/* Takes COUNTERS "counters" and MACHINE "machine" from the manifest. */
void monitor_start(void);

#endif
