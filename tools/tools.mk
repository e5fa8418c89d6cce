# SPDX-License-Identifier: BSD-2-Clause
# The host tool `bulkhead`. The plan check is the kernel's own code, compiled for the host.

PLAN_CHECK   := kernel/core/plan_check.c kernel/core/plan_fields.c kernel/core/plan_relations.c
# The kernel's view of a machine, run over a saved one (tools/bulkhead/saved_machine.c).
SAVED_MACHINE := $(filter-out kernel/pci/ecam.c,$(wildcard kernel/pci/*.c)) \
                 $(addprefix kernel/iommu/,scope.c dmar.c ivrs.c) kernel/core/device_install.c
TOOL_SOURCES := $(wildcard tools/bulkhead/*.c) $(PLAN_CHECK) $(SAVED_MACHINE)
TOOL_OBJECTS := $(TOOL_SOURCES:%.c=build/tools/objects/%.o)
TOOL         := build/tools/bulkhead

ALL += $(TOOL)

$(TOOL): $(TOOL_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) -static -o $@ $^ -lcyaml -lyaml

build/tools/objects/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -Ikernel -c -o $@ $<

# The same with the sanitizers, for the tests.
CHECKED_TOOL_OBJECTS := $(TOOL_SOURCES:%.c=build/tests/tool/objects/%.o)

SYSTEM_NEEDS += build/tests/tool/bulkhead

build/tests/tool/bulkhead: $(CHECKED_TOOL_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(SANITIZE) -o $@ $^ -lcyaml -lyaml

build/tests/tool/objects/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<

UNIT_TESTS += plan_check tool_values
unit_plan_check_SOURCES := tests/unit/test_plan_check.c tests/unit/sample_plan.c $(PLAN_CHECK)
unit_plan_check_CFLAGS := -Itests/unit
unit_tool_values_SOURCES := tests/unit/test_tool_values.c tools/bulkhead/values.c \
                            tools/bulkhead/image.c tools/bulkhead/memory.c
unit_tool_values_CFLAGS := -Itools/bulkhead

FUZZERS += plan_check description
fuzz_plan_check_SOURCES := tests/fuzz/fuzz_plan_check.c tests/unit/sample_plan.c $(PLAN_CHECK)
fuzz_plan_check_CFLAGS  := -Itests/unit
fuzz_description_SOURCES := tests/fuzz/fuzz_description.c \
                            $(filter-out tools/bulkhead/main.c,$(TOOL_SOURCES))
fuzz_description_CFLAGS  := -Itools/bulkhead
fuzz_description_LIBS    := -lcyaml -lyaml
fuzz_description_SEEDS   := tests/descriptions

FUZZERS += listing
fuzz_listing_SOURCES := tests/fuzz/fuzz_listing.c $(filter-out kernel/pci/enumerate.c,$(SAVED_MACHINE)) \
                        $(addprefix tools/bulkhead/,saved_machine.c listing.c listing_read.c \
                        listing_write.c listing_verify.c facts.c tree.c report.c memory.c values.c)
fuzz_listing_CFLAGS  := -Itools/bulkhead
fuzz_listing_LIBS    := -lyaml
fuzz_listing_SEEDS   := tests/descriptions/hardware
