/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers of threads in user mode, and the switch of a core to a thread's compartment: tables and
 * port bitmap. A bitmap is copied into the core's entry area only when another compartment's is
 * there; a compartment without ports gets a bitmap beyond the segment's limit, that is, no port.
 */
#include "core/context.h"

#include "abi/manifest.h"

#include "core/boot_memory.h"
#include "core/core.h"
#include "core/plan.h"
#include "core/space.h"
#include "core/string.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/entry_area.h"

#define NO_BITMAP    0xffffu
#define BITMAP_START sizeof(struct task_state)    /* it follows at once (x86/entry_area.h) */
#define INSTRUCTION_LIMIT 0x00007ffffffff000ull   /* processes end there (core/plan_rules.h) */

static struct context contexts[BH_MAX_THREADS];
static uint8_t *port_bitmap[BH_MAX_COMPARTMENTS];            /* null: no ports */
static const uint8_t *bitmap_of_core[BH_MAX_CORES];          /* which one is installed */

static void make_bitmap(uint32_t compartment) {
    paddr_t memory;

    if (port_bitmap[compartment] != NULL)
        return;
    memory = boot_memory_take(PORT_BITMAP_BYTES, BH_PAGE_SIZE, "a port bitmap");
    port_bitmap[compartment] = physical_at(memory, PORT_BITMAP_BYTES);
    memset(port_bitmap[compartment], plan_control(BH_PLAN_CONTROL_PORTS_OPEN) ? 0 : 0xff,
           PORT_BITMAP_BYTES);
}

void context_install(void) {
    for (uint32_t i = 0; i < plan_count(BH_TABLE_COMPARTMENT); i++)
        if (plan_control(BH_PLAN_CONTROL_PORTS_OPEN))
            make_bitmap(i);
    for (uint32_t i = 0; i < plan_count(BH_TABLE_PORT_RANGE); i++) {
        const struct bh_plan_port_range *r = plan_port_range(i);
        uint32_t owner = plan_device(r->device)->owner;
        make_bitmap(owner);
        for (uint32_t port = r->first; port < r->first + r->count; port++)
            port_bitmap[owner][port / 8] &= (uint8_t)~(1u << port % 8);
    }
}

void context_reset(uint32_t thread) {
    const struct bh_plan_thread *t = plan_thread(thread);
    struct context *c = &contexts[thread];

    memset(c, 0, sizeof *c);
    c->root = space_root(plan_compartment(t->compartment)->space).value;
    c->ports = port_bitmap[t->compartment];
    c->rip = t->entry;
    c->rflags = RFLAGS_RESERVED | RFLAGS_IF;
    c->gpr[BH_RSP] = t->stack;
    c->gpr[BH_RDI] = t->number;
    c->gpr[BH_RSI] = BH_MANIFEST_ADDRESS;
}

void context_answer(uint32_t thread, enum bh_status status, uint64_t value) {
    contexts[thread].gpr[BH_RAX] = (uint64_t)(int64_t)status;
    contexts[thread].gpr[BH_RDX] = value;
}

bool context_resumable(uint32_t thread) { return contexts[thread].rip < INSTRUCTION_LIMIT; }

static void use_ports(struct entry_area *area, const uint8_t *ports) {
    if (ports == NULL) {
        area->task_state.port_bitmap_offset = NO_BITMAP;
        return;
    }
    if (bitmap_of_core[area->core] != ports) {
        memcpy(area->port_bitmap, ports, PORT_BITMAP_BYTES);
        bitmap_of_core[area->core] = ports;
    }
    area->task_state.port_bitmap_offset = BITMAP_START;
}

void context_resume(uint32_t thread) {
    struct entry_area *area = entry_area(core_this());

    area->context = (uint64_t)&contexts[thread];
    use_ports(area, contexts[thread].ports);
    context_load(&contexts[thread]);
}
