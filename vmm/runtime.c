/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the VMM's parts need from the world: time, sleep, the kernel's calls, the log. Host tests
 * put their own in its place.
 */
#include <stdarg.h>

#include "lib/c/format.h"
#include "lib/call/before_wait.h"
#include "lib/log/log.h"
#include "lib/time/time.h"
#include "vmm/cpu/cpuid.h"
#include "vmm/vm.h"

uint64_t vm_now(void) {
    return time_now();
}

/* Notifications that some thread took while it waited for a lock: those for any vCPU's thread, and
 * others, after which the I/O thread looks at everything, perhaps once too often. */
static uint64_t kept;
static uint64_t heard;               /* the bits for vCPUs' threads; written at the start */

static uint64_t take_kept(uint64_t bits) {
    if ((__atomic_load_n(&kept, __ATOMIC_SEQ_CST) & bits) == 0)
        return 0;
    return __atomic_fetch_and(&kept, ~bits, __ATOMIC_SEQ_CST) & bits;
}

uint64_t vm_sleep(uint64_t host_deadline) {
    uint64_t bits;
    call_wait(host_deadline, &bits);
    return bits;
}

uint64_t vm_wait(struct vm *vm, uint64_t host_deadline) {
    uint64_t bits;
    uint64_t before = take_kept(~heard);
    uint64_t deadline = before != 0 ? 0 : host_deadline;
    uint32_t notify = vm->before_wait;
    vm->before_wait = BH_NONE;
    if (notify == BH_NONE)
        call_wait(deadline, &bits);
    else
        call_notify_wait(notify, deadline, &bits);
    return bits | before;
}

void vm_know_heard(uint64_t bits) {
    heard |= bits;
}

uint64_t vm_kept_heard(void) {
    return take_kept(heard);
}

bool vm_enter(const struct vcpu *vcpu, uint64_t host_deadline, uint64_t *bits) {
    return call_vcpu_run(vcpu->slot, host_deadline, bits) == BH_OK;
}

bool vm_place_framebuffer(const struct vm *vm, struct gpa at, bool present) {
    return call_guest_place(vm->framebuffer_slot, at.value, present) == BH_OK;
}

bool passthrough_place(uint32_t slot, struct gpa at, bool present) {
    return call_guest_place(slot, at.value, present) == BH_OK;
}

bool passthrough_control(uint32_t slot, enum bh_device_operation operation) {
    return call_device_control(slot, operation) == BH_OK;
}

uint64_t passthrough_value(uint32_t slot, enum bh_device_value what, uint64_t argument) {
    uint64_t value;
    return call_device_read(slot, what, argument, &value) == BH_OK ? value : 0;
}

void passthrough_lost(const char *name) {
    log_line("%s can't be reset: the guest goes on without it", name);
}

void lock_pause(void) {
    enum { PAUSES_A_MS = 50 };
    uint64_t bits = vm_sleep(time_now() + time_khz() / PAUSES_A_MS);
    __atomic_fetch_or(&kept, bits, __ATOMIC_SEQ_CST);
}

void vm_kick(struct vm *vm, const struct vcpu *vcpu) {
    (void)vm;
    call_notify(vcpu->kick_slot);
}

void vm_kick_before_wait(struct vm *vm, const struct vcpu *vcpu) {
    call_notify_before_wait(vcpu->kick_slot, &vm->before_wait);
}

void vm_kick_io(struct vm *vm) {
    __atomic_store_n(&vm->io_wanted, true, __ATOMIC_SEQ_CST);
    call_notify(vm->io_slot);
}

void vm_kick_nvme(struct vm *vm) {
    call_notify(vm->io_slot);
}

void vm_log(const char *format, ...) {
    char line[LOG_LINE];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(line, sizeof(line), format, arguments);
    va_end(arguments);
    log_line("%s", line);
}

struct cpuid cpuid_host(uint32_t leaf, uint32_t subleaf) {
    struct cpuid answer;
    __asm__ volatile("cpuid" : "=a"(answer.eax), "=b"(answer.ebx), "=c"(answer.ecx),
                     "=d"(answer.edx) : "0"(leaf), "2"(subleaf));
    return answer;
}

bool rng_take(uint64_t *value) {
    enum { LEAF1_RDRAND = 1 << 30, TRIES = 10 };
    unsigned char good = 0;
    if (!(cpuid_host(1, 0).ecx & LEAF1_RDRAND))
        return false;
    for (unsigned i = 0; i < TRIES && !good; i++)
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(good) : : "cc");
    return good != 0;
}
