/* SPDX-License-Identifier: BSD-2-Clause */
/* NMIs and machine checks: errors that the platform or a device tells of at any instruction. */
#pragma once

#include <stdint.h>

void machine_check_install_core(void);
/* At any instruction: counts, and stops the machine when this core can't go on at `rip`. */
void machine_check_note(uint64_t vector, uint64_t rip);
/* Where logging is allowed: tells what was counted, once a second at most. */
void machine_check_tell(void);
