/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into the guest and back (AMD64 APM volume 2, 15.5 and 15.6). All general registers but RAX and RSP,
 * which the control block holds, live in the VMM's state page: any value is as good as another there.
 *
 * While GIF is clear nothing is delivered; IF is set under its cover, so that a physical interrupt,
 * one that came before VMRUN included, ends the guest at once (15.21.1) and is still pending, with
 * IF clear, when svm_run returns. So no wake-up is lost between the dispatcher's last look and here.
 */
    .text
    .balign 16
    .global svm_run
    .type svm_run, @function
/* void svm_run(uint64_t gpr[16] (RDI), paddr_t vmcb (RSI), paddr_t host_state (RDX)) */
svm_run:
    .irp register, rbx, rbp, r12, r13, r14, r15, rdx
    pushq %\register
    .endr
    pushq %rdi
    movq %rsi, %rax
    clgi
    sti
    movq 1 * 8(%rdi), %rcx
    movq 2 * 8(%rdi), %rdx
    movq 3 * 8(%rdi), %rbx
    movq 5 * 8(%rdi), %rbp
    movq 6 * 8(%rdi), %rsi
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    movq \number * 8(%rdi), %r\number
    .endr
    movq 7 * 8(%rdi), %rdi
    vmload
    vmrun
    vmsave                              /* RAX and RSP are the host's again */
    movq (%rsp), %rax
    movq %rcx, 1 * 8(%rax)
    movq %rdx, 2 * 8(%rax)
    movq %rbx, 3 * 8(%rax)
    movq %rbp, 5 * 8(%rax)
    movq %rsi, 6 * 8(%rax)
    movq %rdi, 7 * 8(%rax)
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    movq %r\number, \number * 8(%rax)
    .endr
    movq 8(%rsp), %rax
    vmload                              /* FS, GS, TR, LDTR and the fast-call registers */
    cli
    stgi
    addq $16, %rsp
    .irp register, r15, r14, r13, r12, rbp, rbx
    popq %\register
    .endr
    ret

    .section .note.GNU-stack, "", @progbits
