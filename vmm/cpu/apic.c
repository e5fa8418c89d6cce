/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC's registers and timer. The guest writes anything; reserved values are refused or
 * ignored, and nothing here reaches beyond the APIC's own state.
 */
#include "vmm/cpu/apic.h"

enum {
    SVR_ENABLE = 1u << 8,
    LVT_MASKED = 1u << 16,
    LVT_DELIVERY = 7u << 8,
    LVT_VECTOR = 0xff,
    LVT_MODE = 3u << 17,
    LVT_PERIODIC = 1u << 17,
    LVT_DEADLINE = 2u << 17,
    LVT_WRITABLE = 0x000717ff,       /* vector, mode, mask, timer mode */
    ESR_ILLEGAL_SEND = 1u << 5,
    ESR_ILLEGAL_RECEIVE = 1u << 6,
    VERSION = 0x00050014,            /* six LVT entries, version 0x14 */
    FIRST_VECTOR = 16,
    LVT_TIMER = 0, LVT_LINT0 = 3, LVT_ERROR = 5,
};

/* In `posted`, above a bit for each word of `request`. */
#define POSTED_SIGNAL (1u << APIC_WORDS)

#define MINIMUM_PERIOD 20000ull      /* TSC ticks: a guest can't make us spin with its timer */

static uint32_t vector_bit(uint8_t vector) { return 1u << (vector % 32); }
static unsigned vector_word(uint8_t vector) { return vector / 32u; }

void apic_reset(struct apic *apic, uint32_t id) {
    *apic = (struct apic){ .id = id, .base = APIC_PAGE | APIC_BASE_ENABLE };
    if (id == 0)
        apic->base |= APIC_BASE_BSP;
    apic_init_signal(apic);
}

void apic_init_signal(struct apic *apic) {
    apic->tpr = 0;
    apic->svr = 0xff;
    apic->esr = apic->esr_pending = 0;
    apic->icr_low = apic->icr_high = 0;
    apic->initial_count = apic->divide = 0;
    apic->timer_at = apic->timer_period = 0;
    apic->dfr = 0xffffffff;
    apic->ldr = apic_is_x2(apic) ? (apic->id >> 4) << 16 | 1u << (apic->id % 16) : 0;
    for (unsigned i = 0; i < 6; i++)
        apic->lvt[i] = LVT_MASKED;
    for (unsigned i = 0; i < APIC_WORDS; i++)
        apic->irr[i] = apic->isr[i] = apic->tmr[i] = 0;
    apic->waiting = apic->serving = 0;
}

bool apic_is_x2(const struct apic *apic) {
    return (__atomic_load_n(&apic->base, __ATOMIC_RELAXED) & APIC_BASE_X2) != 0;
}

/* ---- Messages from other threads ---- */

/* `bit` of what the owner has to look at. Nobody else posted anything: it has to be woken. */
static bool mark_posted(struct apic *apic, uint32_t bit) {
    return __atomic_fetch_or(&apic->posted, bit, __ATOMIC_SEQ_CST) == 0;
}

bool apic_post(struct apic *apic, uint8_t vector, bool level) {
    uint32_t bit = vector_bit(vector);
    unsigned word = vector_word(vector);
    if (level)
        __atomic_fetch_or(&apic->level[word], bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&apic->level[word], ~bit, __ATOMIC_RELAXED);
    __atomic_fetch_or(&apic->request[word], bit, __ATOMIC_RELEASE);
    return mark_posted(apic, 1u << word);
}

bool apic_signal(struct apic *apic, enum apic_signal signal, uint8_t vector) {
    if (signal == APIC_SIGNAL_STARTUP)
        __atomic_store_n(&apic->startup_vector, vector, __ATOMIC_RELAXED);
    __atomic_fetch_or(&apic->signals, signal, __ATOMIC_RELEASE);
    return mark_posted(apic, POSTED_SIGNAL);
}

void apic_raise(struct apic *apic, uint8_t vector, bool level) {
    uint32_t bit = vector_bit(vector);
    unsigned word = vector_word(vector);
    apic->irr[word] |= bit;
    apic->waiting |= 1u << word;
    apic->tmr[word] = level ? apic->tmr[word] | bit : apic->tmr[word] & ~bit;
}

static void collect_word(struct apic *apic, unsigned word) {
    uint32_t bits = __atomic_exchange_n(&apic->request[word], 0, __ATOMIC_ACQUIRE);
    if (bits == 0)
        return;
    uint32_t level = __atomic_load_n(&apic->level[word], __ATOMIC_RELAXED);
    apic->irr[word] |= bits;
    apic->waiting |= 1u << word;
    apic->tmr[word] = (apic->tmr[word] & ~bits) | (level & bits);
}

uint32_t apic_collect(struct apic *apic) {
    if (__atomic_load_n(&apic->posted, __ATOMIC_RELAXED) == 0)
        return 0;
    uint32_t posted = __atomic_exchange_n(&apic->posted, 0, __ATOMIC_SEQ_CST);
    for (uint32_t words = posted & (POSTED_SIGNAL - 1); words != 0; words &= words - 1)
        collect_word(apic, (unsigned)__builtin_ctz(words));
    if (!(posted & POSTED_SIGNAL))
        return 0;
    return __atomic_exchange_n(&apic->signals, 0, __ATOMIC_ACQUIRE);
}

/* ---- Priorities ---- */

/* The highest vector in `words`, of which those that aren't zero are in `used`. */
static int highest(const uint32_t words[APIC_WORDS], uint32_t used) {
    if (used == 0)
        return APIC_NO_VECTOR;
    int word = 31 - __builtin_clz(used);
    return word * 32 + 31 - __builtin_clz(words[word]);
}

static uint32_t processor_priority(const struct apic *apic) {
    int vector = highest(apic->isr, apic->serving);
    uint32_t serving = vector < 0 ? 0 : (uint32_t)vector & 0xf0;
    return (apic->tpr & 0xf0) >= serving ? apic->tpr : serving;
}

int apic_next(const struct apic *apic) {
    if (apic->waiting == 0 || !(apic->svr & SVR_ENABLE))
        return APIC_NO_VECTOR;
    int vector = highest(apic->irr, apic->waiting);
    return ((uint32_t)vector & 0xf0) > (processor_priority(apic) & 0xf0) ? vector : APIC_NO_VECTOR;
}

void apic_take(struct apic *apic, uint8_t vector) {
    unsigned word = vector_word(vector);
    apic->irr[word] &= ~vector_bit(vector);
    if (apic->irr[word] == 0)
        apic->waiting &= ~(1u << word);
    apic->isr[word] |= vector_bit(vector);
    apic->serving |= 1u << word;
}

static void leave_service(struct apic *apic, uint8_t vector) {
    unsigned word = vector_word(vector);
    apic->isr[word] &= ~vector_bit(vector);
    if (apic->isr[word] == 0)
        apic->serving &= ~(1u << word);
}

void apic_give_back(struct apic *apic, uint8_t vector) {
    unsigned word = vector_word(vector);
    leave_service(apic, vector);
    apic->irr[word] |= vector_bit(vector);
    apic->waiting |= 1u << word;
}

bool apic_takes_external(const struct apic *apic) {
    uint32_t line = apic->lvt[LVT_LINT0];
    bool off = !(apic->base & APIC_BASE_ENABLE);
    return off || (!(line & LVT_MASKED) && (line & LVT_DELIVERY) == APIC_EXTERNAL << 8);
}

static void end_of_interrupt(struct apic *apic, struct apic_effect *effect) {
    int vector = highest(apic->isr, apic->serving);
    if (vector < 0)
        return;
    leave_service(apic, (uint8_t)vector);
    effect->broadcast_eoi = (apic->tmr[vector_word((uint8_t)vector)] &
                             vector_bit((uint8_t)vector)) != 0;
    effect->vector = (uint8_t)vector;
}

void apic_end_silently(struct apic *apic) {
    int vector = highest(apic->isr, apic->serving);
    if (vector >= 0)
        leave_service(apic, (uint8_t)vector);
}

static bool is_single(uint32_t bits) { return bits != 0 && (bits & (bits - 1)) == 0; }

bool apic_may_end_silently(const struct apic *apic) {
    if (apic->waiting != 0 || !is_single(apic->serving))
        return false;
    unsigned word = (unsigned)__builtin_ctz(apic->serving);
    return is_single(apic->isr[word]) && !(apic->isr[word] & apic->tmr[word]);
}

static void raise_own(struct apic *apic, uint32_t vector) {
    if (vector < FIRST_VECTOR)
        apic->esr_pending |= ESR_ILLEGAL_RECEIVE;
    else
        apic_raise(apic, (uint8_t)vector, false);
}

/* ---- Timer ---- */

/* SDM 11.5.4: the divide configuration's bits 0, 1 and 3. */
static unsigned divide_shift(const struct apic *apic) {
    unsigned code = (apic->divide & 3) | (apic->divide & 8) >> 1;
    return (code + 1) % 8;
}

void apic_timer_poll(struct apic *apic, uint64_t now) {
    if (apic->timer_at == 0 || now < apic->timer_at)
        return;
    if (apic->timer_period == 0)
        apic->timer_at = 0;
    else if (now - apic->timer_at < apic->timer_period)
        apic->timer_at += apic->timer_period;
    else
        apic->timer_at = now + apic->timer_period;
    if (!(apic->lvt[LVT_TIMER] & LVT_MASKED))
        raise_own(apic, apic->lvt[LVT_TIMER] & LVT_VECTOR);
}

static bool deadline_mode(const struct apic *apic) {
    return (apic->lvt[LVT_TIMER] & LVT_MODE) == LVT_DEADLINE;
}

void apic_set_deadline(struct apic *apic, uint64_t at, uint64_t now) {
    if (!deadline_mode(apic))
        return;
    apic->timer_at = at;
    apic->timer_period = 0;
    apic_timer_poll(apic, now);
}

uint64_t apic_deadline(const struct apic *apic) {
    return deadline_mode(apic) ? apic->timer_at : 0;
}

static void start_count(struct apic *apic, uint32_t count, uint64_t now) {
    if (deadline_mode(apic))
        return;
    uint64_t ticks = (uint64_t)count << divide_shift(apic);
    bool periodic = (apic->lvt[LVT_TIMER] & LVT_MODE) == LVT_PERIODIC;
    if (periodic && ticks != 0 && ticks < MINIMUM_PERIOD)
        ticks = MINIMUM_PERIOD;
    apic->initial_count = count;
    apic->timer_at = count == 0 ? 0 : now + ticks;
    apic->timer_period = periodic ? ticks : 0;
}

static uint32_t current_count(const struct apic *apic, uint64_t now) {
    if (deadline_mode(apic) || apic->timer_at <= now)
        return 0;
    return (uint32_t)((apic->timer_at - now) >> divide_shift(apic));
}

static void write_timer_lvt(struct apic *apic, uint32_t value) {
    bool was_deadline = deadline_mode(apic);
    apic->lvt[LVT_TIMER] = value;
    if (was_deadline != deadline_mode(apic))
        apic->timer_at = apic->timer_period = 0;
}

/* ---- Registers ---- */

static bool is_lvt(unsigned reg) { return reg >= APIC_LVT_TIMER && reg <= APIC_LVT_ERROR; }

bool apic_read(const struct apic *apic, unsigned reg, uint64_t now, uint64_t *value) {
    bool x2 = apic_is_x2(apic);
    *value = 0;
    if (reg >= APIC_ISR && reg < APIC_ESR) {
        const uint32_t *words = reg < APIC_TMR ? apic->isr : reg < APIC_IRR ? apic->tmr : apic->irr;
        *value = words[reg % APIC_WORDS];
        return true;
    }
    if (is_lvt(reg)) {
        *value = apic->lvt[reg - APIC_LVT_TIMER];
        return true;
    }
    switch (reg) {
    case APIC_ID: *value = x2 ? apic->id : apic->id << 24; return true;
    case APIC_VERSION: *value = VERSION; return true;
    case APIC_TPR: *value = apic->tpr; return true;
    case APIC_APR: return !x2;
    case APIC_PPR: *value = processor_priority(apic); return true;
    case APIC_LDR: *value = apic->ldr; return true;
    case APIC_DFR: *value = apic->dfr; return !x2;
    case APIC_SVR: *value = apic->svr; return true;
    case APIC_ESR: *value = apic->esr; return true;
    case APIC_ICR: *value = apic->icr_low | (x2 ? (uint64_t)apic->icr_high << 32 : 0); return true;
    case APIC_ICR_HIGH: *value = apic->icr_high; return !x2;
    case APIC_INITIAL_COUNT: *value = apic->initial_count; return true;
    case APIC_CURRENT_COUNT: *value = current_count(apic, now); return true;
    case APIC_DIVIDE: *value = apic->divide; return true;
    default: return false;
    }
}

/* ICR fields: SDM 11.6.1. */
static void send_ipi(struct apic *apic, uint32_t low, struct apic_effect *effect) {
    bool x2 = apic_is_x2(apic);
    struct apic_message message = {
        .destination = x2 ? apic->icr_high : apic->icr_high >> 24,
        .shorthand = (low >> 18) & 3,
        .delivery = (low >> 8) & 7,
        .vector = low & 0xff,
        .logical = (low >> 11) & 1,
        .level = false,
        .wide = x2,
    };
    message.deassert = message.delivery == APIC_INIT && !((low >> 14) & 1) && ((low >> 15) & 1);
    apic->icr_low = low & ~(1u << 12);
    bool fixed = message.delivery == APIC_FIXED || message.delivery == APIC_LOWEST;
    if (fixed && message.vector < FIRST_VECTOR) {
        apic->esr_pending |= ESR_ILLEGAL_SEND;
        return;
    }
    effect->send = true;
    effect->message = message;
}

static void write_lvt(struct apic *apic, unsigned reg, uint32_t value) {
    value &= LVT_WRITABLE;
    if (!(apic->svr & SVR_ENABLE))
        value |= LVT_MASKED;
    if (reg == APIC_LVT_TIMER)
        write_timer_lvt(apic, value);
    else
        apic->lvt[reg - APIC_LVT_TIMER] = value;
}

static void write_svr(struct apic *apic, uint32_t value) {
    apic->svr = value & 0x1ff;
    if (apic->svr & SVR_ENABLE)
        return;
    for (unsigned i = 0; i < 6; i++)
        apic->lvt[i] |= LVT_MASKED;
}

bool apic_write(struct apic *apic, unsigned reg, uint64_t value, uint64_t now,
                struct apic_effect *effect) {
    bool x2 = apic_is_x2(apic);
    uint32_t low = (uint32_t)value;
    *effect = (struct apic_effect){ 0 };
    if (x2 && reg != APIC_ICR && value > 0xffffffff)
        return false;
    if (is_lvt(reg)) {
        write_lvt(apic, reg, low);
        return true;
    }
    switch (reg) {
    case APIC_ID: return !x2;
    case APIC_TPR: apic->tpr = low & 0xff; return !x2 || low < 0x100;
    case APIC_EOI: end_of_interrupt(apic, effect); return !x2 || low == 0;
    case APIC_LDR: apic->ldr = x2 ? apic->ldr : low & 0xff000000; return !x2;
    case APIC_DFR: apic->dfr = x2 ? apic->dfr : low | 0x0fffffff; return !x2;
    case APIC_SVR: write_svr(apic, low); return true;
    case APIC_ESR: apic->esr = apic->esr_pending; apic->esr_pending = 0; return !x2 || low == 0;
    case APIC_ICR:
        if (x2)
            apic->icr_high = (uint32_t)(value >> 32);
        send_ipi(apic, low, effect);
        return true;
    case APIC_ICR_HIGH: apic->icr_high = x2 ? apic->icr_high : low; return !x2;
    case APIC_INITIAL_COUNT: start_count(apic, low, now); return true;
    case APIC_DIVIDE: apic->divide = low & 0xb; return true;
    case APIC_SELF_IPI:
        if (x2)
            raise_own(apic, low & 0xff);
        return x2;
    default: return false;
    }
}

bool apic_set_base(struct apic *apic, uint64_t value) {
    uint64_t was = apic->base;
    bool moved = ((value ^ was) & ~(uint64_t)(APIC_BASE_X2 | APIC_BASE_ENABLE)) != 0;
    bool x2_disabled = (value & APIC_BASE_X2) && !(value & APIC_BASE_ENABLE);
    bool x2_to_x1 = (was & APIC_BASE_X2) && !(value & APIC_BASE_X2) && (value & APIC_BASE_ENABLE);
    if (moved || x2_disabled || x2_to_x1)
        return false;
    __atomic_store_n(&apic->base, value, __ATOMIC_RELAXED);
    if (!(was & APIC_BASE_X2) && (value & APIC_BASE_X2))
        apic->ldr = (apic->id >> 4) << 16 | 1u << (apic->id % 16);
    return true;
}

/* ---- Routing ---- */

static bool matches_logical(const struct apic *apic, const struct apic_message *message) {
    uint32_t ldr = __atomic_load_n(&apic->ldr, __ATOMIC_RELAXED);
    uint32_t want = message->destination;
    if (apic_is_x2(apic)) {
        if (!message->wide)
            return want == 0xff;
        return want == 0xffffffff || (want >> 16 == ldr >> 16 && (want & ldr & 0xffff) != 0);
    }
    uint32_t mine = ldr >> 24;
    bool flat = __atomic_load_n(&apic->dfr, __ATOMIC_RELAXED) >> 28 == 0xf;
    if (flat)
        return (want & mine) != 0;
    return (want >> 4 == mine >> 4 || want >> 4 == 0xf) && (want & mine & 0xf) != 0;
}

bool apic_matches(const struct apic *apic, const struct apic_message *message) {
    if (message->logical)
        return matches_logical(apic, message);
    uint32_t everybody = message->wide ? 0xffffffffu : 0xffu;
    return message->destination == everybody || message->destination == apic->id;
}
