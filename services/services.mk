# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call PROGRAM,console,$(addprefix services/console/,main.c console.c screen.c monitor.c names.c)))
$(eval $(call PROGRAM,blockmux,$(addprefix services/blockmux/,main.c mux.c extent.c gpt.c)))
$(eval $(call PROGRAM,seat,$(addprefix services/seat/,main.c seat.c keys.c compose.c clip.c)))
$(eval $(call PROGRAM,netswitch,$(addprefix services/netswitch/,main.c switch.c mac_table.c)))

UNIT_TESTS += switch
unit_switch_SOURCES := tests/unit/test_switch.c services/netswitch/switch.c \
                       services/netswitch/mac_table.c $(RING) $(LIB_FAKES)
unit_switch_CFLAGS := -Itests/fake

FUZZERS += switch
fuzz_switch_SOURCES := tests/fuzz/fuzz_switch.c services/netswitch/switch.c \
                       services/netswitch/mac_table.c $(RING) $(LIB_FAKES)
fuzz_switch_CFLAGS := -Itests/fake

CONSOLE_PARTS := $(addprefix services/console/,console.c screen.c monitor.c names.c) \
                 lib/c/format.c lib/manifest/manifest.c lib/time/time.c tests/fake/program.c \
                 tests/fake/calls.c
UNIT_TESTS += console
unit_console_SOURCES := tests/unit/test_console.c $(CONSOLE_PARTS)
unit_console_CFLAGS := -Itests/fake

FUZZERS += console
fuzz_console_SOURCES := tests/fuzz/fuzz_console.c $(CONSOLE_PARTS)
fuzz_console_CFLAGS := -Itests/fake

BLOCKMUX_PARTS := $(addprefix services/blockmux/,mux.c extent.c gpt.c) lib/c/format.c \
                  $(RING) $(LIB_FAKES)
UNIT_TESTS += blockmux
unit_blockmux_SOURCES := tests/unit/test_blockmux.c $(BLOCKMUX_PARTS)
unit_blockmux_CFLAGS := -Itests/fake

FUZZERS += blockmux gpt
fuzz_blockmux_SOURCES := tests/fuzz/fuzz_blockmux.c $(BLOCKMUX_PARTS)
fuzz_blockmux_CFLAGS := -Itests/fake
fuzz_gpt_SOURCES := tests/fuzz/fuzz_gpt.c services/blockmux/gpt.c lib/c/format.c

SEAT_PARTS := $(addprefix services/seat/,seat.c keys.c compose.c clip.c) lib/c/format.c \
              $(RING) lib/stream/stream.c $(FONT) $(LIB_FAKES)
UNIT_TESTS += seat
unit_seat_SOURCES := tests/unit/test_seat.c $(SEAT_PARTS)
unit_seat_CFLAGS := -Itests/fake

FUZZERS += seat
fuzz_seat_SOURCES := tests/fuzz/fuzz_seat.c $(SEAT_PARTS)
fuzz_seat_CFLAGS := -Itests/fake
