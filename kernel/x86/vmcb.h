/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual machine control block (AMD64 APM volume 2, revision 3.4x, appendix B: tables B-1 and
 * B-2) and the codes that go into it. Layout only; used by svm*.c.
 */
#pragma once

#include "abi/vcpu.h"

/* Table B-1. */
struct vmcb_control {
    uint32_t intercept_cr;          /* 000h: reads of CRn in bits 0..15, writes in 16..31 */
    uint32_t intercept_dr;          /* 004h: the same for DRn */
    uint32_t intercept_exceptions;  /* 008h: bit n is vector n */
    uint32_t intercept_misc1;       /* 00Ch: enum svm_intercept_misc1 */
    uint32_t intercept_misc2;       /* 010h: enum svm_intercept_misc2 */
    uint8_t  reserved_014[0x40 - 0x14];
    uint64_t io_map;                /* 040h: physical address of the I/O permission map */
    uint64_t msr_map;               /* 048h */
    uint64_t tsc_offset;            /* 050h */
    uint32_t asid;                  /* 058h */
    uint32_t tlb_control;           /* 05Ch: enum svm_tlb_control */
    uint32_t virtual_interrupt;     /* 060h: enum svm_virtual_interrupt */
    uint32_t virtual_vector;        /* 064h */
    uint64_t shadow;                /* 068h: bit 0 */
    uint64_t exit_code;             /* 070h: enum bh_exit */
    uint64_t exit_info1;            /* 078h */
    uint64_t exit_info2;            /* 080h */
    uint64_t exit_event;            /* 088h: EXITINTINFO, as enum svm_event */
    uint64_t nested_control;        /* 090h: bit 0 enables nested paging */
    uint8_t  reserved_098[0xa8 - 0x98];
    uint64_t event_injection;       /* 0A8h: EVENTINJ, as enum svm_event */
    uint64_t nested_root;           /* 0B0h */
    uint64_t extensions;            /* 0B8h: LBR and VMLOAD/VMSAVE virtualization */
    uint64_t clean;                 /* 0C0h */
    uint64_t next_rip;              /* 0C8h: with NRIP save only */
    uint8_t  reserved_0d0[0x3e0 - 0xd0];
    uint32_t exceptions_wanted;     /* 3E0h: the host's own use: those that the VMM asked for */
    uint32_t flush_wanted;          /* 1: paging was changed from outside */
    uint8_t  reserved_3e8[0x400 - 0x3e8];
};

/* Table B-2; offsets are from the start of the save area, 400h in the VMCB. */
struct vmcb_save {
    struct bh_segment segment[BH_SEGMENT_COUNT]; /* 000h: in the order of enum bh_segment_name */
    uint8_t  reserved_0a0[0xcb - 0xa0];
    uint8_t  cpl;                   /* 0CBh */
    uint32_t reserved_0cc;
    uint64_t efer;                  /* 0D0h */
    uint8_t  reserved_0d8[0x148 - 0xd8];
    uint64_t cr4;                   /* 148h */
    uint64_t cr3;
    uint64_t cr0;
    uint64_t dr7;                   /* 160h */
    uint64_t dr6;
    uint64_t rflags;                /* 170h */
    uint64_t rip;
    uint8_t  reserved_180[0x1d8 - 0x180];
    uint64_t rsp;                   /* 1D8h */
    uint8_t  reserved_1e0[0x1f8 - 0x1e0];
    uint64_t rax;                   /* 1F8h */
    uint64_t msr[8];                /* 200h: STAR, LSTAR, CSTAR, SFMASK, KERNEL_GS_BASE,
                                       SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP */
    uint64_t cr2;                   /* 240h */
    uint8_t  reserved_248[0x268 - 0x248];
    uint64_t pat;                   /* 268h */
    uint8_t  reserved_270[0xc00 - 0x270];
};

struct vmcb {
    struct vmcb_control control;
    struct vmcb_save save;
};

/* Words that have the same order in the page: star .. sysenter_eip, and cr4 .. rip. */
enum { VMCB_SAVED_MSRS = 8, VMCB_CONTROL_WORDS = 7 };

/* Table B-1, offset 00Ch. */
enum svm_intercept_misc1 {
    SVM_INTERCEPT_INTR = 1u << 0, SVM_INTERCEPT_NMI = 1u << 1, SVM_INTERCEPT_SMI = 1u << 2,
    SVM_INTERCEPT_INIT = 1u << 3, SVM_INTERCEPT_VINTR = 1u << 4,
    SVM_INTERCEPT_CR0_SELECTIVE = 1u << 5,   /* writes that change more than TS and MP */
    SVM_INTERCEPT_RDPMC = 1u << 15, SVM_INTERCEPT_CPUID = 1u << 18, SVM_INTERCEPT_RSM = 1u << 19,
    SVM_INTERCEPT_IRET = 1u << 20, SVM_INTERCEPT_INVD = 1u << 22, SVM_INTERCEPT_HLT = 1u << 24,
    SVM_INTERCEPT_INVLPGA = 1u << 26, SVM_INTERCEPT_IO = 1u << 27, SVM_INTERCEPT_MSR = 1u << 28,
    SVM_INTERCEPT_SHUTDOWN = 1u << 31,
};

/* Table B-1, offset 010h: an instruction a bit. */
enum svm_intercept_misc2 {
    SVM_INTERCEPT_VMRUN = 1u << 0, SVM_INTERCEPT_RDTSCP = 1u << 7,
    SVM_INTERCEPT_INSTRUCTIONS = (1u << 15) - 1,   /* all, up to RDPRU */
};

/* APM 15.16.1; the last one with flush-by-ASID only. */
enum svm_tlb_control { SVM_TLB_KEEP = 0, SVM_TLB_FLUSH_ALL = 1, SVM_TLB_FLUSH_ASID = 3 };

enum svm_virtual_interrupt {        /* APM 15.21.1 */
    SVM_V_IRQ = 1u << 8, SVM_V_PRIORITY_MAX = 0xfu << 16, SVM_V_IGNORE_TPR = 1u << 20,
    SVM_V_INTR_MASKING = 1u << 24,
};

enum svm_event {                    /* EVENTINJ (APM 15.20) and EXITINTINFO (APM 15.7.2) */
    SVM_EVENT_VECTOR = 0xffu, SVM_EVENT_TYPE = 7u << 8,
    SVM_EVENT_INTERRUPT = 0u << 8, SVM_EVENT_NMI = 2u << 8, SVM_EVENT_EXCEPTION = 3u << 8,
    SVM_EVENT_SOFTWARE = 4u << 8,   /* INTn */
    SVM_EVENT_ERROR_CODE = 1u << 11, SVM_EVENT_RESERVED = 0x7ffffu << 12,
    SVM_EVENT_VALID = 1u << 31,
};

enum { SVM_EXIT_PHYSICAL_LAST = 0x63 };   /* INTR, NMI, SMI, INIT, from BH_EXIT_EVENT on */

enum svm_io_info {                  /* EXITINFO1 of a port exit (APM 15.10.2) */
    SVM_IO_IN = 1u << 0, SVM_IO_STRING = 1u << 2, SVM_IO_REPEAT = 1u << 3, SVM_IO_PORT_SHIFT = 16,
};

/* EXITINFO1 of a nested page fault (APM 15.25.6). */
enum svm_nested_fault { SVM_NESTED_WRITE = 1u << 1, SVM_NESTED_FETCH = 1u << 4 };
#define SVM_NESTED_FINAL (1ull << 32)  /* in the final translation, not in the guest's table walk */

#define VMCB_AT(field, offset) \
    _Static_assert(offsetof(struct vmcb, field) == (offset), "APM appendix B: " #field)

VMCB_AT(control.io_map, 0x040);
VMCB_AT(control.event_injection, 0x0a8);
VMCB_AT(control.exceptions_wanted, 0x3e0);
VMCB_AT(save.segment, 0x400);
VMCB_AT(save.cpl, 0x4cb);
VMCB_AT(save.efer, 0x4d0);
VMCB_AT(save.cr4, 0x548);
VMCB_AT(save.rsp, 0x5d8);
VMCB_AT(save.rax, 0x5f8);
VMCB_AT(save.cr2, 0x640);
VMCB_AT(save.pat, 0x668);
_Static_assert(sizeof(struct vmcb) == BH_PAGE_SIZE, "one page");
_Static_assert(offsetof(struct bh_vcpu_state, rip) - offsetof(struct bh_vcpu_state, cr4) ==
               offsetof(struct vmcb_save, rip) - offsetof(struct vmcb_save, cr4), "cr4 .. rip");
