/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that drives its NVMe controller (vmm/nvme/) against the rules, as its command line's
 * words say, one after the other:
 *   fair       by the rules: IDENTIFY, and a read by a list
 *   data       data to far outside the guest's memory
 *   registers  data into the controller's own registers
 *   entry      a list that names a page far outside
 *   list       a list far outside
 *   loop       a list that leads to itself, and whose data is itself
 *   endless    a command of 32 MiB by such a list
 *   admin      the admin submission queue far outside
 *   commands   a submission queue in the controller's own registers
 *   answers    a completion queue far outside
 *   doorbells  doorbells in memory far outside
 *   events     their event indexes in the controller's own registers
 *   queues     data over the command's own queues
 *   number     a queue of a number far beyond the last
 *   index      a doorbell with an index that the queue never reaches
 *   flood      values for all doorbells there could be, over and over
 * After each it says on COM1 what the controller did, and then whether it still does its work.
 *
 * Reference: NVM Express 1.4, "Controller Registers", "Submission Queue Entry", "Physical Region
 * Page Entry and List".
 */
#include "devices.h"

#define CONTROLLER_ID 0x00101b36u
enum { MEMORY_BAR = 0, PAGE = 4096, SECTORS_A_PAGE = 8, PATIENCE = 200000 };
enum { ENTRIES = 64, LIST = PAGE / 8, LONG_LIST = 16 * LIST };
enum { NEVER_REACHED = 0x4000, ROUNDS = 100, FLOODS = 20 };

enum { CC = 0x14, CSTS = 0x1c, AQA = 0x24, ASQ = 0x28, ACQ = 0x30, DOORBELLS = 0x1000,
       DOORBELLS_PAGE = 0x1000 };
enum { CC_ENABLED = 6u << 16 | 4u << 20 | 1 };       /* entries of 64 and of 16 bytes */
enum { CSTS_READY = 1, CSTS_FATAL = 2 };
enum { CREATE_SQ = 0x01, CREATE_CQ = 0x05, IDENTIFY = 0x06, DOORBELL_BUFFERS = 0x7c };
enum { WRITE = 0x01, READ = 0x02, NO_SUCH = 0xff, THE_DISK = 1, THE_CONTROLLER = 1 };
enum { CONTIGUOUS = 1, SIZE_SHIFT = 16, CQ_SHIFT = 16, PHASE = 1, LONGEST = 0xffff };
enum { SUCCESS = 0, BAD_FIELD = 0x02, BAD_TRANSFER = 0x04, BAD_QUEUE = 0x101, SILENCE = 0xffff };

struct command {
    uint32_t operation, namespace;
    uint64_t reserved[2], prp1, prp2;
    uint32_t dword10, dword11, dword12, dwords[3];
};
_Static_assert(sizeof(struct command) == 64, "Submission Queue Entry");

struct completion { uint32_t result, reserved; uint16_t head, queue, id, status; };

/* The queues have their pages to themselves: data may come over them. */
struct pair {
    struct command command[PAGE / 64];
    volatile struct completion completion[PAGE / 16];
    unsigned tail, head, phase;
} __attribute__((aligned(PAGE)));
_Static_assert(ENTRIES <= PAGE / 64, "a queue is within its page");

void main(const uint8_t *zero_page);

enum { ADMIN, IO, PAIRS };
static struct pair pair[PAIRS];
static uint64_t list[LONG_LIST] __attribute__((aligned(PAGE)));
static uint8_t data[4][PAGE] __attribute__((aligned(PAGE)));
static uint8_t buffers[2][PAGE] __attribute__((aligned(PAGE)));
static volatile uint8_t *controller;

static void ring(unsigned doorbell, uint32_t value) {
    write32(controller + DOORBELLS + 4 * doorbell, value);
}

/* ---- Commands ---- */

static int has_answer(const struct pair *p) {
    return (p->completion[p->head].status & PHASE) == p->phase;
}

/* The status of the next answer, as the specification has it. */
static unsigned take_answer(unsigned number) {
    struct pair *p = &pair[number];
    unsigned status = p->completion[p->head].status >> 1 & 0x7ff;
    p->head = (p->head + 1) % ENTRIES;
    p->phase ^= p->head == 0;
    ring(2 * number + 1, p->head);
    return status;
}

static unsigned await_answer(unsigned number) {
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (has_answer(&pair[number]))
            return take_answer(number);
        read32(controller + CSTS);
    }
    return SILENCE;
}

static unsigned issue(unsigned number, struct command command) {
    struct pair *p = &pair[number];
    p->command[p->tail] = command;
    p->tail = (p->tail + 1) % ENTRIES;
    ring(2 * number, p->tail);
    return await_answer(number);
}

static const char *in_words(unsigned status) {
    switch (status) {
    case SUCCESS: return "done";
    case BAD_FIELD: return "invalid field";
    case BAD_TRANSFER: return "data transfer error";
    case BAD_QUEUE: return "invalid queue";
    case SILENCE: return "the controller is silent";
    default: return "another error";
    }
}

static unsigned identify(uint64_t to) {
    return issue(ADMIN, (struct command){ .operation = IDENTIFY, .prp1 = to,
                                          .dword10 = THE_CONTROLLER });
}

static unsigned create(unsigned operation, unsigned number, uint64_t at, unsigned cq) {
    return issue(ADMIN, (struct command){
        .operation = operation, .prp1 = at, .dword10 = number | (ENTRIES - 1) << SIZE_SHIFT,
        .dword11 = CONTIGUOUS | cq << CQ_SHIFT });
}

static unsigned move(unsigned operation, unsigned sectors, uint64_t first, uint64_t others) {
    return issue(IO, (struct command){ .operation = operation, .namespace = THE_DISK,
                                       .prp1 = first, .prp2 = others, .dword12 = sectors - 1 });
}

/* ---- By the rules ---- */

/* What an earlier life left in the queues is no answer. */
static void clear_pair(struct pair *p) {
    for (unsigned i = 0; i < ENTRIES; i++)
        p->completion[i].status = 0;
    p->tail = p->head = 0;
    p->phase = 1;
}

static unsigned enable(uint64_t commands) {
    write32(controller + CC, 0);
    clear_pair(&pair[ADMIN]);
    clear_pair(&pair[IO]);
    write32(controller + AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    write64(controller + ASQ, commands);
    write64(controller + ACQ, address_of(pair[ADMIN].completion));
    write32(controller + CC, CC_ENABLED);
    uint32_t status = 0;
    for (unsigned i = 0; i < PATIENCE && status == 0; i++)
        status = read32(controller + CSTS);
    return status;
}

/* Waits until the disk is there. */
static void start(void) { enable(address_of(pair[ADMIN].command)); }

static unsigned start_io(void) {
    unsigned status = create(CREATE_CQ, IO, address_of(pair[IO].completion), 0);
    return status != SUCCESS ? status : create(CREATE_SQ, IO, address_of(pair[IO].command), IO);
}

static void fill_list(uint64_t second, uint64_t third) {
    list[0] = second;
    list[1] = third;
}

/* Three pages by the list. */
static unsigned read_listed(uint64_t first) {
    return move(READ, 3 * SECTORS_A_PAGE, first, address_of(list));
}

static unsigned fair(void) {
    unsigned status = identify(address_of(data[0]));
    if (status == SUCCESS)
        status = start_io();
    fill_list(address_of(data[1]), address_of(data[2]));
    return status != SUCCESS ? status : read_listed(address_of(data[0]));
}

/* ---- Against them ---- */

static const char *do_fair(void) { return in_words(fair()); }

static const char *data_far(void) { return in_words(identify(FAR)); }

static const char *data_in_registers(void) { return in_words(identify(address_of(controller))); }

static const char *entry_far(void) {
    start_io();
    fill_list(address_of(data[1]), FAR);
    return in_words(read_listed(address_of(data[0])));
}

static const char *list_far(void) {
    start_io();
    return in_words(move(READ, 3 * SECTORS_A_PAGE, address_of(data[0]), FAR));
}

/* It begins with its last entry, so that this one leads to the next list. */
static const char *list_in_loop(void) {
    start_io();
    for (unsigned i = 0; i < LIST; i++)
        list[i] = address_of(list);
    return in_words(move(READ, 4 * SECTORS_A_PAGE, address_of(data[0]),
                         address_of(&list[LIST - 1])));
}

/* One who follows it finds good pages for as many entries as there could be. */
static const char *endless_list(void) {
    start_io();
    for (unsigned i = 0; i < LONG_LIST; i++)
        list[i] = address_of(list);
    return in_words(move(WRITE, LONGEST + 1, address_of(list), address_of(list)));
}

static const char *admin_far(void) {
    if (enable(FAR) & CSTS_FATAL)
        return "fatal status";
    return in_words(identify(address_of(data[0])));
}

/* Whoever may have such a queue uses it. */
static const char *use_if(unsigned status) {
    return in_words(status != SUCCESS ? status : read_listed(address_of(data[0])));
}

static const char *commands_in_registers(void) {
    create(CREATE_CQ, IO, address_of(pair[IO].completion), 0);
    return use_if(create(CREATE_SQ, IO, address_of(controller), IO));
}

static const char *answers_far(void) {
    unsigned status = create(CREATE_CQ, IO, FAR, 0);
    create(CREATE_SQ, IO, address_of(pair[IO].command), IO);
    return use_if(status);
}

static const char *use_doorbells(uint64_t doorbells, uint64_t events) {
    start_io();
    return use_if(issue(ADMIN, (struct command){ .operation = DOORBELL_BUFFERS,
                                                 .prp1 = doorbells, .prp2 = events }));
}

static const char *doorbells_far(void) { return use_doorbells(FAR, address_of(buffers[1])); }

static const char *events_in_registers(void) {
    return use_doorbells(address_of(buffers[0]), address_of(controller));
}

static const char *data_over_queues(void) {
    start_io();
    fill_list(address_of(pair[IO].command), address_of(list));
    return in_words(read_listed(address_of(pair[IO].completion)));
}

static const char *number_beyond(void) {
    return in_words(create(CREATE_CQ, LONGEST, address_of(pair[IO].completion), 0));
}

/* Commands that nobody else has work by. Between two admin commands the controller takes some. */
static const char *index_beyond(void) {
    unsigned answers = 0;
    start_io();
    for (unsigned i = 0; i < ENTRIES; i++)
        pair[IO].command[i] = (struct command){ .operation = NO_SUCH };
    ring(2 * IO, NEVER_REACHED);
    for (unsigned i = 0; i < ROUNDS && answers < 3 * ENTRIES; i++) {
        identify(address_of(data[0]));
        for (; has_answer(&pair[IO]); answers++)
            take_answer(IO);
    }
    return answers < 3 * ENTRIES ? "the queue stands still" : "the controller never ends";
}

static const char *flood(void) {
    start_io();
    for (unsigned i = 0; i < FLOODS; i++)
        for (unsigned at = 0; at < DOORBELLS_PAGE / 4; at++)
            ring(at, i % 2 ? ~0u : at % (2 * ENTRIES));
    start();
    return do_fair();
}

/* ---- */

static void report(const char *deed, const char *when, const char *what) {
    say("nvme: ");
    say(deed);
    say_line(when, what);
}

static void do_deed(const char *word) {
    static const struct { const char *name; const char *(*act)(void); } deeds[] = {
        { "fair", do_fair }, { "data", data_far }, { "registers", data_in_registers },
        { "entry", entry_far }, { "list", list_far }, { "loop", list_in_loop },
        { "endless", endless_list }, { "admin", admin_far },
        { "commands", commands_in_registers }, { "answers", answers_far },
        { "doorbells", doorbells_far }, { "events", events_in_registers },
        { "queues", data_over_queues }, { "number", number_beyond }, { "index", index_beyond },
        { "flood", flood },
    };
    for (unsigned i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
        if (!first_word_is(word, deeds[i].name))
            continue;
        start();
        report(deeds[i].name, ": ", deeds[i].act());
        start();
        report(deeds[i].name, " afterwards: ", do_fair());
    }
}

void main(const uint8_t *zero_page) {
    controller = device_memory(bar(find_device(CONTROLLER_ID), MEMORY_BAR));
    for (const char *word = command_line(zero_page); word; word = next_word(word))
        do_deed(word);
    rest();
}
