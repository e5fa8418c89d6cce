/* SPDX-License-Identifier: BSD-2-Clause */
/* A small plan with at least one of everything, for the tests of the plan check. */
#ifndef TESTS_UNIT_SAMPLE_PLAN_H
#define TESTS_UNIT_SAMPLE_PLAN_H

#include "abi/plan.h"

#define SAMPLE_PAGES 6u
#define SAMPLE_SIZE  (SAMPLE_PAGES * BH_PAGE_SIZE)

/* Where the entries of the sample are: named by what they are for. */
enum { REGION_CODE, REGION_DATA, REGION_GUEST_RAM, REGION_STATE, REGION_BAR, REGION_LOG,
       REGION_PLAN, REGION_RINGS, SAMPLE_REGIONS };
enum { SPACE_DRIVER, SPACE_VMM, SPACE_GUEST, SPACE_NIC, SAMPLE_SPACES };
enum { COMPARTMENT_DRIVER, COMPARTMENT_VMM, SAMPLE_COMPARTMENTS };
enum { DEVICE_NIC, DEVICE_UART, SAMPLE_DEVICES };

struct sample {
    struct bh_plan_header      header;
    struct bh_plan_region      region[SAMPLE_REGIONS];
    struct bh_plan_space       space[SAMPLE_SPACES];
    struct bh_plan_mapping     mapping[14];
    struct bh_plan_compartment compartment[SAMPLE_COMPARTMENTS];
    struct bh_plan_slot        slot[8];
    struct bh_plan_thread      thread[3];
    struct bh_plan_vcpu        vcpu[1];
    struct bh_plan_doorbell    doorbell[1];
    struct bh_plan_channel     channel[3];
    struct bh_plan_interrupt   interrupt[2];
    struct bh_plan_device      device[SAMPLE_DEVICES];
    struct bh_plan_port_range  port_range[1];
    struct bh_plan_mode        mode[2];
    struct bh_plan_placement   placement[4];
};

/* Writes the plan into SAMPLE_SIZE bytes, without its checksum. */
struct sample *sample_plan_make(void *memory);

/* Makes the checksum right. */
void sample_plan_seal(struct sample *sample);

#endif
