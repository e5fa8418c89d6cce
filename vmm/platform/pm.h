/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI's fixed hardware: the PM1 event and control registers, whose events never happen, and the
 * power management timer. For guests that firmware starts; those that the loader starts have
 * reduced hardware. Pure state under the device lock; time comes as a count of the timer's clock.
 *
 * References: ACPI 6.4, 4.8.3.
 */
#ifndef VMM_PM_H
#define VMM_PM_H

#include <stdbool.h>
#include <stdint.h>

#define PM_TIMER_HZ     3579545ull
#define PM_PORT         0x600u
#define PM_PORT_CONTROL (PM_PORT + 4u)   /* PM1_CNT, 2 bytes */
#define PM_PORT_TIMER   (PM_PORT + 8u)   /* PM_TMR, 4 bytes */
#define PM_PORTS        12u

struct pm {
    uint16_t enable;
    uint16_t control;
};

void pm_reset(struct pm *pm);

/* Register access by port - PM_PORT, 1, 2 or 4 bytes, within PM_PORTS. */
uint32_t pm_read(const struct pm *pm, unsigned offset, unsigned size, uint64_t now);
/* true: the guest switches itself off. */
bool pm_write(struct pm *pm, unsigned offset, unsigned size, uint32_t value);

#endif
