/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the boot loader to 64-bit C, on the first core and, by the SIPI page, on the others. Runs
 * once, with flat addresses below 4 GiB; trusts the boot loader to have loaded the whole image.
 *
 * Multiboot 1 (QEMU -kernel, the ELF32 copy) and multiboot 2 (GRUB, BIOS or UEFI) both arrive in
 * 32-bit protected mode without paging: EAX = magic, EBX = information.
 */
#include "x86/layout.h"

#define MULTIBOOT1_MAGIC  0x1badb002
#define MULTIBOOT1_FLAGS  0x3           /* modules page-aligned, memory map wanted */
#define MULTIBOOT2_MAGIC  0xe85250d6
#define PAGE_PRESENT_WRITE      0x003
#define PAGE_PRESENT_WRITE_2MIB 0x083
#define EFER              0xc0000080
#define EFER_LME_NXE      0x900
#define CR4_PAE           0x20
#define CR0_PE_WP_PG      0x80010001

    .macro enter_long_mode              /* by the early tables; from 16 or 32 bits */
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $boot_root, %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    movl $CR0_PE_WP_PG, %eax
    movl %eax, %cr0
    .endm

    .macro clear_segments
    xorl %eax, %eax
    .irp segment, ds, es, fs, gs, ss
    movl %eax, %\segment
    .endr
    .endm

    .section .boot.text, "ax"
    .balign 8
    .long MULTIBOOT1_MAGIC, MULTIBOOT1_FLAGS, -(MULTIBOOT1_MAGIC + MULTIBOOT1_FLAGS)

    .balign 8
multiboot2:
    .long MULTIBOOT2_MAGIC, 0, multiboot2_end - multiboot2
    .long -(MULTIBOOT2_MAGIC + (multiboot2_end - multiboot2))
    .long 3, 12, boot_entry             /* type and flags, size, entry address */
    .balign 8
    .long 6, 8                          /* modules page-aligned */
    .long 5 | 1 << 16, 20, 0, 0, 32     /* a framebuffer, if there can be one, of 32 bits */
    .balign 8
    .long 0, 8                          /* end of tags */
multiboot2_end:

    .code32
    .global boot_entry
boot_entry:
    cli
    cld
    movl %eax, %edi
    movl %ebx, %esi

    enter_long_mode
    lgdt boot_gdt_pointer
    ljmp $8, $boot_long

    .code64
boot_long:
    clear_segments
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movq $boot_start, %rax
    call *%rax                          /* boot_start(magic, information) */

    .section .boot.data, "aw", @progbits
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff            /* 64-bit code */
    .quad 0x00cf93000000ffff            /* data */
boot_gdt_pointer:
    .short . - boot_gdt - 1
    .long boot_gdt

/* Early tables: the first 4 GiB at 0 and at the direct map's base, the first GiB as the image. */
    .balign 4096
boot_root:
    .quad boot_pointers + PAGE_PRESENT_WRITE
    .fill 255, 8, 0
    .quad boot_pointers + PAGE_PRESENT_WRITE
    .fill 254, 8, 0
    .quad boot_image_pointers + PAGE_PRESENT_WRITE
boot_pointers:
    .irp gib, 0, 1, 2, 3
    .quad boot_directories + \gib * 4096 + PAGE_PRESENT_WRITE
    .endr
    .fill 508, 8, 0
boot_image_pointers:
    .fill 510, 8, 0
    .quad boot_directories + PAGE_PRESENT_WRITE, 0
boot_directories:
    .set address, 0
    .rept 2048
    .quad address + PAGE_PRESENT_WRITE_2MIB
    .set address, address + 0x200000
    .endr

/*
 * The page that another core starts at: copied to SIPI_PAGE, entered in real mode with CS = its
 * segment. Straight to long mode by the early tables, then to the kernel's own.
 */
    .section .rodata.sipi, "a"
    .global sipi_code, sipi_code_end
    .balign 16
sipi_code:
    .code16
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    enter_long_mode
    lgdtl sipi_gdt_pointer - sipi_code
    ljmpl $8, $(SIPI_PAGE + sipi_long - sipi_code)
    .code64
sipi_long:
    movq $sipi_high, %rax
    jmp *%rax
    .balign 8
sipi_gdt_pointer:
    .short 23
    .long boot_gdt
sipi_code_end:

    .text
sipi_high:
    clear_segments
    movq smp_start_root(%rip), %rax
    movq %rax, %cr3
    movq smp_start_stack(%rip), %rsp
    xorl %ebp, %ebp
    movl smp_start_core(%rip), %edi
    call smp_core_main

/* void stack_continue(uint64_t stack, void (*function)(void)): goes on with an empty stack. */
    .global stack_continue
stack_continue:
    movq %rdi, %rsp
    xorl %ebp, %ebp
    call *%rsi
    ud2

    .bss
    .balign 4096
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
