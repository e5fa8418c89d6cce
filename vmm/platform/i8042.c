/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keyboard controller's commands. Its reset command ends the VM's life before it comes here
 * (platform/bus.c).
 */
#include "vmm/platform/i8042.h"

enum status {
    STATUS_OUTPUT_FULL = 1u << 0, STATUS_SYSTEM = 1u << 2, STATUS_COMMAND = 1u << 3,
    STATUS_UNLOCKED = 1u << 4,
};

enum control {
    CONTROL_INTERRUPT = 1u << 0, CONTROL_SYSTEM = 1u << 2, CONTROL_NO_KEYBOARD = 1u << 4,
    CONTROL_NO_MOUSE = 1u << 5, CONTROL_TRANSLATE = 1u << 6,
};

enum command {
    READ_CONTROL = 0x20, WRITE_CONTROL = 0x60, DISABLE_MOUSE = 0xa7, ENABLE_MOUSE = 0xa8,
    TEST_MOUSE = 0xa9, TEST_CONTROLLER = 0xaa, TEST_KEYBOARD = 0xab, DISABLE_KEYBOARD = 0xad,
    ENABLE_KEYBOARD = 0xae, READ_PORT = 0xd0, WRITE_PORT = 0xd1, WRITE_MOUSE = 0xd4,
    WRITE_KEYBOARD_OUTPUT = 0xd2, WRITE_MOUSE_OUTPUT = 0xd3,
    CONTROLLER_GOOD = 0x55, LINE_GOOD = 0x00, NOBODY_TOOK_IT = 0xfe,
    PORT_NO_RESET = 1u << 0, PORT_ADDRESS_20 = 1u << 1,
};

void i8042_reset(struct i8042 *controller) {
    bool present = controller->keyboard.present;
    uint8_t keyboard = present ? CONTROL_INTERRUPT | CONTROL_TRANSLATE : CONTROL_NO_KEYBOARD;
    *controller = (struct i8042){
        .control = CONTROL_SYSTEM | CONTROL_NO_MOUSE | keyboard,
        .port = PORT_NO_RESET | PORT_ADDRESS_20, .keyboard.present = present,
    };
    keyboard_reset(&controller->keyboard);
}

static bool translates(const struct i8042 *controller) {
    return (controller->control & CONTROL_TRANSLATE) != 0;
}

uint8_t i8042_read_status(const struct i8042 *controller) {
    return (uint8_t)(STATUS_SYSTEM | STATUS_UNLOCKED |
                     (controller->by_command ? STATUS_COMMAND : 0) |
                     (controller->has_answer ? STATUS_OUTPUT_FULL : 0));
}

uint8_t i8042_read_data(struct i8042 *controller) {
    controller->has_answer = false;
    return controller->answer;
}

static void answer(struct i8042 *controller, uint8_t value) {
    controller->answer = value;
    controller->has_answer = true;
}

void i8042_write_command(struct i8042 *controller, uint8_t value) {
    controller->by_command = true;
    controller->command = 0;
    switch (value) {
    case READ_CONTROL: answer(controller, controller->control); break;
    case DISABLE_MOUSE: controller->control |= CONTROL_NO_MOUSE; break;
    case ENABLE_MOUSE: controller->control &= (uint8_t)~CONTROL_NO_MOUSE; break;
    case TEST_CONTROLLER: answer(controller, CONTROLLER_GOOD); break;
    case TEST_KEYBOARD:
    case TEST_MOUSE: answer(controller, LINE_GOOD); break;
    case DISABLE_KEYBOARD: controller->control |= CONTROL_NO_KEYBOARD; break;
    case ENABLE_KEYBOARD: controller->control &= (uint8_t)~CONTROL_NO_KEYBOARD; break;
    case READ_PORT: answer(controller, controller->port); break;
    case WRITE_CONTROL:
    case WRITE_PORT:
    case WRITE_KEYBOARD_OUTPUT:
    case WRITE_MOUSE_OUTPUT:
    case WRITE_MOUSE: controller->command = value; break;
    default: break;
    }
}

/* A byte for the keyboard opens its line, too. That nobody took it the controller tells, as after
 * its time-out: firmware may wait a second of its own for each byte otherwise. */
static void send_keyboard(struct i8042 *controller, uint8_t value) {
    if (!controller->keyboard.present) {
        answer(controller, NOBODY_TOOK_IT);
        return;
    }
    controller->control &= (uint8_t)~CONTROL_NO_KEYBOARD;
    keyboard_write(&controller->keyboard, value, translates(controller));
}

/* What goes to the mouse is heard by nobody. */
void i8042_write_data(struct i8042 *controller, uint8_t value) {
    uint8_t command = controller->command;
    controller->by_command = false;
    controller->command = 0;
    if (command == WRITE_CONTROL)
        controller->control = value;
    else if (command == WRITE_PORT)
        controller->port = value | PORT_NO_RESET;
    else if (command == WRITE_KEYBOARD_OUTPUT || command == WRITE_MOUSE_OUTPUT)
        answer(controller, value);
    else if (command != WRITE_MOUSE)
        send_keyboard(controller, value);
}

void i8042_keys(struct i8042 *controller, const uint8_t *codes, size_t count) {
    keyboard_keys(&controller->keyboard, codes, count, translates(controller));
}

bool i8042_interrupt(const struct i8042 *controller) {
    return controller->has_answer && controller->keyboard.present &&
           (controller->control & (CONTROL_INTERRUPT | CONTROL_NO_KEYBOARD)) == CONTROL_INTERRUPT;
}

bool i8042_advance(struct i8042 *controller) {
    uint8_t value;
    if (controller->has_answer || (controller->control & CONTROL_NO_KEYBOARD) ||
        !keyboard_take(&controller->keyboard, &value))
        return false;
    answer(controller, value);
    return true;
}
