/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest in a VM that firmware starts: the input is a list of accesses to the ports of a
 * PC's old devices, exits in real mode at code in RAM and in the firmware's image, device lines and
 * the passing of time. Whatever comes, each step ends, the I/O thread's deadline lies ahead of it
 * and the 8259s' output is what vCPU 0 is told.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/input.h"
#include "tests/unit/vm_fake.h"
#include "vmm/cpu/x86.h"
#include "vmm/platform/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 400, CODE = 0x1000 };

static uint16_t take_port(struct input *in) {
    static const uint16_t ports[] = {
        0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x92,
        0x510, 0x511, 0x600, 0x604, 0x608, 0xcf8, 0xcfc, 0x3f8,
    };
    return (uint16_t)(ports[take(in, 1) % (sizeof(ports) / sizeof(ports[0]))] + take(in, 1) % 2);
}

static void real_mode(struct input *in) {
    struct bh_vcpu_state *state = vm_fake.vm.vcpu[0].state;
    start_reset(&vm_fake.vm.vcpu[0]);
    start_firmware(&vm_fake.vm.vcpu[0]);
    state->rflags |= take(in, 1) % 2 ? RFLAGS_IF : 0;
    if (take(in, 1) % 2) {
        state->segment[BH_CS].base = 0;
        state->rip = CODE + take(in, 1);
    }
}

static void any_exit(struct input *in) {
    static const enum bh_exit exits[] = { BH_EXIT_PORT, BH_EXIT_MEMORY, BH_EXIT_HLT, BH_EXIT_CR0,
                                          BH_EXIT_CPUID, BH_EXIT_WINDOW };
    struct vcpu *vcpu = &vm_fake.vm.vcpu[0];
    struct bh_vcpu_state *state = vcpu->state;
    uint8_t code[INSN_MAX_LENGTH];
    enum bh_exit exit = exits[take(in, 1) % 6];
    for (unsigned i = 0; i < sizeof(code); i++)
        code[i] = (uint8_t)take(in, 1);
    vm_fake_poke(state->segment[BH_CS].base + state->rip, code, sizeof(code));
    state->gpr[BH_RDI] = take(in, 4);
    state->gpr[BH_RSI] = take(in, 4);
    state->gpr[BH_RCX] = take(in, 2);
    state->segment[BH_ES].base = (uint64_t)take(in, 2) << 4;
    state->inject = 0;
    uint64_t info1 = 0;
    if (exit == BH_EXIT_PORT)
        info1 = (take(in, 1) & 0x0d) | 1ull << (4 + take(in, 1) % 3) |
                (uint64_t)take_port(in) << 16;
    vm_fake_exit(exit, info1, LAYOUT_4G - 1 - take(in, 3),
                 exit == BH_EXIT_PORT ? state->rip + 1 + take(in, 1) % 2 : 0);
    inject_again(vcpu);
}

static void pass_time(struct input *in) {
    vm_fake.now += take(in, 4);
    devices_run(&vm_fake.vm);
    if (timers_deadline(&vm_fake.vm) <= vm_fake.now)
        abort();
}

static void hpet(struct input *in) {
    uint64_t at = HPET_PAGE + 4 * take(in, 1);
    unsigned size = 4u << take(in, 1) % 2;
    if (take(in, 1) % 4 == 0)
        vm_fake_load(at, size);
    else
        vm_fake_store(at, size, take(in, size));
}

/* Memory type range registers, which firmware programs (APM volume 2, 7.7.2). */
static void memory_types(struct input *in) {
    struct vcpu *vcpu = &vm_fake.vm.vcpu[0];
    uint32_t number = (take(in, 1) % 2 ? 0x200 : 0x250) + (uint32_t)take(in, 1);
    uint64_t value;
    msr_write(vcpu, number, take(in, 8));
    msr_read(vcpu, number, &value);
    msr_read(vcpu, 0xfe, &value);
}

static void step(struct input *in) {
    struct vm *vm = &vm_fake.vm;
    switch (take(in, 1) % 10) {
    case 0: any_exit(in); break;
    case 1: real_mode(in); break;
    case 2:
    case 3: vm_fake_out(take_port(in), 1u << take(in, 1) % 3, (uint32_t)take(in, 4)); break;
    case 4: vm_fake_in(take_port(in), 1u << take(in, 1) % 3); break;
    case 5: pass_time(in); break;
    case 6: irq_line(vm, (unsigned)take(in, 1) % 32, take(in, 1) % 2 != 0); break;
    case 7: hpet(in); break;
    case 8: memory_types(in); break;
    default: vm_fake_store(APIC_PAGE + take(in, 1) * 16, 4, take(in, 4)); break;
    }
    inject_next(&vm->vcpu[0]);
    if (irq_external(vm) != pic_output(&vm->pic))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };
    vm_fake_make(1);
    vm_fake_use_firmware();
    vm_fake.vm.has_hpet = true;
    if (!vm_load(&vm_fake.vm))
        abort();
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    vm_fake_free();
    return 0;
}
