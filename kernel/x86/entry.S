/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways into the kernel and out of it. The trampoline part is mapped in every process, without
 * anything behind it: it changes to the kernel's tables first and leaves them last.
 *
 * Trusts nothing of what user mode left in registers. Every entry from user mode saves the thread's
 * registers in its context (x86/context.c) and goes on, on this core's empty kernel stack, in a C
 * function that never returns; the way out is context_resume().
 */
#include "x86/entry_area.h"
#include "x86/layout.h"

#define MSR_GS_BASE 0xc0000101
#define STUB_BYTES 16
#define GATE 0x8e                       /* present, ring 0, interrupts off */
/* Lost in a C function: all but RBP (mk/flags.mk). */
#define LOST          rax, rcx, rdx, rbx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
#define LOST_REVERSED r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbx, rdx, rcx, rax

    /* CONTEXT_rax and so on: offsets in struct context (x86/entry.h). */
    .set offset, 0
    .irp name, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, rip, \
               rflags, root
    .set CONTEXT_\name, offset
    .set offset, offset + 8
    .endr

    .macro push_all names:vararg
    .irp name, \names
    pushq %\name
    .endr
    .endm

    .macro pop_all names:vararg
    .irp name, \names
    popq %\name
    .endr
    .endm

    .global trampoline_call, trampoline_vectors, trampoline_interrupts, context_load
    .section .trampoline, "ax"

trampoline_vectors:                     /* one stub every STUB_BYTES; first (kernel.ld.S) */
    .set vector, 0
    .rept 256
    .balign STUB_BYTES
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

    /* SDM 3A 6.14.1: offset, selector, stack, type, offset. NMI, double fault and machine check
     * have stacks of their own, numbered from 1 (enum entry_exception_stack). */
    .balign STUB_BYTES
trampoline_interrupts:
    .set vector, 0
    .rept 256
    .set stub, TRAMPOLINE_BASE + vector * STUB_BYTES
    .short stub & 0xffff, KERNEL_CODE
    .byte -(vector == 2) - 2 * (vector == 8) - 3 * (vector == 18), GATE
    .short (stub >> 16) & 0xffff
    .long stub >> 32, 0
    .set vector, vector + 1
    .endr

trampoline_call:                        /* SYSCALL: RCX = RIP, R11 = RFLAGS */
    swapgs
    movq %rsp, %gs:AREA_SCRATCH
    movq %gs:AREA_KERNEL_ROOT, %rsp
    movq %rsp, %cr3
    jmp call_entry

common_entry:                           /* vector, error, rip, cs, rflags, rsp, ss */
    testb $3, 24(%rsp)
    jz kernel_entry
    swapgs
    pushq %rax
    movq %gs:AREA_KERNEL_ROOT, %rax
    movq %rax, %cr3
    jmp user_entry

trampoline_exit:                        /* RAX = its root; RAX, RDI and the frame pushed */
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
    push_all LOST, rbp
    movl $MSR_GS_BASE, %ecx
    rdmsr
    shlq $32, %rdx
    orq %rdx, %rax
    pushq %rax                          /* GS base before */
    movq %cr3, %rbp                     /* tables before */
    movq %rsp, %rsi
    orq $4095, %rsi                     /* the stack's last bytes: the area */
    movq -7(%rsi), %rdx
    movl %edx, %eax
    shrq $32, %rdx
    wrmsr
    movq %gs:AREA_KERNEL_ROOT, %rax
    movq %rax, %cr3
    movq 16*8(%rsp), %rdi               /* vector */
    movq 18*8(%rsp), %rsi               /* rip */
    movq 19*8(%rsp), %rdx               /* cs */
    movq $paranoid_exception, %rax
    call *%rax
    movq %rbp, %cr3
    popq %rax
    movq %rax, %rdx
    shrq $32, %rdx
    movl $MSR_GS_BASE, %ecx
    wrmsr
    pop_all rbp, LOST_REVERSED
    addq $16, %rsp
    iretq

    .text

    .macro save_to context, names:vararg
    .irp name, \names
    movq %\name, CONTEXT_\name(\context)
    .endr
    .endm

#define SAVED_BY_BOTH rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15

    /* User values must not steer what the kernel speculates on. */
    .macro clear_kept
    .irp name, ebx, ebp, r12d, r13d, r14d, r15d
    xorl %\name, %\name
    .endr
    .endm

call_entry:
    movq %gs:AREA_CONTEXT, %rsp
    save_to %rsp, rax, SAVED_BY_BOTH
    movq %rcx, CONTEXT_rip(%rsp)
    movq %r11, CONTEXT_rflags(%rsp)
    movq %rsp, %rdi
    movq %gs:AREA_SCRATCH, %rax
    movq %rax, CONTEXT_rsp(%rdi)
    movq %gs:AREA_STACK, %rsp
    clear_kept
    call user_call                      /* user_call(context) */
    ud2

user_entry:                             /* on the entry stack: rax, vector, error, frame */
    cld
    movq %gs:AREA_CONTEXT, %rax
    save_to %rax, SAVED_BY_BOTH
    popq CONTEXT_rax(%rax)
    popq %rdi                           /* vector */
    popq %rsi                           /* error code */
    popq CONTEXT_rip(%rax)
    addq $8, %rsp
    popq CONTEXT_rflags(%rax)
    popq CONTEXT_rsp(%rax)
    movq %gs:AREA_STACK, %rsp
    clear_kept
    call user_interrupt                 /* user_interrupt(vector, error) */
    ud2

kernel_entry:                           /* in a window, idle, or a mistake of the kernel */
    cld
    popq %rdi                           /* vector */
    popq %rsi                           /* error code */
    movq (%rsp), %rdx                   /* rip */
    call kernel_interrupt
    iretq                               /* whoever opened the window lost all but RBP (x86/core.c) */

/* _Noreturn void context_load(const struct context *context): into user mode. */
context_load:
    movq %gs:AREA_ENTRY_STACK, %rsp
    pushq $USER_DATA
    pushq CONTEXT_rsp(%rdi)
    pushq CONTEXT_rflags(%rdi)
    pushq $USER_CODE
    pushq CONTEXT_rip(%rdi)
    pushq CONTEXT_rdi(%rdi)
    pushq CONTEXT_rax(%rdi)
    .irp name, rcx, rdx, rbx, rbp, rsi, r8, r9, r10, r11, r12, r13, r14, r15
    movq CONTEXT_\name(%rdi), %\name
    .endr
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movq CONTEXT_root(%rdi), %rax
    jmp trampoline_exit

    .section .note.GNU-stack, "", @progbits
