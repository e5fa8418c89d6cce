/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC of this core (Intel SDM volume 3, chapter 11): x2APIC where there is one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void apic_install_core(void);
void apic_eoi(void);
/* To another core: a vector, or one of these; the page is one that real mode reaches. */
#define APIC_TO_OTHERS     0xc0000u    /* with a vector: all but this one, whatever core is named */
#define APIC_INIT          0x500u
#define APIC_STARTUP(page) (0x600u | (page))
void apic_send(uint32_t core, uint32_t message);        /* nothing before apic_install_core */
bool apic_is_x2apic(void);
