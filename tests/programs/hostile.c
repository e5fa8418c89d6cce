/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that misbehaves in the way that its setting "deed" names, after "delay" milliseconds; its
 * setting "port" is the port of the deed "port"; "address" and "value" are those of the deed "config", a
 * write to PCI configuration space by ports (PCI 3.2.2.3.2). It logs what it is about to do, and
 * afterwards, if it still lives, that it is still here: tests read both. It needs no rights; what it
 * may not do is the point.
 */
#include <stdint.h>

#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

#define KERNEL_ADDRESS 0xffffffff80200000ull
#define DIRECT_MAP     0xffff800000000000ull
#define NOT_CANONICAL  0x8000000000000000ull
#define TRAP_FLAG      "0x100"

enum {
    DEFAULT_PORT  = 0xcf9,
    CALLS_A_ROUND = 1000000,
};

struct deed {
    const char *name;
    void (*perform)(void);
};

static void store(uint64_t address) {
    *(volatile uint64_t *)address = 1;
}

static void store_null(void) {
    store(0);
}

static void store_code(void) {
    store((uint64_t)(uintptr_t)&store_code);
}

static void store_kernel(void) {
    store(KERNEL_ADDRESS);
}

static void store_direct_map(void) {
    store(DIRECT_MAP);
}

static void store_not_canonical(void) {
    store(NOT_CANONICAL);
}

static void store_manifest(void) {
    store(BH_MANIFEST_ADDRESS);
}

static void execute_data(void) {
    static uint8_t code[] = { 0xc3 };

    __asm__ volatile("call *%0" : : "r"(code) : "memory");
}

static void undefined(void) {
    __asm__ volatile("ud2");
}

static void divide(void) {
    __asm__ volatile("xorl %%eax, %%eax; cltd; idivl %%eax" : : : "eax", "edx");
}

static void privileged(void) {
    __asm__ volatile("cli");
}

static void halt(void) {
    __asm__ volatile("hlt");
}

static void load_cr3(void) {
    __asm__ volatile("movq %0, %%cr3" : : "r"(0ull) : "memory");
}

static void read_msr(void) {
    __asm__ volatile("rdmsr" : : "c"(0xc0000080) : "eax", "edx");
}

static void run_guest(void) {
    __asm__ volatile("vmrun %0" : : "a"(0ull) : "memory");
}

static void software_interrupt(void) {
    __asm__ volatile("int $0x80");
}

static void nmi_vector(void) {
    __asm__ volatile("int $2");
}

static void breakpoint(void) {
    __asm__ volatile("int3");
}

static void single_step(void) {
    __asm__ volatile("pushfq; orq $" TRAP_FLAG ", (%%rsp); popfq; nop" : : : "memory", "cc");
}

static void load_segment(void) {
    __asm__ volatile("movw %w0, %%ss" : : "r"(0x08));
}

/* The kernel must not use the caller's stack pointer, nor single-step itself. */
static void call_with_bad_stack(void) {
    __asm__ volatile("movq %0, %%rsp; movl $1, %%eax; xorl %%edi, %%edi; syscall; pushq %%rax"
                     : : "r"(KERNEL_ADDRESS) : "rax", "rcx", "r11", "rdi", "rdx", "memory");
}

static void call_single_stepped(void) {
    __asm__ volatile("pushfq; orq $" TRAP_FLAG ", (%%rsp); movl $1, %%eax; xorl %%edi, %%edi; popfq;"
                     "syscall" : : : "rax", "rcx", "r11", "rdi", "rdx", "memory", "cc");
}

static volatile uint64_t sink;

static __attribute__((noinline)) uint64_t overflow_stack(uint64_t depth) {
    volatile uint64_t frame[64];

    frame[depth % 64] = depth;
    sink = frame[(depth + 1) % 64];
    return depth == UINT64_MAX ? 0 : overflow_stack(depth + 1) + frame[depth % 64];
}

static void overflow(void) {
    sink = overflow_stack(0);
}

static void port(void) {
    uint16_t number = (uint16_t)manifest_number("port", DEFAULT_PORT);

    __asm__ volatile("outb %0, %1" : : "a"((uint8_t)0xfe), "d"(number) : "memory");
}

static void port_write32(uint16_t number, uint32_t value) {
    __asm__ volatile("outl %0, %1" : : "a"(value), "d"(number) : "memory");
}

static void config(void) {
    port_write32(0xcf8, (uint32_t)manifest_number("address", 0));
    port_write32(0xcfc, (uint32_t)manifest_number("value", 0));
}

static void spin(void) {
    for (;;)
        __asm__ volatile("pause");
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly near the limits, where mistakes live. */
static uint64_t argument(uint64_t *state) {
    static const uint64_t edges[] = { 0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
                                      0x100000000, 0xfee00000, NOT_CANONICAL, KERNEL_ADDRESS,
                                      UINT64_MAX - 1, UINT64_MAX };
    uint64_t choice = next_random(state);

    if (choice % 4 == 0)
        return edges[(choice >> 8) % (sizeof(edges) / sizeof(edges[0]))];
    if (choice % 4 == 1)
        return choice >> 8;
    return (choice >> 8) % 64;
}

static void one_call(uint64_t *state) {
    uint64_t number = next_random(state) % (BH_CALL_COUNT + 2);
    uint64_t a = argument(state), b = argument(state);

    /* Sleeping for ever would only end the attack. */
    if (number == BH_CALL_WAIT)
        a = 0;
    else if (number == BH_CALL_NOTIFY_WAIT || number == BH_CALL_VCPU_RUN)
        b = 0;
    call_kernel(number, a, b, argument(state), argument(state));
}

static void calls(void) {
    uint64_t state = 0x9e3779b97f4a7c15ull;

    for (uint32_t i = 0; i < CALLS_A_ROUND; i++)
        one_call(&state);
}

static void nothing(void) {
}

static const struct deed deeds[] = {
    { "null", store_null },
    { "code", store_code },
    { "kernel", store_kernel },
    { "direct-map", store_direct_map },
    { "canonical", store_not_canonical },
    { "manifest", store_manifest },
    { "execute", execute_data },
    { "undefined", undefined },
    { "divide", divide },
    { "privileged", privileged },
    { "halt", halt },
    { "cr3", load_cr3 },
    { "msr", read_msr },
    { "vmrun", run_guest },
    { "interrupt", software_interrupt },
    { "nmi", nmi_vector },
    { "breakpoint", breakpoint },
    { "step", single_step },
    { "segment", load_segment },
    { "call-stack", call_with_bad_stack },
    { "call-step", call_single_stepped },
    { "overflow", overflow },
    { "port", port },
    { "config", config },
    { "spin", spin },
    { "calls", calls },
    { "peace", nothing },
};

static const struct deed *find_deed(const char *name) {
    for (uint32_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(deeds[i].name, name) == 0)
            return &deeds[i];
    }
    program_stop("hostile: no deed \"%s\"", name);
}

/* Lets the console take the line before the deed ends us. */
static void pause_ms(uint64_t ms) {
    uint64_t end = time_after_ms(ms);
    uint64_t bits;

    while (time_now() < end) {
        call_wait(end, &bits);
        log_poll();
    }
}

int main(void) {
    const struct deed *deed = find_deed(manifest_setting("deed", "peace"));

    pause_ms(manifest_number("delay", 1000));
    log_line("hostile: %s", deed->name);
    pause_ms(100);
    deed->perform();
    log_line("hostile: %s: still here", deed->name);
    pause_ms(100);
    return 0;
}
