/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes to the serial line, and how lines of many share it (services/console/console.h).
 * Pure: touches the console's own memory.
 */
#include "services/console/screen.h"

#include "lib/c/format.h"
#include "lib/c/string.h"

#define CLEAR_LINE "\r\033[K"
#define PROMPT     "bulkhead> "

void screen_put(struct console *console, const char *bytes, uint32_t size) {
    uint32_t room = CONSOLE_SCREEN - console->screen_length;

    if (size > room) {
        console->screen_lost += size - room;
        size = room;
    }
    for (uint32_t i = 0; i < size; i++) {
        uint32_t at = (console->screen_start + console->screen_length + i) % CONSOLE_SCREEN;

        console->screen[at] = bytes[i];
    }
    console->screen_length += size;
    if (size > 0)
        console->line_start = bytes[size - 1] == '\n';
}

static void put_text(struct console *console, const char *text) {
    screen_put(console, text, (uint32_t)strlen(text));
}

uint32_t console_take(struct console *console, char *bytes, uint32_t size) {
    uint32_t count = size < console->screen_length ? size : console->screen_length;

    for (uint32_t i = 0; i < count; i++)
        bytes[i] = console->screen[(console->screen_start + i) % CONSOLE_SCREEN];
    console->screen_start = (console->screen_start + count) % CONSOLE_SCREEN;
    console->screen_length -= count;
    return count;
}

void screen_fresh(struct console *console) {
    if (console->prompt)
        put_text(console, CLEAR_LINE);
    else if (!console->line_start)
        put_text(console, "\r\n");
    console->prompt = false;
    console->line_start = true;
}

void screen_prompt(struct console *console) {
    if (console->prompt || console->focus != CONSOLE_OVERVIEW)
        return;
    put_text(console, PROMPT);
    screen_put(console, console->command, console->command_length);
    console->prompt = true;
}

void screen_line(struct console *console, const char *name, const char *text, uint32_t size) {
    screen_fresh(console);
    put_text(console, name);
    put_text(console, "| ");
    screen_put(console, text, size);
    put_text(console, "\r\n");
    screen_prompt(console);
}

void text_append(struct console_text *text, const char *bytes, uint32_t size) {
    for (uint32_t i = 0; i < size; i++)
        text->bytes[(text->written + i) & (text->size - 1)] = bytes[i];
    text->written += size;
}

static char filter_text(enum console_filter *state, unsigned char byte) {
    if (byte == 0x1b) {
        *state = FILTER_ESCAPE;
        return 0;
    }
    if (byte == '\n' || byte == '\t')
        return (char)byte;
    if (byte < 0x20 || byte == 0x7f)
        return 0;
    return byte < 0x80 ? (char)byte : '?';
}

static enum console_filter after_escape(unsigned char byte) {
    if (byte == '[')
        return FILTER_CONTROL;
    if (byte == ']' || byte == 'P' || byte == '^' || byte == '_')
        return FILTER_STRING;
    if (byte == 'N' || byte == 'O')
        return FILTER_SHIFT;
    return byte >= 0x20 && byte < 0x30 ? FILTER_ESCAPE : FILTER_TEXT;
}

/* A line's end ends whatever sequence it stands in: nobody swallows the rest of its own output. */
char filter_byte(enum console_filter *state, char byte) {
    unsigned char value = (unsigned char)byte;

    if (*state == FILTER_TEXT || value == '\n') {
        *state = FILTER_TEXT;
        return filter_text(state, value);
    }
    if (*state == FILTER_ESCAPE)
        *state = after_escape(value);
    else if (*state == FILTER_CONTROL && value >= 0x40 && value < 0x7f)
        *state = FILTER_TEXT;
    else if (*state == FILTER_STRING && (value == 0x07 || value == 0x1b))
        *state = value == 0x1b ? FILTER_ESCAPE : FILTER_TEXT;
    else if (*state == FILTER_SHIFT)
        *state = FILTER_TEXT;
    return 0;
}

void console_print(struct console *console, const char *format, ...) {
    char text[256];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    length = format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            put_text(console, "\r");
        screen_put(console, &text[i], 1);
    }
}

/* Steps back from the end over `lines` line ends, as far as the text is still kept. */
static uint64_t history_from(const struct console_text *text, uint32_t lines) {
    uint64_t oldest = text->written > text->size ? text->written - text->size : 0;
    uint64_t at = text->written;
    uint32_t ends = 0;

    while (at > oldest) {
        ends += text->bytes[(at - 1) & (text->size - 1)] == '\n';
        if (ends > lines)
            break;
        at--;
    }
    return at;
}

void console_show_history(struct console *console, uint32_t lines) {
    const struct console_text *text = &console->history;

    for (uint64_t at = history_from(text, lines); at < text->written; at++)
        console_print(console, "%c", text->bytes[at & (text->size - 1)]);
}
