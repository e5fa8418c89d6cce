/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel image: boot code where the loader puts it, the rest at IMAGE_BASE, one segment for
 * each protection; the trampoline at its own address. */
#include "x86/layout.h"

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(boot_entry)

PHDRS
{
    boot PT_LOAD FLAGS(7);
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    trampoline PT_LOAD FLAGS(5);
    data PT_LOAD FLAGS(6);
}

SECTIONS
{
    . = IMAGE_PHYSICAL;
    .boot : { KEEP(*(.boot.text)) *(.boot.data) . = ALIGN(4096); } :boot

    . = IMAGE_BASE + .;
    image_text = .;
    .text : AT(ADDR(.text) - IMAGE_BASE) { *(.text .text.*) . = ALIGN(4096); } :text
    image_rodata = .;
    .rodata : AT(ADDR(.rodata) - IMAGE_BASE) { *(.rodata .rodata.*) . = ALIGN(4096); } :rodata
    trampoline_load = .;
    .trampoline TRAMPOLINE_BASE : AT(trampoline_load - IMAGE_BASE)
    {
        trampoline_start = .;
        KEEP(*(.trampoline)) . = ALIGN(4096);
        trampoline_end = .;
        ASSERT(trampoline_vectors == trampoline_start, "gates lead there");
    } :trampoline
    . = trampoline_load + SIZEOF(.trampoline);
    image_data = .;
    .data : AT(ADDR(.data) - IMAGE_BASE) { *(.data .data.*) . = ALIGN(4096); } :data
    .bss : AT(ADDR(.bss) - IMAGE_BASE) { *(.bss .bss.* COMMON) . = ALIGN(4096); } :data
    image_end = .;

    /DISCARD/ : { *(.note.*) *(.comment) *(.eh_frame) }
}
