/*
 * PageShare's native interface: the page protocol that guests, fault handlers and the scanner share.
 *
 * Everything that a faulting thread may wait for lives behind this header, because a managed thread that the garbage
 * collector suspends in the middle of a seal would hold every writer of that page. For the same reason each call seals,
 * works and unseals before it returns.
 *
 * Errors: a call returns 0 or a count on success and a negative errno on failure. Unless a call says otherwise, any
 * thread may make it at any time.
 */
#ifndef PAGESHARE_H
#define PAGESHARE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define PS_API __declspec(dllexport)
#else
#define PS_API __attribute__((visibility("default")))
#endif

#define PS_ABI_VERSION 3u
#define PS_PAGE_SIZE 4096u

/* Most pages that one merge order names: bounds how long a writer waits for a seal, and the order's size. */
#define PS_ORDER_PAGES 512u

/*
 * The page word: one atomic 64-bit word per page, the only truth about how that page is mapped.
 *
 *   63    60 59        48 47      41 40        33  32  31                             0
 *  +--------+------------+----------+------------+---+-------------------------------+
 *  | state  | pins       | reserved | generation | w | frame number                  |
 *  +--------+------------+----------+------------+---+-------------------------------+
 *
 *  state       one of ps_page_state.
 *  pins        how many PinWritable scopes cover the page; above zero only in PRIVATE.
 *  reserved    zero.
 *  generation  of which of the region's frame stores the frame is: see ps_region_set_store.
 *  w           somebody waits on the upper half as a futex; only in the transient states.
 *  frame       with its generation in SHARED, KERNEL_SHARED, REMAPPING and BREAKING; both zero otherwise.
 */
#define PS_FRAME_BITS 32
#define PS_WAITERS_BIT 32
#define PS_GENERATION_SHIFT 33
#define PS_GENERATION_MAX 255u
#define PS_PINS_SHIFT 48
#define PS_PINS_MAX 4095u
#define PS_STATE_SHIFT 60

/*
 * The page states, and who moves them. S: a scanner inside ps_merge, ps_settle or ps_move. W: whoever must write: a
 * faulting store, ps_break, ps_pin.
 *
 *              S: seal                    S: equal                       S: mapped, backing punched
 *   PRIVATE ------------> SEALED ---------------------> REMAPPING --------------------> SHARED | KERNEL_SHARED
 *    ^  ^ ^                |  | S: all zero, punched       |                                 |
 *    |  | |  S: differs    |  +-----------> ZERO           | S: no mapping to be had         | W, or S settling
 *    |  | +----------------+                | ^            |                                 v
 *    |  +-----------------------------------|-|------------+                              BREAKING
 *    |  W: pin, S: written again            | | S: zero again, punched again (by SEALED)     |   |
 *    +--------------------------------------+ +---                                           |   | W: no memory
 *    +----------------------------------------------------------------------------------------+   +-> SHARED
 *                          W: copied home, mapped                                   S: equal again -> KERNEL_SHARED
 *                                                                                   S: moved -> SHARED | KERNEL_SHARED
 *
 * SEALED, REMAPPING and BREAKING are transient: their owner is inside one native call, and everybody else waits. The
 * fault handler, too, moves a page to SEALED and back, to look at it undisturbed when a refused store comes late.
 */
typedef enum ps_page_state {
    PS_PRIVATE = 0,       /* mapped to its own page of the backing, writable */
    PS_SEALED = 1,        /* write-protected for the moment of comparing */
    PS_REMAPPING = 2,     /* equal; its mapping is being replaced by the frame's */
    PS_SHARED = 3,        /* maps a frame, read-only: a store faults (fault mode Signal) */
    PS_KERNEL_SHARED = 4, /* maps a frame, copy-on-write by the kernel (fault mode Kernel) */
    PS_BREAKING = 5,      /* its own copy is being made */
    PS_ZERO = 6,          /* mapped as PRIVATE is, but the backing is a hole: a store or a load fills it */
    PS_BALLOONED = 7,     /* reserved */
    PS_COMPRESSED = 8,    /* reserved */
    PS_SWAPPED = 9,       /* reserved */
    PS_STATE_COUNT = 10
} ps_page_state;

/* 1 where the diagram above has an arrow from one state to the other, else 0. */
PS_API int32_t ps_transition_is_legal(uint32_t from, uint32_t to);

/* How stores to shared pages are caught. */
typedef enum ps_fault_mode {
    PS_FAULT_MODE_SIGNAL = 0, /* read-only view, SIGSEGV, counted exactly at the fault */
    PS_FAULT_MODE_KERNEL = 1  /* MAP_PRIVATE view, the kernel copies, counted afterwards */
} ps_fault_mode;

/*
 * Latencies in a log-linear histogram: values below 8 ns have a bucket each, above that every power of two is cut into
 * 8, so a bucket is at most 12.5 % wide. Bucket of v >= 8, e = floor(log2 v): 8 * (e - 2) + ((v >> (e - 3)) & 7).
 */
#define PS_HISTOGRAM_BUCKETS 320u

typedef struct ps_histogram {
    uint64_t count[PS_HISTOGRAM_BUCKETS];
    uint64_t maximum; /* nanoseconds */
} ps_histogram;

/* What the native side counts for one guest, zeroed by its owner at the start. Fields only grow; read them
 * atomically. */
typedef struct ps_guest_counters {
    uint64_t cow_faults;        /* stores that broke sharing in the handler, one a fault */
    uint64_t pages_broken;      /* pages given their own copy again, for whatever reason */
    uint64_t breaks_stalled;    /* breaks that had to wait for memory or mappings */
    uint64_t breaks_timed_out;  /* of these, those that ended in SIGBUS */
    uint64_t seal_waits;        /* stores that waited for a seal or a remap */
    uint64_t reserve_spent;     /* reserve mappings given up so that a break could go on */
    uint64_t pages_broken_ahead; /* pages that the handler broke beside the one stored to: with cow_faults, all it broke */
    ps_histogram cow_fault_ns;  /* from the handler's entry to its return, of breaks */
    ps_histogram seal_wait_ns;  /* the same, of waits for a seal */
} ps_guest_counters;

typedef struct ps_region ps_region;

typedef struct ps_region_config {
    uint8_t *base;               /* first page of the guest; the caller has reserved reserved_pages from here on */
    uint64_t pages;              /* pages in use; the shim maps them to the backing */
    uint64_t reserved_pages;     /* most pages that ps_region_grow may reach */
    uint64_t *words;             /* reserved_pages page words, zero (PRIVATE) at the start */
    ps_guest_counters *counters;
    const uint8_t *store_view;   /* linear, readable view of the domain's frame store, which may grow inside it */
    uint8_t *backing_view;       /* Windows: linear, writable view of the backing; else NULL */
    uint64_t break_timeout_ns;   /* how long a break may wait for memory before SIGBUS */
    int32_t backing_fd;          /* writable. Windows: handle of a section, of 32 significant bits */
    int32_t store_fd;            /* all regions of a domain pass the same open file, or their mappings will not join */
    uint32_t fault_mode;         /* ps_fault_mode */
    uint32_t map_now;            /* 0: leave the range as it is until ps_adopt */
    uint32_t track_writes;       /* 1: ps_find_written will be asked; only after ps_tracking_start has given 0 */
    uint32_t store_frames;       /* frames that store_view has room for; 0: any number that a page word can name */
    uint32_t break_pages;        /* Signal mode: most pages that one store breaks, at most PS_ORDER_PAGES; 0 as 1 */
} ps_region_config;

/* Sizes and offsets as the compiler laid them out, for the managed side to check at load. */
typedef struct ps_abi {
    uint32_t version;
    uint32_t page_size;
    uint32_t region_config_size;
    uint32_t guest_counters_size;
    uint32_t histogram_size;
    uint32_t offset_cow_fault_ns;
    uint32_t offset_seal_wait_ns;
    uint32_t offset_backing_fd;
    uint32_t generation_shift;
    uint32_t ring_orders;          /* this and what follows: pageshare_agent.h */
    uint32_t ring_header_size;
    uint32_t ring_order_size;
    uint32_t offset_ring_posted;
    uint32_t offset_ring_answered;
    uint32_t offset_ring_cpu_ns;
    uint32_t offset_order_bits;
    uint32_t offset_order_targets;
    uint32_t offset_order_results;
} ps_abi;

PS_API void ps_abi_describe(ps_abi *abi);

/*
 * Installs the fault handler in front of whatever handles SIGSEGV now; once a process, later calls do nothing. The
 * handler stays for the life of the process.
 */
PS_API int32_t ps_handler_install(void);

/* 1 while SIGSEGV still goes to our handler first, 0 when somebody replaced it. */
PS_API int32_t ps_handler_is_installed(void);

/* Makes a region known to the handler. NULL and *error = -errno on failure. */
PS_API ps_region *ps_region_create(const ps_region_config *config, int32_t *error);

/* Maps the pages up to `pages` and admits them. The backing must already be that large. */
PS_API int32_t ps_region_grow(ps_region *region, uint64_t pages);

/*
 * Hides the region from the handler, waits until no handler is inside it, and frees what the shim holds. The mappings
 * and the descriptors stay the caller's, who must not unmap the range before this returns. No other call on the
 * region may be under way or follow.
 */
PS_API void ps_region_free(ps_region *region);

/*
 * From now on the region's merges use another store: a host that takes over cannot know what the guests of the one
 * before still show, so it leaves the old store alone and begins a new one. Pages that share frames of older stores
 * keep them, as their mappings do: a break copies what is mapped and needs no old store. ps_move brings them over.
 * store_view has room for as many frames as the region's config says.
 *
 * Returns the new store's generation, from 1 on; the one of the config is 0. -EBUSY while a merge, move or settle of
 * the region is under way; -EOVERFLOW after generation 255; -EOPNOTSUPP on Windows. When it has returned, nothing of
 * the shim uses the old store's view and descriptor any more.
 */
PS_API int32_t ps_region_set_store(ps_region *region, int32_t store_fd, const uint8_t *store_view);

/* What became of one page of a merge order. */
typedef enum ps_merge_result {
    PS_MERGE_SKIPPED = 0,    /* the order named no target */
    PS_MERGE_DONE = 1,       /* shares the frame, or is a hole if the target was PS_TARGET_ZERO */
    PS_MERGE_BUSY = 2,       /* pinned, or not in a state that can be sealed */
    PS_MERGE_DIFFERS = 3,    /* sealed and compared: not equal */
    PS_MERGE_NO_MAPPING = 4  /* the kernel refused a mapping or a protection change */
} ps_merge_result;

#define PS_TARGET_NONE 0xFFFFFFFFu /* leave this page alone */
#define PS_TARGET_ZERO 0xFFFFFFFEu /* make this page a hole if it is all zero */

/*
 * One merge order: pages [page, page + count), count <= PS_ORDER_PAGES; targets[i] is the frame that page + i should
 * share. Neighbours with targets are sealed together, compared byte for byte, remapped in runs of continuing frames,
 * their old pages punched, and committed; all others are unsealed. results[i] is a ps_merge_result. Pages must be
 * present in the backing, since comparing a hole would fill it. Every seal is gone when this returns. -EINVAL, with
 * nothing done, for a target beyond the end of the store.
 */
PS_API int32_t ps_merge(ps_region *region, uint64_t page, uint32_t count, const uint32_t *targets, uint8_t *results);

/*
 * Moves pages that share frames of older stores to equal frames of the region's store; limits and errors as ps_merge.
 * results[i]: DONE: the page shares targets[i] now. DIFFERS: not equal to it; in Kernel mode a page that the guest had
 * written to comes home to the backing then and is private, any other is as it was. BUSY: the page shares no frame
 * of an older store. NO_MAPPING: as it was.
 */
PS_API int32_t ps_move(ps_region *region, uint64_t page, uint32_t count, const uint32_t *targets, uint8_t *results);

/*
 * Gives every shared page of the range its own copy again; returns how many. -ENOMEM after the region's break
 * timeout, with the pages that could not be broken still shared.
 */
PS_API int64_t ps_break(ps_region *region, uint64_t page, uint64_t count);

/* The same for the host, whom others wait for: gives up at once where there is no memory. */
PS_API int64_t ps_try_break(ps_region *region, uint64_t page, uint64_t count);

/*
 * Kernel mode. Of each KERNEL_SHARED page in the range whose bit in `broken` is set (bit i of word i / 64: page + i):
 * drops the kernel's copy if it equals the frame again, else moves it home to the backing; the latter always where the
 * frame is of an older store, which cannot be looked at. Returns the pages moved home; dropped, if not NULL, receives
 * the pages whose copies were dropped.
 */
PS_API int64_t ps_settle(ps_region *region, uint64_t page, uint32_t count, const uint64_t *broken, uint64_t *dropped);

/*
 * Breaks the range and keeps it from being sealed, merged or punched until a matching ps_unpin. -EOVERFLOW when a page
 * already has PS_PINS_MAX pins, -ENOMEM as ps_break; nothing is pinned then.
 */
PS_API int32_t ps_pin(ps_region *region, uint64_t page, uint64_t count);
PS_API int32_t ps_unpin(ps_region *region, uint64_t page, uint64_t count);

/*
 * Turns existing private anonymous memory at [base, base + pages) into the region's pages, while others write to it:
 * seals the range, copies what is not zero to the backing, maps it, and admits writers. The region was created with
 * map_now 0, which left its words SEALED. On failure the range is as before, and the region can only be freed.
 */
PS_API int32_t ps_adopt(ps_region *region);

/*
 * The way back: the range becomes private anonymous memory again with the same bytes; the region can only be freed
 * then. -EBUSY while a page is pinned, and no merge may be under way.
 */
PS_API int32_t ps_disown(ps_region *region);

/*
 * Keeps up to `mappings` spare mappings of this process that a break may give up when the kernel allows no more.
 * Fills the reserve up again when some were spent. Returns how many are held. While half of them or fewer are left,
 * breaks are of whole runs. With fewer than two, a break at the kernel's limit may find no way on.
 */
PS_API int32_t ps_reserve_fill(uint32_t mappings);

/* Kernel mode's view of a region: sets bit i of `broken` where page + i is the kernel's own (anonymous) copy; returns
 * how many. `page_count` bits, rounded up to whole 64-bit words. */
PS_API int64_t ps_find_anonymous(ps_region *region, uint64_t page, uint64_t page_count, uint64_t *broken);

/*
 * Prepares this process for tracking written pages; once, later calls do nothing. 0, or a negative errno where the
 * machine has no means: -ENOSYS, -EPERM, -EOPNOTSUPP, -ENOTTY.
 */
PS_API int32_t ps_tracking_start(void);

/*
 * Sets bit i of `written` where page + i, mapped to the backing, was written (by stores or by system calls) since the
 * last call, or since it was mapped; other bits stay. Returns how many pages that were. One caller at a time for each
 * region. -EAGAIN: some pages were not tracked for a while, so all count as written; they are tracked again from now
 * on.
 */
PS_API int64_t ps_find_written(ps_region *region, uint64_t page, uint64_t count, uint64_t *written);

/* CPU time of the calling thread in nanoseconds, native code included. */
PS_API int64_t ps_thread_cpu_ns(void);

#ifdef __cplusplus
}
#endif
#endif
