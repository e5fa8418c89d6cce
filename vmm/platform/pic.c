/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8259A pair's registers and priorities.
 */
#include "vmm/platform/pic.h"

enum { INPUTS = 8, CASCADE = 2, SPURIOUS = 7, NONE = 8 };

enum command {                       /* which word a write to the command port is */
    IS_ICW1 = 1u << 4, IS_OCW3 = 1u << 3,
    ICW1_ICW4 = 1u << 0,
    ICW4_AUTO_END = 1u << 1,
    OCW2_LINE = 7, OCW2_SHIFT = 5,
    OCW3_READ_SERVICE = 1u << 0, OCW3_READ = 1u << 1,
    OCW3_SPECIAL_MASK = 1u << 5, OCW3_SET_MASK_MODE = 1u << 6,
};

enum ocw2 {                          /* rotate, specific, end of interrupt */
    OCW2_ROTATE_AUTO_OFF = 0, OCW2_END = 1, OCW2_END_SPECIFIC = 3, OCW2_ROTATE_AUTO_ON = 4,
    OCW2_ROTATE_END = 5, OCW2_SET_LOWEST = 6, OCW2_ROTATE_END_SPECIFIC = 7,
};

/* Inputs that can't be level-triggered: timer, keyboard, cascade; clock and coprocessor. */
static const uint8_t level_allowed[2] = { 0xf8, 0xde };

static uint8_t bit(unsigned input) { return (uint8_t)(1u << input); }

void pic_reset(struct pic *pic) {
    *pic = (struct pic){ .chip = { { .lowest = 7, .mask = 0xff }, { .lowest = 7, .mask = 0xff } } };
}

/* The input of the highest priority among `inputs`, NONE if there is none. */
static unsigned highest(const struct pic_chip *chip, uint8_t inputs) {
    for (unsigned i = 1; i <= INPUTS; i++) {
        unsigned input = (chip->lowest + i) % INPUTS;
        if (inputs & bit(input))
            return input;
    }
    return NONE;
}

static unsigned rank(const struct pic_chip *chip, unsigned input) {
    return input == NONE ? INPUTS : (input + INPUTS - 1 - chip->lowest) % INPUTS;
}

/* The input to be served next, NONE when what is in service keeps it waiting. */
static unsigned next_input(const struct pic_chip *chip) {
    uint8_t service = chip->special_mask ? chip->service & (uint8_t)~chip->mask : chip->service;
    unsigned input = highest(chip, chip->request & (uint8_t)~chip->mask);
    return rank(chip, input) < rank(chip, highest(chip, service)) ? input : NONE;
}

static void drive(struct pic_chip *chip, unsigned input, bool high) {
    uint8_t mask = bit(input);
    bool rises = high && !(chip->lines & mask);
    chip->lines = high ? chip->lines | mask : chip->lines & (uint8_t)~mask;
    if (rises)
        chip->request |= mask;
    else if (!high && (chip->level & mask))
        chip->request &= (uint8_t)~mask;
}

/* The second chip's output is the first one's input 2, and follows it like a level. */
static void cascade(struct pic *pic) {
    bool waits = next_input(&pic->chip[1]) != NONE;
    drive(&pic->chip[0], CASCADE, waits);
    if (!waits)
        pic->chip[0].request &= (uint8_t)~bit(CASCADE);
    else if (!(pic->chip[0].service & bit(CASCADE)))
        pic->chip[0].request |= bit(CASCADE);
}

void pic_line(struct pic *pic, unsigned line, bool high) {
    if (line >= PIC_LINES || line == CASCADE)
        return;
    drive(&pic->chip[line / INPUTS], line % INPUTS, high);
    cascade(pic);
}

bool pic_output(const struct pic *pic) {
    return next_input(&pic->chip[0]) != NONE;
}

static void end_input(struct pic_chip *chip, unsigned input, bool rotate) {
    if (input == NONE)
        return;
    chip->service &= (uint8_t)~bit(input);
    if (rotate)
        chip->lowest = (uint8_t)input;
}

static uint8_t acknowledge_chip(struct pic_chip *chip, unsigned input) {
    if (input == NONE)
        return chip->vector + SPURIOUS;
    if (!(chip->level & bit(input)))
        chip->request &= (uint8_t)~bit(input);
    chip->service |= bit(input);
    if (chip->auto_end)
        end_input(chip, input, chip->rotates);
    return (uint8_t)(chip->vector + input);
}

uint8_t pic_acknowledge(struct pic *pic) {
    unsigned input = next_input(&pic->chip[0]);
    uint8_t vector = acknowledge_chip(&pic->chip[0], input);
    if (input == CASCADE) {
        vector = acknowledge_chip(&pic->chip[1], next_input(&pic->chip[1]));
        cascade(pic);
    }
    return vector;
}

uint8_t pic_read(const struct pic *pic, unsigned chip, unsigned reg) {
    const struct pic_chip *c = &pic->chip[chip % 2];
    if (reg == 1)
        return c->mask;
    return c->reads_service ? c->service : c->request;
}

/* ICW1 clears the edge latches: what is high must fall before it asks again. */
static void initialize(struct pic_chip *chip, uint8_t icw1) {
    chip->request = chip->lines & chip->level;
    chip->service = chip->mask = 0;
    chip->lowest = 7;
    chip->auto_end = chip->rotates = chip->special_mask = chip->reads_service = false;
    chip->wants_icw4 = (icw1 & ICW1_ICW4) != 0;
    chip->awaits = 2;
}

static void write_ocw2(struct pic_chip *chip, uint8_t value) {
    unsigned named = value & OCW2_LINE;
    unsigned served = highest(chip, chip->service);
    switch (value >> OCW2_SHIFT) {
    case OCW2_END: end_input(chip, served, false); break;
    case OCW2_ROTATE_END: end_input(chip, served, true); break;
    case OCW2_END_SPECIFIC: end_input(chip, named, false); break;
    case OCW2_ROTATE_END_SPECIFIC: end_input(chip, named, true); break;
    case OCW2_SET_LOWEST: chip->lowest = (uint8_t)named; break;
    case OCW2_ROTATE_AUTO_ON: chip->rotates = true; break;
    case OCW2_ROTATE_AUTO_OFF: chip->rotates = false; break;
    default: break;
    }
}

static void write_ocw3(struct pic_chip *chip, uint8_t value) {
    if (value & OCW3_READ)
        chip->reads_service = (value & OCW3_READ_SERVICE) != 0;
    if (value & OCW3_SET_MASK_MODE)
        chip->special_mask = (value & OCW3_SPECIAL_MASK) != 0;
}

static void write_command(struct pic_chip *chip, uint8_t value) {
    if (value & IS_ICW1)
        initialize(chip, value);
    else if (value & IS_OCW3)
        write_ocw3(chip, value);
    else
        write_ocw2(chip, value);
}

/* ICW3 says how the chips are wired, which is fixed here. */
static void write_data(struct pic_chip *chip, uint8_t value) {
    switch (chip->awaits) {
    case 2:
        chip->vector = value & 0xf8;
        chip->awaits = 3;
        break;
    case 3: chip->awaits = chip->wants_icw4 ? 4 : 0; break;
    case 4:
        chip->auto_end = (value & ICW4_AUTO_END) != 0;
        chip->awaits = 0;
        break;
    default: chip->mask = value; break;
    }
}

void pic_write(struct pic *pic, unsigned chip, unsigned reg, uint8_t value) {
    if (reg == 0)
        write_command(&pic->chip[chip % 2], value);
    else
        write_data(&pic->chip[chip % 2], value);
    cascade(pic);
}

uint8_t pic_read_level(const struct pic *pic, unsigned chip) {
    return pic->chip[chip % 2].level;
}

void pic_write_level(struct pic *pic, unsigned chip, uint8_t value) {
    struct pic_chip *c = &pic->chip[chip % 2];
    c->level = value & level_allowed[chip % 2];
    c->request |= c->lines & c->level;
    cascade(pic);
}
