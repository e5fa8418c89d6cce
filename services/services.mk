# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call PROGRAM,console,$(addprefix services/console/,main.c console.c screen.c monitor.c names.c)))
