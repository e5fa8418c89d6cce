/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a Linux system's /sys and /proc into a hardware listing (Linux, Documentation/PCI/sysfs-pci
 * and Documentation/ABI/testing/sysfs-bus-pci). Reads only. What it finds may be anything: the
 * listing is read back with the same suspicion.
 */
#include "probe.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "listing.h"
#include "memory.h"
#include "saved_machine.h"
#include "values.h"

#define DEVICES "sys/bus/pci/devices"

enum { WHOLE = 256 };           /* without root only the first 64 bytes can be read */
enum { RESOURCES = 13, VIRTUAL_RESOURCE = 7 };      /* BARs, ROM, BARs of virtual functions */
enum { SRIOV = 0x10, SRIOV_TOTAL = 0x0e, TOTAL_KNOWN = 0x40 };     /* PCIe 9.3.3 */

/* Answers how many bytes were there, at most `most`; 0: it can't be read. */
static uint32_t read_file(const char *path, void *bytes, uint32_t most) {
    FILE *in = fopen(path, "rb");
    size_t size = in != NULL ? fread(bytes, 1, most, in) : 0;

    if (in != NULL) {
        fclose(in);
    }
    return (uint32_t)size;
}

static char *member(const char *root, const char *name, const char *file) {
    return memory_format("%s/" DEVICES "/%s/%s", root, name, file);
}

static uint32_t total_virtual(const struct listing_function *f) {
    uint32_t at = 256;
    uint32_t head = 0;

    for (uint32_t step = 0; step < 480 && at >= 256 && at + TOTAL_KNOWN <= f->known; step++) {
        memcpy(&head, f->config + at, sizeof(head));
        if (head % 65536 == SRIOV) {
            return f->config[at + SRIOV_TOTAL] | (uint32_t)f->config[at + SRIOV_TOTAL + 1] << 8;
        }
        at = head >> 20 & ~3u;
    }
    return 0;
}

/* One line a resource: first, last, flags. A range of virtual functions' BARs is for them all. */
static void read_sizes(struct listing_function *f, const char *path) {
    FILE *in = fopen(path, "r");
    uint32_t virtual = total_virtual(f);
    unsigned long long first = 0;
    unsigned long long last = 0;
    unsigned long long flags = 0;

    for (uint32_t i = 0; in != NULL && i < RESOURCES; i++) {
        if (fscanf(in, "%llx %llx %llx", &first, &last, &flags) != 3) {
            break;
        }
        uint64_t size = last > first ? last - first + 1 : 0;
        if (i < PCI_BARS) {
            f->size[i] = size;
        } else if (i >= VIRTUAL_RESOURCE && virtual > 0) {
            f->size[PCI_BARS + i - VIRTUAL_RESOURCE] = size / virtual;
        }
    }
    if (in != NULL) {
        fclose(in);
    }
}

static void read_function(struct listing *l, const char *root, const char *name,
                          uint32_t requester) {
    struct listing_function *f = listing_add(l, requester);
    char *config = member(root, name, "config");
    char *sizes = member(root, name, "resource");
    char *line = member(root, name, "irq");
    char text[16] = "";

    f->known = read_file(config, f->config, PCI_CONFIG_SIZE);
    bool header = f->config[PCI_HEADER_TYPE] % 128 == 0;
    if (header) {
        read_sizes(f, sizes);
    }
    read_file(line, text, sizeof(text) - 1);
    f->line = (uint32_t)strtoul(text, NULL, 10) % 65536;
    free(config);
    free(sizes);
    free(line);
}

/* Virtual functions aren't there when Bulkhead boots: their physical function tells of them. */
static bool is_virtual(const char *root, const char *name) {
    char *path = member(root, name, "physfn");
    struct stat status;
    bool virtual = stat(path, &status) == 0;

    free(path);
    return virtual;
}

static int is_address(const struct dirent *entry) {
    return strlen(entry->d_name) == 12;
}

static bool read_functions(struct listing *l, const char *root) {
    char *path = memory_format("%s/" DEVICES, root);
    struct dirent **entry = NULL;
    int count = scandir(path, &entry, is_address, alphasort);

    for (int i = 0; i < count; i++) {
        const char *name = entry[i]->d_name;
        uint32_t requester = 0;
        if (strncmp(name, "0000:", 5) != 0) {
            fprintf(stderr, "bulkhead: %s is left out: only PCI segment 0000 is used\n", name);
        } else if (value_pci(name + 5, &requester) && !is_virtual(root, name)) {
            read_function(l, root, name, requester);
        }
        free(entry[i]);
    }
    free(entry);
    free(path);
    return l->functions > 0;
}

static void read_tables(struct listing *l, const char *root) {
    for (uint32_t i = 0; i < LISTING_TABLES; i++) {
        struct listing_table *t = &l->table[l->tables];
        char *path = memory_format("%s/sys/firmware/acpi/tables/%s", root, listing_table_names[i]);
        memcpy(t->name, listing_table_names[i], sizeof(t->name));
        t->bytes = memory_zeroed(LISTING_TABLE_BYTES, 1);
        t->size = read_file(path, t->bytes, LISTING_TABLE_BYTES);
        free(path);
        if (t->size > 0) {
            l->tables++;
        } else {
            free(t->bytes);
        }
    }
}

/* Lines "00001000-0009fbff : System RAM", all zeros for whoever isn't root. */
static void read_ram(struct listing *l, const char *root) {
    char *path = memory_format("%s/proc/iomem", root);
    FILE *in = fopen(path, "r");
    char line[256];
    unsigned long long first = 0;
    unsigned long long last = 0;

    while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
        bool top = line[0] != ' ' && sscanf(line, "%llx-%llx", &first, &last) == 2;
        if (top && strstr(line, ": System RAM") != NULL && last > first) {
            listing_add_ram(l, first, last);
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    free(path);
}

static bool is_whole(const struct listing *l) {
    for (uint32_t i = 0; i < l->functions; i++) {
        if (l->function[i].known < WHOLE) {
            return false;
        }
    }
    return true;
}

static const char *examine(struct listing *l, const char *root) {
    const char *why = NULL;

    read_tables(l, root);
    read_ram(l, root);
    if (!read_functions(l, root)) {
        return "no PCI function is to be found: is this a Linux system with /sys mounted?";
    }
    if (!is_whole(l)) {
        return "the configuration spaces can't be read as a whole: run it as root";
    }
    return saved_machine_open(l, &why) ? NULL : why;
}

bool probe(const char *root, FILE *out) {
    struct listing listing = { 0 };
    const char *why = examine(&listing, root);

    if (why != NULL) {
        fprintf(stderr, "bulkhead: %s\n", why);
    } else {
        listing_write(&listing, out);
        saved_machine_close();
    }
    listing_free(&listing);
    return why == NULL;
}
