/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into the guest and back (AMD64 APM volume 2, 15.5 and 15.6). All general registers but RAX and RSP,
 * which the control block holds, live in the VMM's state page: any value is as good as another there.
 *
 * While GIF is clear nothing is delivered; IF is set under its cover, so that a physical interrupt,
 * one that came before VMRUN included, ends the guest at once (15.21.1) and is still pending, with
 * IF clear, when svm_run returns. So no wake-up is lost between the dispatcher's last look and here.
 */
#define IN_PAGE rcx, rdx, rbx, rbp, rsi, r8, r9, r10, r11, r12, r13, r14, r15, rdi   /* RDI last */

    /* GPR_rax and so on: offsets in the page's gpr[]. */
    .set offset, 0
    .irp register, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    .set GPR_\register, offset
    .set offset, offset + 8
    .endr

    .text
    .balign 16
    .global svm_run
    .type svm_run, @function
/* void svm_run(uint64_t gpr[16] (RDI), paddr_t vmcb (RSI), paddr_t host_state (RDX)) */
svm_run:
    pushq %rbp                          /* the caller counts on no other (mk/flags.mk) */
    pushq %rdx
    pushq %rdi
    movq %rsi, %rax
    clgi
    sti
    .irp register, IN_PAGE
    movq GPR_\register(%rdi), %\register
    .endr
    vmload
    vmrun
    vmsave                              /* RAX and RSP are the host's again */
    movq (%rsp), %rax
    .irp register, IN_PAGE
    movq %\register, GPR_\register(%rax)
    .endr
    movq 8(%rsp), %rax
    vmload                              /* FS, GS, TR, LDTR and the fast-call registers */
    cli
    stgi
    addq $16, %rsp
    popq %rbp
    ret

    .section .note.GNU-stack, "", @progbits
