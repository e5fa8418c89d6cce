/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's messages (lib/log/log.h). Lines wait in `kept` and go to the log stream when it has
 * room. A try-lock instead of a lock, so that a low thread never holds up a high one: a thread that
 * finds another one logging puts its line aside, and the other takes it from there. Only a line that
 * finds that place taken, too, is lost.
 */
#include "lib/log/log.h"

#include "lib/c/format.h"
#include "lib/c/string.h"
#include "lib/manifest/manifest.h"
#include "lib/stream/stream.h"
#include "lib/time/time.h"

static struct {
    const struct bh_manifest_entry *link;
    struct ring ring;
    char     kept[LOG_KEPT];
    uint32_t length;
    uint32_t lost;
    uint32_t busy;
} journal;

enum aside_state { ASIDE_EMPTY, ASIDE_FILLING, ASIDE_FULL };
enum { ASIDE_TURNS = 4 };              /* lines of others that one thread passes on at a time */

/* One line, from whoever didn't get the journal. */
static struct {
    uint32_t state;                    /* enum aside_state */
    uint32_t length;
    char     line[LOG_LINE];
} aside;

void log_start(void) {
    journal.link = manifest_find(BH_ENTRY_LINK, "log");
    if (journal.link != NULL)
        stream_open(&journal.ring, journal.link, time_generation());
}

uint64_t log_bits(void) {
    return journal.link == NULL ? 0 : journal.link->bits | journal.link->link.life_bits;
}

static bool enter(void) {
    return __atomic_exchange_n(&journal.busy, 1, __ATOMIC_SEQ_CST) == 0;
}

static void leave(void) {
    __atomic_store_n(&journal.busy, 0, __ATOMIC_SEQ_CST);
}

static void pass_on(void) {
    uint32_t taken;

    if (journal.link == NULL)
        return;
    stream_check(&journal.ring);
    if (journal.length == 0)
        return;
    taken = stream_write(&journal.ring, journal.kept, journal.length);
    memmove(journal.kept, journal.kept + taken, journal.length - taken);
    journal.length -= taken;
    stream_flush(&journal.ring);
    if (journal.length > 0)
        stream_await_space(&journal.ring);
}

static void keep(const char *text, size_t length) {
    memcpy(journal.kept + journal.length, text, length);
    journal.length += (uint32_t)length;
}

/* Room for a whole line and for the line that tells how many were lost, or nothing. */
static void keep_line(const char *line, size_t length) {
    char notice[48];
    bool fits = journal.length + length + 1 + sizeof(notice) <= sizeof(journal.kept);

    if (!fits) {
        __atomic_fetch_add(&journal.lost, 1, __ATOMIC_RELAXED);
        return;
    }
    if (__atomic_load_n(&journal.lost, __ATOMIC_RELAXED) > 0) {
        uint32_t lost = __atomic_exchange_n(&journal.lost, 0, __ATOMIC_RELAXED);

        keep(notice, format_text(notice, sizeof(notice), "(%u lines lost)\n", lost));
    }
    keep(line, length);
    keep("\n", 1);
}

static bool aside_is_full(void) {
    return __atomic_load_n(&aside.state, __ATOMIC_SEQ_CST) == ASIDE_FULL;
}

static void put_aside(const char *line, size_t length) {
    uint32_t expected = ASIDE_EMPTY;

    if (length > sizeof(aside.line) ||
        !__atomic_compare_exchange_n(&aside.state, &expected, ASIDE_FILLING, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        __atomic_fetch_add(&journal.lost, 1, __ATOMIC_RELAXED);
        return;
    }
    memcpy(aside.line, line, length);
    aside.length = (uint32_t)length;
    __atomic_store_n(&aside.state, ASIDE_FULL, __ATOMIC_SEQ_CST);
}

/* Needs the journal. */
static void take_aside(void) {
    if (!aside_is_full())
        return;
    keep_line(aside.line, aside.length);
    __atomic_store_n(&aside.state, ASIDE_EMPTY, __ATOMIC_SEQ_CST);
}

/* Whoever puts a line aside looks for the journal afterwards, whoever leaves the journal looks aside
 * afterwards: one of them sees the other, and no line stays behind. */
static void pass_aside(void) {
    for (unsigned i = 0; i < ASIDE_TURNS && aside_is_full() && enter(); i++) {
        take_aside();
        pass_on();
        leave();
    }
}

void log_poll(void) {
    if (enter()) {
        take_aside();
        pass_on();
        leave();
    }
    pass_aside();
}

static void log_text(const char *line, size_t length) {
    if (enter()) {
        keep_line(line, length);
        pass_on();
        leave();
    } else {
        put_aside(line, length);
    }
    pass_aside();
}

void log_line(const char *format, ...) {
    char line[LOG_LINE];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = format_text_v(line, sizeof(line), format, arguments);
    va_end(arguments);
    log_text(line, length);
}

void log_last_words(const char *line) {
    uint64_t bits;

    log_text(line, strlen(line));
    for (unsigned i = 0; i < 50 && journal.link != NULL && journal.length > 0; i++) {
        call_wait(time_after_ms(10), &bits);
        log_poll();
    }
}
