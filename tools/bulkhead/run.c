/* SPDX-License-Identifier: BSD-2-Clause */
/* QEMU with the machine that a description asks for: always emulated, never the host's own
 * virtualization. Trusts check.c. See run.h. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "values.h"

#define ARGUMENTS_MAX 512
#define UEFI_CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define UEFI_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"

struct arguments {
    unsigned count;
    char *argument[ARGUMENTS_MAX + 1];
};

static void add(struct arguments *list, char *argument) {
    if (list->count < ARGUMENTS_MAX) {
        list->argument[list->count++] = argument;
    }
}

/* Adds each word of a text. */
static void add_words(struct arguments *list, const char *text) {
    char *copy = memory_text(text);
    char *rest = NULL;

    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        add(list, memory_text(word));
    }
    free(copy);
}

static void add_machine(struct arguments *list, const struct description_machine *machine) {
    uint64_t memory = 0;

    value_size(machine->memory, &memory);
    add_words(list, "-M q35,kernel-irqchip=split,hpet=off,vmport=off -accel tcg,thread=multi");
    add_words(list, "-nodefaults -display none -no-reboot -cpu");
    add(list, memory_text(machine->cpu != NULL ? machine->cpu : "max,+svm,+npt"));
    add(list, memory_text("-smp"));
    add(list, memory_format("%u", machine->cores));
    add(list, memory_text("-m"));
    add(list, memory_format("%lluM", (unsigned long long)(memory >> 20)));
    if (machine->iommu == IOMMU_VTD) {
        add_words(list, "-device intel-iommu,intremap=on,caching-mode=on,aw-bits=48");
    } else if (machine->iommu == IOMMU_AMDVI) {
        add_words(list, "-device amd-iommu,intremap=on,pt=off");
    }
    add_words(list, machine->options != NULL ? machine->options : "");
}

static char *network_back_end(const struct description_hardware *hardware, uint32_t number) {
    char *text = memory_format("user,id=net%u", number);

    for (uint32_t i = 0; i < hardware->forwards_count; i++) {
        const struct description_forward *f = &hardware->forwards[i];
        char *longer = memory_format("%s,hostfwd=tcp:127.0.0.1:%u-%s", text, f->host, f->guest);
        free(text);
        text = longer;
    }
    return text;
}

/* A disk image's path: as it is if absolute, else below the build folder. */
static char *image_path(const char *build, const char *file) {
    return file[0] == '/' ? memory_text(file) : memory_format("%s/%s", build, file);
}

static void add_image(struct arguments *list, const char *id, const char *build,
                      const char *file) {
    char *path = image_path(build, file);

    add(list, memory_text("-drive"));
    add(list, memory_format("if=none,id=%s,format=raw,discard=unmap,file=%s", id, path));
    free(path);
}

/* Nobody has a namespace before the disk's driver says who: QEMU would give one that is attached at
 * first to each controller again that is started. */
static void add_namespaces(struct arguments *list, const struct description_hardware *hardware,
                           uint32_t number, const char *build) {
    for (uint32_t i = 0; i < hardware->namespaces_count; i++) {
        char *id = memory_format("disk%u.%u", number, i + 1);
        add_image(list, id, build, hardware->namespaces[i]);
        add(list, memory_text("-device"));
        add(list, memory_format("nvme-ns,bus=nvme%u,drive=%s,nsid=%u,shared=on,detached=on", number,
                                id, i + 1));
        free(id);
    }
}

/* Adds what stands behind a device; answers the device's option that names it. */
static char *add_back_end(struct arguments *list, const struct description_hardware *hardware,
                          uint32_t number, const char *build) {
    if (hardware->network) {
        add(list, memory_text("-netdev"));
        add(list, network_back_end(hardware, number));
        return memory_format(",netdev=net%u", number);
    }
    if (hardware->disk != NULL) {
        char *id = memory_format("disk%u", number);
        add_image(list, id, build, hardware->disk);
        free(id);
        return memory_format(",drive=disk%u", number);
    }
    if (hardware->namespaces_count != 0) {
        add(list, memory_text("-device"));
        add(list, memory_format("nvme-subsys,id=subsystem%u", number));
        return memory_format(",id=nvme%u,subsys=subsystem%u", number, number);
    }
    return memory_text("");
}

static void add_hardware(struct arguments *list, const struct description_hardware *hardware,
                         uint32_t number, const char *build) {
    const char *slot = strchr(hardware->address, ':');

    if (hardware->model == NULL) {
        return;
    }
    char *back_end = add_back_end(list, hardware, number, build);
    add(list, memory_text("-device"));
    add(list, memory_format("%s,addr=%s%s%s%s", hardware->model,
                            slot != NULL ? slot + 1 : hardware->address, back_end,
                            hardware->options != NULL ? "," : "",
                            hardware->options != NULL ? hardware->options : ""));
    free(back_end);
    add_namespaces(list, hardware, number, build);
}

static void add_boot(struct arguments *list, const struct run_options *options) {
    if (!options->from_iso) {
        add(list, memory_text("-kernel"));
        add(list, memory_format("%s/kernel/bulkhead32.elf", options->build));
        add(list, memory_text("-initrd"));
        add(list, memory_text(options->plan));
        return;
    }
    add(list, memory_text("-drive"));
    add(list, memory_format("if=none,id=boot,media=cdrom,readonly=on,file=%s", options->iso));
    add_words(list, "-device ide-cd,drive=boot,bootindex=0");
    if (options->uefi) {
        add(list, memory_text("-drive"));
        add(list, memory_format("if=pflash,format=raw,unit=0,readonly=on,file=%s", UEFI_CODE));
        add(list, memory_text("-drive"));
        add(list, memory_format("if=pflash,format=raw,unit=1,snapshot=on,file=%s", UEFI_VARS));
    }
}

/* An argument as a shell would want it. */
static void print_argument(const char *argument) {
    bool plain = argument[0] != 0;

    for (const char *c = argument; *c != 0; c++) {
        plain = plain && strchr(" \t\"'\\$`&|;<>()*?[]#~", *c) == NULL;
    }
    printf(plain ? "%s " : "'%s' ", argument);
}

/* With several CPUs QEMU 10.0 now and then loses the first one's nested paging while the others
 * work: docs/emulated-machine.md. */
static void warn_of_first_core(const struct description *description) {
    for (uint32_t i = 0; i < description->vms_count; i++) {
        const struct description_vm *vm = &description->vms[i];
        for (uint32_t v = 0; v < vm->vcpus_count && description->machine.cores > 1; v++) {
            if (vm->vcpus[v].core == 0) {
                fprintf(stderr, "run: %s: vCPU %u is on core 0, where QEMU may end the guest or the "
                        "machine (docs/emulated-machine.md); mend: give it another core\n",
                        vm->base.name, v);
            }
        }
    }
}

static bool is_behind_bridge(const struct description_machine *machine, const char *address) {
    for (uint32_t i = 0; i < machine->devices_count; i++) {
        if (strcmp(machine->devices[i].address, address) == 0) {
            return machine->devices[i].behind != NULL;
        }
    }
    return false;
}

/* QEMU's AMD-Vi takes what a device behind a bridge sends for another one's. */
static void warn_of_bridges(const struct description *description) {
    for (uint32_t i = 0; i < description->devices_count; i++) {
        const struct description_device *d = &description->devices[i];
        if (description->machine.iommu == IOMMU_AMDVI && d->pci != NULL
            && (d->dma || d->msi || d->msix != 0)
            && is_behind_bridge(&description->machine, d->pci)) {
            fprintf(stderr, "run: %s: behind a bridge QEMU's AMD-Vi takes it for another device "
                    "(docs/emulated-machine.md); mend: put it on bus 0, or use vt-d\n", d->name);
        }
    }
}

int run_qemu(const struct description *description, const struct run_options *options) {
    const struct description_machine *machine = &description->machine;
    struct arguments list = { 0 };

    warn_of_first_core(description);
    warn_of_bridges(description);

    add(&list, memory_text("qemu-system-x86_64"));
    add_machine(&list, machine);
    for (uint32_t i = 0; i < machine->devices_count; i++) {
        add_hardware(&list, &machine->devices[i], i, options->build);
    }
    add_boot(&list, options);
    add_words(&list, "-serial mon:stdio");
    for (char **extra = options->extra; extra != NULL && *extra != NULL; extra++) {
        add(&list, memory_text(*extra));
    }
    list.argument[list.count] = NULL;
    int result = 1;
    if (options->print) {
        for (unsigned i = 0; i < list.count; i++) {
            print_argument(list.argument[i]);
        }
        puts("");
        result = 0;
    } else {
        fflush(NULL);
        execvp(list.argument[0], list.argument);
        perror(list.argument[0]);
    }
    for (unsigned i = 0; i < list.count; i++) {
        free(list.argument[i]);
    }
    return result;
}
