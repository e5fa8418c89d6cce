# SPDX-License-Identifier: BSD-2-Clause
$(eval $(call PROGRAM,uart,drivers/uart/main.c))
