/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The screen's life: power-on, and the I/O thread's turn between guest and seat.
 */
#include "vmm/screen/screen.h"

#include "lib/c/string.h"

enum { VENDOR = 0x1234, DEVICE = 0x1111, CLASS_VGA = 0x030000, SUBSYSTEM = 0x1100 };
enum { BAR_PREFETCHABLE = 1u << 3 };
enum { QUIET_LOOKS = 20, QUIET_PERIODS = 5, KEY_MESSAGES = 8 };

_Static_assert(SCREEN_TEXT_AT + TEXT_PICTURE <= SCREEN_AREA, "text has its room");
_Static_assert((int)TEXT_PICTURE == (int)(TEXT_WIDTH * TEXT_HEIGHT * SCREEN_PIXEL), "pixels");

static void create_function(struct pci_function *pci, uint32_t framebuffer, uint32_t registers) {
    pci_create(pci, VENDOR, DEVICE, CLASS_VGA, SUBSYSTEM);
    pci_add_memory_bar(pci, SCREEN_FRAMEBUFFER_BAR, framebuffer, SCREEN_AREA);
    pci->config[PCI_BAR + 4 * SCREEN_FRAMEBUFFER_BAR] |= BAR_PREFETCHABLE;
    pci_add_memory_bar(pci, SCREEN_REGISTERS_BAR, registers, SCREEN_REGISTERS_SIZE);
    pci->config[PCI_COMMAND] |= PCI_COMMAND_IO;      /* the VGA's ports, which are there anyway */
    pci->writable[PCI_COMMAND] |= PCI_COMMAND_IO;
}

void screen_create(struct screen *screen, uint32_t framebuffer, uint32_t registers) {
    if (!screen->present)
        return;
    create_function(&screen->pci, framebuffer, registers);
    vga_reset(&screen->vga);
    dispi_reset(&screen->dispi);
    text_reset(&screen->text);
    memset(screen->link.out, 0, SCREEN_AREA);
    screen->last_look = screen->next_look = 0;
    screen->quiet = 0;
}

uint64_t screen_framebuffer(const struct screen *screen, uint64_t hole, uint64_t hole_end) {
    uint64_t at = pci_config_read(&screen->pci, PCI_BAR + 4 * SCREEN_FRAMEBUFFER_BAR, 4) & ~15u;
    bool decoded = (screen->pci.config[PCI_COMMAND] & PCI_COMMAND_MEMORY) != 0;
    return decoded && at >= hole && at <= hole_end - SCREEN_AREA ? at : 0;
}

/* ---- What is shown ---- */

static bool is_text(const struct screen *screen) {
    return vga_visible(&screen->vga) && !dispi_enabled(&screen->dispi) &&
           vga_is_text(&screen->vga);
}

static struct screen_picture picture_of(const struct screen *screen) {
    if (is_text(screen))
        return (struct screen_picture){ SCREEN_TEXT_AT, TEXT_WIDTH, TEXT_HEIGHT,
                                        TEXT_WIDTH * SCREEN_PIXEL };
    bool linear = vga_visible(&screen->vga) && dispi_enabled(&screen->dispi);
    return linear ? dispi_picture(&screen->dispi) : (struct screen_picture){ 0 };
}

static bool same_picture(const struct screen_picture *a, const struct screen_picture *b) {
    return a->offset == b->offset && a->width == b->width && a->height == b->height &&
           a->stride == b->stride;
}

/* Without room in the ring the next look tells it. */
static void tell(struct screen *screen) {
    struct screen_picture picture = picture_of(screen);
    if (same_picture(&picture, &screen->told) || ring_space(&screen->link) == 0)
        return;
    ring_put(&screen->link, (struct ring_descriptor){
        .kind = SCREEN_SHOW, .offset = picture.offset,
        .extra = screen_extra(picture.width, picture.height, picture.stride) });
    screen->told = picture;
    screen->quiet = 0;
}

/* true: there is more to draw. */
static bool draw(struct screen *screen, const struct guest_memory *memory, unsigned budget) {
    const uint8_t *cells = guest_range(memory, (struct gpa){ LAYOUT_TEXT }, LAYOUT_TEXT_SIZE);
    uint32_t *pixels = (uint32_t *)(void *)(screen->link.out + SCREEN_TEXT_AT);
    return is_text(screen) && cells &&
           text_draw(&screen->text, &screen->vga, cells, pixels, budget);
}

static uint64_t pause_after(const struct screen *screen) {
    return screen->period * (screen->quiet < QUIET_LOOKS ? 1 : QUIET_PERIODS);
}

/* Text may change without our being told, and what isn't told yet has to be. */
static void plan_look(struct screen *screen, uint64_t now) {
    struct screen_picture picture = picture_of(screen);
    bool text = is_text(screen);
    screen->quiet = text && screen->text.changed ? 0 : screen->quiet + 1;
    screen->last_look = now;
    screen->next_look = text || !same_picture(&picture, &screen->told) ? now + pause_after(screen)
                                                                       : BH_FOREVER;
}

static bool look(struct screen *screen, const struct guest_memory *memory, uint64_t now,
                 unsigned budget) {
    if (draw(screen, memory, budget))
        return true;
    tell(screen);
    plan_look(screen, now);
    return false;
}

/* ---- The seat ---- */

/* What a key does is looked for soon. */
static void take_keys(struct screen *screen, struct i8042 *i8042, struct ring_descriptor message,
                      uint64_t now) {
    uint8_t codes[SCREEN_KEYS_MOST];
    if (message.kind != SCREEN_KEYS || message.length == 0 || message.length > SCREEN_KEYS_MOST)
        return;
    for (unsigned i = 0; i < message.length; i++)
        codes[i] = (uint8_t)(message.extra >> (8 * i));
    i8042_keys(i8042, codes, message.length);
    screen->quiet = 0;
    if (is_text(screen) && screen->next_look > now + screen->period)
        screen->next_look = now + screen->period;
}

/* true: there are more. */
static bool take_messages(struct screen *screen, struct i8042 *i8042, uint64_t now) {
    for (unsigned i = 0; i < KEY_MESSAGES && ring_available(&screen->link) > 0; i++) {
        take_keys(screen, i8042, ring_get(&screen->link), now);
        ring_done(&screen->link, 1);
    }
    return ring_available(&screen->link) > 0;
}

/* A seat that begins anew knows no picture. */
static void meet(struct screen *screen) {
    if (ring_check(&screen->link) != RING_NEW)
        return;
    screen->told = (struct screen_picture){ 0 };
    screen->next_look = 0;
}

bool screen_run(struct screen *screen, const struct guest_memory *memory, struct i8042 *i8042,
                uint64_t now, unsigned budget) {
    if (!screen->present)
        return false;
    meet(screen);
    if (!ring_up(&screen->link))
        return false;
    bool more = take_messages(screen, i8042, now);
    if (now >= screen->next_look)
        more |= look(screen, memory, now, budget);
    ring_flush(&screen->link);
    return more;
}

bool screen_settle(struct screen *screen) {
    return !screen->present || ring_sleep(&screen->link);
}

uint64_t screen_deadline(const struct screen *screen) {
    return screen->present && ring_up(&screen->link) ? screen->next_look : BH_FOREVER;
}
