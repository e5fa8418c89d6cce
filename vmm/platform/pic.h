/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair of 8259A interrupt controllers, the second cascaded at input 2 of the first. Pure state
 * under the caller's lock; its output goes to vCPU 0's LINT0 pin (platform/irq.c).
 *
 * Special fully nested mode, the polling of OCW3 and 8080 mode aren't there: no PC software needs
 * them behind local APICs.
 *
 * References: Intel 8259A data sheet (231468); PIIX3 data sheet 3.3.4 for the edge/level registers.
 */
#ifndef VMM_PIC_H
#define VMM_PIC_H

#include <stdbool.h>
#include <stdint.h>

#define PIC_PORT_FIRST  0x20u        /* command and data of each chip */
#define PIC_PORT_SECOND 0xa0u
#define PIC_PORTS       2u
#define PIC_PORT_ELCR   0x4d0u       /* edge or level: a byte for each chip */
#define PIC_LINES       16u

struct pic_chip {
    uint8_t lines;                   /* levels of the inputs */
    uint8_t request;                 /* IRR */
    uint8_t service;                 /* ISR */
    uint8_t mask;                    /* IMR */
    uint8_t level;                   /* bit n: input n is level-triggered */
    uint8_t vector;                  /* ICW2: of input 0 */
    uint8_t lowest;                  /* input with the lowest priority, 7 unless rotated */
    uint8_t awaits;                  /* the next initialization word, 2 to 4; 0: none */
    bool    wants_icw4;
    bool    auto_end;                /* automatic end of interrupt */
    bool    rotates;                 /* in automatic end of interrupt */
    bool    special_mask;
    bool    reads_service;           /* what a read of the command port answers */
};

struct pic { struct pic_chip chip[2]; };

void pic_reset(struct pic *pic);

/* A device drives its line. */
void pic_line(struct pic *pic, unsigned line, bool high);

/* The level of the first chip's INT output. */
bool pic_output(const struct pic *pic);

/* The interrupt acknowledge cycle: answers the vector, a spurious one if nothing waits. */
uint8_t pic_acknowledge(struct pic *pic);

/* Register access; `chip` 0 or 1, `reg` 0 command, 1 data. */
uint8_t pic_read(const struct pic *pic, unsigned chip, unsigned reg);
void pic_write(struct pic *pic, unsigned chip, unsigned reg, uint8_t value);

uint8_t pic_read_level(const struct pic *pic, unsigned chip);
void pic_write_level(struct pic *pic, unsigned chip, uint8_t value);

#endif
