/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools and mailboxes (drivers/igb/pools.h). Touches the card's registers only. */
#include "drivers/igb/pools.h"

#include "lib/mmio/mmio.h"

enum {
    GROUP_WORDS = 128,             /* of the multicast and the VLAN filter */
    ADDRESSES_FIRST_OWN = IGB_POOLS,
    OTHER_MESSAGE = 0, RECEIVED_MESSAGE = 1, SENT_MESSAGE = 2,
};

static uint32_t get(struct pools *pools, uint32_t which) {
    return mmio_read32(pools->registers, which);
}

static void set(struct pools *pools, uint32_t which, uint32_t value) {
    mmio_write32(pools->registers, which, value);
}

static void set_address(struct pools *pools, unsigned entry, const uint8_t mac[6], unsigned pool) {
    uint32_t low = mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24;

    set(pools, IGB_RAL + 8 * entry, low);
    set(pools, IGB_RAH + 8 * entry, mac[4] | (uint32_t)mac[5] << 8 | RAH_POOL(pool) | RAH_VALID);
}

/* A function that isn't ready neither sends nor receives. */
static void set_pool(struct pools *pools, unsigned number) {
    const struct mailbox_function *f = &pools->function[number];
    uint32_t bit = 1u << number;
    uint32_t takes = VMOLR_STRIP_CRC | VMOLR_BROADCAST | (f->multicast ? VMOLR_MULTICAST : 0) |
                     (f->vlan != 0 ? VMOLR_STRIP_VLAN : VMOLR_UNTAGGED);

    set(pools, IGB_RAH + 8 * number, 0);
    if (f->ready)
        set_address(pools, number, f->mac, number);
    set(pools, IGB_VMVIR + 4 * number, f->vlan != 0 ? f->vlan | (uint32_t)VMVIR_DEFAULT : 0);
    set(pools, IGB_VMOLR + 4 * number, f->ready ? takes : VMOLR_STRIP_CRC);
    set(pools, IGB_VFRE, (get(pools, IGB_VFRE) & ~bit) | (f->ready ? bit : 0));
    set(pools, IGB_VFTE, (get(pools, IGB_VFTE) & ~bit) | (f->ready ? bit : 0));
}

/* The filter is on if anybody has a VLAN; then only those VLANs pass, and each to its members. */
static void set_vlans(struct pools *pools) {
    uint32_t filter = 0;

    for (unsigned i = 0; i < GROUP_WORDS; i++)
        set(pools, IGB_VFTA + 4 * i, 0);
    for (unsigned i = 0; i < IGB_VIRTUAL; i++) {
        uint32_t vlan = pools->function[i].vlan;
        uint32_t word = IGB_VFTA + vlan / 32 * 4;

        set(pools, IGB_VLVF + 4 * i, vlan != 0 ? vlan | VLVF_POOL(i) | VLVF_ENABLE : 0);
        if (vlan == 0)
            continue;
        set(pools, word, get(pools, word) | 1u << vlan % 32);
        filter = RCTL_VFE;
    }
    set(pools, IGB_RCTL, RCTL_EN | RCTL_UPE | RCTL_MPE | RCTL_BAM | RCTL_SECRC | filter);
}

/* Our own pool takes what no other has: it is the uplink of a switch with many addresses. Group
 * frames pass the card's filter and are chosen by pool. */
static void set_switch(struct pools *pools) {
    for (unsigned i = 0; i < GROUP_WORDS; i++) {
        set(pools, IGB_MTA + 4 * i, UINT32_MAX);
        set(pools, IGB_UTA + 4 * i, 0);
    }
    for (unsigned i = 0; i < pools->own_count; i++)
        set_address(pools, ADDRESSES_FIRST_OWN + i, pools->own[i], IGB_OWN_POOL);
    set(pools, IGB_MRQC, MRQC_POOLS);
    set(pools, IGB_VT_CTL, VT_DEFAULT_POOL | VT_REPLICATE);
    set(pools, IGB_DTXSWC, DTXSWC_LOOPBACK | DTXSWC_CHECKED);
    set(pools, IGB_QDE, UINT16_MAX);
    set(pools, IGB_VMOLR + 4 * IGB_OWN_POOL, VMOLR_STRIP_CRC | VMOLR_BROADCAST | VMOLR_MULTICAST |
                                             VMOLR_UNICAST | VMOLR_UNTAGGED);
    set(pools, IGB_VFRE, 1u << IGB_OWN_POOL);
    set(pools, IGB_VFTE, 1u << IGB_OWN_POOL);
}

static void set_interrupts(struct pools *pools) {
    set(pools, IGB_GPIE, GPIE_MSIX | GPIE_CLEAR_ICR | GPIE_PENDING);
    set(pools, IGB_EIAC, CAUSE_ALL);
    set(pools, IGB_IVAR + 4 * IGB_OWN_POOL,
        IVAR_VALID | RECEIVED_MESSAGE | (uint32_t)(IVAR_VALID | SENT_MESSAGE) << 8);
    set(pools, IGB_IVAR_MISC, (uint32_t)(IVAR_VALID | OTHER_MESSAGE) << 8);
    set(pools, IGB_MBVFIMR, UINT8_MAX);
    set(pools, IGB_IMS, ICR_LSC | ICR_MAILBOX);
}

static uint32_t memory_of(unsigned number) {
    return IGB_VMBMEM + number * IGB_MAILBOX_WORDS * 4;
}

/* The memory of a mailbox is one side's at a time. A peer that never lets go is made to. */
static bool take_mailbox(struct pools *pools, unsigned number) {
    uint32_t mailbox = IGB_P2VMAILBOX + 4 * number;

    set(pools, mailbox, P2V_TAKE);
    if ((get(pools, mailbox) & P2V_TAKE) != 0)
        return true;
    set(pools, mailbox, P2V_TAKE_AWAY);
    set(pools, mailbox, P2V_TAKE);
    return (get(pools, mailbox) & P2V_TAKE) != 0;
}

static void send(struct pools *pools, unsigned number, const uint32_t *words, unsigned count,
                 uint32_t ack) {
    for (unsigned i = 0; i < count; i++)
        set(pools, memory_of(number) + 4 * i, words[i]);
    set(pools, IGB_P2VMAILBOX + 4 * number, ack | P2V_STATUS);
}

/* A word that isn't an answer to anything: a function that isn't ready has to reset itself. */
static void tell(struct pools *pools, unsigned number) {
    uint32_t word = MAILBOX_CONTROL |
                    (pools->function[number].ready ? MAILBOX_READY : MAILBOX_NACK);

    if (take_mailbox(pools, number))
        send(pools, number, &word, 1, 0);
}

void pools_tell(struct pools *pools) {
    for (unsigned i = 0; i < IGB_VIRTUAL; i++)
        tell(pools, i);
}

void pools_start(struct pools *pools) {
    set_switch(pools);
    for (unsigned i = 0; i < IGB_VIRTUAL; i++) {
        pools->function[i].ready = pools->function[i].multicast = false;
        set_pool(pools, i);
    }
    set_vlans(pools);
    set(pools, IGB_TCTL, TCTL_EN | TCTL_PSP | TCTL_COLLISIONS);
    set_interrupts(pools);
    pools_tell(pools);
    set(pools, IGB_CTRL_EXT, get(pools, IGB_CTRL_EXT) | CTRL_EXT_PFRSTD);
}

static void refuse(struct pools *pools, unsigned number) {
    pools->refused++;
    pools->refused_last = number;
}

/* Each word is read once, before anything is decided. */
static void serve_message(struct pools *pools, unsigned number) {
    uint32_t message[IGB_MAILBOX_WORDS];
    uint32_t answer[MAILBOX_ANSWER];
    unsigned count;

    pools->messages++;
    if (!take_mailbox(pools, number)) {
        refuse(pools, number);
        return;
    }
    for (unsigned i = 0; i < IGB_MAILBOX_WORDS; i++)
        message[i] = get(pools, memory_of(number) + 4 * i);
    count = mailbox_answer(&pools->function[number], message, answer);
    if ((answer[0] & MAILBOX_NACK) != 0)
        refuse(pools, number);
    set_pool(pools, number);
    send(pools, number, answer, count, P2V_ACK);
}

static void serve_reset(struct pools *pools, unsigned number) {
    pools->resets++;
    pools->function[number].ready = pools->function[number].multicast = false;
    set_pool(pools, number);
}

/* What comes after a register was read sets the cause again. */
uint32_t pools_serve(struct pools *pools) {
    uint32_t cause = get(pools, IGB_ICR);
    uint32_t reset = get(pools, IGB_VFLRE);
    uint32_t mail = get(pools, IGB_MBVFICR);

    set(pools, IGB_VFLRE, reset);
    set(pools, IGB_MBVFICR, mail);
    for (unsigned i = 0; i < IGB_VIRTUAL; i++) {
        if ((reset >> i & 1) != 0)
            serve_reset(pools, i);
        if ((mail >> i & 1) != 0)
            serve_message(pools, i);
    }
    return cause;
}
