/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ran on the machine before Bulkhead: an option ROM (PCI Firmware Specification 3.0, 5.1) that
 * leaves devices as no well-behaved firmware would. The firmware calls it in real mode; it writes
 * the list that tests/redteam/earlier.py appends: a port (16 bits) and a value (32 bits) each. Port
 * 0 ends the list; at port 1 it waits for the test, which changes memory meanwhile.
 */
#define PORT_END  0
#define PORT_WAIT 1
#define WORD_HERE 0x7e00                /* of memory that the boot leaves alone: the value is there */
#define WORD_GO   0x7e04                /* when the test has set it to the same value */

    .code16
    .text
    .globl _start
_start:
    .byte 0x55, 0xaa
    .byte 1                             /* units of 512 bytes */
    jmp enter
    .org 0x18
    .word pci_data - _start
    .org 0x1c
pci_data:
    .ascii "PCIR"
    .word 0, 0                          /* vendor and device: by the test */
    .word 0
    .word 0x18                          /* of this structure */
    .byte 0, 0, 0, 0                    /* revision, class */
    .word 1                             /* units of 512 bytes */
    .word 0
    .byte 0, 0x80                       /* a PC's code, the last image */
    .word 0

enter:
    pushf
    pushal
    pushw %ds
    pushw %es
    xorw %ax, %ax
    movw %ax, %es
    pushw %cs
    popw %ds
    cld
    movw $(list - _start), %si
next:
    lodsw
    movw %ax, %dx
    lodsl
    cmpw $PORT_WAIT, %dx
    jb done
    je wait
    outl %eax, %dx
    jmp next
wait:
    movl %eax, %es:WORD_HERE
0:
    pause
    cmpl %eax, %es:WORD_GO
    jne 0b
    jmp next
done:
    popw %es
    popw %ds
    popal
    popf
    lretw
list:
