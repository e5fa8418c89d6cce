# SPDX-License-Identifier: BSD-2-Clause
# Bulkhead's build. `make run` and `make test` are the two commands that one needs; `make help` tells
# the rest. Every part brings its own rules (PART/PART.mk) and everything built goes under build/.
#
# What a part's file may add to:
#   ALL          files that plain `make` builds
#   UNIT_TESTS   NAME, with unit_NAME_SOURCES            see tests/tests.mk
#   FUZZERS      NAME, with fuzz_NAME_SOURCES            see tests/tests.mk
#   SYSTEM_NEEDS files that the booted tests need beyond ALL

SHELL       := /bin/bash

# Packages first, before any rule looks for a compiler; not for goals that build nothing, and not for
# a dry run (whose n is among the letters in MAKEFLAGS' first word, as long as nothing is added to it).
ifeq ($(BULKHEAD_PACKAGES_CHECKED),)
ifeq ($(filter clean help,$(MAKECMDGOALS)),)
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
ifneq ($(shell mk/packages >&2 || echo failed),)
$(error the packages that the build needs are not installed: see above)
endif
endif
endif
endif
export BULKHEAD_PACKAGES_CHECKED := 1

MAKEFLAGS   += --no-builtin-rules $(if $(V),,--silent)
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS   += -j$(shell nproc)
endif
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

ALL          :=
UNIT_TESTS   :=
FUZZERS      :=
SYSTEM_NEEDS :=

.PHONY: all run test soak bench loc unit fuzz corpus proofs system redteam redteam-table packages clean help
all:

help:
	@echo 'make run      build the gateway system and boot it in QEMU; leaves you at its console'
	@echo 'make test     all tests: unit, short fuzzing, proofs, booted systems, red team'
	@echo 'make unit | fuzz | proofs | system | redteam      one of them'
	@echo 'make          build everything'
	@echo 'make bench    costs in executed instructions'
	@echo 'make soak     long fuzzing runs, a guest of 4 vCPUs under stress (SECONDS_EACH=600)'
	@echo 'make corpus   renews the fuzzers'\'' corpora (tests/fuzz/corpus; SECONDS_EACH=600)'
	@echo 'make loc      lines of code by part; fails when the kernel is over its budget'
	@echo 'make clean    remove build/ except the downloaded guest packages'
	@echo 'make unit ONLY=name    only the tests whose names contain it; so with fuzz, system, redteam'
	@echo 'make redteam-table      writes docs/red-team-table.md from the last results'
	@echo 'make V=1 ...  shows whole commands'

include mk/flags.mk
-include kernel/kernel.mk
-include lib/lib.mk
-include drivers/drivers.mk
-include services/services.mk
-include vmm/vmm.mk
-include guests/guests.mk
-include tools/tools.mk
-include systems/systems.mk
-include tests/tests.mk
-include bench/bench.mk
-include mk/run.mk

all: $(ALL)

packages:
	mk/packages

loc:
	@mk/loc

clean:
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +; fi

# What the compiler found out about headers.
-include $(shell find build -name '*.d' -type f -not -path 'build/cache/*' -not -path 'build/guests/*' 2>/dev/null)
