/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Channels and notification words. May be called on any core, with interrupts off, from calls and
 * from interrupts; never blocks. A thread that waits is woken; one in its guest leaves it; on
 * another core an inter-processor interrupt does it.
 */
#pragma once

#include "abi/base.h"

void channel_signal(uint32_t channel);             /* an index of the plan, or BH_NONE: nothing */
void channel_signal_life(uint32_t compartment);    /* all channels whose life_of it is */
