/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio PCI transport's registers and the device's life.
 */
#include "vmm/virtio/virtio.h"

enum bar_layout {
    BAR_COMMON = 0x0000, BAR_ISR = 0x1000, BAR_DEVICE = 0x2000, BAR_MSIX = 0x3000,
    BAR_PENDING = 0x3800, BAR_PART = 0x1000,
};

/* virtio 4.1.4: structure types of the capabilities. */
enum structure { COMMON_CFG = 1, NOTIFY_CFG = 2, ISR_CFG = 3, DEVICE_CFG = 4, PCI_CFG = 5 };

/* virtio 4.1.4.3: the common configuration. */
enum common {
    DEVICE_FEATURE_SELECT = 0, DEVICE_FEATURE = 4, DRIVER_FEATURE_SELECT = 8, DRIVER_FEATURE = 12,
    CONFIG_VECTOR = 16, NUM_QUEUES = 18, DEVICE_STATUS = 20, CONFIG_GENERATION = 21,
    QUEUE_SELECT = 22, QUEUE_SIZE = 24, QUEUE_VECTOR = 26, QUEUE_ENABLE = 28,
    QUEUE_NOTIFY_OFF = 30, QUEUE_DESC = 32, QUEUE_DRIVER = 40, QUEUE_DEVICE = 48,
    COMMON_SIZE = 56,
};

enum {
    VENDOR = 0x1af4,
    MODERN_DEVICE = 0x1040,          /* + the device type; the subsystem too is 0x40 or more */
    MODERN_SUBSYSTEM = 0x40,         /* (4.1.2.1), or OVMF doesn't see a device of today */
    CAPABILITY_VENDOR = 0x09,
    CAPABILITY_SIZE = 16,
    NOTIFY_MULTIPLIER = 4,
    NO_VECTOR = 0xffff,
};

/* virtio 4.1.4.9: offsets in the configuration access capability. */
enum window { WINDOW_BAR = 4, WINDOW_OFFSET = 8, WINDOW_LENGTH = 12, WINDOW_DATA = 16 };

static void add_structure(struct virtio_device *device, enum structure type, unsigned bar,
                          uint32_t offset, uint32_t length) {
    bool longer = type == NOTIFY_CFG || type == PCI_CFG;
    uint8_t size = longer ? CAPABILITY_SIZE + 4 : CAPABILITY_SIZE;
    uint8_t at = pci_add_capability(&device->pci, CAPABILITY_VENDOR, size);
    pci_put16(&device->pci, at + 2u, (uint16_t)(size | (unsigned)type << 8));
    pci_put32(&device->pci, at + 4u, bar);
    pci_put32(&device->pci, at + 8u, offset);
    pci_put32(&device->pci, at + 12u, length);
    if (type == NOTIFY_CFG)
        pci_put32(&device->pci, at + 16u, NOTIFY_MULTIPLIER);
    if (type == PCI_CFG)
        device->window_at = at;
}

/* A window through which the BARs are reached where nobody gave them a place. */
static void add_window(struct virtio_device *device) {
    add_structure(device, PCI_CFG, 0, 0, 0);
    uint8_t *writable = device->pci.writable + device->window_at;
    writable[WINDOW_BAR] = 0xff;
    for (unsigned i = WINDOW_OFFSET; i < WINDOW_DATA + 4; i++)
        writable[i] = 0xff;
}

static void reset(struct virtio_device *device) {
    device->accepted = 0;
    device->offered_select = device->accepted_select = 0;
    device->config_vector = NO_VECTOR;
    device->queue_select = 0;
    device->status = 0;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++)
        virtqueue_reset(&device->queue[i]);
}

void virtio_create(struct virtio_device *device, const struct virtio_identity *identity,
                   const struct guest_memory *memory, uint32_t memory_base, uint16_t notify_port,
                   uint32_t notify_size) {
    *device = (struct virtio_device){ .memory = memory, .queues = identity->queues };
    device->offered = identity->features | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX;
    pci_create(&device->pci, VENDOR, (uint16_t)(MODERN_DEVICE + identity->device),
               identity->class, (uint16_t)(MODERN_SUBSYSTEM + identity->device));
    device->pci.config[PCI_CLASS] = 1;   /* revision: modern */
    pci_add_io_bar(&device->pci, VIRTIO_NOTIFY_BAR, notify_port, notify_size);
    pci_add_memory_bar(&device->pci, VIRTIO_MEMORY_BAR, memory_base, VIRTIO_BAR_SIZE);
    add_structure(device, COMMON_CFG, VIRTIO_MEMORY_BAR, BAR_COMMON, COMMON_SIZE);
    add_structure(device, NOTIFY_CFG, VIRTIO_NOTIFY_BAR, 0, notify_size);
    add_structure(device, ISR_CFG, VIRTIO_MEMORY_BAR, BAR_ISR, 4);
    add_structure(device, DEVICE_CFG, VIRTIO_MEMORY_BAR, BAR_DEVICE, VIRTIO_CONFIG_MAX);
    pci_add_msix(&device->pci, (uint8_t)(identity->queues + 1), VIRTIO_MEMORY_BAR, BAR_MSIX,
                 BAR_PENDING);
    add_window(device);
    reset(device);
}

bool virtio_ready(const struct virtio_device *device) {
    return (device->status & VIRTIO_DRIVER_OK) && !(device->status & VIRTIO_NEEDS_RESET) &&
           pci_may_master(&device->pci);
}

static void raise(struct virtio_device *device, uint16_t vector) {
    if (vector != NO_VECTOR)
        pci_msix_raise(&device->pci, vector);
}

void virtio_fail(struct virtio_device *device) {
    device->status |= VIRTIO_NEEDS_RESET;
    raise(device, device->config_vector);
}

void virtio_config_changed(struct virtio_device *device) {
    if (device->status & VIRTIO_DRIVER_OK)
        raise(device, device->config_vector);
}

void virtio_signal(struct virtio_device *device, unsigned queue) {
    if (virtqueue_wants_interrupt(&device->queue[queue]))
        raise(device, device->queue[queue].vector);
}

/* ---- Common configuration ---- */

static struct virtqueue *selected(struct virtio_device *device) {
    return device->queue_select < device->queues ? &device->queue[device->queue_select] : NULL;
}

static uint64_t read_queue(const struct virtqueue *queue, uint32_t offset) {
    switch (offset) {
    case QUEUE_SIZE: return queue->size;
    case QUEUE_VECTOR: return queue->vector;
    case QUEUE_ENABLE: return queue->enabled;
    case QUEUE_DESC: return queue->descriptors_at;
    case QUEUE_DESC + 4: return queue->descriptors_at >> 32;
    case QUEUE_DRIVER: return queue->driver_at;
    case QUEUE_DRIVER + 4: return queue->driver_at >> 32;
    case QUEUE_DEVICE: return queue->device_at;
    case QUEUE_DEVICE + 4: return queue->device_at >> 32;
    default: return 0;
    }
}

static uint64_t feature_word(uint64_t features, uint32_t select) {
    return select < 2 ? (uint32_t)(features >> (32 * select)) : 0;
}

static uint64_t read_common(struct virtio_device *device, uint32_t offset) {
    const struct virtqueue *queue = selected(device);
    switch (offset) {
    case DEVICE_FEATURE_SELECT: return device->offered_select;
    case DEVICE_FEATURE: return feature_word(device->offered, device->offered_select);
    case DRIVER_FEATURE_SELECT: return device->accepted_select;
    case DRIVER_FEATURE: return feature_word(device->accepted, device->accepted_select);
    case CONFIG_VECTOR: return device->config_vector;
    case NUM_QUEUES: return device->queues;
    case DEVICE_STATUS: return device->status | (device->in_reset ? VIRTIO_NEEDS_RESET : 0);
    case QUEUE_SELECT: return device->queue_select;
    case QUEUE_NOTIFY_OFF: return device->queue_select;
    default: return queue ? read_queue(queue, offset) : 0;
    }
}

static void set_low(uint64_t *field, uint32_t value) {
    *field = (*field & 0xffffffff00000000ull) | value;
}

static void set_high(uint64_t *field, uint32_t value) {
    *field = (*field & 0xffffffffull) | (uint64_t)value << 32;
}

static uint16_t checked_vector(const struct virtio_device *device, uint64_t value) {
    return value <= device->queues ? (uint16_t)value : NO_VECTOR;
}

static void enable_queue(struct virtio_device *device, struct virtqueue *queue) {
    bool ready = (device->status & VIRTIO_FEATURES_OK) && !(device->status & VIRTIO_NEEDS_RESET);
    bool event_index = (device->accepted & VIRTIO_F_EVENT_IDX) != 0;
    if (!ready || !virtqueue_enable(queue, device->memory, event_index))
        virtio_fail(device);
}

/* A queue that is enabled doesn't change any more, but for its vector. */
static void write_queue(struct virtio_device *device, struct virtqueue *queue, uint32_t offset,
                        uint64_t value) {
    if (offset == QUEUE_VECTOR) {
        queue->vector = checked_vector(device, value);
        return;
    }
    if (queue->enabled)
        return;
    switch (offset) {
    case QUEUE_SIZE: queue->size = (uint16_t)value; break;
    case QUEUE_DESC: set_low(&queue->descriptors_at, (uint32_t)value); break;
    case QUEUE_DESC + 4: set_high(&queue->descriptors_at, (uint32_t)value); break;
    case QUEUE_DRIVER: set_low(&queue->driver_at, (uint32_t)value); break;
    case QUEUE_DRIVER + 4: set_high(&queue->driver_at, (uint32_t)value); break;
    case QUEUE_DEVICE: set_low(&queue->device_at, (uint32_t)value); break;
    case QUEUE_DEVICE + 4: set_high(&queue->device_at, (uint32_t)value); break;
    case QUEUE_ENABLE:
        if ((uint16_t)value == 1)
            enable_queue(device, queue);
        break;
    default: break;
    }
}

/* virtio 2.1, 3.1.1: bits are only added; FEATURES_OK stays off if the driver accepted what was not
 * offered, or not VERSION_1; a reset is the way back from anything. */
static enum virtio_event write_status(struct virtio_device *device, uint8_t value) {
    if (value == 0) {
        reset(device);
        return VIRTIO_RESET;
    }
    bool features_good = (device->accepted & ~device->offered) == 0 &&
                         (device->accepted & VIRTIO_F_VERSION_1);
    if ((value & VIRTIO_FEATURES_OK) && !features_good)
        value &= (uint8_t)~VIRTIO_FEATURES_OK;
    uint8_t known = VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_FAILED;
    if ((value & VIRTIO_DRIVER_OK) && ((value | device->status) & VIRTIO_FEATURES_OK))
        known |= VIRTIO_DRIVER_OK;
    bool started = !(device->status & VIRTIO_DRIVER_OK) && (value & known & VIRTIO_DRIVER_OK);
    device->status |= value & known;
    return started ? VIRTIO_KICK : VIRTIO_NOTHING;
}

static void write_features(struct virtio_device *device, uint32_t value) {
    if (device->status & VIRTIO_FEATURES_OK)
        return;
    if (device->accepted_select == 0)
        set_low(&device->accepted, value);
    else if (device->accepted_select == 1)
        set_high(&device->accepted, value);
}

static enum virtio_event write_common(struct virtio_device *device, uint32_t offset,
                                      uint64_t value) {
    struct virtqueue *queue = selected(device);
    switch (offset) {
    case DEVICE_FEATURE_SELECT: device->offered_select = (uint32_t)value; break;
    case DRIVER_FEATURE_SELECT: device->accepted_select = (uint32_t)value; break;
    case DRIVER_FEATURE: write_features(device, (uint32_t)value); break;
    case CONFIG_VECTOR: device->config_vector = checked_vector(device, value); break;
    case DEVICE_STATUS: return write_status(device, (uint8_t)value);
    case QUEUE_SELECT: device->queue_select = (uint16_t)value; break;
    default:
        if (queue)
            write_queue(device, queue, offset, value);
        break;
    }
    return VIRTIO_NOTHING;
}

/* ---- The memory BAR ---- */

static uint64_t read_device_config(const struct virtio_device *device, uint32_t offset,
                                   unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size && offset + i < device->config_size; i++)
        value |= (uint64_t)device->config[offset + i] << (8 * i);
    return value;
}

static uint64_t read_part(struct virtio_device *device, uint32_t offset, unsigned size) {
    uint32_t inner = offset % BAR_PART;
    if (offset < BAR_ISR)
        return read_common(device, inner);
    if (offset < BAR_DEVICE)
        return 0;                    /* ISR: there are no INTx interrupts */
    if (offset < BAR_MSIX)
        return read_device_config(device, inner, size);
    if (offset < BAR_PENDING)
        return pci_msix_read(&device->pci, inner);
    return offset == BAR_PENDING ? pci_msix_pending(&device->pci) : 0;
}

uint64_t virtio_bar_read(struct virtio_device *device, uint32_t offset, unsigned size) {
    if (size < 8 || (offset >= BAR_ISR && offset < BAR_MSIX))
        return read_part(device, offset, size);
    return (uint32_t)read_part(device, offset, 4) | read_part(device, offset + 4, 4) << 32;
}

static enum virtio_event write_part(struct virtio_device *device, uint32_t offset, uint64_t value) {
    if (offset < BAR_ISR)
        return write_common(device, offset, value);
    if (offset >= BAR_MSIX && offset < BAR_PENDING)
        pci_msix_write(&device->pci, offset - BAR_MSIX, (uint32_t)value);
    return VIRTIO_NOTHING;
}

enum virtio_event virtio_bar_write(struct virtio_device *device, uint32_t offset, unsigned size,
                                   uint64_t value) {
    if (size < 8)
        return write_part(device, offset, value);
    enum virtio_event event = write_part(device, offset, (uint32_t)value);
    enum virtio_event second = write_part(device, offset + 4, value >> 32);
    return second != VIRTIO_NOTHING ? second : event;
}

/* ---- The window in configuration space ---- */

struct window_access { uint32_t bar, offset, size; };

/* What an access to the window's data means; false: it isn't there, or the window makes no sense. */
static bool window_access(const struct virtio_device *device, unsigned offset,
                          struct window_access *access) {
    unsigned at = device->window_at;
    if (offset < at + WINDOW_DATA || offset >= at + WINDOW_DATA + 4)
        return false;
    access->bar = pci_config_read(&device->pci, at + WINDOW_BAR, 1);
    access->offset = pci_config_read(&device->pci, at + WINDOW_OFFSET, 4);
    access->size = pci_config_read(&device->pci, at + WINDOW_LENGTH, 4);
    bool whole = access->size == 1 || access->size == 2 || access->size == 4;
    return whole && access->offset % access->size == 0 && access->offset < VIRTIO_BAR_SIZE;
}

void virtio_window_read(struct virtio_device *device, unsigned offset) {
    struct window_access access;
    if (!window_access(device, offset, &access) || access.bar != VIRTIO_MEMORY_BAR)
        return;
    uint64_t value = virtio_bar_read(device, access.offset, access.size);
    pci_put32(&device->pci, device->window_at + WINDOW_DATA, (uint32_t)value);
}

enum virtio_event virtio_window_write(struct virtio_device *device, unsigned offset) {
    struct window_access access;
    if (!window_access(device, offset, &access))
        return VIRTIO_NOTHING;
    uint32_t value = pci_config_read(&device->pci, device->window_at + WINDOW_DATA, access.size);
    if (access.bar == VIRTIO_MEMORY_BAR)
        return virtio_bar_write(device, access.offset, access.size, value);
    return access.bar == VIRTIO_NOTIFY_BAR ? VIRTIO_KICK : VIRTIO_NOTHING;
}
