/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One serial line shared by many. The core, without links and calls, so that it runs on the host
 * as well: bytes in, bytes out. Trusts nobody: clients' bytes are filtered unless the person chose
 * to look at that client, and each client has an allowance of bytes.
 *
 * Two views of the line:
 *   overview   the monitor's prompt at the bottom; above it every client's lines, each after its
 *              name ("web.serial| text"), escape sequences and control characters removed
 *   focused    one client's bytes as they are, the keys go to it; only the kernel's lines break in
 *
 * A focused client may draw what it likes, a false overview as well: the key Ctrl-] is the one way
 * to be sure, it is never passed on.
 */
#ifndef BULKHEAD_SERVICES_CONSOLE_H
#define BULKHEAD_SERVICES_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/base.h"

enum {
    CONSOLE_CLIENTS   = 48,       /* a compartment has one, a VM up to three */
    CONSOLE_LINE      = 200,      /* longest line of a client in the overview; more is broken up */
    CONSOLE_COMMAND   = 80,       /* longest line for the monitor */
    CONSOLE_SCREEN    = 32768,    /* bytes waiting for the serial line */
    CONSOLE_RESERVE   = 8192,     /* of these, kept for the monitor and the kernel */
    CONSOLE_RECENT    = 1024,     /* what focusing on a client shows again */
    CONSOLE_HISTORY   = 16384,    /* lines of the kernel and the programs, for `log` */
    CONSOLE_TYPED     = 64,       /* keys waiting for the focused client */
    CONSOLE_RATE      = 32,       /* a client's allowance: bytes a millisecond, */
    CONSOLE_BURST     = 16384,    /* and how much it can save up */
    CONSOLE_WORST     = 160,      /* what one byte (a line's end) of an unfocused client can become */
    CONSOLE_PARTIAL_MS = 500,     /* a line without an end (a prompt) is shown when nothing was
                                     added to it for so long, and again, whole, at its end */
    CONSOLE_OVERVIEW  = 0xffff,   /* focus: nobody */
};

/* Where in an escape sequence (ECMA-48, 5.3 to 5.6) the filter is. */
enum console_filter { FILTER_TEXT, FILTER_ESCAPE, FILTER_CONTROL, FILTER_STRING, FILTER_SHIFT };

/* A circular text, of which the newest bytes are kept. */
struct console_text {
    char    *bytes;
    uint32_t size;                /* a power of two */
    uint64_t written;
};

struct console_client {
    char     name[BH_NAME_SIZE];
    bool     guest;               /* a guest's console ("web.serial"), not a program's log */
    enum console_filter filter;
    char     line[CONSOLE_LINE];
    uint32_t length;
    uint32_t shown;               /* of it, was shown in the overview before the line's end */
    uint64_t since_ms;            /* when the unfinished line got its last byte */
    uint32_t allowance;
    uint64_t refilled_ms;
    char     recent_bytes[CONSOLE_RECENT];
    struct console_text recent;
};

struct console {
    struct console_client client[CONSOLE_CLIENTS];
    unsigned client_count;
    unsigned focus;               /* client number or CONSOLE_OVERVIEW */
    bool     escaped;             /* the last key was Ctrl-] */
    enum console_filter key_filter; /* the terminal's answers and special keys aren't commands */
    bool     returned;            /* the last key ended a command by CR: ignore an LF */
    bool     line_start;          /* the cursor is in column 0 */
    bool     prompt;              /* prompt and command stand on the cursor's line */
    char     command[CONSOLE_COMMAND];
    uint32_t command_length;
    char     typed[CONSOLE_TYPED];
    uint32_t typed_length;
    char     screen[CONSOLE_SCREEN];
    uint32_t screen_start;
    uint32_t screen_length;
    uint32_t screen_lost;
    struct console_client kernel; /* its lines: who, what and where */
    char     history_bytes[CONSOLE_HISTORY];
    struct console_text history;
};

/* Executes a command of the monitor: services/console/monitor.c. */
void monitor_command(struct console *console, const char *line);

void console_init(struct console *console);

/* Answers the client's number, or CONSOLE_CLIENTS when there are too many. */
unsigned console_add(struct console *console, const char *name);

/* How many bytes of this client may be taken now. */
uint32_t console_allowance(struct console *console, unsigned client, uint64_t now_ms);

/* Bytes from a client, at most its allowance; from the kernel's log. */
void console_client_output(struct console *console, unsigned client, const char *bytes,
                           uint32_t size, uint64_t now_ms);
void console_kernel_output(struct console *console, const char *bytes, uint32_t size);

/* Keys from the serial line; answers how many were taken. What the focused client gets is in typed[]
 * afterwards: the caller delivers and empties it before more keys, which may move the focus. */
uint32_t console_keys(struct console *console, const char *keys, uint32_t size);

/* Shows unfinished lines that are old enough; when to call again, 0: no need. */
uint64_t console_tick(struct console *console, uint64_t now_ms);

void console_focus(struct console *console, unsigned client);

/* The client of that name, or of which it is the only one to begin so; CONSOLE_CLIENTS: none. */
unsigned console_find(const struct console *console, const char *name);

/* Bulkhead's own text. */
void console_print(struct console *console, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes up to `size` bytes for the serial line. */
uint32_t console_take(struct console *console, char *bytes, uint32_t size);

/* The last `lines` lines of kernel and programs. */
void console_show_history(struct console *console, uint32_t lines);

#endif
