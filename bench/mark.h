/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marks: long no-operations that the counting plugin (bench/count.c) recognises while QEMU translates
 * them. A mark costs one instruction in any mode and any privilege, nested guests included, and needs
 * no channel to the outside. Included by what is measured, on Linux and on Bulkhead alike; touches and
 * trusts nothing.
 *
 * A measurement is BATCHES times MARK_BEGIN(id), ROUNDS operations, MARK_END(id); bench/bench.py knows
 * these numbers too.
 */
#ifndef BULKHEAD_BENCH_MARK_H
#define BULKHEAD_BENCH_MARK_H

#define MARK_MAGIC 0x42480000  /* upper half of the displacement of NOPL disp32(%rax) */
#define MARK_IS_END 0x8000

enum mark_id {
    MARK_EMPTY          = 0,   /* nothing between the marks: what the marks themselves cost */
    MARK_CPUID          = 1,
    MARK_PORT           = 2,   /* a PCI configuration read by ports: two exits to a device model */
    MARK_SIGNAL         = 3,   /* a signal and one back: two wake-ups, one core */
    MARK_SIGNAL_ACROSS  = 4,   /* the same on two cores */
    MARK_FUTEX          = 5,   /* as MARK_SIGNAL with a futex */
    MARK_FUTEX_ACROSS   = 6,
    MARK_INTERRUPT      = 7,   /* one: from the store that raises it to the waiter's next instruction */
    MARK_INTERRUPT_LOOP = 8,   /* many: raise, wake up, acknowledge, wait again */
    MARK_SEND_64        = 9,   /* UDP to the outside: IP packets of 64 bytes */
    MARK_SEND_1500      = 10,
    MARK_ECHO_64        = 11,  /* ICMP echo there and back, 16 under way */
    MARK_ECHO_1500      = 12,
    MARK_PING_64        = 13,  /* ICMP echo there and back, one under way */
    MARK_PING_1500      = 14,
    MARK_READ_4K        = 15,  /* disk requests of 4 KiB, one under way */
    MARK_READ_4K_16     = 16,  /* 16 under way */
    MARK_READ_128K      = 17,
    MARK_READ_128K_16   = 18,
    MARK_WRITE_4K       = 19,
    MARK_WRITE_4K_16    = 20,
    MARK_WRITE_128K     = 21,
    MARK_WRITE_128K_16  = 22,
};

#define MARK(number) __asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t.long %c0" \
                                      : : "i"(MARK_MAGIC | (number)) : "memory")
#define MARK_BEGIN(id) MARK(id)
#define MARK_END(id)   MARK((id) | MARK_IS_END)

#define BATCHES 3       /* the figure is the median */
#define ROUNDS  512     /* operations in a batch */

#define MEASURE(id, round) do {                                     \
        for (int batch_ = 0; batch_ < BATCHES; batch_++) {          \
            MARK_BEGIN(id);                                         \
            for (int round_ = 0; round_ < ROUNDS; round_++)         \
                round;                                              \
            MARK_END(id);                                           \
        }                                                           \
    } while (0)

#endif
