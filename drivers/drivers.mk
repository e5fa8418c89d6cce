# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call PROGRAM,uart,drivers/uart/main.c))
$(eval $(call PROGRAM,e1000e,$(addprefix drivers/e1000e/,main.c nic.c)))
