/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the seat: what is seen where, who gets which keys, and that hostile clients cost only
 * themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/stream/stream.h"
#include "services/seat/seat.h"
#include "tests/unit/link_pair.h"

enum {
    CLIENTS = 3, HALF = 4096, WIDTH = 640, HEIGHT = 480, AREA = WIDTH * HEIGHT * 4, ROOM = 448,
    RED = 0xff0000, GREEN = 0x00ff00, KEYS_MOST = 64,
};

static struct seat seat;
static struct link_pair pairs[CLIENTS], screen_pair, keyboard_pair;
static struct ring client[CLIENTS], screen, keyboard;
static uint8_t shown_screen[AREA];      /* what the display's driver copied */
static uint64_t now;

static int set_up(void **state) {
    (void)state;
    memset(&seat, 0, sizeof(seat));
    memset(shown_screen, 0, sizeof(shown_screen));
    now = 1000;
    seat.client_count = CLIENTS;
    for (unsigned i = 0; i < CLIENTS; i++) {
        link_pair_make(&pairs[i], HALF, AREA);
        snprintf(seat.client[i].name, BH_NAME_SIZE, "vm%u", i);
        ring_open(&seat.client[i].ring, &pairs[i].b, 10);
        ring_open(&client[i], &pairs[i].a, 20);
    }
    link_pair_make(&screen_pair, HALF, AREA);
    link_pair_make(&keyboard_pair, HALF, HALF);
    ring_open(&seat.screen, &screen_pair.a, 30);
    ring_open(&screen, &screen_pair.b, 40);
    stream_open(&seat.keyboard, &keyboard_pair.a, 50);
    stream_open(&keyboard, &keyboard_pair.b, 60);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++)
        link_pair_free(&pairs[i]);
    link_pair_free(&screen_pair);
    link_pair_free(&keyboard_pair);
    return 0;
}

static void show_lines(struct ring_descriptor message) {
    assert_int_equal(message.kind, SCREEN_LINES);
    assert_true(ring_inside(message.offset, message.length, HEIGHT));
    memcpy(shown_screen + message.offset * WIDTH * 4, screen.in + message.offset * WIDTH * 4,
           (size_t)message.length * WIDTH * 4);
}

static bool turn(void) {
    uint32_t notify = BH_NONE;

    seat_turn(&seat, now);
    bool settled = seat_settle(&seat, &notify);
    ring_check(&screen);
    ring_check(&keyboard);
    for (unsigned i = 0; i < CLIENTS; i++)
        ring_check(&client[i]);
    for (uint32_t n = ring_available(&screen); n > 0; n--) {
        show_lines(ring_get(&screen));
        ring_done(&screen, 1);
    }
    ring_flush(&screen);
    return settled;
}

/* The next whole frame. */
static void frame(void) {
    now += SEAT_IDLE_MS;
    for (int i = 0; i < 100 && !turn(); i++)
        continue;
    assert_int_equal(seat.next_line, HEIGHT);
}

static void say_size(uint32_t width, uint32_t height) {
    ring_put(&screen, (struct ring_descriptor){
        .kind = SCREEN_SIZE, .extra = screen_extra(width, height, 0) });
    ring_flush(&screen);
}

static void connect(void) {
    for (int i = 0; i < 3; i++)
        turn();
    say_size(WIDTH, HEIGHT);
    for (int i = 0; i < 3; i++)
        frame();
}

static void say(unsigned who, uint32_t offset, uint32_t width, uint32_t height, uint32_t stride) {
    assert_true(ring_space(&client[who]) > 0);
    ring_put(&client[who], (struct ring_descriptor){
        .kind = SCREEN_SHOW, .offset = offset, .extra = screen_extra(width, height, stride) });
    ring_flush(&client[who]);
}

static void paint(unsigned who, uint32_t colour) {
    for (uint32_t i = 0; i < AREA / 4; i++)
        ((uint32_t *)(void *)client[who].out)[i] = colour;
}

static uint32_t pixel(uint32_t x, uint32_t y) {
    return ((uint32_t *)(void *)shown_screen)[y * WIDTH + x];
}

static uint32_t count_pixels(uint32_t colour) {
    uint32_t count = 0;

    for (uint32_t i = 0; i < WIDTH * HEIGHT; i++)
        count += pixel(i % WIDTH, i / WIDTH) == colour;
    return count;
}

static void type(const char *bytes, uint32_t count) {
    assert_int_equal(stream_write(&keyboard, bytes, count), count);
    stream_flush(&keyboard);
    turn();
}

#define TYPE(text) type(text, sizeof(text) - 1)
#define SUPER_DOWN "\xe0\x5b"
#define SUPER_UP "\xe0\xdb"

/* All bytes that a client got since the last time. */
static unsigned take_keys(unsigned who, uint8_t bytes[KEYS_MOST]) {
    unsigned count = 0;

    turn();
    for (uint32_t n = ring_available(&client[who]); n > 0; n--) {
        struct ring_descriptor message = ring_get(&client[who]);

        ring_done(&client[who], 1);
        for (unsigned i = 0; message.kind == SCREEN_KEYS && i < message.length; i++) {
            assert_true(count < KEYS_MOST);
            bytes[count++] = (uint8_t)(message.extra >> 8 * i);
        }
    }
    ring_flush(&client[who]);
    return count;
}

static void expect_keys(unsigned who, const char *bytes, unsigned count) {
    uint8_t got[KEYS_MOST];

    assert_int_equal(take_keys(who, got), count);
    assert_memory_equal(got, bytes, count);
}

#define EXPECT(who, text) expect_keys(who, text, sizeof(text) - 1)

static void test_clients_learn_the_room_below_the_strip(void **state) {
    (void)state;
    connect();
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_int_equal(ring_available(&client[i]), 1);
        struct ring_descriptor message = ring_get(&client[i]);
        assert_int_equal(message.kind, SCREEN_SIZE);
        assert_int_equal(screen_picture(message).width, WIDTH);
        assert_int_equal(screen_picture(message).height, ROOM);
    }
}

static void test_small_picture_stands_in_the_middle(void **state) {
    (void)state;
    connect();
    paint(0, RED);
    say(0, 0, 100, 48, 400);
    frame();
    assert_int_equal(count_pixels(RED), 100 * 48);
    assert_int_equal(pixel(270, SEAT_STRIP + 200), RED);
    assert_int_equal(pixel(369, SEAT_STRIP + 247), RED);
}

static void test_large_picture_is_cut_off_below_the_strip(void **state) {
    static uint32_t before[WIDTH * SEAT_STRIP];

    (void)state;
    connect();
    memcpy(before, shown_screen, sizeof(before));
    paint(0, RED);
    say(0, 0, WIDTH, HEIGHT, WIDTH * 4);
    frame();
    assert_int_equal(count_pixels(RED), WIDTH * ROOM);
    assert_memory_equal(shown_screen, before, sizeof(before));
}

static void test_clip_keeps_every_picture_off_the_strip(void **state) {
    (void)state;
    for (uint32_t width = 1; width < SCREEN_SIDE_MOST; width += 37) {
        for (uint32_t height = 1; height < SCREEN_SIDE_MOST; height += 41) {
            struct screen_picture picture = { .width = width, .height = height };
            struct seat_view view = seat_clip(picture, 1024, 800);
            assert_true(view.top >= SEAT_STRIP);
            assert_true(view.top + view.height <= 800);
            assert_true(view.left + view.width <= 1024);
            assert_true(view.width <= width && view.height <= height);
        }
    }
}

static void test_senseless_pictures_are_not_shown(void **state) {
    static const struct screen_picture bad[] = {
        { 0, WIDTH, HEIGHT + 1, WIDTH * 4 },        /* beyond the area */
        { 4, WIDTH, HEIGHT, WIDTH * 4 },
        { 0xfffffffc, 1, 1, 4 },
        { 2, 10, 10, 40 },                          /* pixels across words */
        { 0, 10, 10, 36 },                          /* lines over each other */
        { 0, 10, 10, 42 },
        { 0, 5000, 1, 20000 },
        { 0, 10, 0, 40 },
    };

    (void)state;
    connect();
    paint(0, RED);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        say(0, 0, 64, 64, 256);
        frame();
        assert_int_equal(count_pixels(RED), 64 * 64);
        say(0, bad[i].offset, bad[i].width, bad[i].height, bad[i].stride);
        frame();
        assert_int_equal(count_pixels(RED), 0);
    }
}

static void test_only_the_shown_picture_is_seen(void **state) {
    (void)state;
    connect();
    paint(0, RED);
    paint(1, GREEN);
    say(0, 0, WIDTH, ROOM, WIDTH * 4);
    say(1, 0, WIDTH, ROOM, WIDTH * 4);
    frame();
    assert_int_equal(count_pixels(GREEN), 0);
    TYPE(SUPER_DOWN "\x3c\xbc" SUPER_UP);
    frame();
    assert_int_equal(count_pixels(RED), 0);
    assert_int_equal(count_pixels(GREEN), WIDTH * ROOM);
}

static void test_strip_tells_clients_apart(void **state) {
    static uint8_t first[WIDTH * SEAT_STRIP * 4];

    (void)state;
    connect();
    memcpy(first, shown_screen, sizeof(first));
    TYPE(SUPER_DOWN "\x0f\x8f" SUPER_UP);
    frame();
    assert_memory_not_equal(shown_screen, first, sizeof(first));
    TYPE(SUPER_DOWN "\x3b\xbb" SUPER_UP);
    frame();
    assert_memory_equal(shown_screen, first, sizeof(first));
}

static void test_strip_answers_the_super_key(void **state) {
    (void)state;
    connect();
    uint32_t usual = pixel(0, 0);
    TYPE(SUPER_DOWN);
    frame();
    assert_int_not_equal(pixel(0, 0), usual);
    TYPE(SUPER_UP);
    frame();
    assert_int_equal(pixel(0, 0), usual);
}

static void test_unchanged_lines_are_not_told(void **state) {
    (void)state;
    connect();
    paint(0, RED);
    say(0, 0, WIDTH, ROOM, WIDTH * 4);
    frame();
    uint32_t told = seat.screen.tail;
    frame();
    assert_int_equal(seat.screen.tail, told);
    ((uint32_t *)(void *)client[0].out)[5 * WIDTH] = GREEN;
    frame();
    assert_int_equal(seat.screen.tail, told + 1);
    assert_int_equal(pixel(0, SEAT_STRIP + 5), GREEN);
}

static void test_new_display_gets_everything(void **state) {
    (void)state;
    connect();
    paint(0, RED);
    say(0, 0, WIDTH, ROOM, WIDTH * 4);
    frame();
    memset(shown_screen, 0, sizeof(shown_screen));
    ring_open(&screen, &screen_pair.b, 41);
    connect();
    assert_int_equal(count_pixels(RED), WIDTH * ROOM);
    assert_int_not_equal(pixel(0, 0), 0);
}

static void test_senseless_sizes_of_a_display_are_ignored(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++)
        turn();
    say_size(WIDTH, HEIGHT + 1);
    say_size(642, 100);
    say_size(640, 32);
    say_size(4096, 64);
    say_size(0, 0);
    turn();
    assert_int_equal(seat.width, 0);
}

static void test_keys_go_to_the_shown_client_only(void **state) {
    (void)state;
    connect();
    TYPE("\x1e\x9e\xe0\x48\xe0\xc8");
    EXPECT(0, "\x1e\x9e\xe0\x48\xe0\xc8");
    EXPECT(1, "");
    TYPE(SUPER_DOWN "\x3c\xbc" SUPER_UP "\x1f\x9f");
    EXPECT(0, "");
    EXPECT(1, "\x1f\x9f");
}

static void test_no_client_sees_a_chord(void **state) {
    (void)state;
    connect();
    /* Also not its keys' repetitions, and not what is released after Super. */
    TYPE(SUPER_DOWN "\x3c\x3c" SUPER_UP "\x3c\x3c\xbc");
    TYPE("\xe0\x5c\x0f\x0f\xe0\xdc\x8f");
    TYPE(SUPER_DOWN "\x1e" SUPER_UP "\x1e\x9e");
    for (unsigned i = 0; i < CLIENTS; i++)
        EXPECT(i, "");
    assert_int_equal(seat.shown, 2);
}

static void test_swallowed_key_is_a_clients_again(void **state) {
    (void)state;
    connect();
    TYPE(SUPER_DOWN "\x3b\xbb" SUPER_UP "\x3b\xbb");
    EXPECT(0, "\x3b\xbb");
}

static void test_leaving_client_sees_its_keys_released(void **state) {
    (void)state;
    connect();
    TYPE("\x1d\x2a\xe0\x1d");
    EXPECT(0, "\x1d\x2a\xe0\x1d");
    TYPE(SUPER_DOWN "\x3c");
    EXPECT(0, "\x9d\xaa\xe0\x9d");
    TYPE("\xbc" SUPER_UP "\x9d\xaa\xe0\x9d");
    EXPECT(0, "");
    EXPECT(1, "");
}

static void test_release_of_a_key_held_under_super_arrives(void **state) {
    (void)state;
    connect();
    TYPE("\x1e" SUPER_DOWN "\x9e" SUPER_UP);
    EXPECT(0, "\x1e\x9e");
}

static void test_pause_arrives_whole(void **state) {
    (void)state;
    connect();
    TYPE("\xe1\x1d\x45\xe1\x9d\xc5");
    EXPECT(0, "\xe1\x1d\x45\xe1\x9d\xc5");
    TYPE("\xe1\x1d\x46\xe1\x9d\xc5\xff\x00\xe1\xff\x1e\x9e");
    EXPECT(0, "\x1e\x9e");
}

static void test_client_that_takes_no_keys_gets_its_release_later(void **state) {
    uint8_t bytes[KEYS_MOST];

    (void)state;
    connect();
    TYPE("\x1e");
    for (int i = 0; i < 400; i++)
        TYPE("\x30");
    TYPE("\xb0\x9e");
    TYPE(SUPER_DOWN "\x3c\xbc" SUPER_UP);
    assert_int_equal(seat.shown, 1);
    unsigned count = 0;
    uint8_t last[2] = { 0, 0 };
    while (ring_available(&client[0]) > 0) {
        struct ring_descriptor message = ring_get(&client[0]);
        ring_done(&client[0], 1);
        ring_flush(&client[0]);
        count += message.kind == SCREEN_KEYS;
    }
    assert_true(count > 0);
    assert_int_equal(take_keys(0, bytes), 2);
    memcpy(last, bytes, 2);
    assert_memory_equal(last, "\x9e\xb0", 2);
}

static void test_new_keyboard_releases_everything(void **state) {
    (void)state;
    connect();
    TYPE("\x1e" SUPER_DOWN);
    stream_open(&keyboard, &keyboard_pair.b, 61);
    for (int i = 0; i < 3; i++)
        turn();
    EXPECT(0, "\x1e\x9e");
    TYPE("\x1f\x9f");
    EXPECT(0, "\x1f\x9f");
}

static void test_client_that_isnt_there_can_be_shown(void **state) {
    (void)state;
    connect();
    paint(0, RED);
    say(0, 0, WIDTH, ROOM, WIDTH * 4);
    frame();
    ((struct ring_half *)pairs[0].half_a)->generation = 0;
    frame();
    assert_int_equal(count_pixels(RED), 0);
    assert_true(count_pixels(0xb0b0b0) > 0);
    TYPE("\x1e\x9e" SUPER_DOWN "\x3d\xbd" SUPER_UP);
    assert_int_equal(seat.shown, 2);
    TYPE(SUPER_DOWN "\x44\xc4\x43\xc3" SUPER_UP);       /* F10 and F9: nobody's */
    assert_int_equal(seat.shown, 2);
}

static void test_stopped_client_isnt_shown(void **state) {
    (void)state;
    connect();
    paint(0, RED);
    say(0, 0, WIDTH, ROOM, WIDTH * 4);
    frame();
    seat.client[0].stopped = true;
    frame();
    assert_int_equal(count_pixels(RED), 0);
    seat.client[0].stopped = false;
    frame();
    assert_int_equal(count_pixels(RED), WIDTH * ROOM);
}

static void test_new_life_of_a_client_starts_anew(void **state) {
    (void)state;
    connect();
    paint(0, RED);
    say(0, 0, WIDTH, ROOM, WIDTH * 4);
    TYPE("\x1e");
    frame();
    ring_open(&client[0], &pairs[0].a, 21);
    frame();
    assert_int_equal(count_pixels(RED), 0);
    assert_int_equal(ring_available(&client[0]), 1);
    assert_int_equal(ring_get(&client[0]).kind, SCREEN_SIZE);
    TYPE("\x9e");
    EXPECT(0, "");
}

static void test_broken_client_costs_itself_its_picture_only(void **state) {
    (void)state;
    connect();
    paint(0, RED);
    paint(1, GREEN);
    say(0, 0, WIDTH, ROOM, WIDTH * 4);
    say(1, 0, WIDTH, ROOM, WIDTH * 4);
    frame();
    ((struct ring_half *)pairs[0].half_a)->tail += 1000;
    frame();
    assert_int_equal(count_pixels(RED), 0);
    TYPE(SUPER_DOWN "\x0f\x8f" SUPER_UP "\x1e\x9e");
    frame();
    assert_int_equal(count_pixels(GREEN), WIDTH * ROOM);
    EXPECT(1, "\x1e\x9e");
}

static void test_flood_of_messages_waits(void **state) {
    (void)state;
    connect();
    while (ring_space(&client[0]) > 0)
        ring_put(&client[0], (struct ring_descriptor){ .kind = SCREEN_SHOW });
    ring_flush(&client[0]);
    assert_true(turn());
    uint32_t before = seat.client[0].ring.next;
    frame();
    assert_int_equal(seat.client[0].ring.next - before, SEAT_MESSAGES);
}

static void test_seat_without_clients_says_so(void **state) {
    (void)state;
    seat.client_count = 0;
    connect();
    TYPE("\x1e\x9e" SUPER_DOWN "\x0f\x8f\x3b\xbb" SUPER_UP);
    frame();
    assert_true(count_pixels(0xb0b0b0) > 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_clients_learn_the_room_below_the_strip),
        TEST(test_small_picture_stands_in_the_middle),
        TEST(test_large_picture_is_cut_off_below_the_strip),
        TEST(test_clip_keeps_every_picture_off_the_strip),
        TEST(test_senseless_pictures_are_not_shown),
        TEST(test_only_the_shown_picture_is_seen),
        TEST(test_strip_tells_clients_apart),
        TEST(test_strip_answers_the_super_key),
        TEST(test_unchanged_lines_are_not_told),
        TEST(test_new_display_gets_everything),
        TEST(test_senseless_sizes_of_a_display_are_ignored),
        TEST(test_keys_go_to_the_shown_client_only),
        TEST(test_no_client_sees_a_chord),
        TEST(test_swallowed_key_is_a_clients_again),
        TEST(test_leaving_client_sees_its_keys_released),
        TEST(test_release_of_a_key_held_under_super_arrives),
        TEST(test_pause_arrives_whole),
        TEST(test_client_that_takes_no_keys_gets_its_release_later),
        TEST(test_new_keyboard_releases_everything),
        TEST(test_client_that_isnt_there_can_be_shown),
        TEST(test_stopped_client_isnt_shown),
        TEST(test_new_life_of_a_client_starts_anew),
        TEST(test_broken_client_costs_itself_its_picture_only),
        TEST(test_flood_of_messages_waits),
        TEST(test_seat_without_clients_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
