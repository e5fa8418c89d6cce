/* SPDX-License-Identifier: BSD-2-Clause */
/* Power: as the ACPI tables say. */
#include "core/machine.h"

#include "core/log.h"
#include "x86/acpi.h"

void machine_reboot(void)
{
    log_line("reboot");
    acpi_reboot();
    log_line("reboot: the firmware's reset register does nothing: use the machine's own button");
}

void machine_poweroff(void)
{
    log_line("power off");
    acpi_poweroff();
    log_line("power off: the firmware has no S5 state or it doesn't work: use the machine's button");
}
