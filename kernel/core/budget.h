/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread's processor time: `amount` ticks in every `period` (a deferrable server: what isn't used
 * is lost at the period's end). Pure.
 */
#ifndef KERNEL_CORE_BUDGET_H
#define KERNEL_CORE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
    uint64_t amount;
    uint64_t period;                   /* equal to amount: no limit */
    uint64_t left;
    uint64_t renew_at;                 /* start of the next period */
};

void budget_set(struct budget *budget, uint64_t amount, uint64_t period, uint64_t now);
bool budget_charge(struct budget *budget, uint64_t used);      /* true: it has run out */
void budget_renew(struct budget *budget, uint64_t now);        /* when a period has begun since */
bool budget_limited(const struct budget *budget);

#endif
