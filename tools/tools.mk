# SPDX-License-Identifier: BSD-2-Clause
# The host tool `bulkhead`. The plan check is the kernel's own code, compiled for the host.

TOOL_SOURCES := $(wildcard tools/bulkhead/*.c) \
                kernel/core/plan_check.c kernel/core/plan_fields.c \
                kernel/core/plan_relations.c kernel/core/plan_owners.c
TOOL_OBJECTS := $(TOOL_SOURCES:%.c=build/tools/objects/%.o)
TOOL         := build/tools/bulkhead

ALL += $(TOOL)

$(TOOL): $(TOOL_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) -o $@ $^ -lcyaml -lyaml

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
