/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest at a passed-through function, and a hostile function: the input is what the
 * function says of itself (configuration space), then a list of the guest's accesses to its
 * configuration space and to the pages of its BARs that aren't mapped, interrupts, resets that take
 * long or fail, ends of the guest, and turns of the I/O thread. Whatever comes, the kernel is asked
 * for nothing that it refuses, registers appear in the hole or nowhere, the function is quiet and
 * mapped nowhere while it is reset, and no list is followed for ever.
 */
#include <stdlib.h>

#include "tests/fuzz/input.h"
#include "tests/unit/passed_fake.h"
#include "tests/unit/vm_fake.h"
#include "vmm/platform/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 300, LIES = 12, ENDS_MOST = 16 };

/* Dwords that the function makes up; among the first the list of capabilities is most telling. */
static void lie(struct input *in) {
    for (unsigned n = take(in, 1) % LIES; n > 0; n--)
        passed_fake.config[take(in, 1) % PASSTHROUGH_CONFIG] = (uint32_t)take(in, 4);
    passthrough_learn(&vm_fake.vm.passed[0]);
    devices_stop(&vm_fake.vm);
    devices_reset(&vm_fake.vm);
}

/* Near the MSI-X table, wherever the function says that it is. */
static uint64_t take_address(struct input *in) {
    const struct passthrough *p = &vm_fake.vm.passed[0];
    unsigned bar = take(in, 1) % PASSTHROUGH_BARS;
    uint64_t base = pci_config_read(&p->pci, PCI_BAR + 4 * bar, 4) & ~15u;
    uint32_t structure = take(in, 1) % 2 ? p->table : p->pending;
    return base + (structure & ~7u) + take(in, 2) % 0x1000;
}

static void end_guest(struct input *in) {
    passed_fake.reset_polls = take(in, 1) % (ENDS_MOST / 2);
    for (unsigned i = 0; !devices_stop(&vm_fake.vm); i++)
        if (i > ENDS_MOST)
            abort();
    devices_reset(&vm_fake.vm);
}

static void check(void) {
    for (unsigned i = 0; i < PASSED_PIECES; i++) {
        uint64_t at = passed_fake.at[i];
        bool quiet = passed_fake.state == BH_DEVICE_RESETTING ||
                     passed_fake.state == BH_DEVICE_QUARANTINED;
        if (at != vm_fake.vm.passed[0].piece[i].at || (quiet && at != 0) ||
            (at != 0 && (at < FAKE_RAM || at + PASSED_PIECE_SIZE - 1 > LAYOUT_HOLE_BARS_END)))
            abort();
    }
    if (passed_fake.mistakes != 0)
        abort();
}

static void step(struct input *in) {
    switch (take(in, 1) % 9) {
    case 0:
    case 1:
    case 2: vm_fake_config_write(LAYOUT_PCI_PASSED, (unsigned)take(in, 1),
                                 (uint32_t)take(in, 4)); break;
    case 3: vm_fake_config_read(LAYOUT_PCI_PASSED, (unsigned)take(in, 1)); break;
    case 4: vm_fake_store(take_address(in), 1u << take(in, 1) % 4, take(in, 8)); break;
    case 5: vm_fake_load(take_address(in), 1u << take(in, 1) % 4); break;
    case 6: devices_hear(&vm_fake.vm, NULL, take(in, 1)); break;
    case 7: passed_fake.never_comes_back = take(in, 1) == 0xff; end_guest(in); break;
    default:
        vm_fake.now += take(in, 4);
        devices_run(&vm_fake.vm);
        devices_passed_deadline(&vm_fake.vm);
        break;
    }
    check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = { data, size };
    vm_fake_make(1);
    passed_fake_use(take(&in, 1) % 4 != 0);
    lie(&in);
    for (unsigned i = 0; i < STEPS && in.size > 0; i++)
        step(&in);
    vm_fake_free();
    return 0;
}
