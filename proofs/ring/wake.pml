/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/ring, the wake-ups: no notification is lost, whatever the interleaving, although a busy pair
 * is never signalled. One sender and one receiver as in ring_publish, ring_disarm, ring_sleep,
 * ring_await_release.
 *
 * Indices count modulo MODULUS, which is small so that they wrap around several times. The memory
 * model is x86's: a store waits in the core's buffer (`*_stored`) before others see it; FENCE waits
 * until the own stores are seen. Build with -DNO_FENCE to see that the fences are needed: a deadlock.
 *
 * Checked: whoever sleeps for ever does so when all was sent and received (no invalid end state),
 * and descriptors arrive in order.
 */
#define MODULUS 8
#define DEPTH   2
#define ITEMS   20

#define MINUS(a, b) (((a) + MODULUS - (b)) % MODULUS)
#define PASSES(at, old, now) (MINUS(now, ((at) + 1) % MODULUS) < MINUS(now, old))

/* As seen by everybody, and as stored by their only writer. */
byte tail, tail_stored, head, head_stored;
byte wake_at, wake_at_stored, space_at = MODULUS - 1, space_at_stored = MODULUS - 1;
byte item[DEPTH];
bit sender_bit, receiver_bit;
byte got;

#ifdef NO_FENCE
#define FENCE_SENDER   skip
#define FENCE_RECEIVER skip
#else
#define FENCE_SENDER   (tail == tail_stored && space_at == space_at_stored)
#define FENCE_RECEIVER (head == head_stored && wake_at == wake_at_stored)
#endif

/* A core's stores become visible in the order of the program: the sender never has both of its own
 * under way, because each is followed by a fence; without fences the order doesn't save it either. */
active proctype buffers()
{
end:
    do
    :: atomic { tail != tail_stored -> tail = tail_stored }
    :: atomic { space_at != space_at_stored -> space_at = space_at_stored }
    :: atomic { head != head_stored -> head = head_stored }
    :: atomic { wake_at != wake_at_stored -> wake_at = wake_at_stored }
    od
}

active proctype sender()
{
    byte put = 0, sent = 0, acked = 0, count = 0, seen;

    do
    :: count == ITEMS && sent == put -> break
    :: else ->
        acked = head;
        if
        :: count < ITEMS && MINUS(put, acked) < DEPTH ->
            item[put % DEPTH] = count;
            put = (put + 1) % MODULUS;
            count++;
            if
            :: true                                   /* publish now */
            :: count < ITEMS && MINUS(put, acked) < DEPTH -> goto again   /* or batch */
            fi;
            tail_stored = put;
            FENCE_SENDER;
            seen = wake_at;
            if
            :: PASSES(seen, sent, put) -> receiver_bit = 1
            :: else
            fi;
            sent = put
        :: else ->
            space_at_stored = acked;
            FENCE_SENDER;
            if
            :: head == acked -> atomic { sender_bit == 1 -> sender_bit = 0 }
            :: else
            fi
        fi;
again:  skip
    od
}

active proctype receiver()
{
    byte next = 0, released = 0, limit = 0, seen;

    do
    :: got == ITEMS -> break
    :: else ->
        if
        :: true -> wake_at_stored = MINUS(next, 1)    /* awake: disarm */
        :: true
        fi;
        limit = tail;
        assert(MINUS(limit, released) <= DEPTH);
        if
        :: limit != next ->
            do
            :: next != limit ->
                assert(item[next % DEPTH] == got);
                next = (next + 1) % MODULUS;
                got++;
                if
                :: true -> break                      /* release one, or several at once */
                :: true
                fi
            :: else -> break
            od;
            head_stored = next;
            FENCE_RECEIVER;
            seen = space_at;
            if
            :: PASSES(seen, released, next) -> sender_bit = 1
            :: else
            fi;
            released = next
        :: else ->
            wake_at_stored = next;
            FENCE_RECEIVER;
            if
            :: tail == next -> atomic { receiver_bit == 1 -> receiver_bit = 0 }
            :: else
            fi
        fi
    od
}
