/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile block multiplexer behind a disk model: what it says comes from the fuzzer's input. What
 * it gets must be a request within the biggest disk that it ever told of, and what a list names must be
 * guest RAM; else it aborts.
 */
#ifndef BULKHEAD_TESTS_FUZZ_HOSTILE_MUX_H
#define BULKHEAD_TESTS_FUZZ_HOSTILE_MUX_H

#include "tests/fuzz/input.h"
#include "tests/unit/mux_fake.h"

void hostile_mux_begin(void);
void hostile_mux_announce(uint64_t sectors, uint16_t flags);
void hostile_mux_answer(struct input *in);   /* to a request that is under way, or to none */
void hostile_mux_speak(struct input *in);    /* any message */
void hostile_mux_lie(struct input *in);      /* breaks the ring's rules */
void hostile_mux_answer_all(void);

/* A vCPU's thread hears of answers; then turns of the I/O thread until there is nothing more to do,
 * which is in fewer than so many, as nobody else acts meanwhile; then what the multiplexer got. */
void hostile_mux_run(unsigned turns);

bool hostile_mux_lied(void);

#endif
