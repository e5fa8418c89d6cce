/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bulkhead: the host tool. Checks a system description, builds the plan and a bootable ISO, runs it
 * in QEMU, shows who may reach what.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iso.h"
#include "memory.h"
#include "probe.h"
#include "run.h"
#include "show.h"
#include "system.h"

static const char usage[] =
    "usage: bulkhead COMMAND FILE.yaml [options] [-- QEMU arguments]\n"
    "  check    report everything that is wrong with the description\n"
    "  build    write NAME.plan, and with --iso NAME.iso, into the folder of -o\n"
    "  run      boot the system in QEMU on the machine that the description asks for\n"
    "  show     who may reach what, and whom each compartment has to trust\n"
    "       bulkhead probe [--root DIR]\n"
    "           list this machine's hardware for 'check --hardware'; Linux, as root\n"
    "options:\n"
    "  -b, --build DIR   where the build put kernel, programs and guest images (build)\n"
    "  -o, --output DIR  where to write (BUILD/systems)\n"
    "      --hardware F  the machine's hardware, as 'bulkhead probe' listed it (check, build)\n"
    "      --root DIR    probe: read DIR/sys and DIR/proc\n"
    "      --iso         build: make a bootable ISO too (BIOS and UEFI)\n"
    "      --from-iso    run: boot the ISO instead of giving QEMU kernel and plan\n"
    "      --uefi        run: with UEFI firmware (implies --from-iso)\n"
    "      --print       run: print the command line instead\n";

struct options {
    const char *command;
    const char *file;
    const char *build;
    const char *output;
    const char *hardware;
    const char *root;
    bool iso;
    struct run_options run;
};

enum { OPTION_ISO = 256, OPTION_FROM_ISO, OPTION_UEFI, OPTION_PRINT,
       OPTION_HARDWARE, OPTION_ROOT };

static const struct option long_options[] = {
    { "build", required_argument, NULL, 'b' },
    { "output", required_argument, NULL, 'o' },
    { "hardware", required_argument, NULL, OPTION_HARDWARE },
    { "root", required_argument, NULL, OPTION_ROOT },
    { "iso", no_argument, NULL, OPTION_ISO },
    { "from-iso", no_argument, NULL, OPTION_FROM_ISO },
    { "uefi", no_argument, NULL, OPTION_UEFI },
    { "print", no_argument, NULL, OPTION_PRINT },
    { NULL, 0, NULL, 0 },
};

static bool take_option(struct options *options, int option) {
    switch (option) {
    case 'b':             options->build = optarg; return true;
    case 'o':             options->output = optarg; return true;
    case OPTION_HARDWARE: options->hardware = optarg; return true;
    case OPTION_ROOT:     options->root = optarg; return true;
    case OPTION_ISO:      options->iso = true; return true;
    case OPTION_FROM_ISO: options->run.from_iso = true; return true;
    case OPTION_UEFI:     options->run.from_iso = options->run.uefi = true; return true;
    case OPTION_PRINT:    options->run.print = true; return true;
    default:              return false;
    }
}

/* What stands after "--" goes to QEMU. */
static bool parse(int argc, char **argv, struct options *options) {
    int own = argc;
    int option = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            own = i;
            options->run.extra = argv + i + 1;
            break;
        }
    }
    while ((option = getopt_long(own, argv, "b:o:", long_options, NULL)) != -1) {
        if (!take_option(options, option)) {
            return false;
        }
    }
    if (own - optind < 1) {
        return false;
    }
    options->command = argv[optind];
    options->file = argv[optind + 1];
    return own - optind == (strcmp(options->command, "probe") == 0 ? 1 : 2);
}

static char *output_path(const struct options *options, const struct system *system,
                         const char *suffix) {
    return options->output != NULL
        ? memory_format("%s/%s%s", options->output, system->model->header.name, suffix)
        : memory_format("%s/systems/%s%s", options->build, system->model->header.name, suffix);
}

/* Whoever reads the file meanwhile has the old one whole, or the new one. */
static bool write_file(const char *path, const void *bytes, uint64_t size) {
    char *partial = memory_format("%s.%ld", path, (long)getpid());
    FILE *out = fopen(partial, "wb");
    bool written = out != NULL && fwrite(bytes, 1, size, out) == size;
    bool closed = out != NULL && fclose(out) == 0;
    bool good = written && closed && rename(partial, path) == 0;

    if (!good) {
        perror(path);
        remove(partial);
    }
    free(partial);
    return good;
}

static int build(const struct options *options, struct system *system) {
    char *plan = output_path(options, system, ".plan");
    char *iso = output_path(options, system, ".iso");
    bool good = write_file(plan, system->plan.bytes, system->plan.size)
             && (!options->iso || iso_make(options->build, plan, iso));

    free(plan);
    free(iso);
    return good ? 0 : 1;
}

static int run(const struct options *options, struct system *system) {
    struct run_options run_options = options->run;
    char *plan = output_path(options, system, ".plan");
    char *iso = output_path(options, system, ".iso");

    run_options.build = options->build;
    run_options.plan = plan;
    run_options.iso = iso;
    if (build(&(struct options){ .build = options->build, .output = options->output,
                                 .iso = options->run.from_iso }, system) != 0) {
        return 1;
    }
    int result = run_qemu(system->description, &run_options);
    free(plan);
    free(iso);
    return result;
}

static int perform(const struct options *options, struct system *system) {
    if (strcmp(options->command, "build") == 0) {
        return build(options, system);
    }
    if (strcmp(options->command, "run") == 0) {
        return run(options, system);
    }
    if (strcmp(options->command, "show") == 0) {
        show_system(system, stdout);
    } else {
        show_summary(system, options->file, stdout);
    }
    return 0;
}

static bool command_is_known(const char *command) {
    static const char *const known[] = { "check", "build", "run", "show", "probe" };

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(command, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv) {
    struct options options = { .build = "build", .root = "" };
    struct system system;

    if (!parse(argc, argv, &options) || !command_is_known(options.command)) {
        fputs(usage, stderr);
        return 2;
    }
    if (strcmp(options.command, "probe") == 0) {
        return probe(options.root, stdout) ? 0 : 1;
    }
    bool good = system_open(&system, options.file, options.build, options.hardware);
    system_print_report(&system, stderr);
    int result = good ? perform(&options, &system) : 1;
    system_close(&system);
    return result;
}
