# SPDX-License-Identifier: BSD-2-Clause
# The library of all user programs, and the rule that makes a program.

LIB_SOURCES := $(addprefix lib/,start/entry.S start/start.c manifest/manifest.c c/string.c \
               c/format.c ring/ring.c ring/break.c stream/stream.c log/log.c \
               service/service.c time/time.c driver/driver.c screen/display.c screen/serve.c \
               nic/program.c)
FONT        := build/lib/font/font.c
LIB_OBJECTS := $(addprefix build/,$(addsuffix .o,$(basename $(LIB_SOURCES)))) $(FONT:.c=.o)
LIB         := build/lib/libbulkhead.a

# The programs through which packets and disk requests go are optimized as a whole (PROGRAM_WHOLE):
# much of what they do is small functions of other files, which -O3 puts where they are called. All
# others are linked of the same objects, which hold both forms. The memory functions are left out, as
# the compiler itself calls them.
PROGRAM_LTO   := -O3 -flto=2 -ffat-lto-objects
PROGRAM_WHOLE := vmm blockmux nvme netswitch e1000e igb

# $(call program_link,NAME): what its linking does.
program_link = $(if $(filter $(1),$(PROGRAM_WHOLE)),\
    $(filter-out $(DEPEND),$(PROGRAM_CFLAGS)) $(PROGRAM_LTO),-fno-lto)

build/lib/c/string.o: PROGRAM_LTO :=

# Or GCC makes calls to memset out of memset's own loop.
build/lib/c/string.o: PROGRAM_CFLAGS += -fno-tree-loop-distribute-patterns

build/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_CFLAGS) $(PROGRAM_LTO) -c -o $@ $<

build/lib/%.o: lib/%.S
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_ASFLAGS) -c -o $@ $<

# The glyphs, made of the distribution's font.
build/lib/font/make-font: lib/font/make-font.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -o $@ $<

$(FONT): build/lib/font/make-font /usr/share/grub/unicode.pf2
	$^ >$@

$(FONT:.c=.o): $(FONT)
	$(CC) $(PROGRAM_CFLAGS) -c -o $@ $<

$(LIB): $(LIB_OBJECTS)
	@rm -f $@
	gcc-ar rcs $@ $^

build/programs/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_CFLAGS) $(PROGRAM_LTO) -c -o $@ $<

# $(eval $(call PROGRAM,name,sources)): build/programs/name.elf
define PROGRAM
ALL += build/programs/$(1).elf
build/programs/$(1).elf: $(patsubst %.c,build/programs/obj/%.o,$(2)) $(LIB) lib/program.ld
	$(CC) $(call program_link,$(1)) $(PROGRAM_LDFLAGS) -T lib/program.ld -o $$@ \
	    $(patsubst %.c,build/programs/obj/%.o,$(2)) $(LIB)
endef

# Tests of the library's pure parts, on the host.
RING      := lib/ring/ring.c lib/ring/break.c
LIB_FAKES := tests/fake/calls.c tests/unit/link_pair.c

UNIT_TESTS += ring stream log format string pace font
unit_font_SOURCES := tests/unit/test_font.c $(FONT)
unit_pace_SOURCES := tests/unit/test_pace.c
unit_ring_SOURCES := tests/unit/test_ring.c $(RING) $(LIB_FAKES)
unit_ring_CFLAGS := -Itests/fake
unit_stream_SOURCES := tests/unit/test_stream.c $(RING) lib/stream/stream.c $(LIB_FAKES)
unit_stream_CFLAGS := -Itests/fake
unit_log_SOURCES := tests/unit/test_log.c lib/log/log.c lib/c/format.c $(RING) \
                    lib/stream/stream.c $(LIB_FAKES)
unit_log_CFLAGS := -Itests/fake
unit_format_SOURCES := tests/unit/test_format.c lib/c/format.c
unit_string_SOURCES := tests/unit/test_string.c lib/c/string.c
unit_string_CFLAGS := $(foreach each,memcpy memmove memset memcmp strnlen strlen strncmp strcmp,\
                      -D$(each)=own_$(each)) -fno-builtin -fno-tree-loop-distribute-patterns

FUZZERS += ring
fuzz_ring_SOURCES := tests/fuzz/fuzz_ring.c $(RING) lib/stream/stream.c $(LIB_FAKES)
fuzz_ring_CFLAGS := -Itests/fake
