/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Driver of the Intel 82574L network card: serves one client, the switch. Touches BAR 0, its own
 * descriptor rings and the link; see lib/nic/nic.h for whom it trusts.
 */
#include "drivers/e1000e/nic.h"

#include "lib/driver/driver.h"
#include "lib/log/log.h"
#include "lib/nic/program.h"
#include "lib/start/start.h"

static struct nic nic;

static void received(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_RXQ0);
}

static void sent(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_TXQ0);
}

static void changed(void *context) {
    (void)context;
    nic_interrupted(&nic, CAUSE_OTHER | CAUSE_LSC);
    nic_tell_link();
}

int main(void) {
    uint8_t mac[NET_MAC_BYTES];

    nic_find_regions(&nic, NIC_BAR_SIZE, sizeof(struct nic_rings));
    if (!driver_take_device("nic"))
        program_stop("no network without the card");
    nic_address(&nic, mac);
    log_line("82574L, address %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    driver_on_interrupt("irq0", received, NULL);
    driver_on_interrupt("irq1", sent, NULL);
    driver_on_interrupt("irq2", changed, NULL);
    nic_run(&nic, NULL);
}
