/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC of this core (Intel SDM volume 3, chapter 11): x2APIC where there is one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void apic_install_core(void);
void apic_eoi(void);
void apic_send(uint32_t core, uint32_t vector);
void apic_send_init(uint32_t core);
void apic_send_startup(uint32_t core, uint32_t page);   /* real-mode page number */
uint32_t apic_id_of_core(uint32_t core);      /* logical core -> APIC id, for interrupt messages */
bool apic_is_x2apic(void);
