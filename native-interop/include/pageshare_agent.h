/*
 * The native agent: how a host merges pages of a guest that lives in a process of its own. Linux only.
 *
 * The problem: to share a page, somebody must seal it, compare it and replace its mapping, and only the guest's own
 * process can change its mappings. Obvious and wrong: to stop the guest and make its system calls for it (ptrace),
 * which needs privileges and holds every thread. Also wrong: to ask the guest's program by a message over the socket,
 * since its runtime may be in the middle of a garbage collection, and then sealed pages wait for it. So one native
 * thread of the guest's process, the *agent*, takes orders from a *ring* in shared memory. Whatever it does between
 * seal and unseal is one call of pageshare.h, and waits for nobody.
 *
 * For each guest region the host makes three memory objects, sealed against resizing: the backing, the page table (a
 * ps_guest_counters, padded to whole pages, then the page words), and the ring. The guest maps table and ring writable,
 * and the frame store read-only through a descriptor that cannot write.
 *
 *   ring
 *   +--------------------------+ 0
 *   | ps_ring_header           |   geometry, then one line each of what host and agent say
 *   +--------------------------+ 4096
 *   | ps_ring_order            |   order n lies in slot n % PS_RING_ORDERS, counted from 0
 *   |   ... PS_RING_ORDERS     |
 *   +--------------------------+ written_offset
 *   | one bit a page: written  |   bit p % 64 of word p / 64 is page p of the region; whole pages of memory each
 *   +--------------------------+ copies_offset
 *   | one bit a page: copies   |
 *   +--------------------------+ bytes
 *
 * Who writes what
 *   the host   header: all but the agent's line. A slot: kind, count, page, bits, targets; only while it is the host's,
 *              that is before the order is posted and after it was answered. The written bitmap: clears what it has
 *              taken, while no PS_ORDER_FIND_WRITTEN is under way.
 *   the agent  header: its own line. A slot under way: result, results, dropped. The bitmaps, while an order says so.
 *
 * An order: the host fills a slot and counts `posted` up (release); the agent sees that (acquire), copies the order,
 * does it, writes the answer, and counts `answered` up (release), which the host awaits (acquire). Orders are done
 * one by one, in order. Who finds nothing to do says so in agent_sleeps or host_waits, looks again, and sleeps on the
 * other side's count as a futex; who counts up looks there afterwards and wakes. Both pairs are sequentially
 * consistent: weaker, each could miss the other.
 *
 * Trust: neither side believes the other's words.
 *   - The host keeps geometry and counts in memory of its own (ps_ring_host) and reads the ring for two things only:
 *     `answered`, which must lie between what it was and what was posted, and the answers. An answer is whatever the
 *     guest says: copy it once, check the copy (results are of ps_merge_result, DONE only where a target was named),
 *     and take it for a report about the guest's own memory. What the slot says of the order may have changed as
 *     well: keep your own.
 *   - The agent copies an order before it looks at it, checks it as it would a stranger's, and answers -EINVAL; it
 *     bounds array lengths, pages, and the frames of the store. Counts that cannot be (more orders posted than there
 *     are slots) end the agent with -EPROTO: the guest keeps all its memory and runs on, and nothing is merged any
 *     more.
 *   - What no check can undo: a guest that lies about its own pages harms itself. A host that writes wrong bytes into
 *     frames or page words harms its guests, whose memory these are.
 *
 * Death: a guest may be killed at any instruction. Its order stays unanswered, and pages may stay in transient states
 * for ever; frames that an unanswered order or a page word names are free when the process is gone, not before. A
 * host may be killed at any instruction: the agent finishes what was posted and sleeps. A new host makes a new store
 * and a new ring; the guest's program stops the agent, calls ps_region_set_store, and starts an agent on the new
 * ring, and the host moves the pages by PS_ORDER_MOVE.
 *
 * A guest in C, without its error handling:
 *
 *     ps_handler_install();                           // after whatever else handles SIGSEGV
 *     int tracks = ps_tracking_start() == 0;
 *     ps_reserve_fill(64);
 *     connect_and_receive(&hello, &backing, &table, &ring, &store); // your protocol: sizes, four descriptors
 *     uint8_t *range = mmap(NULL, (hello.pages + 2) * PS_PAGE_SIZE, PROT_NONE,
 *                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
 *     uint8_t *words = mmap(NULL, hello.table_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, table, 0);
 *     ps_region_config config = {
 *         .base = range + PS_PAGE_SIZE,               // a guard page at either end
 *         .pages = hello.pages, .reserved_pages = hello.pages,
 *         .counters = (ps_guest_counters *)words, .words = (uint64_t *)(words + hello.words_offset),
 *         .store_view = mmap(NULL, hello.store_frames * PS_PAGE_SIZE, PROT_READ, MAP_SHARED, store, 0),
 *         .store_frames = hello.store_frames,
 *         .backing_fd = backing, .store_fd = store, .break_timeout_ns = 30000000000,
 *         .fault_mode = PS_FAULT_MODE_SIGNAL, .map_now = 1, .track_writes = tracks,
 *     };
 *     ps_region *region = ps_region_create(&config, &error);
 *     void *orders = mmap(NULL, hello.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, 0);
 *     ps_agent *agent = ps_agent_start(region, orders, hello.ring_bytes, &error);
 *     work_in(config.base, hello.pages);              // ordinary loads and stores; ps_pin around system calls
 *     ps_agent_stop(agent);                           // first the agent, then its region, then its mappings
 *     ps_region_free(region);
 */
#ifndef PAGESHARE_AGENT_H
#define PAGESHARE_AGENT_H

#include "pageshare.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PS_RING_MAGIC UINT64_C(0x676E695265676150) /* "PageRing" */
#define PS_RING_VERSION 1u
#define PS_RING_ORDERS 8u /* slots; a power of two */
#define PS_RING_HEADER_BYTES 4096u
#define PS_RING_ORDER_BYTES 4096u

typedef enum ps_order_kind {
    PS_ORDER_MERGE = 1,        /* ps_merge: targets in, results out */
    PS_ORDER_BREAK = 2,        /* ps_try_break */
    PS_ORDER_FIND_COPIES = 3,  /* ps_find_anonymous: overwrites the range's words of the copies bitmap; see below */
    PS_ORDER_SETTLE = 4,       /* ps_settle: at most PS_ORDER_PAGES; bits in, `dropped` and result out */
    PS_ORDER_FIND_WRITTEN = 5, /* ps_find_written: adds to the written bitmap; -EAGAIN is passed on; see below */
    PS_ORDER_MOVE = 6,         /* ps_move: targets in, results out */
    PS_ORDER_HEALTH = 7        /* ps_reserve_fill(count), and fills in the header what the agent says of itself */
} ps_order_kind;

/*
 * One slot. `result` is what the call returned: 0 or a count, or a negative errno; -EINVAL for what the agent refuses,
 * -EOPNOTSUPP for a kind that it does not know. results[] holds only if result is 0.
 *
 * Orders behind a long one wait: breaking or searching a whole region takes as long as it takes, and PS_ORDER_HEALTH
 * about a microsecond for each mapping of the process.
 *
 * The two kinds that fill a bitmap may name the whole region; `page` is a multiple of 64 there, and bit p of the bitmap
 * is page p of the region.
 */
typedef struct ps_ring_order {
    uint32_t kind;                    /* ps_order_kind */
    uint32_t count;                   /* pages */
    uint64_t page;
    int64_t result;
    uint64_t bits[PS_ORDER_PAGES / 64]; /* PS_ORDER_SETTLE: bit i of word i / 64 is page + i */
    uint32_t targets[PS_ORDER_PAGES];
    uint8_t results[PS_ORDER_PAGES];  /* ps_merge_result */
    uint64_t dropped;                 /* PS_ORDER_SETTLE: copies that equalled their frames again */
    uint8_t unused[1440];
} ps_ring_order;

typedef enum ps_agent_state {
    PS_AGENT_NONE = 0,   /* none yet */
    PS_AGENT_RUNS = 1,
    PS_AGENT_STOPPED = 2 /* by ps_agent_stop, or because of agent_error */
} ps_agent_state;

typedef struct ps_ring_header {
    /* The host's, immutable after ps_ring_format. */
    uint64_t magic;
    uint32_t version;
    uint32_t orders;         /* PS_RING_ORDERS */
    uint64_t pages;          /* most pages of the region: its reserved_pages */
    uint64_t bytes;
    uint64_t written_offset;
    uint64_t copies_offset;
    uint64_t unused_geometry[2];

    /* The host's line. */
    uint32_t posted;         /* orders posted so far; a futex */
    uint32_t host_waits;     /* 1: wake `answered` */
    uint64_t unused_host[7];

    /* The agent's line: what it says of itself, for the host to show and never to rely on. */
    uint32_t answered;          /* orders answered so far; a futex */
    uint32_t agent_state;       /* ps_agent_state */
    uint32_t handler_installed; /* ps_handler_is_installed, as PS_ORDER_HEALTH found it */
    uint32_t tracking;          /* 1: the region tracks writes, PAGEMAP_SCAN works in this process */
    uint32_t mappings_limit;    /* vm.max_map_count; 0 where it cannot be read */
    int32_t agent_error;        /* why the agent stopped by itself: 0 or -EPROTO */
    uint64_t mappings_used;     /* of the whole process, as PS_ORDER_HEALTH found it */
    uint64_t cpu_ns;            /* CPU time of the agent's thread, after each order */
    uint32_t agent_sleeps;      /* 1: wake `posted` */
    uint32_t unused_agent;
    uint64_t orders_refused;    /* answered -EINVAL or -EOPNOTSUPP */
    uint8_t unused[3912];
} ps_ring_header;

/* --- The host's side. One thread at a time for each ring. --- */

typedef struct ps_ring_host ps_ring_host;

/* Size of a ring for a region of at most so many pages; 0 if that is none, or more than page words can have. */
PS_API uint64_t ps_ring_bytes(uint64_t pages);

/* Writes the header of a ring that nobody uses yet, in page-aligned memory of zeros. 0, or -EINVAL. */
PS_API int32_t ps_ring_format(void *ring, uint64_t bytes, uint64_t pages);

/* What the host keeps of a ring that it has just formatted. NULL and *error = -errno on failure. The memory stays the
 * caller's, and mapped until ps_ring_host_close. */
PS_API ps_ring_host *ps_ring_host_open(void *ring, uint64_t bytes, uint64_t pages, int32_t *error);
PS_API void ps_ring_host_close(ps_ring_host *host);

/*
 * The slot for the next order, which the caller fills; NULL when it holds one that ps_ring_await has given 0 neither
 * for nor for a later one. So whoever takes each answer right after waiting for it loses none.
 */
PS_API ps_ring_order *ps_ring_next(ps_ring_host *host);

/* Posts the order in the slot that ps_ring_next has named, and wakes the agent. Returns the order's sequence number,
 * from 1 on, wrapping; 0 is one like any other. Without a free slot nothing is posted, and the number is the last
 * order's. */
PS_API uint32_t ps_ring_post(ps_ring_host *host);

/*
 * Waits until the order is answered. 0; -ETIMEDOUT, at once if timeout_ns is 0; -EPIPE when the agent says that it has
 * stopped, and the order was not answered; -EPROTO, from then on for ever, when the ring's count is impossible; -EINVAL
 * for an order that was not posted.
 */
PS_API int32_t ps_ring_await(ps_ring_host *host, uint32_t sequence, uint64_t timeout_ns);

/* The slot of an order that ps_ring_await has seen answered: copy it once. NULL when it is not, or used again. */
PS_API const ps_ring_order *ps_ring_answer(const ps_ring_host *host, uint32_t sequence);

/* --- The guest's side. --- */

typedef struct ps_agent ps_agent;

/*
 * Starts the agent of a region: a thread named "pageshare-agent" with a small stack, which takes no signals. The ring
 * must have been formatted for the region's reserved_pages, and stays mapped until the agent was stopped; child
 * processes do not get it. It may be a ring that another agent has stopped on. NULL on failure, with *error: -EINVAL
 * for a ring of another shape, -EPROTO for impossible counts, -EBUSY for one with an agent, or what creating a thread
 * gave.
 */
PS_API ps_agent *ps_agent_start(ps_region *region, void *ring, uint64_t bytes, int32_t *error);

/*
 * Lets the agent finish the order under way, ends its thread and frees it; orders that it has not begun stay
 * unanswered. To be called before ps_region_free. 0, or the agent_error with which it had stopped by itself. In a
 * child process, which has no such thread, just frees: -ECHILD.
 */
PS_API int32_t ps_agent_stop(ps_agent *agent);

#ifdef __cplusplus
}
#endif
#endif
