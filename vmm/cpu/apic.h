/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's local APIC: xAPIC page and x2APIC registers, the timer, interrupts on their way to the
 * vCPU. All of it belongs to the vCPU's own thread, but for `request`, `level`, `signals` and
 * `posted`: other threads set bits there (apic_post, apic_signal) and the owner collects them.
 * Pure: time comes as an argument (the guest's TSC), messages to others go out as a result.
 *
 * References: Intel SDM volume 3A, chapter 11 (local APIC); AMD APM volume 2, chapter 16.
 */
#ifndef VMM_APIC_H
#define VMM_APIC_H

#include <stdbool.h>
#include <stdint.h>

#define APIC_PAGE 0xfee00000ull
#define APIC_WORDS 8u                /* 256 vectors */
#define APIC_NO_VECTOR (-1)

enum apic_register {                 /* xAPIC offset / 16 = x2APIC MSR - 0x800 */
    APIC_ID = 0x02, APIC_VERSION = 0x03, APIC_TPR = 0x08, APIC_APR = 0x09, APIC_PPR = 0x0a,
    APIC_EOI = 0x0b, APIC_LDR = 0x0d, APIC_DFR = 0x0e, APIC_SVR = 0x0f, APIC_ISR = 0x10,
    APIC_TMR = 0x18, APIC_IRR = 0x20, APIC_ESR = 0x28, APIC_ICR = 0x30, APIC_ICR_HIGH = 0x31,
    APIC_LVT_TIMER = 0x32, APIC_LVT_ERROR = 0x37, APIC_INITIAL_COUNT = 0x38,
    APIC_CURRENT_COUNT = 0x39, APIC_DIVIDE = 0x3e, APIC_SELF_IPI = 0x3f, APIC_REGISTERS = 0x40,
};

enum apic_base {                     /* IA32_APIC_BASE */
    APIC_BASE_BSP    = 1u << 8,
    APIC_BASE_X2     = 1u << 10,
    APIC_BASE_ENABLE = 1u << 11,
};

enum apic_delivery {
    APIC_FIXED = 0, APIC_LOWEST = 1, APIC_SMI = 2, APIC_NMI = 4, APIC_INIT = 5, APIC_STARTUP = 6,
    APIC_EXTERNAL = 7,
};

enum apic_shorthand { APIC_NONE = 0, APIC_SELF = 1, APIC_ALL = 2, APIC_OTHERS = 3 };

enum apic_signal {
    APIC_SIGNAL_INIT    = 1u << 0,
    APIC_SIGNAL_STARTUP = 1u << 1,
    APIC_SIGNAL_NMI     = 1u << 2,
};

/* An interrupt message: by ICR, by the I/O APIC or by an MSI write. */
struct apic_message {
    uint32_t destination;
    uint8_t  shorthand;              /* enum apic_shorthand */
    uint8_t  delivery;               /* enum apic_delivery */
    uint8_t  vector;
    bool     logical;
    bool     level;                  /* level-triggered */
    bool     deassert;               /* INIT level de-assert: nothing happens */
    bool     wide;                   /* 32-bit destination: x2APIC's */
};

struct apic {
    /* The owner's. */
    uint64_t base;                   /* IA32_APIC_BASE */
    uint32_t id;
    uint32_t tpr;
    uint32_t svr;
    uint32_t esr;
    uint32_t esr_pending;
    uint32_t lvt[6];                 /* timer, thermal, performance, LINT0, LINT1, error */
    uint32_t icr_low;
    uint32_t icr_high;
    uint32_t initial_count;
    uint32_t divide;
    uint32_t irr[APIC_WORDS];
    uint32_t waiting;                /* bit n: irr[n] isn't zero */
    uint32_t isr[APIC_WORDS];
    uint32_t serving;                /* bit n: isr[n] isn't zero */
    uint32_t tmr[APIC_WORDS];
    uint64_t timer_at;               /* guest TSC when the timer fires; 0: off */
    uint64_t timer_period;           /* TSC ticks; 0: one-shot or deadline */
    /* Read by other threads to route messages; written by the owner. */
    uint32_t ldr;
    uint32_t dfr;
    /* Set by other threads, collected by the owner. */
    uint32_t request[APIC_WORDS];
    uint32_t level[APIC_WORDS];
    uint32_t signals;                /* enum apic_signal */
    uint32_t startup_vector;
    uint32_t posted;                 /* what of the above may be set: request[n], signals */
};

void apic_reset(struct apic *apic, uint32_t id);
/* INIT keeps the id and the base register. */
void apic_init_signal(struct apic *apic);

/* From any thread. true: the owner has to be woken. */
bool apic_post(struct apic *apic, uint8_t vector, bool level);
bool apic_signal(struct apic *apic, enum apic_signal signal, uint8_t vector);

/* By the owner: the same as a post that it collects. */
void apic_raise(struct apic *apic, uint8_t vector, bool level);

/* By the owner: takes what was posted into the IRR; answers the signals. */
uint32_t apic_collect(struct apic *apic);

/* Highest interrupt that may be delivered now, or APIC_NO_VECTOR; take moves it into service, give
 * back out of it, as if it had never been taken. */
int apic_next(const struct apic *apic);
void apic_take(struct apic *apic, uint8_t vector);
void apic_give_back(struct apic *apic, uint8_t vector);

/* Whether the interrupt in service may end without anybody being told: it is the only one, so that
 * none other can be meant, edge-triggered, and no other one waits for its end. */
bool apic_may_end_silently(const struct apic *apic);
void apic_end_silently(struct apic *apic);

/* Whether LINT0 takes an 8259's interrupts: as ExtINT, or because the APIC is switched off. */
bool apic_takes_external(const struct apic *apic);

/* Fires the timer when its time has come. */
void apic_timer_poll(struct apic *apic, uint64_t now);
void apic_set_deadline(struct apic *apic, uint64_t at, uint64_t now);
uint64_t apic_deadline(const struct apic *apic);

/* What a register write asks of the rest of the machine. */
struct apic_effect {
    bool send;                       /* `message` goes out */
    bool broadcast_eoi;              /* a level-triggered `vector` ended */
    uint8_t vector;
    struct apic_message message;
};

/* Register access by number (enum apic_register); false: no such register in this mode, or
 * reserved bits (a #GP in x2APIC mode, ignored by the xAPIC page). */
bool apic_read(const struct apic *apic, unsigned reg, uint64_t now, uint64_t *value);
bool apic_write(struct apic *apic, unsigned reg, uint64_t value, uint64_t now,
                struct apic_effect *effect);

/* IA32_APIC_BASE; false: #GP. */
bool apic_set_base(struct apic *apic, uint64_t value);

bool apic_is_x2(const struct apic *apic);

/* Whether this APIC is among the destinations of a message without shorthand. Any thread. */
bool apic_matches(const struct apic *apic, const struct apic_message *message);

#endif
