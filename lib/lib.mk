# SPDX-License-Identifier: BSD-2-Clause
# The library of all user programs, and the rule that makes a program.

LIB_SOURCES := $(addprefix lib/,start/entry.S start/start.c manifest/manifest.c c/string.c \
               c/format.c ring/ring.c stream/stream.c log/log.c service/service.c time/time.c \
               driver/driver.c)
LIB_OBJECTS := $(addprefix build/,$(addsuffix .o,$(basename $(LIB_SOURCES))))
LIB         := build/lib/libbulkhead.a

# Or GCC makes calls to memset out of memset's own loop.
build/lib/c/string.o: PROGRAM_CFLAGS += -fno-tree-loop-distribute-patterns

build/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_CFLAGS) -c -o $@ $<

build/lib/%.o: lib/%.S
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_ASFLAGS) -c -o $@ $<

$(LIB): $(LIB_OBJECTS)
	@rm -f $@
	ar rcs $@ $^

build/programs/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_CFLAGS) -c -o $@ $<

# $(eval $(call PROGRAM,name,sources)): build/programs/name.elf
define PROGRAM
ALL += build/programs/$(1).elf
build/programs/$(1).elf: $(patsubst %.c,build/programs/obj/%.o,$(2)) $(LIB) lib/program.ld
	$(CC) $(PROGRAM_LDFLAGS) -T lib/program.ld -o $$@ $(patsubst %.c,build/programs/obj/%.o,$(2)) $(LIB)
endef
