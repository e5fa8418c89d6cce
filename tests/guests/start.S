/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A test guest's start: a bzImage (Linux, Documentation/arch/x86/boot.rst, protocol 2.12) whose
 * kernel is main() in C. It takes all three ways in: real mode (a PC's boot loader), 32 bits, and
 * 64 bits at offset 0x200 of the kernel; so it runs under any monitor that boots Linux.
 */
#define LOAD        0x100000
#define CODE32      0x10
#define DATA        0x18
#define CODE64      0x20
#define EFER        0xc0000080
#define EFER_LME    (1 << 8)
#define CR0_PE      (1 << 0)
#define CR0_PG      (1 << 31)
#define CR4_PAE     (1 << 5)
#define PTE_TABLE   0x003   /* present, writable */
#define PDE_2M      0x083   /* present, writable, 2 MiB page */

        .section .setup, "ax"
        .code16
setup:
        .org 0x1f1
        .byte 1                         /* setup_sects: this one sector follows the boot sector */
        .word 0
        .long _kernel_paragraphs         /* syssize, in 16 bytes */
        .word 0, 0, 0
        .word 0xaa55                    /* boot_flag */
        .byte 0xeb, real_mode - 1f      /* 0x200: jump */
1:      .ascii "HdrS"
        .word 0x020c                    /* version */
        .long 0
        .word 0, 0
        .byte 0                         /* type_of_loader */
        .byte 1                         /* loadflags: LOADED_HIGH */
        .word 0
        .long LOAD                      /* code32_start */
        .long 0, 0, 0
        .word 0
        .byte 0, 0
        .long 0                         /* cmd_line_ptr: 0x228 */
        .long 0x7fffffff                /* initrd_addr_max */
        .long 0x1000                    /* kernel_alignment */
        .byte 0, 12                     /* not relocatable, min_alignment */
        .word 1                         /* xloadflags: XLF_KERNEL_64 */
        .long 255                       /* cmdline_size */
        .long 0
        .quad 0
        .long 0, 0
        .quad 0
        .quad LOAD                      /* pref_address */
        .long _init_size                /* init_size */
        .long 0

real_mode:
        cli
        xorl    %eax, %eax
        movw    %ds, %ax
        shll    $4, %eax
        movl    %eax, %esi              /* the zero page: this very header */
        addl    $(gdt - setup), %eax
        movl    %eax, gdt_pointer - setup + 2
        lgdtl   gdt_pointer - setup
        movl    %cr0, %eax
        orl     $CR0_PE, %eax
        movl    %eax, %cr0
        movw    $DATA, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        ljmpl   $CODE32, $LOAD

        .balign 8
gdt:    .quad 0, 0
        .quad 0x00cf9a000000ffff        /* CODE32 */
        .quad 0x00cf92000000ffff        /* DATA */
        .quad 0x00af9a000000ffff        /* CODE64 */
gdt_pointer:
        .word . - gdt - 1
        .long 0
        .org 0x400

/* From 32 bits to 64 at a label, with the page tables at EAX. */
        .macro  enter_long_mode label
        movl    %eax, %cr3
        movl    $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $EFER, %ecx
        rdmsr
        orl     $EFER_LME, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $CR0_PG, %eax
        movl    %eax, %cr0
        ljmpl   $CODE64, $\label
        .endm

        .section .start, "ax"
        .code32
entry32:                                /* ESI: the zero page */
        cli
        lgdtl   long_gdt_pointer
        movl    $table3, %eax
        orl     $PTE_TABLE, %eax
        movl    %eax, table4
        movl    $table2, %eax
        orl     $PTE_TABLE, %eax
        movl    %eax, table3
        movl    $PDE_2M, %eax
        xorl    %ecx, %ecx
1:      movl    %eax, table2(, %ecx, 8)
        movl    $0, table2 + 4(, %ecx, 8)
        addl    $0x200000, %eax
        incl    %ecx
        cmpl    $512, %ecx
        jb      1b
        movl    $table4, %eax
        enter_long_mode entry64

        .balign 8
long_gdt:
        .quad 0, 0
        .quad 0x00cf9a000000ffff
        .quad 0x00cf92000000ffff
        .quad 0x00af9a000000ffff
long_gdt_pointer:
        .word . - long_gdt - 1
        .long long_gdt

        .org 0x200
        .code64
entry64:                                /* RSI: the zero page */
        cli
        cld
        movq    %cr3, %rax
        movl    %eax, tables
        leaq    stack_end(%rip), %rsp
        xorl    %ebp, %ebp
        movq    %rsi, %rdi
        call    main
1:      hlt
        jmp     1b

second64:
        leaq    second_stack_end(%rip), %rsp
        xorl    %ebp, %ebp
        call    second
1:      hlt
        jmp     1b

/*
 * Another vCPU's start, for guests that have a function second(): main() copies this to a page below
 * 1 MiB and sends its number by SIPI.
 */
        .globl  second_start, second_end
        .weak   second
        .code16
second_start:
        cli
        movw    %cs, %ax
        movw    %ax, %ds
        lgdtl   second_gdt_pointer - second_start
        movl    %cr0, %eax
        orl     $CR0_PE, %eax
        movl    %eax, %cr0
        ljmpl   $CODE32, $second32
second_gdt_pointer:
        .word long_gdt_pointer - long_gdt - 1
        .long long_gdt
second_end:
        .code32
second32:
        movw    $DATA, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movl    tables, %eax
        enter_long_mode second64

        .section .bss, "aw", @nobits
        .balign 4096
table4: .skip 4096
table3: .skip 4096
table2: .skip 4096
stack:  .skip 8192
stack_end:
        .skip 8192
second_stack_end:
tables: .skip 4                         /* vCPU 0's CR3 */
        .section .note.GNU-stack, "", @progbits
