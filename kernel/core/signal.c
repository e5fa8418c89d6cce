/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels: the plan says whose word and which bits. */
#include "core/signal.h"

#include "core/plan.h"
#include "core/thread.h"

void channel_signal(uint32_t channel) {
    if (channel != BH_NONE)
        thread_notify(plan_channel(channel)->thread, plan_channel(channel)->bits);
}

void channel_signal_life(uint32_t compartment) {
    for (uint32_t i = 0; i < plan_count(BH_TABLE_CHANNEL); i++)
        if (plan_channel(i)->life_of == compartment)
            channel_signal(i);
}
