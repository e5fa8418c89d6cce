/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start and end of a program (lib/start/start.h). Runs once a thread; touches the manifest and the
 * log link.
 */
#include "lib/start/start.h"

#include <stdarg.h>

#include "lib/c/format.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/time/time.h"

void program_start(uint32_t number, const struct bh_manifest *manifest);

static uint32_t ready;

void program_ready(void) {
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
}

/* Threads other than 0 look again every million ticks: it happens once a life, and a thread that
 * nobody signals yet has nobody to wait for. The manifest, which knows the clock, isn't ready. */
static void await_ready(void) {
    uint64_t bits;

    while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) == 0)
        call_wait(time_now() + 1000000, &bits);
}

__attribute__((weak)) void thread_main(uint32_t number) {
    (void)number;
}

static _Noreturn void rest(void) {
    uint64_t bits;

    for (;;)
        call_wait(BH_FOREVER, &bits);
}

static void fault(void) {
    __asm__ volatile("ud2");
}

_Noreturn void program_stop(const char *format, ...) {
    char line[LOG_LINE];
    va_list arguments;

    va_start(arguments, format);
    format_text_v(line, sizeof(line), format, arguments);
    va_end(arguments);
    log_last_words(line);
    for (;;)
        fault();
}

void program_start(uint32_t number, const struct bh_manifest *manifest) {
    if (number == 0) {
        manifest_start(manifest);
        log_start();
        main();
        program_ready();
    } else {
        await_ready();
        thread_main(number);
    }
    rest();
}
