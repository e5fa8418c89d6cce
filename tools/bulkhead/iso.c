/* SPDX-License-Identifier: BSD-2-Clause */
/* A bootable ISO image, made by grub-mkrescue from a folder of symbolic names. See iso.h. */
#include "iso.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

static const char grub_configuration[] =
    "set timeout=0\n"
    "serial --unit=0 --speed=115200\n"
    "terminal_input serial console\n"
    "terminal_output serial console\n"
    "insmod efi_gop\n"                    /* each is there under one firmware only */
    "insmod vbe\n"
    "menuentry 'Bulkhead' {\n"
    "    multiboot2 /boot/bulkhead.elf\n"
    "    module2 /boot/system.plan\n"
    "    boot\n"
    "}\n";

/* Runs a command, its output away; true when it succeeded. */
static bool command(const char *const *arguments) {
    pid_t child = fork();
    int status = 1;

    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        if (nowhere >= 0) {
            dup2(nowhere, 1);
            dup2(nowhere, 2);
        }
        execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    bool ended = child > 0 && waitpid(child, &status, 0) == child;
    return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool copy(const char *from, const char *to) {
    const char *const arguments[] = { "cp", "-L", from, to, NULL };

    return command(arguments);
}

static bool write_configuration(const char *folder) {
    char *path = memory_format("%s/boot/grub/grub.cfg", folder);
    FILE *out = fopen(path, "w");
    bool good = out != NULL && fputs(grub_configuration, out) >= 0;

    if (out != NULL) {
        good = fclose(out) == 0 && good;
    }
    free(path);
    return good;
}

static bool fill(const char *folder, const char *build, const char *plan) {
    char *grub = memory_format("%s/boot/grub", folder);
    char *kernel = memory_format("%s/kernel/bulkhead64.elf", build);
    char *to_kernel = memory_format("%s/boot/bulkhead.elf", folder);
    char *to_plan = memory_format("%s/boot/system.plan", folder);
    const char *const make_folders[] = { "mkdir", "-p", grub, NULL };
    bool good = command(make_folders) && write_configuration(folder);

    good = good && copy(kernel, to_kernel) && copy(plan, to_plan);
    free(grub);
    free(kernel);
    free(to_kernel);
    free(to_plan);
    return good;
}

bool iso_make(const char *build, const char *plan, const char *iso) {
    char folder[] = "/tmp/bulkhead-iso-XXXXXX";

    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return false;
    }
    const char *const make_image[] = { "grub-mkrescue", "-o", iso, folder, NULL };
    const char *const clean_up[] = { "rm", "-r", folder, NULL };
    bool good = fill(folder, build, plan);
    if (!good) {
        fprintf(stderr, "bulkhead: no kernel in %s/kernel, or no room in %s\n", build, folder);
    } else if (!command(make_image)) {
        fprintf(stderr, "bulkhead: grub-mkrescue failed: are grub-common, grub-pc-bin, "
                        "grub-efi-amd64-bin, xorriso and mtools installed?\n");
        good = false;
    }
    command(clean_up);
    return good;
}
