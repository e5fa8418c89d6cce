/* SPDX-License-Identifier: BSD-2-Clause */
/* The written forms of values in a description, and program files, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <elf.h>

#include "abi/base.h"
#include "image.h"
#include "values.h"

static void sizes(void **state) {
    static const struct { const char *text; uint64_t bytes; } good[] = {
        { "0", 0 }, { "4096", 4096 }, { "0x1000", 4096 }, { "64K", 65536 }, { "256M", 256u << 20 },
        { "2G", 2ull << 30 }, { "0x10K", 16384 }, { "1048576G", 1ull << 50 },
    };
    static const char *const bad[] = {
        "", "K", "-1", "+1", " 1", "1 K", "1T", "1KB", "12x", "0x", "99999999999999999999",
        "18446744073709551615", "1048577G", "0xfffffffffffffffffff",
    };
    uint64_t bytes = 0;

    (void)state;
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(value_size(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (value_size(bad[i], &bytes)) {
            fail_msg("'%s' was taken for a size", bad[i]);
        }
    }
}

static void times(void **state) {
    uint32_t us = 0;

    (void)state;
    assert_true(value_time("500us", &us) && us == 500);
    assert_true(value_time("5ms", &us) && us == 5000);
    assert_true(value_time("1s", &us) && us == 1000000);
    assert_false(value_time("5", &us));
    assert_false(value_time("5m", &us));
    assert_false(value_time("5 ms", &us));
    assert_false(value_time("1000001us", &us));
    assert_false(value_time("99999s", &us));
}

static void addresses(void **state) {
    uint32_t requester = 0;
    uint16_t vendor = 0;
    uint16_t device = 0;
    uint8_t mac[6];

    (void)state;
    assert_true(value_pci("00:02.0", &requester) && requester == 0x10);
    assert_true(value_pci("ff:1F.7", &requester) && requester == 0xffff);
    assert_false(value_pci("00:20.0", &requester));
    assert_false(value_pci("00:02.8", &requester));
    assert_false(value_pci("00:02", &requester));
    assert_false(value_pci("0000:00:02.0", &requester));
    assert_true(value_id("8086:10d3", &vendor, &device) && vendor == 0x8086 && device == 0x10d3);
    assert_true(value_id("any", &vendor, &device) && vendor == 0xffff && device == 0xffff);
    assert_false(value_id("8086", &vendor, &device));
    assert_false(value_id("8086:10d3:1", &vendor, &device));
    assert_true(value_mac("52:54:00:12:ab:FF", mac) && mac[4] == 0xab && mac[5] == 0xff);
    assert_false(value_mac("52:54:00:12:ab", mac));
    assert_false(value_mac("52:54:00:12:ab:", mac));
    assert_false(value_mac("52-54-00-12-ab-ff", mac));
}

static void rights_and_names(void **state) {
    uint32_t rights = 0;

    (void)state;
    assert_true(value_rights("r", &rights) && rights == BH_READ);
    assert_true(value_rights("xwr", &rights) && rights == (BH_READ | BH_WRITE | BH_EXECUTE));
    assert_false(value_rights("", &rights));
    assert_false(value_rights("rr", &rights));
    assert_false(value_rights("ra", &rights));
    assert_true(value_name("web-1.a_b"));
    assert_false(value_name(""));
    assert_false(value_name("-web"));
    assert_false(value_name("a b"));
    assert_false(value_name("w\xc3\xa9"));
    assert_false(value_name("abcdefghijklmnop"));
}

struct program_file {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    uint8_t content[64];
};

static struct program_file good_program(void) {
    return (struct program_file){
        .header = {
            .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
            .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_entry = 0x400000,
            .e_phoff = offsetof(struct program_file, segment), .e_phentsize = sizeof(Elf64_Phdr),
            .e_phnum = 1,
        },
        .segment = {
            .p_type = PT_LOAD, .p_flags = PF_R | PF_X,
            .p_offset = offsetof(struct program_file, content), .p_vaddr = 0x400010,
            .p_filesz = 64, .p_memsz = 0x1800,
        },
        .content = "content",
    };
}

static const char *load(const struct program_file *file, struct image *image) {
    char path[] = "/tmp/bulkhead-test-XXXXXX";
    int descriptor = mkstemp(path);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, file, sizeof(*file)), sizeof(*file));
    close(descriptor);
    const char *problem = image_load_program(path, image);
    unlink(path);
    return problem;
}

static void good_program_loads(void **state) {
    struct program_file file = good_program();
    struct image image;

    (void)state;
    assert_null(load(&file, &image));
    assert_int_equal(image.count, 1);
    assert_int_equal(image.segment[0].address, 0x400000);
    assert_int_equal(image.segment[0].size, 0x2000);
    assert_int_equal(image.segment[0].content_size, 0x10 + 64);
    assert_string_equal((char *)image.segment[0].content + 0x10, "content");
    image_free(&image);
}

/* After the change the program is refused, with a text. */
#define REFUSED(change) \
    do { \
        struct program_file file = good_program(); \
        struct image image; \
        change; \
        assert_non_null(load(&file, &image)); \
        assert_int_equal(image.count, 0); \
    } while (0)

static void bad_programs_are_refused(void **state) {
    struct image image;

    (void)state;
    REFUSED(file.header.e_ident[0] = 0);
    REFUSED(file.header.e_ident[EI_CLASS] = ELFCLASS32);
    REFUSED(file.header.e_type = ET_DYN);
    REFUSED(file.header.e_machine = EM_AARCH64);
    REFUSED(file.header.e_phentsize = 1);
    REFUSED(file.header.e_phnum = 0xffff);
    REFUSED(file.header.e_phnum = 0);
    REFUSED(file.header.e_phoff = 0xffffffffffffffffull);
    REFUSED(file.segment.p_type = PT_NOTE);
    REFUSED(file.segment.p_flags |= PF_W);
    REFUSED(file.segment.p_flags = PF_R);
    REFUSED(file.header.e_entry = 0x402000);
    REFUSED(file.segment.p_filesz = 1000);
    REFUSED(file.segment.p_filesz = 0x2000);
    REFUSED(file.segment.p_offset = 0xffffffffffffff00ull);
    REFUSED(file.segment.p_vaddr = 0x800);
    REFUSED(file.segment.p_vaddr = 0x10000000);
    REFUSED(file.segment.p_memsz = 0xffffffffffffffffull);
    assert_non_null(image_load_program("/tmp", &image));
    assert_non_null(image_load_program("/dev/zero", &image));
    assert_non_null(image_load_program("/nonexistent", &image));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(times),
        cmocka_unit_test(addresses),
        cmocka_unit_test(rights_and_names),
        cmocka_unit_test(good_program_loads),
        cmocka_unit_test(bad_programs_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
