/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop (lib/service/service.h). Touches the calling thread's notification word only. */
#include "lib/service/service.h"

#include <stddef.h>

#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/start/start.h"

enum { HANDLERS = 64 };

static struct {
    service_handler *handler;
    void *context;
    uint64_t bits;
} handlers[HANDLERS];

static unsigned handler_count;

void service_on(uint64_t bits, service_handler *handler, void *context) {
    if (handler_count == HANDLERS)
        program_stop("service: more than %u event handlers", (unsigned)HANDLERS);
    handlers[handler_count].bits = bits;
    handlers[handler_count].handler = handler;
    handlers[handler_count].context = context;
    handler_count++;
}

static void dispatch(uint64_t bits, uint64_t log) {
    for (unsigned i = 0; i < handler_count && bits != 0; i++) {
        if ((handlers[i].bits & bits) != 0)
            handlers[i].handler(handlers[i].context);
    }
    if ((bits & log) != 0)
        log_poll();
}

/* The earlier bits are handled by a turn of `more`, which looks at everything. */
static uint64_t next_deadline(const struct service_program *program, bool settled) {
    if (!settled)
        return 0;
    return program->deadline == NULL ? BH_FOREVER : program->deadline();
}

_Noreturn void service_run(const struct service_program *program) {
    uint64_t log = log_bits();
    uint64_t bits;

    program_ready();
    for (;;) {
        uint32_t notify = BH_NONE;
        bool settled = program->settle == NULL || program->settle(&notify);
        uint64_t deadline = next_deadline(program, settled);

        if (notify == BH_NONE)
            call_wait(deadline, &bits);
        else
            call_notify_wait(notify, deadline, &bits);
        dispatch(bits, log);
        if (program->more != NULL)
            program->more();
    }
}
