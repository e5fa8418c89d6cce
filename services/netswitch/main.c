/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch as a service: its links and settings, its event loop, its counters on the log. See
 * services/netswitch/switch.h for what it does with frames.
 */
#include "lib/c/format.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"
#include "services/netswitch/switch.h"

static struct netswitch netswitch;
static uint64_t stall_deadline;      /* TSC; zero: the uplink isn't waited for */
static uint32_t stall_position;
static uint64_t report_ms;           /* how often the counters are logged; zero: never */
static uint64_t report_deadline;

static void bind_address(unsigned number) {
    char name[BH_NAME_SIZE];
    const char *text;
    uint8_t mac[NET_MAC_BYTES];
    struct switch_port *port = &netswitch.port[number];

    format_text(name, sizeof(name), "port%u.mac", number);
    text = manifest_setting(name, NULL);
    if (text == NULL)
        return;
    if (!parse_mac(text, mac))
        program_stop("setting \"%s\": \"%s\" is no Ethernet address", name, text);
    port->mac = mac_from_bytes(mac);
    if (!mac_add(&netswitch.table, port->mac, number))
        program_stop("setting \"%s\": %s is a group address or another port's", name, text);
}

static void open_link(struct switch_port *port, const struct bh_manifest_entry *link) {
    net_open(&port->ring, link, time_generation());
}

static void open_trunk(void) {
    uint64_t number = manifest_number("trunk", SWITCH_PORTS);

    netswitch.has_trunk = number < netswitch.port_count;
    netswitch.trunk = netswitch.has_trunk ? (unsigned)number : 0;
}

static void open_ports(void) {
    const struct bh_manifest_entry *uplink = manifest_find(BH_ENTRY_LINK, "uplink");

    netswitch.port_count = manifest_count(BH_ENTRY_LINK, "port", SWITCH_PORTS);
    for (unsigned i = 0; i < netswitch.port_count; i++) {
        bind_address(i);
        open_link(&netswitch.port[i], manifest_find_numbered(BH_ENTRY_LINK, "port", i, ""));
    }
    open_trunk();
    if (uplink != NULL) {
        netswitch.has_uplink = true;
        open_link(&netswitch.uplink, uplink);
        if (netswitch.uplink.ring.out_depth > SWITCH_PENDING)
            program_stop("link \"uplink\": its halves are too large for %u frames",
                         (unsigned)SWITCH_PENDING);
    }
}

static void report_port(const char *name, const struct switch_port *port) {
    log_line("%s: received %lu (%lu bytes) sent %lu, dropped: invalid %lu spoofed %lu "
             "unknown %lu full %lu", name, port->count[COUNT_RECEIVED], port->count[COUNT_BYTES],
             port->count[COUNT_SENT], port->count[COUNT_INVALID], port->count[COUNT_SPOOFED],
             port->count[COUNT_UNKNOWN], port->count[COUNT_FULL]);
}

static void report(void) {
    for (unsigned i = 0; i < netswitch.port_count; i++) {
        const struct bh_manifest_entry *link =
            manifest_find_numbered(BH_ENTRY_LINK, "port", i, "");

        report_port(link->link.peer, &netswitch.port[i]);
    }
    if (netswitch.has_uplink)
        report_port("uplink", &netswitch.uplink);
}

static void watch_uplink(void) {
    bool moved = stall_position != netswitch.completed;

    stall_position = netswitch.completed;
    if (!switch_waits(&netswitch)) {
        stall_deadline = 0;
    } else if (stall_deadline == 0 || moved) {
        stall_deadline = time_after_ms(UPLINK_STALL_MS);
    } else if (time_now() >= stall_deadline) {
        log_line("uplink stands still: its frames are dropped until it goes on");
        switch_abandon(&netswitch);
        stall_deadline = 0;
    }
}

static void turn(void) {
    switch_turn(&netswitch);
    if (stall_deadline != 0 || switch_waits(&netswitch))
        watch_uplink();
    if (report_ms != 0 && time_now() >= report_deadline) {
        report_deadline = time_after_ms(report_ms);
        report();
    }
}

static bool settle(uint32_t *notify) {
    return switch_settle(&netswitch, notify);
}

static uint64_t deadline(void) {
    uint64_t next = stall_deadline != 0 ? stall_deadline : BH_FOREVER;

    return report_ms != 0 && report_deadline < next ? report_deadline : next;
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };

    report_ms = manifest_number("report", 0) * 1000;
    report_deadline = time_after_ms(report_ms);
    open_ports();
    log_line("%u ports, %s", netswitch.port_count,
             netswitch.has_uplink ? "uplink" : netswitch.has_trunk ? "trunk" : "no uplink");
    service_run(&program);
}
