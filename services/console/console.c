/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's core: clients' output, keys, focus (services/console/console.h). Pure: touches the
 * console's own memory, and reaches the monitor for a whole command line.
 */
#include "services/console/console.h"

#include "lib/c/string.h"
#include "services/console/screen.h"

enum {
    KEY_ESCAPE    = 0x1d,         /* Ctrl-] */
    KEY_KILL_LINE = 0x15,         /* Ctrl-U */
    KEY_BACKSPACE = 0x08,
    KEY_DELETE    = 0x7f,
};

/* Attributes off, whole screen scrolls (which moves the cursor: kept meanwhile), cursor shown, keys
 * and character set as usual. */
#define TERMINAL_RESET "\033[0m\0337\033[r\0338\033[?25h\033[?7h\033[?1l\033>\033(B\017"

void console_init(struct console *console) {
    memset(console, 0, sizeof(*console));
    console->focus = CONSOLE_OVERVIEW;
    console->line_start = true;
    console->history.bytes = console->history_bytes;
    console->history.size = CONSOLE_HISTORY;
    console->kernel.recent.bytes = console->kernel.recent_bytes;
    console->kernel.recent.size = CONSOLE_RECENT;
    memcpy(console->kernel.name, "bulkhead", sizeof("bulkhead"));
}

static bool has_dot(const char *name) {
    while (*name != 0 && *name != '.')
        name++;
    return *name == '.';
}

unsigned console_add(struct console *console, const char *name) {
    unsigned number = console->client_count;
    struct console_client *client = &console->client[number];

    if (number == CONSOLE_CLIENTS)
        return CONSOLE_CLIENTS;
    memcpy(client->name, name, strnlen(name, BH_NAME_SIZE - 1));
    client->guest = has_dot(client->name);
    client->allowance = CONSOLE_BURST;
    client->recent.bytes = client->recent_bytes;
    client->recent.size = CONSOLE_RECENT;
    console->client_count++;
    return number;
}

uint32_t console_allowance(struct console *console, unsigned number, uint64_t now_ms) {
    struct console_client *client = &console->client[number];
    uint32_t room = CONSOLE_SCREEN - console->screen_length;
    uint32_t worst = number == console->focus ? 1 : CONSOLE_WORST;
    uint32_t fits = room <= CONSOLE_RESERVE ? 0 : (room - CONSOLE_RESERVE) / worst;
    uint64_t gain = (now_ms - client->refilled_ms) * CONSOLE_RATE;

    client->refilled_ms = now_ms;
    if (gain >= CONSOLE_BURST - client->allowance)
        client->allowance = CONSOLE_BURST;
    else
        client->allowance += (uint32_t)gain;
    return fits < client->allowance ? fits : client->allowance;
}

/* Guests' lines are theirs; those of programs and the kernel also go to the history. */
static void end_line(struct console *console, struct console_client *client) {
    bool seen = console->focus == CONSOLE_OVERVIEW || client == &console->kernel;
    bool news = client->shown == 0 || client->length > client->shown;

    if (seen && news)
        screen_line(console, client->name, client->line, client->length);
    if (!client->guest) {
        text_append(&console->history, client->name, (uint32_t)strlen(client->name));
        text_append(&console->history, "| ", 2);
        text_append(&console->history, client->line, client->length);
        text_append(&console->history, "\n", 1);
    }
    client->length = 0;
    client->shown = 0;
}

/* As far as it has come; once it is complete, the whole line is shown again. */
static void show_unfinished(struct console *console, struct console_client *client) {
    if (console->focus == CONSOLE_OVERVIEW)
        screen_line(console, client->name, client->line, client->length);
    client->shown = client->length;
}

static void add_byte(struct console *console, struct console_client *client, char byte,
                     uint64_t now_ms) {
    char shown = filter_byte(&client->filter, byte);

    if (shown == 0)
        return;
    text_append(&client->recent, &shown, 1);
    if (shown == '\n') {
        end_line(console, client);
        return;
    }
    client->since_ms = now_ms;
    client->line[client->length++] = shown;
    if (client->length == CONSOLE_LINE)
        end_line(console, client);
}

void console_client_output(struct console *console, unsigned number, const char *bytes,
                           uint32_t size, uint64_t now_ms) {
    struct console_client *client = &console->client[number];

    client->allowance -= size < client->allowance ? size : client->allowance;
    if (number == console->focus)
        screen_put(console, bytes, size);
    for (uint32_t i = 0; i < size; i++)
        add_byte(console, client, bytes[i], now_ms);
}

void console_kernel_output(struct console *console, const char *bytes, uint32_t size) {
    for (uint32_t i = 0; i < size; i++)
        add_byte(console, &console->kernel, bytes[i], 0);
}

uint64_t console_tick(struct console *console, uint64_t now_ms) {
    uint64_t next = 0;

    for (unsigned i = 0; i < console->client_count; i++) {
        struct console_client *client = &console->client[i];
        uint64_t due = client->since_ms + CONSOLE_PARTIAL_MS;

        if (client->length == client->shown)
            continue;
        if (due <= now_ms)
            show_unfinished(console, client);
        else if (next == 0 || due < next)
            next = due;
    }
    return next;
}

static void show_recent(struct console *console, const struct console_text *text) {
    uint64_t at = text->written > text->size ? text->written - text->size : 0;

    for (; at < text->written; at++)
        console_print(console, "%c", text->bytes[at & (text->size - 1)]);
}

void console_focus(struct console *console, unsigned number) {
    bool was_focused = console->focus != CONSOLE_OVERVIEW;

    if (was_focused)
        screen_put(console, TERMINAL_RESET, sizeof(TERMINAL_RESET) - 1);
    screen_fresh(console);
    console->focus = number;
    if (number == CONSOLE_OVERVIEW) {
        console_print(console, "--- bulkhead: overview (help: the monitor's commands) ---\n");
        screen_prompt(console);
        return;
    }
    console->client[number].length = 0;
    console->client[number].shown = 0;
    console_print(console, "--- bulkhead: %s (Ctrl-] 0: back) ---\n",
                  console->client[number].name);
    show_recent(console, &console->client[number].recent);
}

static bool begins_with(const char *name, const char *start) {
    return strncmp(name, start, strlen(start)) == 0;
}

unsigned console_find(const struct console *console, const char *name) {
    unsigned found = CONSOLE_CLIENTS;
    unsigned matches = 0;

    for (unsigned i = 0; i < console->client_count; i++) {
        if (strcmp(console->client[i].name, name) == 0)
            return i;
        if (begins_with(console->client[i].name, name)) {
            found = i;
            matches++;
        }
    }
    return matches == 1 ? found : CONSOLE_CLIENTS;
}

static unsigned next_guest(const struct console *console) {
    unsigned from = console->focus == CONSOLE_OVERVIEW ? 0 : console->focus + 1;

    for (unsigned i = from; i < console->client_count; i++) {
        if (console->client[i].guest)
            return i;
    }
    return CONSOLE_OVERVIEW;
}

/* The nth guest console, from 1; programs' logs aren't counted. */
static unsigned nth_guest(const struct console *console, unsigned nth) {
    for (unsigned i = 0; i < console->client_count; i++) {
        if (console->client[i].guest && --nth == 0)
            return i;
    }
    return CONSOLE_CLIENTS;
}

/* The key after Ctrl-]. */
static void escape_key(struct console *console, char key) {
    bool digit = key >= '1' && key <= '9';
    unsigned number = digit ? nth_guest(console, (unsigned)(key - '0')) : CONSOLE_CLIENTS;

    if (number < CONSOLE_CLIENTS)
        console_focus(console, number);
    else if (key == 'n')
        console_focus(console, next_guest(console));
    else
        console_focus(console, CONSOLE_OVERVIEW);
}

static void run_command(struct console *console) {
    char line[CONSOLE_COMMAND + 1];

    memcpy(line, console->command, console->command_length);
    line[console->command_length] = 0;
    console->command_length = 0;
    screen_put(console, "\r\n", 2);
    console->prompt = false;
    monitor_command(console, line);
    screen_prompt(console);
}

static void erase(struct console *console, uint32_t count) {
    for (uint32_t i = 0; i < count && console->command_length > 0; i++) {
        console->command_length--;
        screen_put(console, "\b \b", 3);
    }
}

/* Whether the key is part of an escape sequence; a line's end never is. */
static bool in_sequence(struct console *console, char key) {
    bool inside = console->key_filter != FILTER_TEXT;
    char shown = filter_byte(&console->key_filter, key == '\r' ? '\n' : key);

    return shown != '\n' && (inside || console->key_filter != FILTER_TEXT);
}

static void command_key(struct console *console, char key) {
    bool newline = key == '\r' || (key == '\n' && !console->returned);

    console->returned = key == '\r';
    screen_prompt(console);
    if (newline)
        run_command(console);
    else if (key == KEY_BACKSPACE || key == KEY_DELETE)
        erase(console, 1);
    else if (key == KEY_KILL_LINE)
        erase(console, CONSOLE_COMMAND);
    else if (key >= ' ' && key < KEY_DELETE && console->command_length < CONSOLE_COMMAND) {
        console->command[console->command_length++] = key;
        screen_put(console, &key, 1);
    }
}

static void take_key(struct console *console, char key) {
    if (console->escaped) {
        console->escaped = false;
        escape_key(console, key);
    } else if (key == KEY_ESCAPE) {
        console->escaped = true;
    } else if (console->focus == CONSOLE_OVERVIEW) {
        if (!in_sequence(console, key))
            command_key(console, key);
    } else if (console->typed_length < CONSOLE_TYPED) {
        console->typed[console->typed_length++] = key;
    }
}

uint32_t console_keys(struct console *console, const char *keys, uint32_t size) {
    uint32_t taken = 0;

    while (taken < size && !(console->escaped && console->typed_length > 0))
        take_key(console, keys[taken++]);
    return taken;
}
