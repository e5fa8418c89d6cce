/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets in struct context (x86/context.h), for assembly. */
#ifndef KERNEL_X86_CONTEXT_LAYOUT_H
#define KERNEL_X86_CONTEXT_LAYOUT_H

#define CONTEXT_RAX    0
#define CONTEXT_RCX    8
#define CONTEXT_RDX    16
#define CONTEXT_RBX    24
#define CONTEXT_RSP    32
#define CONTEXT_RBP    40
#define CONTEXT_RSI    48
#define CONTEXT_RDI    56
#define CONTEXT_R8     64
#define CONTEXT_R9     72
#define CONTEXT_R10    80
#define CONTEXT_R11    88
#define CONTEXT_R12    96
#define CONTEXT_R13    104
#define CONTEXT_R14    112
#define CONTEXT_R15    120
#define CONTEXT_RIP    128
#define CONTEXT_RFLAGS 136
#define CONTEXT_SIZE   144

#endif
