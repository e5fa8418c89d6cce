/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page that a VMM and the kernel share for each vCPU. The VMM's process maps it read-write; the
 * kernel reads it once at vcpu_run (it copies what it uses, then checks) and writes it at each exit
 * that the VMM gets. What a VMM writes here can harm its own guest only: everything that controls
 * the machine (intercepts, nested paging, ASID) stays in the kernel's own control block.
 *
 * References: AMD64 Architecture Programmer's Manual volume 2 ("APM"), chapter 15, appendix B.
 */
#ifndef BULKHEAD_ABI_VCPU_H
#define BULKHEAD_ABI_VCPU_H

#include "base.h"

/* `exit` in the page, why vcpu_run came back: the exit code as the hardware gives it (APM
 * appendix C), of which 32 bits count. info1 and info2 are its EXITINFO1 and EXITINFO2. */
enum bh_exit {
    BH_EXIT_CR_READ    = 0x00, /* + the CR's number: 8 */
    BH_EXIT_CR_WRITE   = 0x10, /* + the CR's number: 4 or 8 */
    BH_EXIT_CR_LAST    = 0x1f,
    BH_EXIT_EXCEPTION  = 0x40, /* + the vector, if the VMM asked for it; error code and CR2 */
    BH_EXIT_EXCEPTION_LAST = 0x5f,
    BH_EXIT_EVENT      = 0x60, /* the thread's notification word was not empty: the call answers the
                                  bits, taken as by `wait`; or the deadline passed: no bits. The
                                  guest's state is as it was. (To the hardware: an interrupt) */
    BH_EXIT_WINDOW     = 0x64, /* the guest can take an interrupt now */
    BH_EXIT_CR0        = 0x65, /* a write of CR0 that changes more than TS and MP */
    BH_EXIT_CPUID      = 0x72,
    BH_EXIT_NMI_WINDOW = 0x74, /* IRET: the guest can take an NMI again */
    BH_EXIT_INVD       = 0x76,
    BH_EXIT_HLT        = 0x78, /* not before the word isn't empty or the deadline has passed; the
                                  bits as for BH_EXIT_EVENT. At once, without them, if the VMM
                                  wanted a window and the guest can take no interrupt yet */
    BH_EXIT_PORT       = 0x7b, /* IN/OUT/INS/OUTS: info1 as in APM 15.10.2, next_rip is valid */
    BH_EXIT_MSR        = 0x7c, /* info1: 0 RDMSR, 1 WRMSR */
    BH_EXIT_SHUTDOWN   = 0x7f, /* triple fault */
    BH_EXIT_HYPERCALL  = 0x81, /* VMMCALL */
    BH_EXIT_WBINVD     = 0x89,
    BH_EXIT_XSETBV     = 0x8d,
    BH_EXIT_INSTRUCTION = 0x66, /* any other from here to the last: an instruction that no guest
                                  gets: SVM, MONITOR, MWAIT, RDPMC, RSM, SKINIT, ICEBP; the VMM
                                  injects #UD (or #GP) */
    BH_EXIT_INSTRUCTION_LAST = 0x8f,
    BH_EXIT_MEMORY     = 0x400, /* nested page fault: info1: error code, info2: GPA (APM 15.25.6) */
    BH_EXIT_INVALID    = 0xffffffffu,   /* VMRUN refused the guest state */
};

struct bh_segment {          /* as in the VMCB (APM table B-2) */
    uint16_t selector;
    uint16_t attributes;
    uint32_t limit;
    uint64_t base;
};

enum bh_gpr {                /* the order of the instruction encoding */
    BH_RAX, BH_RCX, BH_RDX, BH_RBX, BH_RSP, BH_RBP, BH_RSI, BH_RDI,
    BH_R8, BH_R9, BH_R10, BH_R11, BH_R12, BH_R13, BH_R14, BH_R15, BH_GPR_COUNT
};

enum bh_segment_name {
    BH_ES, BH_CS, BH_SS, BH_DS, BH_FS, BH_GS, BH_GDTR, BH_LDTR, BH_IDTR, BH_TR, BH_SEGMENT_COUNT
};

/* Which groups the VMM changed: the kernel loads only these. All are written back at each exit that
 * the VMM gets, except BH_STATE_MSR's, which are at BH_EXIT_MSR only, and BH_STATE_XCR0's, which the
 * guest can't change. RCX, RDX, RBX, RBP, RSI, RDI and R8 to R15 need no bit: they live in the page. */
enum bh_vcpu_dirty {
    BH_STATE_GPR      = 1u << 0,  /* gpr[], rip, rflags */
    BH_STATE_CONTROL  = 1u << 1,  /* cr0, cr2, cr3, cr4, efer, dr6, dr7, cpl */
    BH_STATE_SEGMENTS = 1u << 2,  /* segment[] */
    BH_STATE_MSR      = 1u << 3,  /* star .. pat */
    BH_STATE_XCR0     = 1u << 4,
    BH_STATE_TSC      = 1u << 5,  /* tsc_offset */
    BH_STATE_RESET    = 1u << 6,  /* FPU and debug registers to their reset values first */
    BH_STATE_ALL      = (1u << 7) - 1,
};

enum bh_vcpu_request {
    BH_WANT_WINDOW     = 1u << 0, /* exit with BH_EXIT_WINDOW as soon as the guest's IF and shadow
                                     allow an interrupt (virtual priority is the VMM's business) */
    BH_WANT_NMI_WINDOW = 1u << 1,
};

#define BH_VCPU_HINTS 4u

/* A store that rings a page doorbell: the kernel has no decoder, so the VMM, which decoded the first
 * one, says how long the instruction at this RIP is; the kernel then skips it by itself. */
struct bh_vcpu_hint {
    uint64_t rip;
    uint32_t length;         /* 1 to 15; 0: the entry is empty */
    uint32_t reserved;
};

struct bh_vcpu_state {
    /* Written by the kernel at an exit. */
    uint32_t exit;           /* enum bh_exit */
    uint32_t shadow;         /* 1: interrupt shadow (STI, MOV SS); the VMM may clear it */
    uint64_t info1;
    uint64_t info2;
    uint64_t next_rip;       /* 0 when the hardware doesn't tell */
    uint64_t pending_event;  /* EXITINTINFO (APM 15.7.2): the event whose delivery the exit cut off;
                                bit 31: valid. The VMM puts it into `inject` again */
    uint8_t  fetched;        /* instruction bytes that decode assists gave, 0 to 15 */
    uint8_t  bytes[15];

    /* Written by the VMM before vcpu_run. */
    uint64_t inject;         /* EVENTINJ (APM 15.20): injected at the entry, then zeroed by the kernel
                                once it was delivered; bit 31: valid */
    uint32_t dirty;          /* enum bh_vcpu_dirty; zeroed by the kernel */
    uint32_t want;           /* enum bh_vcpu_request; stays until the VMM changes it */
    uint32_t exceptions;     /* bit n: exception n exits; #DB and #AC always do if they loop */
    uint32_t reserved0;
    uint64_t tsc_offset;     /* guest TSC = host TSC + this */
    struct bh_vcpu_hint hint[BH_VCPU_HINTS];

    /* The guest's state. */
    uint64_t gpr[BH_GPR_COUNT];
    uint64_t cr4;            /* to rip: in the order of the VMCB (APM table B-2) */
    uint64_t cr3;
    uint64_t cr0;
    uint64_t dr7;
    uint64_t dr6;
    uint64_t rflags;
    uint64_t rip;
    uint64_t cr2;
    uint64_t efer;           /* without SVME, which the kernel adds and hides */
    uint64_t cpl;
    uint64_t xcr0;
    struct bh_segment segment[BH_SEGMENT_COUNT];
    uint64_t star;
    uint64_t lstar;
    uint64_t cstar;
    uint64_t sfmask;
    uint64_t kernel_gs_base;
    uint64_t sysenter_cs;
    uint64_t sysenter_esp;
    uint64_t sysenter_eip;
    uint64_t pat;
};

_Static_assert(sizeof(struct bh_segment) == 16, "VMCB segment");
_Static_assert(sizeof(struct bh_vcpu_state) <= BH_PAGE_SIZE, "one page a vCPU");

#endif
