/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of the Intel 82576's physical function: serves one client, the switch, as a network card,
 * and is what its virtual functions depend on. Their addresses and VLANs are settings ("vf0.mac",
 * "vf0.vlan"), as are the addresses of our client's ports, which they reach inside the card. Trusts
 * nobody; see lib/nic/nic.h and drivers/igb/pools.h.
 */
#include "drivers/igb/nic.h"
#include "drivers/igb/pools.h"

#include "lib/c/format.h"
#include "lib/driver/driver.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/mmio/mmio.h"
#include "lib/nic/program.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum {
    LOOK_MS = 1,                   /* mailboxes are looked at at most so often, however many ring */
    VLAN_LAST = 4094,
};

static struct nic nic;
static struct pools pools;
static bool look;                  /* something came, and its message is off until it was seen */
static uint64_t look_due;          /* not before */

static bool read_address(const char *prefix, unsigned number, uint8_t mac[6]) {
    char name[BH_NAME_SIZE];
    const char *text;

    format_text(name, sizeof(name), "%s%u.mac", prefix, number);
    text = manifest_setting(name, NULL);
    if (text != NULL && (!parse_mac(text, mac) || mac[0] % 2 != 0))
        program_stop("setting \"%s\": \"%s\" is no address of one device", name, text);
    return text != NULL;
}

/* A function whose address isn't given has one of its own that is made of the card's. */
static void find_functions(const uint8_t card[NET_MAC_BYTES]) {
    char name[BH_NAME_SIZE];

    for (unsigned i = 0; i < IGB_VIRTUAL; i++) {
        struct mailbox_function *f = &pools.function[i];

        for (unsigned byte = 0; byte < NET_MAC_BYTES; byte++)
            f->mac[byte] = card[byte];
        f->mac[0] |= 2;            /* locally administered, IEEE 802 8.2.2 */
        f->mac[3] ^= (uint8_t)(0x80 + i);
        read_address("vf", i, f->mac);
        format_text(name, sizeof(name), "vf%u.vlan", i);
        f->vlan = (uint16_t)manifest_number(name, 0);
        if (manifest_number(name, 0) > VLAN_LAST)
            program_stop("setting \"%s\": there is no such VLAN", name);
    }
}

static void find_own(void) {
    while (pools.own_count < POOLS_OWN_ADDRESSES &&
           read_address("port", pools.own_count, pools.own[pools.own_count]))
        pools.own_count++;
}

static void received(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_RECEIVED);
}

static void sent(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_SENT);
}

static void rung(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_OTHER);
    look = true;
}

static void serve(uint64_t now) {
    uint64_t refused = pools.refused;

    look = false;
    look_due = now + time_khz() * LOOK_MS;
    if ((pools_serve(&pools) & ICR_LSC) != 0) {
        nic_tell_link();
        pools_tell(&pools);
    }
    if (refused != pools.refused && (pools.refused & (pools.refused - 1)) == 0)
        log_line("virtual function %u asked for what it may not have; all of them: %lu times",
                 pools.refused_last, pools.refused);
    mmio_write32(nic.registers, IGB_EIMS, CAUSE_OTHER);
}

static uint64_t moment(uint64_t now) {
    if (look && now >= look_due)
        serve(now);
    return look ? look_due : BH_FOREVER;
}

int main(void) {
    uint8_t mac[NET_MAC_BYTES];

    nic_find_regions(&nic, IGB_BAR_SIZE, sizeof(struct nic_rings));
    pools.registers = nic.registers;
    if (!driver_use_device("nic") || !nic_reset(&nic))
        program_stop("no network without the card");
    nic_address(&nic, mac);
    log_line("82576, address %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    find_functions(mac);
    find_own();
    driver_on_interrupt("irq0", rung, NULL);
    driver_on_interrupt("irq1", received, NULL);
    driver_on_interrupt("irq2", sent, NULL);
    pools_start(&pools);
    mmio_write32(nic.registers, IGB_EIMS, CAUSE_OTHER);
    nic_run(&nic, moment);
}
