/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole machine's end. Implemented in x86/machine.c. */
#pragma once

void machine_reboot(void);             /* return only when the firmware doesn't do it */
void machine_poweroff(void);
