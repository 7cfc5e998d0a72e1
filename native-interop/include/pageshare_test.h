/*
 * Test points: named places in the page protocol where a test may stop a thread, and calls that a test may make fail.
 * They are compiled in always, so that what is tested is what ships; disarmed, a point costs one relaxed load.
 *
 * Stopping is done with futexes here and not by a callback, since a point is passed inside the fault handler.
 */
#ifndef PAGESHARE_TEST_H
#define PAGESHARE_TEST_H

#include "pageshare.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ps_point {
    PS_POINT_CLAIMED = 0,        /* ps_merge: words say SEALED, the pages are still writable */
    PS_POINT_SEALED = 1,         /* write-protected, nothing compared yet */
    PS_POINT_COMPARED = 2,       /* equal, words say REMAPPING, still mapped to the backing */
    PS_POINT_REMAPPED = 3,       /* mapped to the frames, old pages not punched yet */
    PS_POINT_PUNCHED = 4,        /* punched, not committed */
    PS_POINT_FAULT_ENTERED = 5,  /* a store faulted on a page of ours */
    PS_POINT_BREAK_CLAIMED = 6,  /* words say BREAKING */
    PS_POINT_BREAK_COPIED = 7,   /* the backing has the bytes, the frame is still mapped */
    PS_POINT_BREAK_MAPPED = 8,   /* writable again, word still BREAKING */
    PS_POINT_WAITING = 9,        /* about to sleep until another thread is done with the page */
    PS_POINT_SETTLE_SEALED = 10, /* Kernel mode: a broken page is write-protected for comparing */
    PS_POINT_MOVE_CLAIMED = 11,  /* ps_move: words say BREAKING; in Kernel mode the pages are still writable */
    PS_POINT_MOVE_SEALED = 12,   /* nobody can store, nothing compared yet */
    PS_POINT_MOVE_COMPARED = 13, /* compared, still mapped to the old frames */
    PS_POINT_MOVE_MAPPED = 14,   /* mapped to the new frames, words still BREAKING */
    PS_POINT_ORDER_TAKEN = 15,   /* the agent has copied an order and not begun it */
    PS_POINT_ORDER_DONE = 16,    /* the agent has done an order and not answered it */
    /* Of the host. What stands for the page here is the order's kind, a ps_order_kind. */
    PS_POINT_ORDER_WRITTEN = 17, /* ps_ring_post: an order stands in its slot and is not posted */
    PS_POINT_ORDER_POSTED = 18,  /* posted; an agent that sleeps has not been woken */
    PS_POINT_ANSWER_SEEN = 19,   /* ps_ring_await: the answer is there and nothing of it was taken */
    PS_POINT_COUNT = 20
} ps_point;

typedef enum ps_gate_mode {
    PS_GATE_OFF = 0,   /* nobody stops, nothing is counted; who stands at the gate goes on */
    PS_GATE_WATCH = 1, /* arrivals are counted */
    PS_GATE_STOP = 2   /* arrivals are counted and stopped until the gate is OFF or in WATCH mode */
} ps_gate_mode;

#define PS_ANY_PAGE UINT64_MAX

/* Sets the gate of a point; `page` limits it to stretches that begin at that page. Setting resets the arrivals,
 * except from STOP to WATCH. */
PS_API int32_t ps_gate_set(uint32_t point, uint32_t mode, uint64_t page);

/* Waits until `arrivals` threads have come to the point since it was set; -ETIMEDOUT after `timeout_ms`. */
PS_API int32_t ps_gate_await(uint32_t point, uint32_t arrivals, uint32_t timeout_ms);

/* System calls of seal, remap and break that can be made to fail. */
typedef enum ps_call {
    PS_CALL_SEAL = 0,         /* mprotect to read-only */
    PS_CALL_UNSEAL = 1,       /* mprotect to writable */
    PS_CALL_MAP_FRAMES = 2,   /* mmap of the store */
    PS_CALL_MAP_IDENTITY = 3, /* mmap of the backing */
    PS_CALL_COPY_HOME = 4,    /* pwrite into the backing */
    PS_CALL_PUNCH = 5,        /* fallocate, punch a hole */
    PS_CALL_DROP = 6,         /* madvise(MADV_DONTNEED) of a kernel's copy */
    PS_CALL_TRACK = 7,        /* registering pages for write tracking */
    PS_CALL_COUNT = 8
} ps_call;

/* After `skip` more of these calls, the next `times` fail with `error`, an errno; times UINT32_MAX: until set again. */
PS_API int32_t ps_inject_failure(uint32_t call, uint32_t skip, uint32_t times, int32_t error);

#ifdef __cplusplus
}
#endif
#endif
