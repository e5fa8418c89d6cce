# SPDX-License-Identifier: BSD-2-Clause
# Host tests of the kernel's pure core: address spaces in every format, queues and budgets, memory
# ranges, log texts, and the decoding of calls.
UNIT_TESTS += kernel_space kernel_sched kernel_memory kernel_log_text kernel_call
unit_kernel_space_SOURCES    := tests/unit/test_kernel_space.c kernel/core/space_table.c \
                                kernel/core/table_format.c kernel/x86/table_cpu.c \
                                kernel/iommu/table.c
unit_kernel_sched_SOURCES    := tests/unit/test_kernel_sched.c kernel/core/ready.c
unit_kernel_memory_SOURCES   := tests/unit/test_kernel_memory.c kernel/core/boot_ranges.c
unit_kernel_log_text_SOURCES := tests/unit/test_kernel_log_text.c kernel/core/format.c
unit_kernel_call_SOURCES     := tests/unit/test_kernel_call.c kernel/core/call.c
