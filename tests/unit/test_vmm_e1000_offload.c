/* SPDX-License-Identifier: BSD-2-Clause */
/* What the emulated 82540EM does to frames on their way out: checksums, cutting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/e1000_driver.h"

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t sum_of(const uint8_t *bytes, uint32_t size, uint32_t sum) {
    for (uint32_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return sum;
}

static uint16_t folded(uint32_t sum) {
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* An IPv4 and TCP packet as Linux hands it over: the TCP checksum is of the pseudo-header, with or
 * without the length. */
static void fill_tcp(uint64_t at, uint32_t payload, bool with_length) {
    static const uint8_t ip[] = { 0x45, 0, 0, 0, 0xff, 0xff, 0x40, 0, 64, 6, 0, 0,
                                  10, 0, 2, 15, 10, 0, 2, 2 };
    static const uint8_t tcp[] = { 0, 80, 4, 0, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 1, 0x50, 0x19,
                                   0x10, 0, 0, 0, 0, 0 };
    card_fill_frame(at, HEADERS + payload);
    uint8_t *frame = card_ram(at, HEADERS + payload);
    memcpy(frame + IP, ip, sizeof(ip));
    memcpy(frame + TCP, tcp, sizeof(tcp));
    if (with_length)
        put16(frame + IP + 2, HEADERS - IP + payload);
    uint32_t pseudo = sum_of(frame + IP + 12, 8, 6 + (with_length ? HEADERS - TCP + payload : 0));
    put16(frame + TCP + 16, folded(pseudo));
}

static void check_sums(const uint8_t *frame, uint32_t length) {
    uint32_t tcp = length - TCP;
    assert_int_equal(get16(frame + IP + 2), length - IP);
    assert_int_equal(folded(sum_of(frame + IP, 20, 0)), 0xffff);
    assert_int_equal(folded(sum_of(frame + IP + 12, 8, 6 + tcp) + sum_of(frame + TCP, tcp, 0)),
                     0xffff);
}

static void checksums_are_put_in(void **state) {
    (void)state;
    uint32_t length = 0;
    fill_tcp(BUFFERS, 101, true);
    card_put_context(card_tcp_context(0, 0), TCP4);
    card_put_data(BUFFERS, HEADERS + 101, SEND_LAST | SEND_REPORT, SUMS);
    card_kick();
    const uint8_t *frame = card_sent(&length);
    assert_int_equal(length, HEADERS + 101);
    check_sums(frame, length);
    card_put((struct e1000_send){ .address = BUFFERS, .options = TCP, .length_type_command =
        card_word(HEADERS + 101, 0, SEND_LAST | SEND_LEGACY_CHECKSUM) | (TCP + 16) << 16 });
    card_kick();
    frame = card_sent(&length);
    put16(card_ram(BUFFERS + IP + 10, 2), 0);
    assert_int_equal(folded(sum_of(frame + IP + 12, 8, 6 + length - TCP) +
                            sum_of(frame + TCP, length - TCP, 0)), 0xffff);
}

static void long_packet_is_cut(void **state) {
    (void)state;
    uint32_t length = 0;
    fill_tcp(BUFFERS, 250, false);
    card_put_context(card_tcp_context(HEADERS, MSS), TCP4 | SEND_SEGMENTED);
    card_put_data(BUFFERS, HEADERS, SEND_SEGMENTED, SUMS);
    card_put_data(BUFFERS + HEADERS, 130, SEND_SEGMENTED, 0);
    card_put_data(BUFFERS + HEADERS + 130, 120, SEND_SEGMENTED | SEND_LAST | SEND_REPORT, 0);
    card_kick();
    for (uint32_t i = 0; i < 3; i++) {
        const uint8_t *frame = card_sent(&length);
        assert_non_null(frame);
        assert_int_equal(length, HEADERS + (i < 2 ? MSS : 50));
        check_sums(frame, length);
        assert_int_equal(get16(frame + IP + 4), (uint16_t)(0xffff + i));
        assert_int_equal(get32(frame + TCP + 4), (uint32_t)(0xfffffff0u + i * MSS));
        assert_int_equal(frame[TCP + 13], i < 2 ? 0x10 : 0x19);
        assert_memory_equal(frame + HEADERS, card_ram(BUFFERS + HEADERS + i * MSS, 50), 50);
    }
    card_expect_nothing();
}

static void ipv6_and_udp_are_cut_too(void **state) {
    (void)state;
    enum { UDP = 54, HEADER = 62 };
    uint32_t length = 0;
    card_fill_frame(BUFFERS, HEADER + 150);
    card_put_context((struct e1000_send_context){ .ip_start = IP, .payload_start = UDP,
        .payload_at = UDP + 6, .header_length = HEADER, .segment_size = MSS }, SEND_SEGMENTED);
    card_put_data(BUFFERS, HEADER + 150, SEND_SEGMENTED | SEND_LAST, OPTION_PAYLOAD_CHECKSUM);
    card_kick();
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *frame = card_sent(&length);
        assert_int_equal(length, HEADER + (i == 0 ? MSS : 50));
        assert_int_equal(get16(frame + IP + 4), length - UDP);
        assert_int_equal(get16(frame + UDP + 4), length - UDP);
    }
    card_expect_nothing();
}

static void context_in_the_middle_is_for_the_next_packet(void **state) {
    (void)state;
    uint32_t length = 0;
    fill_tcp(BUFFERS, 250, false);
    card_put_context(card_tcp_context(HEADERS, MSS), TCP4 | SEND_SEGMENTED);
    card_put_data(BUFFERS, HEADERS + 130, SEND_SEGMENTED, SUMS);
    card_put_context(card_tcp_context(255, 0xffff), TCP4 | SEND_SEGMENTED);
    card_put_data(BUFFERS + HEADERS + 130, 120, SEND_SEGMENTED | SEND_LAST, 0);
    card_kick();
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(card_sent(&length));
    assert_int_equal(length, HEADERS + 50);
    assert_false(card_broken());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, card_setup, card_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(checksums_are_put_in),
        TEST(long_packet_is_cut),
        TEST(ipv6_and_udp_are_cut_too),
        TEST(context_in_the_middle_is_for_the_next_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
