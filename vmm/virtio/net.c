/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net, the device's side.
 */
#include "vmm/virtio/net.h"

#include "lib/c/string.h"
#include "lib/time/time.h"
#include "vmm/peers.h"

enum { RECEIVE = 0, TRANSMIT = 1 };
enum { HEADER_SIZE = 12, HEADER_BUFFERS = 10 };   /* virtio 5.1.6: num_buffers is the last field */
enum { CONFIG_STATUS = 6, CONFIG_SIZE = 8, STATUS_LINK_UP = 1 };

#define FEATURE_MAC    (1ull << 5)
#define FEATURE_STATUS (1ull << 16)

void net_create(struct net *net, const uint8_t mac[NET_MAC_BYTES],
                const struct guest_memory *memory, uint32_t memory_base, uint16_t notify_port,
                uint32_t notify_size) {
    static const struct virtio_identity identity = {
        .device = 1, .class = 0x020000, .queues = 2, .features = FEATURE_MAC | FEATURE_STATUS,
    };
    virtio_create(&net->device, &identity, memory, memory_base, notify_port, notify_size);
    memcpy(net->device.config, mac, NET_MAC_BYTES);
    net->device.config[CONFIG_STATUS] = STATUS_LINK_UP;
    net->device.config_size = CONFIG_SIZE;
    net->present = true;
}

/* Sends one frame; false: the switch has no room now, the chain stays with the guest. */
static bool send(struct net *net, const struct virtqueue_chain *chain) {
    uint64_t length = chain->readable_size - HEADER_SIZE;
    bool good = chain->readable_size >= HEADER_SIZE + NET_FRAME_MIN && length <= NET_FRAME_MAX;
    if (!good || !ring_up(&net->link)) {
        net->dropped++;
        return true;
    }
    if (net_capacity(&net->link) == 0)
        return false;
    virtqueue_gather(chain, HEADER_SIZE, net_slot(&net->link), (uint32_t)length);
    net_send(&net->link, (uint16_t)length);
    return true;
}

/* Answers how many frames the guest had. */
static unsigned transmit(struct net *net, unsigned budget) {
    struct virtqueue *queue = &net->device.queue[TRANSMIT];
    struct virtqueue_chain chain;
    enum virtqueue_result result = VIRTQUEUE_EMPTY;
    unsigned done = 0;
    for (; done < budget; done++) {
        result = virtqueue_pop(queue, &chain);
        if (result != VIRTQUEUE_GOT)
            break;
        if (!send(net, &chain)) {
            virtqueue_unpop(queue);
            break;
        }
        virtqueue_push(queue, chain.head, 0);
    }
    if (result == VIRTQUEUE_BROKEN)
        virtio_fail(&net->device);
    if (done > 0) {
        virtqueue_publish(queue);
        virtio_signal(&net->device, TRANSMIT);
    }
    return done;
}

/* Fills a chain with a frame of the switch's; answers the bytes written, zero if it doesn't fit. */
static uint32_t fill(const struct net *net, const struct virtqueue_chain *chain,
                     struct ring_descriptor frame) {
    static const uint8_t header[HEADER_SIZE] = { [HEADER_BUFFERS] = 1 };
    uint32_t total = HEADER_SIZE + frame.length;
    if (chain->writable_size < total)
        return 0;
    virtqueue_scatter(chain, 0, header, HEADER_SIZE);
    virtqueue_scatter(chain, HEADER_SIZE, net->link.in + frame.offset, frame.length);
    return total;
}

static bool receive(struct net *net, unsigned budget) {
    struct virtqueue *queue = &net->device.queue[RECEIVE];
    struct virtqueue_chain chain;
    uint32_t waiting = ring_available(&net->link);
    unsigned count = waiting < budget ? waiting : budget;
    bool pushed = false;
    for (unsigned i = 0; i < count; i++) {
        enum virtqueue_result result = virtqueue_pop(queue, &chain);
        if (result == VIRTQUEUE_BROKEN)
            virtio_fail(&net->device);
        if (result != VIRTQUEUE_GOT) {
            count = i;
            break;
        }
        struct ring_descriptor frame = ring_get(&net->link);
        uint32_t written = peers_frame_good(&net->link, frame) ? fill(net, &chain, frame) : 0;
        ring_done(&net->link, 1);
        if (written == 0) {
            net->dropped++;
            virtqueue_unpop(queue);
            continue;
        }
        virtqueue_push(queue, chain.head, written);
        pushed = true;
    }
    if (pushed) {
        virtqueue_publish(queue);
        virtio_signal(&net->device, RECEIVE);
    }
    return count == budget;
}

/* While the guest has no driver, what comes for it is dropped. */
static void drop_all(struct net *net) {
    for (uint32_t n = ring_available(&net->link); n > 0; n--) {
        ring_get(&net->link);
        ring_done(&net->link, 1);
    }
}

bool net_run(struct net *net, unsigned budget) {
    bool more = false;
    if (!net->present)
        return false;
    ring_check(&net->link);
    if (virtio_ready(&net->device)) {
        virtqueue_disarm(&net->device.queue[TRANSMIT]);
        unsigned sent = transmit(net, budget);
        pace_looked(&net->pace, time_now(), sent);
        more |= sent == budget;
        more |= receive(net, budget);
    } else {
        pace_stop(&net->pace);
        drop_all(net);
    }
    ring_flush(&net->link);
    return more;
}

/* Whether the guest lacks receive buffers for what the switch sent: its next one is to wake us. */
static bool settle_receive(struct net *net) {
    bool quiet = ring_sleep(&net->link);
    bool starved = ring_available(&net->link) > 0;
    if (!virtio_ready(&net->device) || !starved)
        return quiet;
    return virtqueue_arm(&net->device.queue[RECEIVE]);
}

static bool settle_transmit(struct net *net) {
    struct virtqueue *queue = &net->device.queue[TRANSMIT];
    if (!virtio_ready(&net->device) || net->pace.on)
        return true;
    bool quiet = virtqueue_arm(queue);
    if (quiet || !ring_up(&net->link) || net_capacity(&net->link) > 0)
        return quiet;
    return ring_await_space(&net->link);
}

bool net_settle(struct net *net) {
    if (!net->present)
        return true;
    bool receive_quiet = settle_receive(net);
    bool transmit_quiet = settle_transmit(net);
    return receive_quiet && transmit_quiet;
}

uint64_t net_deadline(const struct net *net) {
    return net->present && net->pace.on ? net->pace.due : BH_FOREVER;
}
