/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First instructions of every thread: RDI = its number, RSI = the manifest, RSP = its stack's top
 * (abi/plan.h, struct bh_plan_thread). Aligns the stack as the System V ABI asks and goes to C.
 */
        .section .text.start, "ax"
        .globl  _start
        .type   _start, @function
_start:
        xorl    %ebp, %ebp
        andq    $-16, %rsp
        call    program_start
        ud2
        .size   _start, . - _start
        .section .note.GNU-stack, "", @progbits
