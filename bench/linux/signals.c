/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes that wake each other up in turn: by eventfd, whose counter collects what arrives as a
 * notification word does, and by futex, the barest that Linux has. A round is two wake-ups and two
 * sleeps. Touches its own child only; trusts Linux.
 */
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/linux/measure.h"

#define WARM_UP 64

struct pair {
    int event[2];
    _Atomic uint32_t *word;    /* two, shared */
};

static void pin(int core) {
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof(set), &set))
        fail("sched_setaffinity");
}

static void event_signal(const struct pair *pair, int to) {
    uint64_t one = 1;

    if (write(pair->event[to], &one, sizeof(one)) != sizeof(one))
        fail("eventfd write");
}

static void event_wait(const struct pair *pair, int from) {
    uint64_t count;

    if (read(pair->event[from], &count, sizeof(count)) != sizeof(count))
        fail("eventfd read");
}

static void futex_signal(const struct pair *pair, int to) {
    pair->word[to] = 1;
    syscall(SYS_futex, &pair->word[to], FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_wait(const struct pair *pair, int from) {
    while (!pair->word[from])
        syscall(SYS_futex, &pair->word[from], FUTEX_WAIT, 0, NULL, NULL, 0);
    pair->word[from] = 0;
}

static struct pair make_pair(void) {
    struct pair pair;

    pair.event[0] = eventfd(0, 0);
    pair.event[1] = eventfd(0, 0);
    pair.word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pair.event[0] < 0 || pair.event[1] < 0 || pair.word == MAP_FAILED)
        fail("pair");
    return pair;
}

static void event_answer(const struct pair *pair) {
    for (;;) {
        event_wait(pair, 1);
        event_signal(pair, 0);
    }
}

static void event_ask(const struct pair *pair) {
    event_signal(pair, 1);
    event_wait(pair, 0);
}

static void futex_answer(const struct pair *pair) {
    for (;;) {
        futex_wait(pair, 1);
        futex_signal(pair, 0);
    }
}

static void futex_ask(const struct pair *pair) {
    futex_signal(pair, 1);
    futex_wait(pair, 0);
}

static pid_t start_answerer(const struct pair *pair, void (*answer)(const struct pair *),
                            int core) {
    pid_t child = fork();

    if (child < 0)
        fail("fork");
    if (child == 0) {
        pin(core);
        answer(pair);
    }
    pin(0);
    return child;
}

static void stop_answerer(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

void measure_signal(const char *argument) {
    struct pair pair = make_pair();
    int across = !strcmp(argument, "across");
    pid_t child = start_answerer(&pair, event_answer, across);

    for (int i = 0; i < WARM_UP; i++)
        event_ask(&pair);
    if (across)
        MEASURE(MARK_SIGNAL_ACROSS, event_ask(&pair));
    else
        MEASURE(MARK_SIGNAL, event_ask(&pair));
    stop_answerer(child);
}

void measure_futex(const char *argument) {
    struct pair pair = make_pair();
    int across = !strcmp(argument, "across");
    pid_t child = start_answerer(&pair, futex_answer, across);

    for (int i = 0; i < WARM_UP; i++)
        futex_ask(&pair);
    if (across)
        MEASURE(MARK_FUTEX_ACROSS, futex_ask(&pair));
    else
        MEASURE(MARK_FUTEX, futex_ask(&pair));
    stop_answerer(child);
}
