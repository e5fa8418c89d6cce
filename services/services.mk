# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call PROGRAM,console,$(addprefix services/console/,main.c console.c screen.c monitor.c names.c)))
$(eval $(call PROGRAM,netswitch,$(addprefix services/netswitch/,main.c switch.c mac_table.c)))
