/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets per period. Times are ticks; a period is never zero (the plan check sees to it). */
#include "core/budget.h"

void budget_set(struct budget *budget, uint64_t amount, uint64_t period, uint64_t now)
{
    budget->amount = amount;
    budget->period = period;
    budget->left = amount;
    budget->renew_at = now + period;
}

bool budget_limited(const struct budget *budget)
{
    return budget->amount < budget->period;
}

bool budget_charge(struct budget *budget, uint64_t used)
{
    if (!budget_limited(budget))
        return false;
    budget->left = used < budget->left ? budget->left - used : 0;
    return budget->left == 0;
}

void budget_renew(struct budget *budget, uint64_t now)
{
    if (now < budget->renew_at)
        return;
    budget->left = budget->amount;
    budget->renew_at += ((now - budget->renew_at) / budget->period + 1) * budget->period;
}
