# SPDX-License-Identifier: BSD-2-Clause
# Host tests of virtual CPUs: the state page, exits, doorbells.
UNIT_TESTS += kernel_svm kernel_vcpu
unit_kernel_svm_SOURCES  := tests/unit/test_kernel_svm.c kernel/x86/svm_state.c
unit_kernel_vcpu_SOURCES := tests/unit/test_kernel_vcpu.c kernel/core/vcpu.c

FUZZERS += svm
fuzz_svm_SOURCES := tests/fuzz/fuzz_svm.c kernel/x86/svm_state.c
