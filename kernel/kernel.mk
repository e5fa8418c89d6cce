# SPDX-License-Identifier: BSD-2-Clause
# The kernel: every C and assembly file of kernel/core, x86, pci and iommu, as one image.
#   bulkhead.elf    ELF64 with symbols, for debuggers and counts
#   bulkhead64.elf  the same without, multiboot 2: for GRUB. It would load sections of symbols, too,
#                   from address 0 on, and UEFI refuses to read a disk to there: it means NULL
#   bulkhead32.elf  in an ELF32 container, multiboot 1: for QEMU -kernel
# build/kernel-controls/ holds the variant that obeys the plan's test controls (red team only).

KERNEL_OBJECT_NAMES := $(patsubst %.c,%.o,$(wildcard kernel/*/*.c)) \
                       $(patsubst %.S,%.S.o,$(wildcard kernel/x86/*.S))

# Optimized as a whole, so that the small functions between core/ and x86/ cost nothing; but for the
# memory functions, which the compiler itself calls.
KERNEL_WHOLE := -O3 -flto=2

# KERNEL_VARIANT build folder, extra flags
define KERNEL_VARIANT
$(1)_OBJECTS := $$(KERNEL_OBJECT_NAMES:kernel/%=build/$(1)/%)

build/$(1)/%.o: kernel/%.c
	@mkdir -p $$(@D)
	$$(CC) $$(KERNEL_CFLAGS) $$(KERNEL_WHOLE) $(2) -c $$< -o $$@

build/$(1)/%.S.o: kernel/%.S
	@mkdir -p $$(@D)
	$$(CC) $$(KERNEL_ASFLAGS) $(2) -c $$< -o $$@

build/$(1)/kernel.ld: kernel/kernel.ld.S kernel/x86/layout.h
	@mkdir -p $$(@D)
	$$(CC) -E -P -x assembler-with-cpp -Ikernel $$< -o $$@

build/$(1)/bulkhead.elf: build/$(1)/kernel.ld $$($(1)_OBJECTS)
	$$(CC) $$(filter-out $$(DEPEND),$$(KERNEL_CFLAGS)) $$(KERNEL_WHOLE) $$(KERNEL_LDFLAGS) \
	    -Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments \
	    -T build/$(1)/kernel.ld $$($(1)_OBJECTS) -o $$@

build/$(1)/bulkhead64.elf: build/$(1)/bulkhead.elf
	$$(OBJCOPY) -S $$< $$@

build/$(1)/bulkhead32.elf: build/$(1)/bulkhead.elf
	$$(OBJCOPY) -S -O elf32-i386 $$< $$@

build/$(1)/x86/string.o: KERNEL_WHOLE :=

ALL += build/$(1)/bulkhead64.elf build/$(1)/bulkhead32.elf
endef

$(eval $(call KERNEL_VARIANT,kernel,))
$(eval $(call KERNEL_VARIANT,kernel-controls,-DKERNEL_CONTROLS))

include $(addprefix tests/unit/kernel/kernel_,core.mk devices.mk vcpus.mk)
