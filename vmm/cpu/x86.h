/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names for the architectural bits that several files of the VMM use. Nothing else.
 *
 * References: AMD64 Architecture Programmer's Manual volume 2 ("APM"): 3.1 (control registers),
 * 4.8 (segments), 5.4 (page-table entries), 8.2 (vectors), 15.20 (event injection).
 */
#ifndef VMM_X86_H
#define VMM_X86_H

#include <stdint.h>

enum x86_cr0 {
    CR0_PE = 1u << 0,
    CR0_MP = 1u << 1,
    CR0_EM = 1u << 2,
    CR0_TS = 1u << 3,
    CR0_ET = 1u << 4,
    CR0_NE = 1u << 5,
    CR0_WP = 1u << 16,
    CR0_AM = 1u << 18,
    CR0_NW = 1u << 29,
    CR0_CD = 1u << 30,
};
#define CR0_PG 0x80000000ull

enum x86_cr4 {
    CR4_PSE  = 1u << 4,
    CR4_PAE  = 1u << 5,
    CR4_OSXSAVE = 1u << 18,
    CR4_SMEP = 1u << 20,
    CR4_SMAP = 1u << 21,
};

enum x86_efer {
    EFER_SCE = 1u << 0,
    EFER_LME = 1u << 8,
    EFER_LMA = 1u << 10,
    EFER_NXE = 1u << 11,
};

enum x86_rflags {
    RFLAGS_CF = 1u << 0,
    RFLAGS_FIXED = 1u << 1,
    RFLAGS_PF = 1u << 2,
    RFLAGS_AF = 1u << 4,
    RFLAGS_ZF = 1u << 6,
    RFLAGS_SF = 1u << 7,
    RFLAGS_IF = 1u << 9,
    RFLAGS_DF = 1u << 10,
    RFLAGS_OF = 1u << 11,
    RFLAGS_RF = 1u << 16,
    RFLAGS_AC = 1u << 18,
};

/* Segment attributes as the VMCB packs them (APM 15.5.1): type 0-3, S 4, DPL 5-6, P 7, AVL 8, L 9,
 * D/B 10, G 11. */
enum x86_segment {
    SEGMENT_LONG       = 1u << 9,
    SEGMENT_DEFAULT_32 = 1u << 10,
    SEGMENT_REAL_CODE  = 0x09b,   /* present, code, readable, accessed */
    SEGMENT_REAL_DATA  = 0x093,   /* present, data, writable, accessed */
    SEGMENT_FLAT_CODE_32 = 0xc9b,
    SEGMENT_FLAT_CODE_64 = 0xa9b,
    SEGMENT_FLAT_DATA  = 0xc93,
    SEGMENT_LDT        = 0x082,
    SEGMENT_TSS_BUSY   = 0x08b,
};

#define PTE_PRESENT    (1ull << 0)
#define PTE_WRITE      (1ull << 1)
#define PTE_USER       (1ull << 2)
#define PTE_ACCESSED   (1ull << 5)
#define PTE_DIRTY      (1ull << 6)
#define PTE_LARGE      (1ull << 7)
#define PTE_NO_EXECUTE (1ull << 63)
#define PTE_ADDRESS_4K 0x000ffffffffff000ull

enum x86_vector {
    VECTOR_NMI = 2,
    VECTOR_UD  = 6,
    VECTOR_GP  = 13,
    VECTOR_PF  = 14,
};

/* EVENTINJ and EXITINTINFO: vector 0-7, type 8-10, error code valid 11, valid 31, error 32-63. */
enum x86_event {
    EVENT_INTERRUPT  = 0u << 8,
    EVENT_NMI        = 2u << 8,
    EVENT_EXCEPTION  = 3u << 8,
    EVENT_SOFTWARE   = 4u << 8,
    EVENT_TYPE       = 7u << 8,
    EVENT_ERROR_CODE = 1u << 11,
};
#define EVENT_VALID 0x80000000ull

#endif
