# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the kernel's pure core: address spaces in every format, queues and budgets, memory
# ranges, log texts, the decoding of calls, and the limit of interrupts.
UNIT_TESTS += kernel_space kernel_sched kernel_memory kernel_log_text kernel_call \
              kernel_interrupt
unit_kernel_space_SOURCES    := tests/unit/test_kernel_space.c kernel/core/space_table.c \
                                kernel/core/table_format.c kernel/x86/table_cpu.c \
                                kernel/iommu/table.c
unit_kernel_sched_SOURCES    := tests/unit/test_kernel_sched.c kernel/core/ready.c
unit_kernel_memory_SOURCES   := tests/unit/test_kernel_memory.c kernel/core/boot_ranges.c
unit_kernel_log_text_SOURCES := tests/unit/test_kernel_log_text.c kernel/core/format.c
unit_kernel_call_SOURCES     := tests/unit/test_kernel_call.c kernel/core/call.c
unit_kernel_interrupt_SOURCES := tests/unit/test_kernel_interrupt.c kernel/core/interrupt.c \
                                 kernel/x86/atomic.c
