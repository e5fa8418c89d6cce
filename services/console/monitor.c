/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's commands (services/console/monitor.h). Reads counters and plan; acts by slots. */
#include "services/console/monitor.h"

#include <stddef.h>

#include "abi/info.h"

#include "lib/c/format.h"
#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/manifest/manifest.h"
#include "lib/time/time.h"
#include "services/console/names.h"

enum { LOG_LINES = 40 };

static struct bh_counters no_counters;         /* for a console that may not see them */
static const volatile struct bh_counters *counters = &no_counters;
static uint32_t machine = BH_NONE;

static uint32_t slot_of(enum bh_manifest_kind kind, const char *name) {
    const struct bh_manifest_entry *entry = manifest_find(kind, name);

    return entry == NULL ? BH_NONE : entry->slot;
}

void monitor_start(void) {
    const struct bh_manifest_entry *entry = manifest_find(BH_ENTRY_COUNTERS, "counters");

    if (entry != NULL)
        counters = manifest_address(entry);
    machine = slot_of(BH_ENTRY_MACHINE, "machine");
}

static uint64_t machine_counter(enum bh_machine_counter which) { return counters->machine[which]; }

static const char *word(const char *const *words, uint64_t count, uint64_t index) {
    return index < count && words[index] != NULL ? words[index] : "?";
}

static const char *compartment_state(uint32_t index) {
    static const char *const words[] = {
        [BH_COMPARTMENT_STOPPED] = "stopped", [BH_COMPARTMENT_RUNNING] = "running",
        [BH_COMPARTMENT_FAULTED] = "faulted", [BH_COMPARTMENT_RESETTING] = "resetting",
    };

    return word(words, sizeof(words) / sizeof(words[0]),
                counters->compartment[index][BH_COMPARTMENT_COUNT_STATE]);
}

static const char *device_state(uint32_t index) {
    static const char *const words[] = {
        [BH_DEVICE_ABSENT] = "absent",   [BH_DEVICE_QUIET] = "quiet",
        [BH_DEVICE_ACTIVE] = "active",   [BH_DEVICE_BLOCKED] = "blocked",
        [BH_DEVICE_QUARANTINED] = "quarantined", [BH_DEVICE_RESETTING] = "resetting",
    };

    return word(words, sizeof(words) / sizeof(words[0]),
                counters->device[index][BH_DEVICE_COUNT_STATE]);
}

/* What counters were at the last `status`: loads are shown since then. */
static struct {
    uint64_t when;
    uint64_t idle[BH_MAX_CORES];
    uint64_t ran[BH_MAX_COMPARTMENTS];
} last;

/* Per mille of `time`, of the growth since `*before`. */
static uint64_t share(uint64_t ticks, uint64_t *before, uint64_t time) {
    uint64_t grown = ticks - *before;

    *before = ticks;
    return time < 1000 ? 0 : grown / (time / 1000);
}

static uint64_t threads_ticks(uint32_t compartment) {
    uint64_t sum = 0;

    for (uint32_t i = 0; i < names_count(BH_TABLE_THREAD); i++) {
        const struct bh_plan_thread *thread = names_entry(BH_TABLE_THREAD, i);
        if (thread->compartment == compartment)
            sum += counters->thread[i][BH_THREAD_TICKS];
    }
    return sum;
}

static void show_machine(struct console *console) {
    static const char *const iommus[] = { "none", "VT-d", "AMD-Vi" };
    uint64_t khz = machine_counter(BH_MACHINE_TSC_KHZ);
    uint64_t up = time_now() - machine_counter(BH_MACHINE_BOOT_TSC);
    uint64_t seconds = khz == 0 ? 0 : up / khz / 1000;

    console_print(console, "system %s, up %lu s, mode %s, IOMMU %s\n", manifest()->system,
                  seconds, names_of(BH_TABLE_MODE, (uint32_t)machine_counter(BH_MACHINE_MODE)),
                  word(iommus, 3, machine_counter(BH_MACHINE_IOMMU)));
    console_print(console, "memory %lu MiB, of which %lu MiB used\n",
                  machine_counter(BH_MACHINE_MEMORY) >> 20,
                  machine_counter(BH_MACHINE_MEMORY_USED) >> 20);
}

static void show_cores(struct console *console, uint64_t time) {
    uint64_t cores = machine_counter(BH_MACHINE_CORES);

    for (uint32_t i = 0; i < cores && i < BH_MAX_CORES; i++) {
        uint64_t since = counters->core[i][BH_CORE_IDLE_SINCE];
        uint64_t ticks = counters->core[i][BH_CORE_IDLE_TICKS];
        uint64_t idle = share(since == 0 ? ticks : ticks + time_now() - since, &last.idle[i], time);

        console_print(console, "core %-2u idle %3lu.%lu %%  switches %-10lu interrupts %lu\n", i,
                      idle / 10, idle % 10, counters->core[i][BH_CORE_SWITCHES],
                      counters->core[i][BH_CORE_INTERRUPTS]);
    }
}

static void show_compartment(struct console *console, uint32_t i, uint64_t time) {
    const struct bh_plan_compartment *compartment = names_entry(BH_TABLE_COMPARTMENT, i);
    uint64_t busy = share(threads_ticks(i), &last.ran[i], time);

    console_print(console, "%-20s %-10s %6lu %6lu %5lu.%lu\n", compartment->name,
                  compartment_state(i),
                  counters->compartment[i][BH_COMPARTMENT_STARTS],
                  counters->compartment[i][BH_COMPARTMENT_FAULTS], busy / 10,
                  busy % 10);
}

/* Loads are those since the last `status`, at first since boot. */
static void show_status(struct console *console, const char *argument) {
    uint64_t now = time_now();
    uint64_t since = last.when != 0 ? last.when : machine_counter(BH_MACHINE_BOOT_TSC);

    (void)argument;
    last.when = now;
    show_machine(console);
    show_cores(console, now - since);
    console_print(console, "%-20s %-10s %6s %6s %7s\n", "compartment", "state", "starts", "faults",
                  "cpu %");
    for (uint32_t i = 0; i < names_count(BH_TABLE_COMPARTMENT) && i < BH_MAX_COMPARTMENTS; i++)
        show_compartment(console, i, now - since);
}

/* Bus, device and function, as PCI tools write them. */
struct requester {
    char text[12];
};

static struct requester requester_text(uint32_t id) {
    struct requester requester;

    format_text(requester.text, sizeof(requester.text), "%02x:%02x.%x", id >> 8 & 0xff,
                id >> 3 & 0x1f, id & 7);
    return requester;
}

static void show_device(struct console *console, uint32_t i) {
    const struct bh_plan_device *device = names_entry(BH_TABLE_DEVICE, i);
    bool pci = device->kind == BH_DEVICE_PCI;

    console_print(console, "%-16s %-9s %-16s %-11s %6lu %6lu\n", device->name,
                  pci ? requester_text(device->requester_id).text : "platform",
                  names_of(BH_TABLE_COMPARTMENT, device->owner), pci ? device_state(i) : "-",
                  counters->device[i][BH_DEVICE_FAULTS],
                  counters->device[i][BH_DEVICE_RESETS]);
}

static void show_devices(struct console *console, const char *argument) {
    (void)argument;
    console_print(console, "%-16s %-9s %-16s %-11s %6s %6s\n", "device", "where", "owner", "state",
                  "faults", "resets");
    for (uint32_t i = 0; i < names_count(BH_TABLE_DEVICE); i++)
        show_device(console, i);
}

static void show_compartment_fault(struct console *console, uint32_t i) {
    uint64_t faults = counters->compartment[i][BH_COMPARTMENT_FAULTS];
    uint64_t thread = counters->compartment[i][BH_COMPARTMENT_FAULT_THREAD];

    if (faults == 0)
        return;
    console_print(console, "%s: %lu faults, now %s; last: vector %lu at %lx, address %lx, %s\n",
                  names_of(BH_TABLE_COMPARTMENT, i), faults, compartment_state(i),
                  counters->compartment[i][BH_COMPARTMENT_FAULT_VECTOR],
                  counters->compartment[i][BH_COMPARTMENT_FAULT_RIP],
                  counters->compartment[i][BH_COMPARTMENT_FAULT_ADDRESS],
                  names_of(BH_TABLE_THREAD, (uint32_t)thread));
}

static void show_device_fault(struct console *console, uint32_t i) {
    const struct bh_plan_device *device = names_entry(BH_TABLE_DEVICE, i);
    uint64_t faults = counters->device[i][BH_DEVICE_FAULTS];
    uint64_t remap = counters->device[i][BH_DEVICE_REMAP_FAULTS];
    uint64_t wrote = counters->device[i][BH_DEVICE_FAULT_WRITE];

    if (faults + remap == 0)
        return;
    console_print(console, "%s of %s: %lu DMA faults, %lu interrupt faults, now %s; "
                  "last: %s %lx, reason %lx\n", device->name,
                  names_of(BH_TABLE_COMPARTMENT, device->owner), faults, remap, device_state(i),
                  wrote != 0 ? "write to" : "read of",
                  counters->device[i][BH_DEVICE_FAULT_ADDRESS],
                  counters->device[i][BH_DEVICE_FAULT_REASON]);
}

static void show_faults(struct console *console, const char *argument) {
    uint64_t stray = machine_counter(BH_MACHINE_STRAY_FAULTS);

    (void)argument;
    for (uint32_t i = 0; i < names_count(BH_TABLE_COMPARTMENT); i++)
        show_compartment_fault(console, i);
    for (uint32_t i = 0; i < names_count(BH_TABLE_DEVICE); i++)
        show_device_fault(console, i);
    console_print(console, "%lu faults of requesters that the plan doesn't name", stray);
    if (stray > 0) {
        uint32_t last_one = (uint32_t)machine_counter(BH_MACHINE_STRAY_REQUESTER);

        console_print(console, ", last %s", requester_text(last_one).text);
    }
    console_print(console, "; %lu NMIs, %lu machine checks\n", machine_counter(BH_MACHINE_NMIS),
                  machine_counter(BH_MACHINE_CHECKS));
}

/* One class of counters: which table names its objects, and what its columns are. */
struct counter_class {
    const char *title;
    size_t first;              /* offset of object 0's in struct bh_counters */
    uint32_t each;             /* how many an object has */
    enum bh_table table;
    uint32_t columns;
    const char *column[4];
};

static const struct counter_class classes[] = {
    { "thread", offsetof(struct bh_counters, thread), BH_THREAD_COUNTERS, BH_TABLE_THREAD,
      4, { "ticks", "calls", "exhausted", "core" } },
    { "vcpu", offsetof(struct bh_counters, vcpu), BH_VCPU_COUNTERS, BH_TABLE_VCPU,
      3, { "exits", "doorbells", "kernel exits" } },
    { "interrupt", offsetof(struct bh_counters, interrupt), BH_INTERRUPT_COUNTERS,
      BH_TABLE_INTERRUPT, 2, { "delivered", "storms" } },
};

static void show_class(struct console *console, const struct counter_class *class) {
    const volatile uint64_t *value = (const volatile uint64_t *)
        ((const volatile uint8_t *)counters + class->first);

    for (uint32_t i = 0; i < names_count(class->table); i++) {
        console_print(console, "%-9s %-24s", class->title, names_of(class->table, i));
        for (uint32_t column = 0; column < class->columns; column++)
            console_print(console, " %s %-10lu", class->column[column],
                          value[i * class->each + column]);
        console_print(console, "\n");
    }
}

static void show_counters(struct console *console, const char *argument) {
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (*argument == 0 || strcmp(argument, classes[i].title) == 0)
            show_class(console, &classes[i]);
    }
}

static void show_log(struct console *console, const char *argument) {
    uint64_t lines = LOG_LINES;

    if (*argument != 0 && !parse_number(argument, &lines))
        console_print(console, "log: \"%s\" is not a number of lines\n", argument);
    else
        console_show_history(console, lines < UINT32_MAX ? (uint32_t)lines : UINT32_MAX);
}

static void list_clients(struct console *console) {
    unsigned key = 0;

    for (unsigned i = 0; i < console->client_count; i++) {
        const struct console_client *client = &console->client[i];

        if (client->guest)
            console_print(console, "%-24s Ctrl-] %u\n", client->name, ++key);
        else
            console_print(console, "%-24s log\n", client->name);
    }
}

static void focus(struct console *console, const char *argument) {
    unsigned number = console_find(console, argument);

    if (*argument == 0)
        list_clients(console);
    else if (number == CONSOLE_CLIENTS)
        console_print(console, "focus: \"%s\" names no client, or several: "
                      "`focus` alone lists them\n", argument);
    else
        console_focus(console, number);
}

static void control(struct console *console, const char *verb, const char *name,
                    enum bh_compartment_operation operation) {
    uint32_t slot = slot_of(BH_ENTRY_COMPARTMENT, name);
    uint64_t value;
    int status;

    if (slot == BH_NONE) {
        console_print(console, "%s: \"%s\" is no compartment that the console supervises; "
                      "`status` lists all\n", verb, name);
        return;
    }
    status = call_compartment_control(slot, operation, &value);
    console_print(console, status == BH_OK ? "%s: %s\n" : "%s: %s refused (%d)\n", verb, name,
                  status);
}

static void start(struct console *console, const char *argument) {
    control(console, "start", argument, BH_COMPARTMENT_RUN);
}

static void stop(struct console *console, const char *argument) {
    control(console, "stop", argument, BH_COMPARTMENT_STOP);
}

static void restart(struct console *console, const char *argument) {
    control(console, "restart", argument, BH_COMPARTMENT_RESET);
}

static void enter_mode(struct console *console, const char *argument) {
    uint32_t slot = slot_of(BH_ENTRY_MODE, argument);
    int status = slot == BH_NONE ? BH_E_SLOT : call_mode_enter(slot);

    if (slot == BH_NONE)
        console_print(console, "mode: \"%s\" is no mode that the console may enter\n", argument);
    else
        console_print(console, "mode: %s %s\n", argument, status == BH_OK ? "entered" : "refused");
}

static void control_machine(struct console *console, const char *verb,
                            enum bh_machine_operation operation) {
    int status = machine == BH_NONE ? BH_E_SLOT : call_machine_control(machine, operation);

    if (status != BH_OK)
        console_print(console, "%s: refused (%d): the description gives the console no such "
                      "right\n", verb, status);
}

static void reboot(struct console *console, const char *argument) {
    (void)argument;
    control_machine(console, "reboot", BH_MACHINE_REBOOT);
}

static void poweroff(struct console *console, const char *argument) {
    (void)argument;
    control_machine(console, "poweroff", BH_MACHINE_POWEROFF);
}

static void help(struct console *console, const char *argument);

static const struct command {
    const char *name;
    void (*run)(struct console *console, const char *argument);
    const char *text;
} commands[] = {
    { "help",     help,          "this list" },
    { "status",   show_status,   "machine, cores, compartments; loads since the last status" },
    { "devices",  show_devices,  "devices, their owners and states" },
    { "faults",   show_faults,   "who faulted, how often, where last" },
    { "counters", show_counters, "[thread|vcpu|interrupt]" },
    { "log",      show_log,      "[LINES] of the kernel and the programs" },
    { "focus",    focus,         "[NAME]: the keys go to a client; Ctrl-] 0 comes back" },
    { "start",    start,         "NAME: run a stopped compartment" },
    { "stop",     stop,          "NAME: stop a compartment" },
    { "restart",  restart,       "NAME: reset a compartment and run it again" },
    { "mode",     enter_mode,    "NAME: move the threads to where that mode has them" },
    { "reboot",   reboot,        "" },
    { "poweroff", poweroff,      "" },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void help(struct console *console, const char *argument) {
    (void)argument;
    for (unsigned i = 0; i < COMMANDS; i++)
        console_print(console, "  %-9s %s\n", commands[i].name, commands[i].text);
    console_print(console, "keys: Ctrl-] 1..9 focuses on the first .. ninth guest console, "
                  "Ctrl-] n on the next, Ctrl-] 0 comes back here\n");
}

/* Cuts the line into a command and one argument, in place. */
static char *split(char *line) {
    char *end = line + strlen(line);

    while (end > line && end[-1] == ' ')
        *--end = 0;
    while (*line != 0 && *line != ' ')
        line++;
    while (*line == ' ')
        *line++ = 0;
    return line;
}

void monitor_command(struct console *console, const char *text) {
    char line[CONSOLE_COMMAND + 1];
    size_t skipped = 0;
    char *argument;

    while (text[skipped] == ' ')
        skipped++;
    format_text(line, sizeof(line), "%s", text + skipped);
    argument = split(line);
    if (line[0] == 0)
        return;
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (strcmp(line, commands[i].name) == 0) {
            commands[i].run(console, argument);
            return;
        }
    }
    console_print(console, "\"%s\" is no command; `help` lists them\n", line);
}
