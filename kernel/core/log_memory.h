/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the log goes, for whoever installs regions and starts programs. */
#pragma once

#include "core/address.h"

paddr_t log_memory(void);                      /* struct bh_log, page-aligned */
void log_to_programs(uint32_t log_channel);    /* programs own the serial port from now on */
