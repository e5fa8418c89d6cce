# SPDX-License-Identifier: BSD-2-Clause
# Tests. A part names its host tests in its own file:
#   UNIT_TESTS += ring      unit_ring_SOURCES := tests/unit/test_ring.c lib/ring/ring.c
#                           optional: unit_ring_CFLAGS (-I in it comes first), unit_ring_LIBS
#   FUZZERS += frame        fuzz_frame_SOURCES := tests/fuzz/fuzz_frame.c ...
#                           optional: fuzz_frame_CFLAGS, fuzz_frame_LIBS, fuzz_frame_SEEDS (a folder);
#                           its corpus is tests/fuzz/corpus/frame
# and they are built here with the sanitizers, from the same sources as the real thing.

FUZZ_SECONDS ?= 3
SECONDS_EACH ?= 600
REBOOTS      ?= 50
ONLY         ?=
UNIT_BUILD   := build/tests/unit
FUZZ_BUILD   := build/tests/fuzz

define unit_rules
$(UNIT_BUILD)/$(1): $$(patsubst %.c,$(UNIT_BUILD)/$(1).o/%.o,$$(unit_$(1)_SOURCES))
	$$(CC) $$(SANITIZE) -o $$@ $$^ $$(unit_$(1)_LIBS) -lcmocka
$(UNIT_BUILD)/$(1).o/%.o: %.c
	@mkdir -p $$(@D)
	$$(CC) $$(filter -I%,$$(unit_$(1)_CFLAGS)) $$(UNIT_CFLAGS) \
	    $$(filter-out -I%,$$(unit_$(1)_CFLAGS)) -c -o $$@ $$<
endef

define fuzz_rules
$(FUZZ_BUILD)/$(1): $$(patsubst %.c,$(FUZZ_BUILD)/$(1).o/%.o,$$(fuzz_$(1)_SOURCES))
	$$(CLANG) $$(SANITIZE) -fsanitize=fuzzer -o $$@ $$^ $$(fuzz_$(1)_LIBS)
$(FUZZ_BUILD)/$(1).o/%.o: %.c
	@mkdir -p $$(@D)
	$$(CLANG) $$(filter -I%,$$(fuzz_$(1)_CFLAGS)) $$(FUZZ_CFLAGS) -Wno-missing-prototypes \
	    $$(filter-out -I%,$$(fuzz_$(1)_CFLAGS)) -c -o $$@ $$<
endef

$(foreach name,$(UNIT_TESTS),$(eval $(call unit_rules,$(name))))
$(foreach name,$(FUZZERS),$(eval $(call fuzz_rules,$(name))))

UNIT_BINARIES := $(addprefix $(UNIT_BUILD)/,$(UNIT_TESTS))
FUZZ_BINARIES := $(addprefix $(FUZZ_BUILD)/,$(FUZZERS))
PROOFS        := ring
seeded         = $(foreach name,$(1),$(name):$(fuzz_$(name)_SEEDS))
FUZZ_LIST     := $(call seeded,$(FUZZERS))

# Guests made for the tests: each a tiny bzImage (tests/guests/start.S says how).
GUEST_CFLAGS := -std=c11 -O2 -ffreestanding -fpie -fno-stack-protector -fno-jump-tables \
                -fcf-protection=none -fno-asynchronous-unwind-tables -mgeneral-regs-only -mno-red-zone $(WARNINGS) -Wno-main

GUEST_COMMON := $(addprefix tests/guests/,start.S devices.c virtio.c)

GUEST_NEEDS := $(GUEST_COMMON) tests/guests/guest.ld $(wildcard tests/guests/*.h)

# $(call guest_image,SOURCE): the recipe.
define guest_image
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-T,tests/guests/guest.ld \
	    -Wl,--no-warn-rwx-segments -o $(@:.bzimage=.elf) $(GUEST_COMMON) $(1)
	$(OBJCOPY) -O binary $(@:.bzimage=.elf) $@
endef

build/tests/guests/%.bzimage: tests/guests/%.c $(GUEST_NEEDS)
	$(call guest_image,$<)

# What an earlier boot stage leaves behind: an option ROM, to which a test appends what it does.
build/tests/firmware/earlier.rom: tests/firmware/earlier.S
	@mkdir -p $(@D)
	$(CC) -c -o $(@:.rom=.o) $<
	$(OBJCOPY) -O binary -j .text $(@:.rom=.o) $@

SYSTEM_NEEDS += build/tests/firmware/earlier.rom

SYSTEM_NEEDS += build/guests/stock.vmlinuz build/guests/stock.cpio build/systems/all-ways.plan \
                $(patsubst %,build/tests/guests/%.bzimage,hostile attacker client ahci nvme \
                  painter puppet)

# A Linux that lists its machine's hardware on its serial line.
build/tests/guests/probe.cpio: build/guests/initramfs.cpio $(TOOL) tests/guests/probe
	@mkdir -p $(@D)/probe.root/bin
	cp tests/guests/probe $(@D)/probe.root/probe
	cp $(TOOL) $(@D)/probe.root/bin/bulkhead
	(cat $< && cd $(@D)/probe.root && find . | cpio --quiet --create --format=newc --owner=0:0) >$@

# A guest with a program of its own that manages its disk's namespaces.
build/tests/guests/attach.cpio: build/guests/stock.cpio tests/guests/attach.c
	@mkdir -p $(@D)/attach.root/bin
	$(CC) $(WARNINGS) -O2 -static -o $(@D)/attach.root/bin/attach tests/guests/attach.c
	(cat $< && cd $(@D)/attach.root && find . | cpio --quiet --create --format=newc --owner=0:0) >$@

SYSTEM_NEEDS += build/tests/guests/probe.cpio build/tests/guests/attach.cpio

include tests/programs/programs.mk

.PHONY: test-build
test-build: $(UNIT_BINARIES) $(FUZZ_BINARIES) $(ALL) $(SYSTEM_NEEDS)

RUN_TESTS := PYTHON=$(PYTHON) $(PYTHON) tests/run.py --only '$(ONLY)'

# What doesn't build counts as failed, so building goes on after an error and the runner counts.
test:
	@$(MAKE) -k test-build; status=$$?; \
	$(RUN_TESTS) --build-status $$status --fuzz-seconds $(FUZZ_SECONDS) \
	    --unit '$(UNIT_TESTS)' --fuzz '$(FUZZ_LIST)' --proofs '$(PROOFS)' \
	    --system --redteam

# Those of the tests in $(1), or of the fuzzers, whose names contain ONLY; all of them without it.
named = $(strip $(if $(ONLY),$(foreach each,$(1),$(if $(findstring $(ONLY),$(each)),$(each))),$(1)))
some = $(if $(call named,$(1)),,$(error no test's name contains ONLY, "$(ONLY)"))

unit: $(addprefix $(UNIT_BUILD)/,$(call named,$(UNIT_TESTS)))
	$(call some,$(UNIT_TESTS))@$(RUN_TESTS) --unit '$(call named,$(UNIT_TESTS))'

fuzz: $(addprefix $(FUZZ_BUILD)/,$(call named,$(FUZZERS)))
	$(call some,$(FUZZERS))@$(RUN_TESTS) --fuzz-seconds $(FUZZ_SECONDS) \
	    --fuzz '$(call seeded,$(call named,$(FUZZERS)))'

corpus: $(FUZZ_BINARIES)
	@$(PYTHON) tests/corpus.py --fuzz '$(FUZZ_LIST)' --seconds $(SECONDS_EACH)

proofs:
	@$(RUN_TESTS) --proofs '$(PROOFS)'

soak: $(FUZZ_BINARIES) $(ALL) $(SYSTEM_NEEDS)
	@BULKHEAD_STRESS_SECONDS=$(SECONDS_EACH) BULKHEAD_REBOOTS=$(REBOOTS) \
	    $(RUN_TESTS) --fuzz '$(FUZZ_LIST)' --fuzz-seconds $(SECONDS_EACH) --system \
	    --only 'test_stress or again_and_again'

system: $(ALL) $(SYSTEM_NEEDS)
	@$(RUN_TESTS) --system

redteam: $(ALL) $(SYSTEM_NEEDS)
	@$(RUN_TESTS) --redteam

redteam-table:
	@$(PYTHON) -B tests/redteam/table.py
