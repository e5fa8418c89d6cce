/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the switch for booted tests: gets an address by DHCP, asks for the gateway's hardware
 * address and sends it echo requests, each once a second until it is answered, and says on its log
 * what it got. Setting "echoes": how many replies end the test (default 3). References: RFC 2131 and
 * 2132 (DHCP), RFC 826 (ARP), RFC 792 (ICMP), RFC 791 (IP).
 */
#include "lib/c/format.h"
#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/net/net.h"
#include "lib/service/service.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum { RETRY_MS = 1000, XID = 0x1badcafe, DISCOVER = 1, OFFER = 2, REQUEST = 3, ACK = 5 };

struct ethernet {
    uint8_t to[6], from[6], type[2];
} __attribute__((packed));

struct arp {
    struct ethernet ethernet;
    uint8_t  fixed[6];         /* Ethernet, IPv4, 6, 4 */
    uint8_t  operation[2];
    uint8_t  sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
} __attribute__((packed));

struct ip {
    uint8_t version, service, length[2], id[2], fragment[2], life, protocol, checksum[2];
    uint8_t from[4], to[4];
} __attribute__((packed));

struct echo {
    struct ethernet ethernet;
    struct ip ip;
    uint8_t type, code, checksum[2], id[2], sequence[2];
    uint8_t data[24];
} __attribute__((packed));

struct dhcp {
    struct ethernet ethernet;
    struct ip ip;
    uint8_t from_port[2], to_port[2], udp_length[2], udp_checksum[2];
    uint8_t operation, hardware, hardware_length, hops;
    uint8_t xid[4], seconds[2], flags[2];
    uint8_t client_ip[4], your_ip[4], server_ip[4], relay_ip[4];
    uint8_t client_mac[16], server_name[64], file[128];
    uint8_t cookie[4];
    uint8_t options[64];
} __attribute__((packed));

_Static_assert(sizeof(struct arp) == 42, "RFC 826");
_Static_assert(offsetof(struct dhcp, cookie) == 278, "RFC 2131");

static enum { ASKING, REQUESTING, RESOLVING, PINGING, DONE } step;
static struct ring net;
static uint8_t own_mac[6], own_ip[4], gateway_mac[6], gateway_ip[4];
static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static uint64_t retry;
static uint64_t echoes, wanted;

static void put16(uint8_t *bytes, uint32_t value) {
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static uint16_t checksum(const void *data, uint32_t size) {
    const uint8_t *bytes = data;
    uint32_t sum = 0;

    for (uint32_t i = 0; i < size; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~((sum & 0xffff) + (sum >> 16));
}

static void fill_ethernet(struct ethernet *ethernet, const uint8_t to[6], uint32_t type) {
    memcpy(ethernet->to, to, 6);
    memcpy(ethernet->from, own_mac, 6);
    put16(ethernet->type, type);
}

static void fill_ip(struct ip *ip, uint32_t size, uint8_t protocol, const uint8_t to[4]) {
    ip->version = 0x45;
    put16(ip->length, size);
    ip->life = 64;
    ip->protocol = protocol;
    memcpy(ip->from, own_ip, 4);
    memcpy(ip->to, to, 4);
    put16(ip->checksum, checksum(ip, sizeof(*ip)));
}

static void send_frame(const void *frame, uint16_t size) {
    if (net_capacity(&net) == 0)
        return;
    memcpy(net_slot(&net), frame, size);
    net_send(&net, size);
    ring_flush(&net);
}

static uint8_t *option(uint8_t *at, uint8_t code, const void *data, uint8_t size) {
    at[0] = code;
    at[1] = size;
    memcpy(at + 2, data, size);
    return at + 2 + size;
}

static void send_dhcp(uint8_t kind) {
    static const uint8_t anywhere[4] = { 255, 255, 255, 255 };
    struct dhcp frame = { .operation = 1, .hardware = 1, .hardware_length = 6 };
    uint8_t *at = frame.options;
    uint32_t udp = sizeof(frame) - sizeof(frame.ethernet) - sizeof(frame.ip);

    fill_ethernet(&frame.ethernet, everybody, 0x0800);
    put16(frame.from_port, 68);
    put16(frame.to_port, 67);
    put16(frame.udp_length, udp);
    memcpy(frame.xid, (uint32_t[]){ XID }, 4);
    memcpy(frame.client_mac, own_mac, 6);
    memcpy(frame.cookie, "\x63\x82\x53\x63", 4);
    at = option(at, 53, &kind, 1);
    if (kind == REQUEST) {
        at = option(at, 50, own_ip, 4);
        at = option(at, 54, gateway_ip, 4);
        memset(own_ip, 0, 4);
    }
    *at = 255;
    fill_ip(&frame.ip, udp + sizeof(frame.ip), 17, anywhere);
    send_frame(&frame, sizeof(frame));
}

static void send_arp(void) {
    struct arp frame = { .fixed = { 0, 1, 8, 0, 6, 4 }, .operation = { 0, 1 } };

    fill_ethernet(&frame.ethernet, everybody, 0x0806);
    memcpy(frame.sender_mac, own_mac, 6);
    memcpy(frame.sender_ip, own_ip, 4);
    memcpy(frame.target_ip, gateway_ip, 4);
    send_frame(&frame, sizeof(frame));
}

static void send_echo(void) {
    struct echo frame = { .type = 8, .sequence = { 0, (uint8_t)echoes } };

    fill_ethernet(&frame.ethernet, gateway_mac, 0x0800);
    put16(frame.checksum, checksum(&frame.type, sizeof(frame) - offsetof(struct echo, type)));
    fill_ip(&frame.ip, sizeof(frame) - sizeof(frame.ethernet), 1, gateway_ip);
    send_frame(&frame, sizeof(frame));
}

static void act(void) {
    retry = time_after_ms(RETRY_MS);
    switch (step) {
    case ASKING:
    case REQUESTING:
        step = ASKING;
        memset(own_ip, 0, 4);
        send_dhcp(DISCOVER);
        break;
    case RESOLVING: send_arp(); break;
    case PINGING: send_echo(); break;
    case DONE: break;
    }
}

static const uint8_t *find_option(const struct dhcp *frame, uint32_t size, uint8_t code) {
    uint32_t at = offsetof(struct dhcp, options);
    const uint8_t *bytes = (const uint8_t *)frame;

    while (at + 2 <= size && bytes[at] != 255 && at + 2 + bytes[at + 1] <= size) {
        if (bytes[at] == code)
            return bytes + at + 2;
        at += 2u + bytes[at + 1];
    }
    return NULL;
}

static void take_dhcp(const struct dhcp *frame, uint32_t size) {
    const uint8_t *kind = find_option(frame, size, 53);
    const uint8_t *server = find_option(frame, size, 54);

    if (kind == NULL || memcmp(frame->xid, (uint32_t[]){ XID }, 4) != 0)
        return;
    memcpy(own_ip, frame->your_ip, 4);
    if (*kind == OFFER && step == ASKING && server != NULL) {
        memcpy(gateway_ip, server, 4);
        step = REQUESTING;
        send_dhcp(REQUEST);
    } else if (*kind == ACK && step == REQUESTING) {
        log_line("address %u.%u.%u.%u", own_ip[0], own_ip[1], own_ip[2], own_ip[3]);
        step = RESOLVING;
        act();
    }
}

static void take_arp(const struct arp *frame) {
    bool answer = frame->operation[1] == 2 && memcmp(frame->sender_ip, gateway_ip, 4) == 0;

    if (!answer || step != RESOLVING)
        return;
    memcpy(gateway_mac, frame->sender_mac, 6);
    log_line("gateway %u.%u.%u.%u answers", gateway_ip[0], gateway_ip[1], gateway_ip[2],
             gateway_ip[3]);
    step = PINGING;
    act();
}

static void take_echo(const struct echo *frame) {
    if (frame->type != 0 || step != PINGING)
        return;
    echoes++;
    log_line("echo %lu answered", echoes);
    if (echoes >= wanted) {
        step = DONE;
        log_line("done");
    }
}

static void take_frame(const uint8_t *bytes, uint32_t size) {
    const struct ethernet *ethernet = (const void *)bytes;
    const struct ip *ip = (const void *)(bytes + sizeof(*ethernet));

    if (ethernet->type[0] != 8)
        return;
    if (ethernet->type[1] == 6 && size >= sizeof(struct arp))
        take_arp((const void *)bytes);
    else if (ethernet->type[1] == 0 && ip->protocol == 17 && size >= offsetof(struct dhcp, options))
        take_dhcp((const void *)bytes, size);
    else if (ethernet->type[1] == 0 && ip->protocol == 1 && size >= sizeof(struct echo))
        take_echo((const void *)bytes);
}

static void take_next(void) {
    uint8_t bytes[NET_SLOT] = { 0 };
    struct ring_descriptor frame = ring_get(&net);

    if (net_valid(frame, net.in_size)) {
        memcpy(bytes, net.in + frame.offset, frame.length);
        take_frame(bytes, frame.length);
    }
    ring_done(&net, 1);
}

static void turn(void) {
    if (ring_check(&net) == RING_NEW)
        retry = 0;
    for (uint32_t n = ring_available(&net); n > 0; n--)
        take_next();
    if (ring_up(&net) && time_now() >= retry)
        act();
}

static bool settle(uint32_t *notify) {
    ring_flush_before_wait(&net, notify);
    return ring_sleep(&net);
}

static uint64_t deadline(void) {
    return ring_up(&net) && step != DONE ? retry : BH_FOREVER;
}

int main(void) {
    static const struct service_program program = { turn, settle, deadline };
    const struct bh_manifest_entry *link = manifest_need(BH_ENTRY_LINK, "net0");

    if (!parse_mac(manifest_setting("net0.mac", ""), own_mac))
        program_stop("setting \"net0.mac\" is no Ethernet address");
    wanted = manifest_number("echoes", 3);
    net_open(&net, link, time_generation());
    log_line("probing");
    service_run(&program);
}
