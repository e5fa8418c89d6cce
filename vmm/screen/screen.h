/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The screen of a VM: QEMU's standard VGA towards the guest, a link to the seat behind. The picture
 * lies in our area of that link, which the guest reaches as the VGA's framebuffer (BAR 0): its
 * first 3 MiB are the video memory, where the guest draws by itself; into the last one the I/O
 * thread draws text mode. State under the device lock.
 *
 * Guest and seat are hostile. Whatever the guest's registers say, a picture that the seat is told
 * lies in the area; what the guest writes into the area is seen by who looks at its screen, and by
 * nobody else. The I/O thread looks at the registers and the text at most ten times a second, more
 * slowly while nothing changes, and not at all while neither could have changed.
 *
 * Reference: QEMU, docs/specs/standard-vga.rst.
 */
#ifndef VMM_SCREEN_H
#define VMM_SCREEN_H

#include "vmm/memory.h"
#include "vmm/platform/i8042.h"
#include "vmm/platform/pci.h"
#include "vmm/screen/dispi.h"
#include "vmm/screen/text.h"
#include "vmm/screen/vga.h"

#define SCREEN_AREA          (4u << 20)
#define SCREEN_TEXT_AT       DISPI_MEMORY
#define SCREEN_FRAMEBUFFER_BAR 0u
#define SCREEN_REGISTERS_BAR 2u
#define SCREEN_REGISTERS_SIZE 0x1000u
#define SCREEN_LOOKS_A_SECOND 10u

struct screen {
    bool present;
    struct ring link;
    uint64_t period;                 /* of looks, in the host's TSC */
    struct pci_function pci;
    struct vga vga;
    struct dispi dispi;
    struct text text;
    struct screen_picture told;      /* what the seat knows; width 0: nothing is shown */
    uint64_t last_look;
    uint64_t next_look;              /* BH_FOREVER: when something changes */
    unsigned quiet;                  /* looks since the last change */
};

/* Power-on: clears the area; the link stays as it is. */
void screen_create(struct screen *screen, uint32_t framebuffer, uint32_t registers);

/* Accesses to the ports; false: not the screen's. *work: the I/O thread has to look earlier than it
 * meant to. */
bool screen_read_port(struct screen *screen, uint16_t port, unsigned size, uint32_t *value);
bool screen_write_port(struct screen *screen, uint16_t port, unsigned size, uint32_t value,
                       bool *work);

/* Accesses to the BAR of registers: size 1 or 2 there, others have no effect. A write answers
 * whether the I/O thread has to look earlier than it meant to. */
uint64_t screen_read(struct screen *screen, uint32_t offset, unsigned size);
bool screen_write(struct screen *screen, uint32_t offset, unsigned size, uint64_t value);

/* Where the guest wants to have the framebuffer: in the hole of device memory, or nowhere (0). */
uint64_t screen_framebuffer(const struct screen *screen, uint64_t hole, uint64_t hole_end);

/* The I/O thread's turn: keys of the seat go to the keyboard, text is drawn, at most `budget` cells
 * of it; true: there is more to do at once. */
bool screen_run(struct screen *screen, const struct guest_memory *memory, struct i8042 *i8042,
                uint64_t now, unsigned budget);

/* Before sleeping: asks for wake-ups; false: there is something to do already. */
bool screen_settle(struct screen *screen);

/* When screen_run has to be called at the latest. */
uint64_t screen_deadline(const struct screen *screen);

#endif
