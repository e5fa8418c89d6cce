/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/ring, the lives: both ends may be reset at any moment, several times; nobody ever takes a
 * descriptor that was meant for, or sent by, another life, and at the end the link is up again.
 * The steps are those of open_link, ring_check and meet (lib/ring/ring.c), a shared access each.
 *
 * An end that is reset stops between any two of its accesses: its half stays as it is.
 */
#define LIVES 3

byte generation[2], seen[2], tail[2];
byte from_life[2], to_life[2];       /* of the one descriptor that each end publishes in a life */
bit woken[2];
byte lives[2];
bit settled[2];

#define OTHER (1 - me)

proctype end_of_link(byte me)
{
    byte own, peer_known, peer_now, limit;
    bit up, sent;

start:
    atomic { lives[me]++; own = lives[me]; settled[me] = 0 }
    generation[me] = 0;
    seen[me] = 0;
    tail[me] = 0;
    peer_known = 0;
    up = 0;
    sent = 0;
    limit = 0;
    generation[me] = own;
    woken[OTHER] = 1;
    do
    :: lives[me] < LIVES -> goto start                /* reset */
    :: else ->
        peer_now = generation[OTHER];
        if
        :: peer_now != peer_known ->
            seen[me] = 0;
            tail[me] = 0;
            limit = 0;
            up = 0;
            sent = 0;
            peer_known = peer_now;
            seen[me] = peer_now;
            if
            :: peer_now != 0 -> woken[OTHER] = 1
            :: else
            fi
        :: else
        fi;
        if
        :: !up && peer_now != 0 && seen[OTHER] == own -> up = 1
        :: else
        fi;
        if
        :: up && tail[OTHER] > limit ->
            assert(from_life[OTHER] == peer_known && to_life[OTHER] == own);
            limit = 1
        :: else
        fi;
        if
        :: up && !sent ->
            from_life[me] = own;
            to_life[me] = peer_known;
            tail[me] = 1;
            sent = 1;
            woken[OTHER] = 1
        :: else
        fi;
        if
        :: up && sent && limit == 1 -> settled[me] = 1
        :: else -> settled[me] = 0
        fi;
end:
        if
        :: atomic { woken[me] -> woken[me] = 0 }
        :: lives[me] < LIVES -> goto start            /* reset while asleep */
        fi
    od
}

/* When nobody can move any more, both have their descriptor of the last lives. */
init {
    atomic { run end_of_link(0); run end_of_link(1) }
    timeout;
    assert(settled[0] && settled[1])
}
