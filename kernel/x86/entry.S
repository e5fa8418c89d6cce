/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways into the kernel and out of it. The trampoline part is mapped in every process, without
 * anything behind it: it changes to the kernel's tables first and leaves them last.
 *
 * Trusts nothing of what user mode left in registers. Every entry from user mode saves the thread's
 * registers in its context (x86/context.c) and goes on, on this core's empty kernel stack, in a C
 * function that never returns; the way out is context_resume().
 */
#include "x86/context_layout.h"
#include "x86/entry_area.h"
#include "x86/layout.h"

#define MSR_GS_BASE 0xc0000101

    .section .trampoline, "ax"

    .balign 16
    .global trampoline_call
trampoline_call:                        /* SYSCALL: RCX = RIP, R11 = RFLAGS */
    swapgs
    movq %rsp, %gs:AREA_SCRATCH
    movq %gs:AREA_KERNEL_ROOT, %rsp
    movq %rsp, %cr3
    jmp call_entry

    .global trampoline_call32
trampoline_call32:                      /* SYSCALL from compatibility mode: no program runs there */
    ud2

    .balign 16
    .global trampoline_vectors
trampoline_vectors:                     /* one stub every 16 bytes */
    .set vector, 0
    .rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 \
          || vector == 29 || vector == 30)
    pushq $0
    .endif
    pushq $vector
    .if vector == 2 || vector == 8 || vector == 18
    jmp paranoid_entry
    .else
    jmp common_entry
    .endif
    .set vector, vector + 1
    .endr

    .balign 16
common_entry:                           /* vector, error, rip, cs, rflags, rsp, ss */
    testb $3, 24(%rsp)
    jz kernel_entry
    swapgs
    pushq %rax
    movq %gs:AREA_KERNEL_ROOT, %rax
    movq %rax, %cr3
    jmp user_entry

    .balign 16
trampoline_exit:                        /* RAX = the process's root; RAX, RDI and the frame pushed */
    movq %rax, %cr3
    swapgs
    xorl %eax, %eax
    movl %eax, %gs
    popq %rax
    popq %rdi
    iretq

/* NMI, double fault, machine check: at any instruction, so GS and CR3 are whatever they were. */
paranoid_entry:
    cld
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    movl $MSR_GS_BASE, %ecx
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    movq %rax, %rbx                     /* GS base before */
    movq %cr3, %rbp                     /* tables before */
    movq %rsp, %rsi
    orq $4095, %rsi                     /* the stack's last bytes: core, area */
    movq -7(%rsi), %rdx
    movl %edx, %eax
    shrq $32, %rdx
    wrmsr
    movq %gs:AREA_KERNEL_ROOT, %rax
    movq %rax, %cr3
    movq 11*8(%rsp), %rdi               /* vector */
    movq 13*8(%rsp), %rsi               /* rip */
    movq 14*8(%rsp), %rdx               /* cs */
    movq $paranoid_exception, %rax
    call *%rax
    movq %rbp, %cr3
    movq %rbx, %rax
    movq %rbx, %rdx
    shrq $32, %rdx
    movl $MSR_GS_BASE, %ecx
    wrmsr
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

    .text

    .macro save_common context
    movq %rcx, CONTEXT_RCX(\context)
    movq %rdx, CONTEXT_RDX(\context)
    movq %rbx, CONTEXT_RBX(\context)
    movq %rbp, CONTEXT_RBP(\context)
    movq %rsi, CONTEXT_RSI(\context)
    movq %r8, CONTEXT_R8(\context)
    movq %r9, CONTEXT_R9(\context)
    movq %r10, CONTEXT_R10(\context)
    movq %r11, CONTEXT_R11(\context)
    movq %r12, CONTEXT_R12(\context)
    movq %r13, CONTEXT_R13(\context)
    movq %r14, CONTEXT_R14(\context)
    movq %r15, CONTEXT_R15(\context)
    .endm

    /* User values must not steer what the kernel speculates on. */
    .macro clear_kept
    xorl %ebx, %ebx
    xorl %ebp, %ebp
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    .endm

call_entry:
    movq %gs:AREA_CONTEXT, %rsp
    movq %rax, CONTEXT_RAX(%rsp)
    movq %rdi, CONTEXT_RDI(%rsp)
    save_common %rsp
    movq %rcx, CONTEXT_RIP(%rsp)
    movq %r11, CONTEXT_RFLAGS(%rsp)
    movq %rsp, %rdi
    movq %gs:AREA_SCRATCH, %rax
    movq %rax, CONTEXT_RSP(%rdi)
    movq %gs:AREA_STACK, %rsp
    clear_kept
    call user_call                      /* user_call(context) */
    ud2

user_entry:                             /* on the entry stack: rax, vector, error, frame */
    cld
    movq %gs:AREA_CONTEXT, %rax
    movq %rdi, CONTEXT_RDI(%rax)
    save_common %rax
    popq CONTEXT_RAX(%rax)
    popq %rdi                           /* vector */
    popq %rsi                           /* error code */
    popq CONTEXT_RIP(%rax)
    addq $8, %rsp
    popq CONTEXT_RFLAGS(%rax)
    popq CONTEXT_RSP(%rax)
    movq %gs:AREA_STACK, %rsp
    clear_kept
    call user_interrupt                 /* user_interrupt(vector, error) */
    ud2

kernel_entry:                           /* in a window, idle, or a mistake of the kernel */
    cld
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    movq 9*8(%rsp), %rdi                /* vector */
    movq 10*8(%rsp), %rsi               /* error code */
    movq 11*8(%rsp), %rdx               /* rip */
    call kernel_interrupt
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

/* _Noreturn void context_load(const struct context *context): into user mode. */
    .global context_load
context_load:
    movq %gs:AREA_ENTRY_STACK, %rsp
    pushq $USER_DATA
    pushq CONTEXT_RSP(%rdi)
    pushq CONTEXT_RFLAGS(%rdi)
    pushq $USER_CODE
    pushq CONTEXT_RIP(%rdi)
    pushq CONTEXT_RDI(%rdi)
    pushq CONTEXT_RAX(%rdi)
    movq CONTEXT_RCX(%rdi), %rcx
    movq CONTEXT_RDX(%rdi), %rdx
    movq CONTEXT_RBX(%rdi), %rbx
    movq CONTEXT_RBP(%rdi), %rbp
    movq CONTEXT_RSI(%rdi), %rsi
    movq CONTEXT_R8(%rdi), %r8
    movq CONTEXT_R9(%rdi), %r9
    movq CONTEXT_R10(%rdi), %r10
    movq CONTEXT_R11(%rdi), %r11
    movq CONTEXT_R12(%rdi), %r12
    movq CONTEXT_R13(%rdi), %r13
    movq CONTEXT_R14(%rdi), %r14
    movq CONTEXT_R15(%rdi), %r15
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movq %gs:AREA_PROCESS_ROOT, %rax
    jmp trampoline_exit

    .section .note.GNU-stack, "", @progbits
