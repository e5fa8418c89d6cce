/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A monitor for tests of the kernel's virtual CPUs, with a guest of a few instructions in itself.
 * First each exit, doorbell, window and injection once, with what must come back; then, with setting
 * "fuzz", that many state pages of random bytes. Runs as a VM's program: thread 1 has vCPU 0, thread
 * 0 the doorbells. One line a test: "vmtest: NAME ok" or "vmtest: NAME FAILED".
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/vcpu.h"
#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum {
    GUEST_CODE = 0xb000, GUEST_STACK = 0x8000, GUEST_IDT = 0x9000, GUEST_GDT = 0xa000,
    GUEST_ROOT = 0x1000, GUEST_POINTERS = 0x2000, GUEST_DIRECTORY = 0x3000,
    TABLE_ENTRY = 0x7, LARGE_LEAF = 0x87,
    CODE_SELECTOR = 8, DATA_SELECTOR = 16, TEST_VECTOR = 0x31,
    LENGTH_CPUID = 2, LENGTH_HLT = 1, LENGTH_STORE = 2,
    BELL_ADDRESS = 0x400000,           /* where the guest sees the doorbell page */
    PLACE_GPA = 0x1200000, PLACE_ADDRESS = 0x200000,   /* beyond the RAM; where the guest sees it */
    XCR0_ALL = 7, HALT_MS = 20, LONG_MS = 2000,
    WORDS = sizeof(struct bh_vcpu_state) / 8, MUTATIONS = 4,
};
#define EVENT_VALID (1ull << 31)
#define SECRET 0x5ec2e75ec2e75ec2ull

/* The guest: RDI says which part runs. Position-independent; copied to GUEST_CODE, which
 * is below 64 KiB so that gates hold its addresses in one field. */
__asm__(
    ".section .rodata\n"
    "guest_begin:\n"
    "   lea guest_table(%rip), %rax\n"
    "   movslq (%rax, %rdi, 4), %rcx\n"
    "   add %rcx, %rax\n"
    "   mov %rsi, %rcx\n"
    "   jmp *%rax\n"
    "guest_table:\n"
    "   .long g_cpuid - guest_table, g_hlt - guest_table, g_port - guest_table\n"
    "   .long g_bell - guest_table, g_triple - guest_table, g_spin - guest_table\n"
    "   .long g_take - guest_table, g_window - guest_table, g_secret - guest_table\n"
    "   .long g_cr - guest_table, g_step - guest_table, g_read - guest_table\n"
    "   .long g_store - guest_table, g_sleep - guest_table\n"
    "g_cpuid: cpuid; jmp g_cpuid\n"
    "g_hlt: hlt; jmp g_hlt\n"
    "g_port: mov $0x80, %edx; out %al, %dx; hlt\n"
    "g_bell: mov %ecx, %edx; mov $100, %ecx\n"
    "1: out %ax, %dx; dec %ecx; jnz 1b; hlt\n"
    "g_triple: push $0; push $0; lidt (%rsp); ud2\n"
    "g_spin: cli; jmp .\n"
    "g_take: xor %ebx, %ebx; sti; nop; hlt\n"
    "g_window: cli; nop; sti; nop; nop; hlt\n"
    "g_sleep: sti; hlt\n"
    "g_secret: movq %rcx, %xmm5; mov %rcx, %dr3; hlt\n"
    "   movq %xmm5, %rbx; mov %dr3, %rbp; hlt\n"
    "g_cr: mov %cr4, %rax; mov %rax, %cr4; hlt\n"
    "g_step: pushf; orl $0x100, (%rsp); popf; nop; hlt\n"
    "g_read: mov (%rcx), %rbx; jmp g_read\n"
    "g_store: mov $100, %ebp\n"
    "1: mov %ebp, (%rcx); dec %ebp; jnz 1b; hlt\n"
    "guest_handler: mov $0x77, %ebx; iretq\n"
    "guest_end:\n"
    ".text\n");
extern const uint8_t guest_begin[], guest_handler[], guest_end[];

enum guest_part { G_CPUID, G_HLT, G_PORT, G_BELL, G_TRIPLE, G_SPIN, G_TAKE, G_WINDOW, G_SECRET,
                  G_CR, G_STEP, G_READ, G_STORE, G_SLEEP };

static volatile struct bh_vcpu_state *state;
static uint8_t *ram;
static uint64_t ram_size;
static uint32_t slot, failures;
static volatile uint64_t rung, page_rung;
static volatile bool unplace_wanted;

static void put64(uint32_t at, uint64_t value) {
    memcpy(ram + at, &value, sizeof(value));
}

static uint64_t page_bell(void) { return manifest_need(BH_ENTRY_DOORBELL, "page.doorbell")->address; }

static void prepare_memory(void) {
    uint64_t handler = GUEST_CODE + (uint64_t)(guest_handler - guest_begin);

    memset(ram, 0xf4, ram_size < 0x200000 ? ram_size : 0x200000);   /* HLT, wherever it goes */
    memset(ram + GUEST_ROOT, 0, 3 * BH_PAGE_SIZE);
    memset(ram + GUEST_IDT, 0, 2 * BH_PAGE_SIZE);
    memcpy(ram + GUEST_CODE, guest_begin, (size_t)(guest_end - guest_begin));
    put64(GUEST_ROOT, GUEST_POINTERS | TABLE_ENTRY);
    put64(GUEST_POINTERS, GUEST_DIRECTORY | TABLE_ENTRY);
    put64(GUEST_DIRECTORY, LARGE_LEAF);
    put64(GUEST_DIRECTORY + 8, PLACE_GPA | LARGE_LEAF);
    put64(GUEST_DIRECTORY + 16, page_bell() | LARGE_LEAF);
    put64(GUEST_GDT + CODE_SELECTOR, 0x00af9b000000ffffull);
    put64(GUEST_GDT + DATA_SELECTOR, 0x00cf93000000ffffull);
    put64(GUEST_IDT + TEST_VECTOR * 16, handler | CODE_SELECTOR << 16 | 0x8e0000000000ull);
    put64(GUEST_IDT + 16, handler | CODE_SELECTOR << 16 | 0x8e0000000000ull);       /* #DB */
}

static void start(enum guest_part part, uint64_t argument) {
    memset((void *)state, 0, sizeof(*state));
    state->dirty = BH_STATE_ALL;
    state->gpr[BH_RDI] = part;
    state->gpr[BH_RSI] = argument;
    state->gpr[BH_RSP] = GUEST_STACK;
    state->rip = GUEST_CODE;
    state->rflags = 2;
    state->cr0 = 0x80010031;
    state->cr3 = GUEST_ROOT;
    state->cr4 = 0x620;
    state->efer = 0x500;
    state->dr6 = 0xffff0ff0;
    state->dr7 = 0x400;
    state->xcr0 = XCR0_ALL;
    state->pat = 0x0007040600070406ull;
    for (uint32_t i = 0; i < BH_SEGMENT_COUNT; i++) {
        state->segment[i].selector = DATA_SELECTOR;
        state->segment[i].attributes = 0xc93;
        state->segment[i].limit = 0xffffffff;
    }
    state->segment[BH_CS].selector = CODE_SELECTOR;
    state->segment[BH_CS].attributes = 0xa9b;
    state->segment[BH_TR].attributes = 0x8b;
    state->segment[BH_LDTR].attributes = 0x82;
    state->segment[BH_GDTR].base = GUEST_GDT;
    state->segment[BH_IDTR].base = GUEST_IDT;
}

/* Until an exit that isn't an event, or `ms` have passed: then BH_EXIT_EVENT. A halt lasts until a
 * deadline. */
static uint32_t run(uint64_t ms) {
    uint64_t end = time_after_ms(ms), bits;

    while (call_vcpu_run(slot, time_after_ms(HALT_MS), &bits) == BH_OK &&
           state->exit == BH_EXIT_EVENT && time_now() < end)
        continue;
    return state->exit;
}

static void skip(uint32_t length) {
    state->rip += length;
    state->dirty |= BH_STATE_GPR;
}

static bool refused(void) {
    uint64_t bits;

    return call_vcpu_run(slot, time_after_ms(10), &bits) == BH_E_ARGUMENT;
}

static bool test_cpuid(void) {
    bool good = true;

    start(G_CPUID, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        good = good && run(1000) == BH_EXIT_CPUID && (i == 0 || state->gpr[BH_RBX] == i - 1);
        state->gpr[BH_RBX] = i;
        skip(LENGTH_CPUID);
    }
    return good;
}

static bool test_hlt(void) {
    uint64_t begun = time_now();

    start(G_HLT, 0);
    if (run(1000) != BH_EXIT_HLT || time_now() - begun < HALT_MS * time_khz())
        return false;
    skip(LENGTH_HLT);
    return run(1000) == BH_EXIT_HLT;
}

static bool test_port(void) {
    start(G_PORT, 0);
    if (run(1000) != BH_EXIT_PORT || state->info1 >> 16 != 0x80 || state->next_rip != state->rip + 1)
        return false;
    skip(1);
    return run(1000) == BH_EXIT_HLT;
}

/* A hundred doorbells, none of which comes here; the other thread gets at least one signal. */
static bool test_doorbell(void) {
    uint64_t until = time_after_ms(2000), bits;

    start(G_BELL, manifest_need(BH_ENTRY_DOORBELL, "hvc0.doorbell")->address);
    if (run(2000) != BH_EXIT_HLT)
        return false;
    while (rung == 0 && time_now() < until)
        call_wait(time_after_ms(1), &bits);
    return rung != 0;
}

/* Without a hint each store comes here; with one that tells a wrong place, too; with the right one
 * none does, and the guest goes on behind each. */
static bool test_page_doorbell(void) {
    uint64_t until = time_after_ms(2000), bits;

    start(G_STORE, BELL_ADDRESS);
    if (run(1000) != BH_EXIT_MEMORY || state->info2 != page_bell())
        return false;
    state->hint[0].rip = state->rip + 1;
    state->hint[0].length = LENGTH_STORE;
    if (run(1000) != BH_EXIT_MEMORY || page_rung != 0)
        return false;
    state->hint[1].rip = state->rip;
    state->hint[1].length = LENGTH_STORE;
    if (run(2000) != BH_EXIT_HLT || state->gpr[BH_RBP] != 0)
        return false;
    while (page_rung == 0 && time_now() < until)
        call_wait(time_after_ms(1), &bits);
    return page_rung != 0;
}

static bool test_triple(void) {
    start(G_TRIPLE, 0);
    return run(1000) == BH_EXIT_SHUTDOWN;
}

static bool test_spin(void) {
    start(G_SPIN, 0);
    return run(30) == BH_EXIT_EVENT && run(30) == BH_EXIT_EVENT && (state->rflags & 0x200) == 0;
}

static bool test_injection(void) {
    start(G_TAKE, 0);
    if (run(1000) != BH_EXIT_HLT || state->gpr[BH_RBX] != 0)
        return false;
    skip(LENGTH_HLT);
    state->inject = EVENT_VALID | TEST_VECTOR;
    return run(1000) == BH_EXIT_HLT && state->gpr[BH_RBX] == 0x77 && state->inject == 0 &&
           (state->pending_event & EVENT_VALID) == 0;
}

static bool test_window(void) {
    start(G_WINDOW, 0);
    state->want = BH_WANT_WINDOW;
    if (run(1000) != BH_EXIT_WINDOW || (state->rflags & 0x200) == 0)
        return false;
    state->want = 0;
    return run(1000) == BH_EXIT_HLT;
}

/* An interrupt that waits for its window ends the halt that comes before it: STI blocks it for one more
 * instruction. */
static bool test_window_at_halt(void) {
    uint64_t bits, begun = time_now();

    start(G_SLEEP, 0);
    state->want = BH_WANT_WINDOW;
    do {
        call_vcpu_run(slot, begun + LONG_MS * time_khz(), &bits);
    } while (state->exit == BH_EXIT_EVENT && time_now() - begun < LONG_MS * time_khz());
    return state->exit == BH_EXIT_HLT && time_now() - begun < LONG_MS * time_khz();
}

/* The guest's XMM5 and DR3 stay its own, whatever this thread does to XMM5 meanwhile. */
static bool test_fpu(void) {
    uint64_t seen, own = ~SECRET;

    start(G_SECRET, SECRET);
    __asm__ volatile("movq %0, %%xmm5" : : "r"(own) : "xmm5");
    if (run(1000) != BH_EXIT_HLT)
        return false;
    __asm__ volatile("movq %%xmm5, %0" : "=r"(seen));
    skip(LENGTH_HLT);
    return seen == own && run(1000) == BH_EXIT_HLT && state->gpr[BH_RBX] == SECRET &&
           state->gpr[BH_RBP] == SECRET;
}

/* A reset of the vCPU leaves nothing of it. */
static bool test_fpu_reset(void) {
    start(G_SECRET, 0);
    state->rip = GUEST_CODE;
    if (run(1000) != BH_EXIT_HLT)
        return false;
    skip(LENGTH_HLT);
    state->dirty |= BH_STATE_RESET;
    return run(1000) == BH_EXIT_HLT && state->gpr[BH_RBX] == 0 && state->gpr[BH_RBP] == 0;
}

static bool test_cr4(void) {
    start(G_CR, 0);
    return run(1000) == BH_EXIT_CR_WRITE + 4;
}

/* #DB goes to the guest, unless asked for. */
static bool test_single_step(void) {
    start(G_STEP, 0);
    if (run(1000) != BH_EXIT_HLT || state->gpr[BH_RBX] != 0x77)
        return false;
    start(G_STEP, 0);
    state->exceptions = 1u << 1;
    return run(1000) == BH_EXIT_EXCEPTION + 1;
}

static bool test_refusals(void) {
    start(G_HLT, 0);
    state->inject = EVENT_VALID | 1u << 8;
    bool event = refused();
    start(G_HLT, 0);
    state->xcr0 = 4;
    bool xcr0 = refused();
    start(G_HLT, 0);
    state->cr0 = 0x11;
    state->cr4 = 0;
    return event && xcr0 && refused();
}

/* What VMRUN refuses ends in an exit, and shows nothing of the kernel. */
static bool test_invalid(void) {
    start(G_HLT, 0);
    state->efer = ~0ull;
    return run(1000) == BH_EXIT_INVALID && state->rip < 1ull << 47 && state->cr3 <= GUEST_ROOT;
}

/* The guest reads a page in a loop, until the other thread, on another core, takes the page away. */
static bool test_place(void) {
    uint32_t place = manifest_need(BH_ENTRY_PLACE, "moved")->slot;

    if (call_guest_place(place, PLACE_GPA + 0x800, 1) == BH_OK ||
        call_guest_place(place, 0, 1) == BH_OK ||                /* RAM is there */
        call_guest_place(place, PLACE_GPA, 1) != BH_OK)
        return false;
    start(G_READ, PLACE_ADDRESS);
    if (run(30) != BH_EXIT_EVENT)
        return false;
    unplace_wanted = true;
    return run(3000) == BH_EXIT_MEMORY && state->info2 == PLACE_GPA;
}

static uint64_t next_random(void) {
    static uint64_t seed = 88172645463325252ull;

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t mutated(uint64_t word) {
    uint64_t choice = next_random() % 4;

    if (choice == 0)
        return word ^ 1ull << next_random() % 64;
    if (choice == 1)
        return next_random();
    return choice == 2 ? 0 : ~0ull;
}

static void fuzz(uint64_t count) {
    uint64_t entered = 0;
    volatile uint64_t *words = (volatile uint64_t *)state;

    for (uint64_t i = 0; i < count; i++) {
        uint64_t bits;
        prepare_memory();
        start((enum guest_part)(next_random() % (G_STORE + 1)), next_random());
        for (uint32_t m = 0; m < MUTATIONS; m++) {
            uint64_t at = next_random() % WORDS;
            words[at] = mutated(words[at]);
        }
        entered += call_vcpu_run(slot, time_after_ms(3), &bits) == BH_OK;
    }
    log_line("vmtest: fuzz ok: %lu state pages, %lu entered", count, entered);
}

static void check(const char *name, bool good) {
    uint64_t bits;

    failures += good ? 0 : 1;
    log_line("vmtest: %s %s", name, good ? "ok" : "FAILED");
    if (!good)
        log_line("vmtest: exit %u info 0x%lx 0x%lx rip 0x%lx rbx 0x%lx inject 0x%lx pending 0x%lx",
                 state->exit, state->info1, state->info2, state->rip, state->gpr[BH_RBX],
                 state->inject, state->pending_event);
    call_wait(time_after_ms(20), &bits);
    log_poll();
}

void thread_main(uint32_t number) {
    if (number == 1) {
        check("cpuid", test_cpuid());
        check("hlt", test_hlt());
        check("port", test_port());
        check("doorbell", test_doorbell());
        check("page-doorbell", test_page_doorbell());
        check("triple", test_triple());
        check("spin", test_spin());
        check("injection", test_injection());
        check("window", test_window());
        check("window-at-halt", test_window_at_halt());
        check("fpu", test_fpu());
        check("fpu-reset", test_fpu_reset());
        check("cr4", test_cr4());
        check("single-step", test_single_step());
        check("refusals", test_refusals());
        check("invalid", test_invalid());
        check("place", test_place());
        log_line("vmtest: done, %u failed", failures);
        fuzz(manifest_number("fuzz", 0));
    }
    for (;;) {
        uint64_t bits;
        log_poll();
        call_wait(time_after_ms(100), &bits);
    }
}

int main(void) {
    const struct bh_manifest_entry *vcpu = manifest_need(BH_ENTRY_VCPU, "vcpu0");
    const struct bh_manifest_entry *memory = manifest_need(BH_ENTRY_REGION, "ram.low");
    uint64_t bell = manifest_need(BH_ENTRY_DOORBELL, "hvc0.doorbell")->bits;
    uint64_t page = manifest_need(BH_ENTRY_DOORBELL, "page.doorbell")->bits;
    uint32_t place = manifest_need(BH_ENTRY_PLACE, "moved")->slot;

    state = (volatile struct bh_vcpu_state *)vcpu->address;
    slot = vcpu->slot;
    ram = manifest_address(memory);
    ram_size = memory->size;
    prepare_memory();
    program_ready();
    for (;;) {
        uint64_t bits;
        call_wait(time_after_ms(50), &bits);
        if (bits & bell)
            rung++;
        if (bits & page)
            page_rung++;
        if (unplace_wanted && call_guest_place(place, 0, 0) == BH_OK)
            unplace_wanted = false;
    }
}
