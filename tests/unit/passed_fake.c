/* SPDX-License-Identifier: BSD-2-Clause */
/* A passed-through function for host tests: see passed_fake.h. */
#include "tests/unit/passed_fake.h"

#include <string.h>

#include "tests/unit/vm_fake.h"

struct passed_fake passed_fake;

enum { STATUS_CAPABILITIES = 0x00100000, POWER_AT = 0x40, VENDOR_AT = 0x48, MSI_AT = 0x50,
       PCIE_AT = 0x60, MSIX_AT = 0xa0 };

static void put(unsigned offset, uint32_t value) {
    passed_fake.config[offset / 4] = value;
}

static void make_config(void) {
    put(PCI_ID, 0x10d38086);
    put(PCI_COMMAND, STATUS_CAPABILITIES);
    put(PCI_CLASS, 0x02000007);
    put(0x0c, 0x00800010);                     /* multi-function, cache line */
    put(PCI_BAR, 0xfeb00000);
    put(PCI_BAR + 4 * PASSED_PORTS_BAR, 0xc001);
    put(PCI_BAR + 4 * PASSED_WIDE_BAR, 0xfd00000c);
    put(PCI_SUBSYSTEM, 0xa01f8086);
    put(0x30, 0xfea00001);                     /* expansion ROM */
    put(PCI_CAPABILITIES, POWER_AT);
    put(0x3c, 0x010b);
    put(POWER_AT, 0xc8230001 | VENDOR_AT << 8);
    put(VENDOR_AT, 0x00080009 | MSI_AT << 8);
    put(MSI_AT, 0x00800005 | PCIE_AT << 8);
    put(PCIE_AT, 0x00020010 | MSIX_AT << 8);
    put(PCIE_AT + 4, 0x00008001);
    put(PCIE_AT + 12, 0x00031c11);             /* a link */
    put(MSIX_AT, 0x00040011);                  /* five entries, of which we have three */
    put(MSIX_AT + 4, PASSED_TABLE | PASSED_BAR);
    put(MSIX_AT + 8, PASSED_PENDING | PASSED_BAR);
    put(0x100, 0x14010001);                    /* an extended capability */
}

/* ---- The kernel's side ---- */

static bool overlaps(unsigned piece, uint64_t at) {
    for (unsigned i = 0; i < PASSED_PIECES; i++) {
        uint64_t other = passed_fake.at[i];
        if (i != piece && other != 0 && at < other + PASSED_PIECE_SIZE &&
            other < at + PASSED_PIECE_SIZE)
            return true;
    }
    return false;
}

bool passthrough_place(uint32_t slot, struct gpa at, bool present) {
    unsigned piece = slot - PASSED_PIECE;
    bool good = piece < PASSED_PIECES && present == (passed_fake.at[piece] == 0) &&
                at.value % BH_PAGE_SIZE == 0;
    if (!good) {
        passed_fake.mistakes++;
        return false;
    }
    if (present && overlaps(piece, at.value))
        return false;
    passed_fake.at[piece] = present ? at.value : 0;
    return true;
}

bool passthrough_control(uint32_t slot, enum bh_device_operation operation) {
    bool usable = passed_fake.state == BH_DEVICE_QUIET || passed_fake.state == BH_DEVICE_ACTIVE;
    if (slot != PASSED_SLOT || !usable) {
        passed_fake.mistakes++;
        return false;
    }
    switch (operation) {
    case BH_DEVICE_BUS_MASTER_ON: passed_fake.state = BH_DEVICE_ACTIVE; return true;
    case BH_DEVICE_BUS_MASTER_OFF: passed_fake.state = BH_DEVICE_QUIET; return true;
    case BH_DEVICE_RESET:
        passed_fake.state = BH_DEVICE_RESETTING;
        passed_fake.polls = 0;
        passed_fake.resets++;
        return true;
    default: passed_fake.mistakes++; return false;
    }
}

static uint64_t poll_state(void) {
    if (passed_fake.state == BH_DEVICE_RESETTING && passed_fake.polls++ >= passed_fake.reset_polls)
        passed_fake.state = passed_fake.never_comes_back ? BH_DEVICE_QUARANTINED : BH_DEVICE_QUIET;
    return passed_fake.state;
}

uint64_t passthrough_value(uint32_t slot, enum bh_device_value what, uint64_t argument) {
    static const uint64_t sizes[PASSTHROUGH_BARS] = {
        [PASSED_BAR] = PASSED_BAR_SIZE, [PASSED_PORTS_BAR] = 32,
        [PASSED_WIDE_BAR] = PASSED_WIDE_SIZE,
    };
    if (slot != PASSED_SLOT)
        return 0;
    switch (what) {
    case BH_DEVICE_BAR_SIZE: return argument < PASSTHROUGH_BARS ? sizes[argument] : 0;
    case BH_DEVICE_STATE: return poll_state();
    case BH_DEVICE_CONFIG: return argument < 1024 ? passed_fake.config[argument] : 0;
    default: return 0;
    }
}

void passthrough_lost(const char *name) {
    passed_fake.lost = name;
}

/* ---- The VM's side ---- */

static void set_interrupts(struct passthrough *p, bool msix) {
    p->msix = msix;
    p->interrupts = msix ? PASSED_ENTRIES : 1;
    for (uint32_t i = 0; i < p->interrupts; i++)
        p->interrupt_bits[i] = 1ull << i;
}

/* The registers before the table, and half of the large BAR. */
void passed_fake_use(bool msix) {
    struct vm *vm = &vm_fake.vm;
    struct passthrough *p = &vm->passed[0];
    memset(&passed_fake, 0, sizeof(passed_fake));
    passed_fake.state = BH_DEVICE_QUIET;
    make_config();
    *p = (struct passthrough){ .name = "card", .slot = PASSED_SLOT, .pieces = PASSED_PIECES };
    p->piece[0] = (struct passthrough_piece){ PASSED_PIECE, PASSED_BAR, 0, PASSED_PIECE_SIZE, 0 };
    p->piece[1] = (struct passthrough_piece){ PASSED_PIECE + 1, PASSED_WIDE_BAR, PASSED_PIECE_SIZE,
                                              PASSED_PIECE_SIZE, 0 };
    set_interrupts(p, msix);
    vm->passed_count = 1;
    passthrough_learn(p);
    while (!devices_stop(vm))
        continue;
    devices_reset(vm);
}
