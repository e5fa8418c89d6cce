/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NMIs and machine checks (Intel SDM volume 3, 6.7.1 and chapter 16; AMD64 APM volume 2, chapter
 * 9). They stop the machine only when a core can't go on. What they interrupted may hold the log's
 * lock, so the next interrupt tells of them. Trusts the CPU's banks.
 */

#include "core/atomic.h"
#include "core/counter.h"
#include "core/device.h"
#include "core/log.h"
#include "core/time.h"
#include "x86/cpu.h"
#include "x86/entry.h"

enum { MSR_CAPABILITY = 0x179, MSR_STATUS = 0x17a, MSR_BANKS = 0x400, BANK_MSRS = 4 };
enum { BANK_CONTROL, BANK_STATUS, BANK_ADDRESS };
enum { CPU_HAS_BANKS = 1u << 14, TELL_EVERY_US = 1000000 };

#define STATUS_RESTARTABLE  (1ull << 0)
#define BANK_VALID          (1ull << 63)
#define BANK_CORRUPT        (1ull << 57 | 1ull << 55)   /* this core; what it was running */

static uint64_t told, quiet_until, last_status, last_address;

static uint32_t bank_count(void) {
    return cpuid(1, 0).edx & CPU_HAS_BANKS ? (uint32_t)msr_read(MSR_CAPABILITY) % 256 : 0;
}

void machine_check_install_core(void) {
    for (uint32_t i = 0; i < bank_count(); i++) {
        msr_write(MSR_BANKS + i * BANK_MSRS + BANK_CONTROL, UINT64_MAX);
        msr_write(MSR_BANKS + i * BANK_MSRS + BANK_STATUS, 0);
    }
    cr4_write(cr4_read() | CR4_MCE);
}

static void read_banks(uint64_t rip) {
    bool lost = !(msr_read(MSR_STATUS) & STATUS_RESTARTABLE);
    for (uint32_t i = 0; i < bank_count(); i++) {
        uint64_t status = msr_read(MSR_BANKS + i * BANK_MSRS + BANK_STATUS);
        if (!(status & BANK_VALID))
            continue;
        last_status = status;
        last_address = msr_read(MSR_BANKS + i * BANK_MSRS + BANK_ADDRESS);
        lost = lost || status & BANK_CORRUPT;
        msr_write(MSR_BANKS + i * BANK_MSRS + BANK_STATUS, 0);
    }
    if (lost)
        panic("machine check at 0x%lx: status 0x%lx, address 0x%lx: the core can't go on", rip,
              last_status, last_address);
    msr_write(MSR_STATUS, 0);
}

void machine_check_note(uint64_t vector, uint64_t rip) {
    if (vector == VECTOR_MACHINE_CHECK)
        read_banks(rip);
    atomic_add(&counters.machine[vector == VECTOR_NMI ? BH_MACHINE_NMIS : BH_MACHINE_CHECKS], 1);
}

void machine_check_tell(void) {
    uint64_t nmis = atomic_load(&counters.machine[BH_MACHINE_NMIS]);
    uint64_t checks = atomic_load(&counters.machine[BH_MACHINE_CHECKS]);
    uint64_t before = atomic_load(&told), now = nmis + checks;
    bool due = now != before && time_now() >= atomic_load(&quiet_until);
    if (!due || !atomic_change(&told, before, now))
        return;
    atomic_store(&quiet_until, time_after_us(TELL_EVERY_US));
    log_line("fault: %lu NMIs, %lu machine checks so far; last check: status 0x%lx, address 0x%lx",
             nmis, checks, last_status, last_address);
    device_tell_errors();
}
