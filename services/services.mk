# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call PROGRAM,console,$(addprefix services/console/,main.c console.c screen.c monitor.c names.c)))
$(eval $(call PROGRAM,netswitch,$(addprefix services/netswitch/,main.c switch.c mac_table.c)))

UNIT_TESTS += switch
unit_switch_SOURCES := tests/unit/test_switch.c services/netswitch/switch.c \
                       services/netswitch/mac_table.c lib/ring/ring.c $(LIB_FAKES)
unit_switch_CFLAGS := -Itests/fake

FUZZERS += switch
fuzz_switch_SOURCES := tests/fuzz/fuzz_switch.c services/netswitch/switch.c \
                       services/netswitch/mac_table.c lib/ring/ring.c $(LIB_FAKES)
fuzz_switch_CFLAGS := -Itests/fake
