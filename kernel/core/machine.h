/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole machine's end. Implemented in x86/machine.c. */
#ifndef KERNEL_CORE_MACHINE_H
#define KERNEL_CORE_MACHINE_H

void machine_reboot(void);             /* return only when the firmware doesn't do it */
void machine_poweroff(void);

#endif
