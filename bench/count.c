/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU's code generator: counts the instructions that the machine executes and writes a
 * line for each mark (bench/mark.h) that it passes. A halted core executes nothing, so time spent
 * idle is not in the count; neither are what devices do and what an exit or a table walk costs.
 *
 * Arguments: out=FILE            one line a mark: its number in hexadecimal, core, instructions so far,
 *                                and how many of them guests executed
 *            profile=FILE        which blocks of code ran between the marks from=ID (begin to end;
 *            from=ID             may be given several times), a line a block and batch: ID,
 *                                address, executed instructions, first bytes of the block
 *
 * Runs inside QEMU on the build host and trusts its caller. QEMU's header for plugins is not in a
 * package, so the few declarations of its documented interface, version 4, that are used here follow.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/mark.h"

#define EXPORT __attribute__((visibility("default")))
#define BUCKETS 65536u
#define PREFIX  16u
#define VMRUN_SIZE 3u
#define MAX_VMRUNS 8u
#define MAX_CORES 4u
#define MAX_PROFILED 32u

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;

struct qemu_info {
    const char *target_name;
    struct {
        int min;
        int cur;
    } version;
    bool system_emulation;
    struct {
        int smp_vcpus;
        int max_vcpus;
    } system;
};

typedef struct {
    struct qemu_plugin_scoreboard *score;
    size_t offset;
} qemu_plugin_u64;

enum { QEMU_PLUGIN_CB_NO_REGS = 0, QEMU_PLUGIN_INLINE_ADD_U64 = 0 };

typedef void (*vcpu_callback)(unsigned int vcpu, void *data);
typedef void (*translate_callback)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*exit_callback)(uint64_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translate_callback callback);
void qemu_plugin_register_atexit_cb(uint64_t id, exit_callback callback, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, vcpu_callback callback,
                                            int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn, int op,
                                                         qemu_plugin_u64 entry, uint64_t value);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);

EXPORT int qemu_plugin_version;
EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv);

int qemu_plugin_version = 4;

/* QEMU's inline counters are wrong when one thread runs several cores in turn (it takes the core's
 * number for a constant and then changes the constant), so there a slower callback counts. */
struct counter {
    qemu_plugin_u64 inlined;
    uint64_t called[MAX_CORES];
};

/* A translated block, for the profile. Two programs may have the same addresses: their bytes differ. */
struct block {
    struct block *next;
    uint64_t address;
    uint8_t prefix[PREFIX];
    struct counter executed;
    uint64_t at_begin;
};

/* What a core's guest executed. Guest mode begins at VMRUN and ends where the machine goes on
 * behind it. */
struct guest {
    uint64_t resume_address;
    uint64_t since;
    uint64_t total;
    bool running;
};

static struct counter total;
static unsigned int cores;
static struct guest guests[MAX_CORES];
static uint64_t vmruns[MAX_VMRUNS];
static size_t vmrun_count;
static FILE *out, *profile;
static unsigned int profiled[MAX_PROFILED];
static size_t profiled_count;
static struct block *blocks[BUCKETS];

static void start_counter(struct counter *counter) {
    if (cores == 1)
        counter->inlined.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
}

static uint64_t read_core(const struct counter *counter, unsigned int core) {
    return cores == 1 ? qemu_plugin_u64_sum(counter->inlined) : counter->called[core];
}

static uint64_t read_counter(const struct counter *counter) {
    uint64_t sum = 0;

    for (unsigned int core = 0; core < cores; core++)
        sum += read_core(counter, core);
    return sum;
}

static void count_one(unsigned int vcpu, void *data) {
    struct counter *counter = data;

    counter->called[vcpu]++;
}

static void count_instruction(struct qemu_plugin_insn *insn, struct counter *counter) {
    if (cores == 1)
        qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                            counter->inlined, 1);
    else
        qemu_plugin_register_vcpu_insn_exec_cb(insn, count_one, QEMU_PLUGIN_CB_NO_REGS, counter);
}

static void for_each_block(void (*act)(struct block *block, void *data), void *data) {
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct block *block = blocks[i]; block; block = block->next)
            act(block, data);
}

static void block_begin(struct block *block, void *data) {
    (void)data;
    block->at_begin = read_counter(&block->executed);
}

static void block_end(struct block *block, void *data) {
    uint64_t executed = read_counter(&block->executed) - block->at_begin;

    if (!executed)
        return;
    fprintf(profile, "%x %" PRIx64 " %" PRIu64 " ", *(unsigned int *)data, block->address,
            executed);
    for (size_t i = 0; i < PREFIX; i++)
        fprintf(profile, "%02x", block->prefix[i]);
    fputc('\n', profile);
}

static bool is_profiled(unsigned int id) {
    for (size_t i = 0; i < profiled_count; i++)
        if (profiled[i] == id)
            return true;
    return false;
}

/* All that guests executed so far. */
static uint64_t read_guests(void) {
    uint64_t sum = 0;

    for (unsigned int core = 0; core < cores; core++) {
        const struct guest *guest = &guests[core];

        sum += guest->total + (guest->running ? read_core(&total, core) - guest->since : 0);
    }
    return sum;
}

static void at_mark(unsigned int vcpu, void *data) {
    unsigned int number = (unsigned int)(uintptr_t)data;
    unsigned int id = number & ~(unsigned int)MARK_IS_END;

    if (profile && is_profiled(id))
        for_each_block(number == id ? block_begin : block_end, &id);
    fprintf(out, "%x %u %" PRIu64 " %" PRIu64 "\n", number, vcpu, read_counter(&total),
            read_guests());
    fflush(out);
}

static void at_vmrun(unsigned int vcpu, void *data) {
    guests[vcpu].resume_address = (uint64_t)(uintptr_t)data + VMRUN_SIZE;
    guests[vcpu].since = read_core(&total, vcpu);
    guests[vcpu].running = true;
}

static void at_resume(unsigned int vcpu, void *data) {
    struct guest *guest = &guests[vcpu];

    if (!guest->running || (uint64_t)(uintptr_t)data != guest->resume_address)
        return;
    guest->total += read_core(&total, vcpu) - guest->since;
    guest->running = false;
}

static bool is_vmrun(const struct qemu_plugin_insn *insn) {
    uint8_t bytes[VMRUN_SIZE];

    return qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) == sizeof(bytes) &&
           bytes[0] == 0x0f && bytes[1] == 0x01 && bytes[2] == 0xd8;
}

static bool is_behind_vmrun(uint64_t address) {
    for (size_t i = 0; i < vmrun_count; i++)
        if (vmruns[i] + VMRUN_SIZE == address)
            return true;
    return false;
}

static void remember_vmrun(uint64_t address) {
    if (vmrun_count < MAX_VMRUNS && !is_behind_vmrun(address + VMRUN_SIZE))
        vmruns[vmrun_count++] = address;
}

/* Before the instruction is counted: it is the host's first. */
static void watch_resume(struct qemu_plugin_insn *insn) {
    uint64_t address = qemu_plugin_insn_vaddr(insn);

    if (is_behind_vmrun(address))
        qemu_plugin_register_vcpu_insn_exec_cb(insn, at_resume, QEMU_PLUGIN_CB_NO_REGS,
                                               (void *)(uintptr_t)address);
}

/* After it is counted: VMRUN is the host's last. */
static void watch_vmrun(struct qemu_plugin_insn *insn) {
    uint64_t address = qemu_plugin_insn_vaddr(insn);

    if (!is_vmrun(insn))
        return;
    remember_vmrun(address);
    qemu_plugin_register_vcpu_insn_exec_cb(insn, at_vmrun, QEMU_PLUGIN_CB_NO_REGS,
                                           (void *)(uintptr_t)address);
}

static bool is_mark(const struct qemu_plugin_insn *insn, unsigned int *number) {
    uint8_t bytes[7];
    uint32_t displacement;

    if (qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) != sizeof(bytes))
        return false;
    memcpy(&displacement, bytes + 3, sizeof(displacement));
    *number = displacement & 0xffff;
    return bytes[0] == 0x0f && bytes[1] == 0x1f && bytes[2] == 0x80 &&
           (displacement & 0xffff0000) == MARK_MAGIC;
}

static struct block *find_block(uint64_t address, const uint8_t *prefix) {
    struct block **bucket = &blocks[(address ^ address >> 16) % BUCKETS];

    for (struct block *block = *bucket; block; block = block->next)
        if (block->address == address && !memcmp(block->prefix, prefix, PREFIX))
            return block;
    struct block *block = calloc(1, sizeof(*block));
    if (!block)
        abort();
    block->address = address;
    memcpy(block->prefix, prefix, PREFIX);
    start_counter(&block->executed);
    block->next = *bucket;
    return *bucket = block;
}

static struct block *block_of(const struct qemu_plugin_tb *tb) {
    uint8_t prefix[PREFIX] = { 0 };
    size_t filled = 0;

    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb) && filled < PREFIX; i++)
        filled += qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i), prefix + filled,
                                        PREFIX - filled);
    return find_block(qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)), prefix);
}

/* Counted one by one, because an instruction that accesses a device is executed a second time in a
 * block of its own, and what followed it in the first block never ran. */
static void count_block(uint64_t id, struct qemu_plugin_tb *tb) {
    struct block *block = profile ? block_of(tb) : NULL;
    unsigned int number;

    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

        watch_resume(insn);
        count_instruction(insn, &total);
        watch_vmrun(insn);
        if (block)
            count_instruction(insn, &block->executed);
        if (is_mark(insn, &number))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, at_mark, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void *)(uintptr_t)number);
    }
}

static void finish(uint64_t id, void *data) {
    (void)id;
    (void)data;
    if (profile)
        fclose(profile);
    fclose(out);
}

static bool take_argument(const char *argument) {
    if (!strncmp(argument, "out=", 4))
        return (out = fopen(argument + 4, "w")) != NULL;
    if (!strncmp(argument, "profile=", 8))
        return (profile = fopen(argument + 8, "w")) != NULL;
    if (!strncmp(argument, "from=", 5) && profiled_count < MAX_PROFILED) {
        profiled[profiled_count++] = (unsigned int)strtoul(argument + 5, NULL, 0);
        return true;
    }
    return false;
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv) {
    cores = (unsigned int)info->system.smp_vcpus;
    if (cores > MAX_CORES) {
        fprintf(stderr, "count: more than %u cores\n", MAX_CORES);
        return -1;
    }
    for (int i = 0; i < argc; i++) {
        if (!take_argument(argv[i])) {
            fprintf(stderr, "count: can't use the argument '%s'\n", argv[i]);
            return -1;
        }
    }
    if (!out) {
        fprintf(stderr, "count: out=FILE is missing\n");
        return -1;
    }
    start_counter(&total);
    qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
