/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the 82540EM writes into a frame on its way out: checksums, and the headers of the pieces
 * into which it cuts a long packet (SDM 3.5, 3.6). Works on a private copy; every offset comes from
 * the driver.
 */
#include "vmm/e1000/parts.h"

enum {                               /* offsets in the headers: RFC 791, 8200, 9293, 768 */
    IPV4_LENGTH = 2, IPV4_IDENTIFIER = 4, IPV6_LENGTH = 4, UDP_LENGTH = 4,
    TCP_SEQUENCE = 4, TCP_FLAGS = 13, TCP_FIN = 0x01, TCP_PUSH = 0x08,
};

static uint16_t get16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *at) {
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

/* RFC 1071: folds the carries in. */
static uint16_t fold(uint32_t sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

static uint16_t internet_sum(const uint8_t *bytes, uint32_t size) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i + 1 < size; i += 2)
        sum += get16(bytes + i);
    if (size % 2 != 0)
        sum += (uint32_t)bytes[size - 1] << 8;
    return fold(sum);
}

/* The checksum of bytes `start` to `end` (the last one; zero: the frame's end) goes to `at`. It is
 * never written as zero, which in UDP means that there is none. Offsets that don't fit: nothing. */
void e1000_put_checksum(uint8_t *frame, uint32_t length, uint32_t start, uint32_t end,
                        uint32_t at) {
    uint32_t stop = end == 0 || end >= length ? length : end + 1;
    if (start >= stop || at + 2 > length)
        return;
    uint16_t sum = (uint16_t)~internet_sum(frame + start, stop - start);
    put16(frame + at, sum == 0 ? 0xffff : sum);
}

void e1000_insert_checksums(uint8_t *frame, uint32_t length, const struct e1000_context *context,
                            uint8_t options) {
    if (options & OPTION_IP_CHECKSUM)
        e1000_put_checksum(frame, length, context->ip_start, context->ip_end, context->ip_at);
    if (options & OPTION_PAYLOAD_CHECKSUM)
        e1000_put_checksum(frame, length, context->payload_start, context->payload_end,
                           context->payload_at);
}

static void cut_ip(uint8_t *ip, uint32_t size, bool ipv4, uint32_t segment) {
    if (ipv4) {
        put16(ip + IPV4_LENGTH, size);
        put16(ip + IPV4_IDENTIFIER, get16(ip + IPV4_IDENTIFIER) + segment);
    } else {
        put16(ip + IPV6_LENGTH, size - IPV6_SIZE);
    }
}

static void cut_tcp(uint8_t *tcp, uint32_t before, bool last) {
    put32(tcp + TCP_SEQUENCE, get32(tcp + TCP_SEQUENCE) + before);
    if (!last)
        tcp[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PUSH);
}

/* Makes the driver's header that of piece `segment` (SDM 3.5). The driver's payload checksum is
 * of the pseudo-header without the length, which is ours to add. */
void e1000_cut_header(uint8_t *frame, uint32_t length, const struct e1000_context *context,
                      uint32_t segment, bool last, bool payload_sum) {
    uint8_t *payload = frame + context->payload_start;
    uint32_t payload_size = length - context->payload_start;
    cut_ip(frame + context->ip_start, length - context->ip_start, context->ipv4, segment);
    if (context->tcp)
        cut_tcp(payload, segment * context->segment_size, last);
    else
        put16(payload + UDP_LENGTH, payload_size);
    if (payload_sum) {
        uint8_t *sum = frame + context->payload_at;
        put16(sum, fold(get16(sum) + payload_size));
    }
}
