/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile driver with a DMA engine at its command: QEMU's "edu" device (QEMU,
 * docs/specs/edu.rst), which copies up to 4 KiB between its own memory and any bus address, 100 ms
 * after it was told. The setting "deed" says what it does with it, "target" the bus address that it aims
 * at ("later": the test writes it into our manifest's page from outside, once it knows):
 *   inside     copies out to its own buffer and back: what it is granted works
 *   write      writes a pattern to the target
 *   read       reads the target and shows the first bytes
 *   neighbour  writes to the page behind its buffer
 *   tour       writes a pattern to the target, waits for another target, and so on
 *   storm      writes to the target for ever
 *   leave      tells the device to write to its own buffer and faults before that happens
 *   late       the same, and the device is to interrupt when it has written
 *   forge      makes the device write a message itself: the target's upper half to its lower half
 *   poke       writes the target's upper half to its registers, at the offset in its lower half
 *   raise      makes the device interrupt by its line, for ever
 *   idle       lets the device master the bus, no more
 *   interrupt  makes the device interrupt, counts what arrives; then lets it do so five thousand times
 *   reset      resets the device, waits for that, and copies again
 * It logs what it does and what came of it, as far as a driver can see; tests judge by memory.
 */
#include <stdint.h>

#include "lib/c/string.h"
#include "lib/call/call.h"
#include "lib/log/log.h"
#include "lib/manifest/manifest.h"
#include "lib/mmio/mmio.h"
#include "lib/start/start.h"
#include "lib/time/time.h"

enum edu_register {
    EDU_IDENTITY    = 0x00,
    EDU_RAISE       = 0x60,
    EDU_LOWER       = 0x64,
    EDU_DMA_SOURCE  = 0x80,
    EDU_DMA_TARGET  = 0x88,
    EDU_DMA_COUNT   = 0x90,
    EDU_DMA_COMMAND = 0x98,
    EDU_MEMORY      = 0x40000,  /* the device's own buffer, as its DMA engine sees it */
};

enum edu_command {
    EDU_START   = 1u << 0,
    EDU_TO_RAM  = 1u << 1,      /* clear: from RAM to the device */
    EDU_TELL    = 1u << 2,      /* an interrupt at its end */
};

enum {
    PATTERN     = 0x5a,         /* what tests look for in memory that mustn't change */
    LENGTH      = 64,
    MESSAGE     = 4,            /* bytes of an interrupt message */
    WAIT_MS     = 1000,         /* the device needs 100 */
    POLL_MS     = 2,            /* so that a storm always has a transfer under way */
    FIRST_DELAY = 1000,
    STORM       = 5000,
};

static volatile uint8_t *registers;
static uint8_t *buffer;
static uint64_t buffer_iova, buffer_size;
static uint32_t device;

static void pause_ms(uint64_t ms) {
    uint64_t end = time_after_ms(ms);
    uint64_t bits;

    while (time_now() < end) {
        call_wait(end, &bits);
        log_poll();
    }
}

static void write64(uint32_t offset, uint64_t value) {
    *(volatile uint64_t *)(registers + offset) = value;
}

static uint64_t read64(uint32_t offset) {
    return *(volatile uint64_t *)(registers + offset);
}

static void start_part(uint64_t source, uint64_t target, uint64_t size, uint32_t command) {
    write64(EDU_DMA_SOURCE, source);
    write64(EDU_DMA_TARGET, target);
    write64(EDU_DMA_COUNT, size);
    mmio_publish();
    write64(EDU_DMA_COMMAND, EDU_START | command);
}

static void start_copy(uint64_t source, uint64_t target, uint32_t command) {
    start_part(source, target, LENGTH, command);
}

static void finish_copy(void) {
    uint64_t end = time_after_ms(WAIT_MS);

    while ((read64(EDU_DMA_COMMAND) & EDU_START) != 0 && time_now() < end)
        pause_ms(POLL_MS);
}

static void from_device(uint64_t address) {
    start_copy(EDU_MEMORY, address, EDU_TO_RAM);
    finish_copy();
}

static void to_device(uint64_t address) {
    start_copy(address, EDU_MEMORY, 0);
    finish_copy();
}

/* The pattern goes into the device through our own buffer. */
static void load_pattern(void) {
    memset(buffer, PATTERN, LENGTH);
    to_device(buffer_iova);
    memset(buffer, 0, LENGTH);
}

static uint64_t state(void) {
    uint64_t value = ~0ull;

    call_device_read(device, BH_DEVICE_STATE, 0, &value);
    return value;
}

static void report(const char *deed) {
    log_line("dma: %s: finished, device state %lu", deed, state());
}

static void inside(uint64_t target) {
    (void)target;
    load_pattern();
    from_device(buffer_iova + LENGTH);
    log_line("dma: inside: %s", buffer[LENGTH] == PATTERN ? "the data came back" : "no data came");
}

static void write_target(uint64_t target) {
    load_pattern();
    from_device(target);
}

static void read_target(uint64_t target) {
    load_pattern();
    to_device(target);
    from_device(buffer_iova);
    log_line("dma: read: got %02x %02x %02x %02x", buffer[0], buffer[1], buffer[2], buffer[3]);
}

static void neighbour(uint64_t target) {
    (void)target;
    load_pattern();
    from_device(buffer_iova + buffer_size);
}

/* The next target, once it stands there whole. */
static uint64_t next_target(uint64_t last) {
    uint64_t seen, target = last;

    do {
        seen = target;
        pause_ms(50);
        target = manifest_number("target", 0);
    } while (target == last || target != seen);
    return target;
}

static void tour(uint64_t target) {
    load_pattern();
    for (;; target = next_target(target)) {
        from_device(target);
        log_line("dma: tour: wrote to %lx", target);
    }
}

static void storm(uint64_t target) {
    load_pattern();
    for (;;)
        from_device(target);
}

static void leave_during(uint32_t command) {
    load_pattern();
    start_copy(EDU_MEMORY, buffer_iova, EDU_TO_RAM | command);
    __asm__ volatile("ud2");
}

static void leave(uint64_t target) {
    (void)target;
    leave_during(0);
}

static void late(uint64_t target) {
    (void)target;
    leave_during(EDU_TELL);
}

static void forge(uint64_t target) {
    uint32_t message = (uint32_t)(target >> 32);

    memcpy(buffer, &message, MESSAGE);
    to_device(buffer_iova);
    start_part(EDU_MEMORY, (uint32_t)target, MESSAGE, EDU_TO_RAM);
    finish_copy();
}

static void poke(uint64_t target) {
    mmio_write32(registers, (uint32_t)target, (uint32_t)(target >> 32));
}

static void raise_line(uint64_t target) {
    (void)target;
    mmio_write32(registers, EDU_RAISE, 1);
}

static void idle(uint64_t target) {
    (void)target;
}

/* How often the interrupt's bits are set within so many milliseconds. */
static unsigned interrupts_within(uint64_t ms) {
    const struct bh_manifest_entry *interrupt = manifest_need(BH_ENTRY_INTERRUPT, "irq0");
    uint64_t end = time_after_ms(ms), bits;
    unsigned count = 0;

    while (time_now() < end) {
        if (call_wait(end, &bits) == BH_OK && (bits & interrupt->bits) != 0) {
            mmio_write32(registers, EDU_LOWER, 1);
            count++;
        }
    }
    return count;
}

static void raise(void) {
    mmio_write32(registers, EDU_RAISE, 1);
    mmio_write32(registers, EDU_LOWER, 1);
}

static void interrupt(uint64_t target) {
    (void)target;
    raise();
    log_line("dma: interrupt: %u arrived", interrupts_within(200));
    uint64_t start = time_now();
    for (unsigned i = 0; i < STORM; i++)
        raise();
    log_line("dma: interrupt: a storm of %u in %lu ms", (unsigned)STORM,
             (time_now() - start) / time_khz());
    interrupts_within(200);
    raise();
    log_line("dma: interrupt: %u after the storm", interrupts_within(200));
}

static void reset(uint64_t target) {
    uint64_t end = time_after_ms(3000);

    inside(target);
    if (call_device_control(device, BH_DEVICE_RESET) != BH_OK)
        program_stop("dma: the device can't be reset");
    while (state() == BH_DEVICE_RESETTING && time_now() < end)
        pause_ms(10);
    log_line("dma: reset: state %lu", state());
    if (call_device_control(device, BH_DEVICE_BUS_MASTER_ON) != BH_OK)
        program_stop("dma: the device mayn't master the bus any more");
    inside(target);
}

struct deed {
    const char *name;
    void (*perform)(uint64_t target);
};

static const struct deed deeds[] = {
    { "inside", inside }, { "write", write_target }, { "read", read_target },
    { "neighbour", neighbour }, { "storm", storm }, { "leave", leave },
    { "late", late }, { "forge", forge }, { "poke", poke }, { "raise", raise_line },
    { "idle", idle }, { "interrupt", interrupt }, { "reset", reset }, { "tour", tour },
};

static void find_world(void) {
    const struct bh_manifest_entry *region = manifest_need(BH_ENTRY_REGION, "buffer");

    buffer = manifest_address(region);
    buffer_iova = region->iova;
    buffer_size = region->size;
    registers = manifest_address(manifest_need(BH_ENTRY_REGION, "bar0"));
    device = manifest_need(BH_ENTRY_DEVICE, "edu")->slot;
}

int main(void) {
    const char *name = manifest_setting("deed", "inside");
    uint64_t target;

    find_world();
    pause_ms(FIRST_DELAY);
    while (strcmp(manifest_setting("target", "0"), "later") == 0)
        pause_ms(50);
    target = manifest_number("target", 0);
    if (call_device_control(device, BH_DEVICE_BUS_MASTER_ON) != BH_OK)
        program_stop("dma: the device mayn't master the bus");
    log_line("dma: device %lx: %s, target %lx", (uint64_t)mmio_read32(registers, EDU_IDENTITY), name,
             target);
    pause_ms(100);
    for (uint32_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(deeds[i].name, name) == 0) {
            deeds[i].perform(target);
            report(name);
        }
    }
    pause_ms(100);
    return 0;
}
