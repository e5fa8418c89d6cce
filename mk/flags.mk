# SPDX-License-Identifier: BSD-2-Clause
# Compilers and the flag sets that the parts share. Nothing here says which files are built.

QUIET   := $(if $(V),,mk/quiet )
CC      := $(QUIET)gcc
CLANG   := $(QUIET)clang
LD      := $(QUIET)ld
OBJCOPY := objcopy
PYTHON  := /usr/bin/python3

WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla
DEPEND   := -MMD -MP
INCLUDES := -I.

# A machine without an operating system below: no libc, no red zone in ring 0, no vector registers
# in the kernel because they belong to whoever was interrupted.
FREESTANDING := -std=c11 -O2 -g -ffreestanding -fno-stack-protector -fno-pic -fno-pie \
                -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common \
                -ffunction-sections -fdata-sections -m64

# Who calls saves what it still needs, but for RBP, which the compiler keeps. Most of these functions
# are inlined, or don't return (the dispatcher): what they would save is nobody's.
CALLER_SAVES := -fcall-used-rbx -fcall-used-r12 -fcall-used-r13 -fcall-used-r14 -fcall-used-r15

KERNEL_CFLAGS  := $(FREESTANDING) $(CALLER_SAVES) -mcmodel=kernel -mno-red-zone -mgeneral-regs-only \
                  $(WARNINGS) $(DEPEND) $(INCLUDES) -Ikernel
KERNEL_ASFLAGS := $(KERNEL_CFLAGS)
KERNEL_LDFLAGS := -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack

PROGRAM_CFLAGS  := $(FREESTANDING) $(CALLER_SAVES) $(WARNINGS) $(DEPEND) $(INCLUDES)
PROGRAM_ASFLAGS := $(PROGRAM_CFLAGS)
PROGRAM_LDFLAGS := -nostdlib -static -no-pie -Wl,--gc-sections -Wl,--build-id=none \
                   -Wl,-z,noexecstack -Wl,-z,max-page-size=4096

SANITIZE     := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HOST_CFLAGS  := -std=c11 -O2 -g -D_GNU_SOURCE $(WARNINGS) $(DEPEND) $(INCLUDES)
HOST_LDFLAGS :=

# Host builds of tests: the same sources, with the sanitizers.
UNIT_CFLAGS := -std=c11 -O1 -g -D_GNU_SOURCE $(WARNINGS) $(DEPEND) $(INCLUDES) -Ikernel $(SANITIZE)
FUZZ_CFLAGS := $(UNIT_CFLAGS) -fsanitize=fuzzer
