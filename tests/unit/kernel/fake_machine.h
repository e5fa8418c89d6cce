/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine made of host memory, below the kernel's own files: physical ranges, configuration space
 * as plain bytes, time that passes with every look at it, a panic that ends the test's call.
 */
#ifndef TESTS_UNIT_KERNEL_FAKE_MACHINE_H
#define TESTS_UNIT_KERNEL_FAKE_MACHINE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"

void fake_map(uint64_t base, void *memory, uint64_t size);   /* what isn't mapped reads as zero */
void fake_unmap_all(void);

extern jmp_buf fake_panic_return;      /* where a panic goes; set it before calling the kernel */
extern bool fake_panic_expected;       /* false: a panic aborts */
extern char fake_panic_text[512];
extern char fake_log_text[512];        /* the last line */
extern void (*fake_on_time)(void);     /* called at every look at the clock */
extern uint32_t fake_plan_controls;

/* ACPI tables at fixed places; `length` bytes of `table`, whose header this fills and sums. */
void fake_acpi_header(void *table, const char *signature, uint32_t length);
void fake_acpi_begin(void);
void fake_acpi_add(void *table);       /* has its header already */
uint64_t fake_acpi_rsdp(void);

#define FAKE_ECAM_BASE 0xb0000000ull
#define FAKE_BUSES     3u
extern uint8_t fake_ecam[FAKE_BUSES << 20];
void fake_function(uint32_t requester_id, uint16_t vendor, uint16_t device, uint32_t class_code,
                   uint8_t header);
void fake_config8(uint32_t requester_id, uint32_t offset, uint8_t value);
void fake_config16(uint32_t requester_id, uint32_t offset, uint16_t value);
void fake_config32(uint32_t requester_id, uint32_t offset, uint32_t value);
struct bytes fake_mcfg(void);          /* the table that tells of fake_ecam */

#endif
