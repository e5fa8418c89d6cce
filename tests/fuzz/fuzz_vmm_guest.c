/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest, and a hostile peer at the other end of its links: the input is a list of exits,
 * register accesses, writes to guest memory, moves of the I/O thread and writes to the shared
 * rings. Whatever comes, the VMM reads and writes nothing but what is its own (the sanitizers
 * watch), and comes back from each step.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "tests/unit/vm_fake.h"
#include "vmm/platform/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUES = 0x100000, STEPS = 400, INTERESTING = 8 };

static unsigned take_size(struct input *in) { return 1u << take(in, 1) % 4; }

/* Device memory, near a register. */
static uint64_t take_device(struct input *in) {
    static const uint64_t bases[INTERESTING] = {
        LAYOUT_BARS, LAYOUT_BARS + VIRTIO_BAR_SIZE, LAYOUT_BARS + 2 * VIRTIO_BAR_SIZE, APIC_PAGE,
        APIC_PAGE + 0x300, IOAPIC_PAGE, LAYOUT_BARS + 0x2000, 0xd0000000,
    };
    uint64_t base = bases[take(in, 1) % INTERESTING];
    return base + take(in, 1) * 4;
}

static uint16_t take_port(struct input *in) {
    static const uint16_t ports[INTERESTING] = { 0x3f8, 0xcf8, 0xcfc, 0x70, 0x71, FAKE_NET_PORT,
                                                 FAKE_HVC_PORT, 0x604 };
    uint16_t base = ports[take(in, 1) % INTERESTING];
    return (uint16_t)(base + take(in, 1) % 9);
}

/* What the processor saw, so that the exit is believed: APM volume 3. */
static void put_instruction(struct input *in, uint8_t code[INSN_MAX_LENGTH], enum bh_exit exit) {
    static const uint8_t instructions[BH_EXIT_INSTRUCTION_LAST + 1][4] = {
        [BH_EXIT_CPUID] = { 0x0f, 0xa2 }, [BH_EXIT_HLT] = { 0xf4 },
        [BH_EXIT_CR_WRITE + 4] = { 0x0f, 0x22, 0xe0 }, [BH_EXIT_HYPERCALL] = { 0x0f, 0x01, 0xd9 },
        [BH_EXIT_CR0] = { 0x0f, 0x22, 0xc0 }, [BH_EXIT_WBINVD] = { 0x0f, 0x09 },
        [BH_EXIT_XSETBV] = { 0x0f, 0x01, 0xd1 }, [BH_EXIT_INVD] = { 0x0f, 0x08 },
    };
    if (exit == BH_EXIT_MSR)
        memcpy(code, take(in, 1) % 2 ? "\x0f\x30" : "\x0f\x32", 2);
    else if (exit <= BH_EXIT_INSTRUCTION_LAST && instructions[exit][0] != 0)
        memcpy(code, instructions[exit], sizeof(instructions[exit]));
}

static uint64_t take_msr(struct input *in) {
    static const uint32_t bases[] = { 0x10, 0x1b, 0x3a, 0xfe, 0x174, 0x200, 0x250, 0x277, 0x2ff,
                                      0x800, 0x830, 0xc0000080, 0xc0000100, 0xc0010000 };
    return bases[take(in, 1) % (sizeof(bases) / sizeof(*bases))] + take(in, 1) % 16;
}

/* An exit at an instruction whose bytes and registers the input gives. */
static void any_exit(struct input *in) {
    struct bh_vcpu_state *state = vm_fake.vm.vcpu[0].state;
    uint8_t code[INSN_MAX_LENGTH];
    static const enum bh_exit exits[] = {
        BH_EXIT_EVENT, BH_EXIT_PORT, BH_EXIT_MEMORY, BH_EXIT_CPUID, BH_EXIT_MSR, BH_EXIT_HLT,
        BH_EXIT_CR_WRITE + 4, BH_EXIT_EXCEPTION, BH_EXIT_WINDOW, BH_EXIT_SHUTDOWN, BH_EXIT_INVALID,
        BH_EXIT_HYPERCALL, BH_EXIT_XSETBV, BH_EXIT_INVD, BH_EXIT_INSTRUCTION, BH_EXIT_CR0,
        BH_EXIT_WBINVD, BH_EXIT_NMI_WINDOW,
    };
    enum bh_exit exit = exits[take(in, 1) % (sizeof(exits) / sizeof(*exits))];
    for (unsigned i = 0; i < sizeof(code); i++)
        code[i] = (uint8_t)take(in, 1);
    if (take(in, 1) % 4 != 0)
        put_instruction(in, code, exit);
    state->rip = 0x1000 + take(in, 1) * 16;
    vm_fake_code(code, sizeof(code));
    state->gpr[take(in, 1) % BH_GPR_COUNT] = take(in, 8);
    state->gpr[BH_RDI] = take_device(in);
    state->gpr[BH_RCX] = exit == BH_EXIT_MSR && take(in, 1) % 4 != 0 ? take_msr(in) : take(in, 4);
    state->inject = 0;
    uint64_t info1 = take(in, 1);
    if (exit == BH_EXIT_PORT)
        info1 = (info1 & 0x0d) | 1ull << (4 + take(in, 1) % 3) | (uint64_t)take_port(in) << 16;
    vm_fake_exit(exit, info1, take_device(in),
                 exit == BH_EXIT_PORT ? state->rip + 2 : 0);
    inject_again(&vm_fake.vm.vcpu[0]);
    inject_next(&vm_fake.vm.vcpu[0]);
}

static void any_mode(struct input *in) {
    struct bh_vcpu_state *state = vm_fake.vm.vcpu[0].state;
    state->cr0 = take(in, 4);
    state->cr3 = take(in, 1) % 2 ? LAYOUT_PAGE_TABLES : take(in, 4);
    state->cr4 = take(in, 3);
    state->efer = take(in, 2);
    state->cpl = take(in, 1) % 4;
    state->segment[BH_CS].attributes = (uint16_t)take(in, 2);
    state->segment[BH_DS].base = take(in, 4);
    state->rflags = take(in, 3);
}

static void poke_queues(struct input *in) {
    uint64_t value = take(in, 8);
    vm_fake_poke(QUEUES + (take(in, 2) & 0x7fff), &value, take_size(in));
}

/* The peer of a link writes what it likes into its half and its area. */
static void poke_links(struct input *in) {
    struct ring *peers[] = { &vm_fake.net_peer, &vm_fake.hvc_peer, &vm_fake.serial_peer,
                             &vm_fake.disk_peer };
    struct ring *peer = peers[take(in, 1) % 4];
    uint32_t *half = (uint32_t *)(void *)peer->own;
    half[take(in, 2) % 256] = (uint32_t)take(in, 4);
}

static void peer_speaks(struct input *in) {
    struct ring_descriptor d = { .offset = (uint32_t)take(in, 4), .length = (uint16_t)take(in, 2),
                                 .kind = (uint8_t)take(in, 1) };
    if (ring_space(&vm_fake.net_peer) > 0)
        ring_put(&vm_fake.net_peer, d);
    ring_flush(&vm_fake.net_peer);
    d.extra = take(in, 8);
    if (ring_space(&vm_fake.disk_peer) > 0)
        ring_put(&vm_fake.disk_peer, d);
    ring_flush(&vm_fake.disk_peer);
    stream_write(&vm_fake.serial_peer, &d, sizeof(d));
    stream_flush(&vm_fake.serial_peer);
    stream_write(&vm_fake.hvc_peer, &d, sizeof(d));
    stream_flush(&vm_fake.hvc_peer);
}

static void run_io(void) {
    for (unsigned i = 0; i < 4 && devices_run(&vm_fake.vm); i++)
        ;
    devices_settle(&vm_fake.vm);
}

static void other_cpu(struct input *in) {
    struct vcpu *vcpu = &vm_fake.vm.vcpu[1];
    uint64_t value;
    uint32_t number = 0x800 + (uint32_t)take(in, 1) % 0x40;
    msr_write(vcpu, 0x1b, vcpu->apic.base | APIC_BASE_X2);
    msr_write(vcpu, number, take(in, 8));
    msr_read(vcpu, number, &value);
    apic_collect(&vcpu->apic);
    inject_next(vcpu);
}

static void step(struct input *in) {
    switch (take(in, 1) % 12) {
    case 0: any_exit(in); break;
    case 1: any_mode(in); break;
    case 2: poke_queues(in); break;
    case 3: poke_links(in); break;
    case 4: peer_speaks(in); break;
    case 5: run_io(); break;
    case 6: vm_fake_store(take_device(in), take_size(in), take(in, 8)); break;
    case 7: vm_fake_load(take_device(in), take_size(in)); break;
    case 8: vm_fake_out(take_port(in), 1u << take(in, 1) % 3, (uint32_t)take(in, 4)); break;
    case 9: vm_fake_in(take_port(in), 1u << take(in, 1) % 3); break;
    case 10: vm_fake_virtio_start(1 + (unsigned)take(in, 1) % VM_VIRTIO_DEVICES, QUEUES, 8,
                                  VIRTIO_F_VERSION_1 | take(in, 4)); break;
    default: other_cpu(in); break;
    }
    vm_fake.now += take(in, 1);
    apic_collect(&vm_fake.vm.vcpu[0].apic);
    apic_timer_poll(&vm_fake.vm.vcpu[0].apic, vm_fake.now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };
    vm_fake_make(2);
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    vm_fake_free();
    return 0;
}
