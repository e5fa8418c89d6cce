/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets to the outside and from there. Out: UDP to a port where nobody listens. There and back:
 * ICMP echo requests, which QEMU's user network answers in the instant in which the network card
 * sends them, so that a run is the same every time. IP packets of 64 and of 1500 bytes.
 * Touches its own sockets; trusts Linux.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/linux/measure.h"

#define SMALL     64
#define LARGE     1500
#define HEADERS   28        /* IP, and UDP or ICMP */
#define NEIGHBOUR "10.0.2.2"
#define DISCARD   9
#define WINDOW    16
#define PATIENCE  2000      /* milliseconds until an answer counts as lost */

static uint8_t payload[LARGE - HEADERS];
static int sock;

static void open_socket(int type, int protocol, uint16_t port) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

    inet_pton(AF_INET, NEIGHBOUR, &to.sin_addr);
    sock = socket(AF_INET, type, protocol);
    if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)))
        fail("socket");
}

static void send_udp(size_t size) {
    if (send(sock, payload, size - HEADERS, 0) != (ssize_t)(size - HEADERS))
        fail("send");
}

static void send_echo(size_t size) {
    uint8_t packet[LARGE - HEADERS + sizeof(struct icmphdr)] = { 0 };
    struct icmphdr header = { .type = ICMP_ECHO };
    size_t length = size - HEADERS + sizeof(header);

    memcpy(packet, &header, sizeof(header));
    if (send(sock, packet, length, 0) != (ssize_t)length)
        fail("send echo");
}

static void receive_echo(void) {
    uint8_t packet[LARGE];

    if (recv(sock, packet, sizeof(packet), 0) < 0)
        fail("an echo was lost");
}

static void echo_window(size_t size) {
    for (int i = 0; i < WINDOW; i++)
        send_echo(size);
    for (int i = 0; i < WINDOW; i++)
        receive_echo();
}

static void ping(size_t size) {
    send_echo(size);
    receive_echo();
}

static void open_udp(void) {
    open_socket(SOCK_DGRAM, IPPROTO_UDP, DISCARD);
}

static void open_icmp(void) {
    struct timeval patience = { .tv_sec = PATIENCE / 1000 };

    open_socket(SOCK_DGRAM, IPPROTO_ICMP, 0);
    if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
        fail("time-out");
}

void measure_send_64(const char *argument) {
    (void)argument;
    open_udp();
    MEASURE(MARK_SEND_64, send_udp(SMALL));
}

void measure_send_1500(const char *argument) {
    (void)argument;
    open_udp();
    MEASURE(MARK_SEND_1500, send_udp(LARGE));
}

/* A window is WINDOW echoes: a batch of ROUNDS windows would be long, so it has ROUNDS echoes. */
#define MEASURE_WINDOWS(id, size) do {                                          \
        for (int batch_ = 0; batch_ < BATCHES; batch_++) {                      \
            MARK_BEGIN(id);                                                     \
            for (int window_ = 0; window_ < ROUNDS / WINDOW; window_++)         \
                echo_window(size);                                              \
            MARK_END(id);                                                       \
        }                                                                       \
    } while (0)

void measure_echo_64(const char *argument) {
    (void)argument;
    open_icmp();
    echo_window(SMALL);
    MEASURE_WINDOWS(MARK_ECHO_64, SMALL);
}

void measure_echo_1500(const char *argument) {
    (void)argument;
    open_icmp();
    echo_window(LARGE);
    MEASURE_WINDOWS(MARK_ECHO_1500, LARGE);
}

void measure_ping_64(const char *argument) {
    (void)argument;
    open_icmp();
    ping(SMALL);
    MEASURE(MARK_PING_64, ping(SMALL));
}

void measure_ping_1500(const char *argument) {
    (void)argument;
    open_icmp();
    ping(LARGE);
    MEASURE(MARK_PING_1500, ping(LARGE));
}
