/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's processor time: `amount` ticks in every `period` (a deferrable server: what isn't used
 * is lost at the period's end). Pure. Times are ticks; the plan check sees to 0 < amount <= period.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct budget {
    uint64_t amount;
    uint64_t period;                   /* equal to amount: no limit */
    uint64_t left;
    uint64_t renew_at;                 /* start of the next period */
};

static inline bool budget_limited(const struct budget *budget) {
    return budget->amount < budget->period;
}

/* A new period, when one has begun. */
static inline void budget_renew(struct budget *budget, uint64_t now) {
    if (now < budget->renew_at)
        return;
    budget->left = budget->amount;
    budget->renew_at += ((now - budget->renew_at) / budget->period + 1) * budget->period;
}

/* Takes what was used up to now. True: nothing is left until renew_at. */
static inline bool budget_charge(struct budget *budget, uint64_t used, uint64_t now) {
    if (!budget_limited(budget))
        return false;
    budget_renew(budget, now);
    budget->left = used < budget->left ? budget->left - used : 0;
    return budget->left == 0;
}
