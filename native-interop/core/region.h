/* A region as the shim keeps it, and the table in which a fault finds it. */
#ifndef PS_REGION_H
#define PS_REGION_H

#include <stdatomic.h>
#include <stdint.h>

#include "pageshare.h"

#define PS_STREAMS 16u

struct ps_region {
    ps_region_config config;  /* immutable after creation, except pages, see below, and the store, see store.h */
    _Atomic uint64_t pages;   /* pages in use; grows */
    _Atomic uint32_t users;   /* handlers inside; ps_region_free waits for zero */
    _Atomic uint32_t closing; /* waits and retries end */
    _Atomic uint32_t is_ordinary; /* its memory is the process's own: not adopted yet, or disowned */
    struct ps_os_region *os;  /* what the system's side keeps; immutable; NULL where it keeps nothing */
    _Atomic uint32_t has_untracked; /* some pages mapped to the backing are not tracked: see ps_find_written */
    _Atomic uint32_t store_users;   /* calls under way that use the store; guard: see store.h */
    _Atomic uint64_t store_frames;  /* frames that the store is known to have; grows, anew with each store */
    uint64_t generation;            /* of the store. Guard: as the config's store */
    _Atomic uint64_t streams[PS_STREAMS]; /* writers that go on from page to page: see streams.h */
    _Atomic uint32_t newest_stream;       /* where the next one goes, less one */
    _Atomic uint32_t has_waiter; /* a store has met a seal since the last one was lifted: see merge.c */
    _Atomic uint32_t seal_pages; /* most pages that the next seal stops; any value is safe */
};

static inline uint8_t *ps_page_address(const ps_region *region, uint64_t page)
{
    return region->config.base + page * PS_PAGE_SIZE;
}

/* 1 if [page, page + count) lies inside the pages in use. */
static inline int ps_range_is_inside(const ps_region *region, uint64_t page, uint64_t count)
{
    uint64_t pages = atomic_load_explicit(&region->pages, memory_order_acquire);
    return page <= pages && count <= pages - page;
}

static inline void ps_count(uint64_t *counter, uint64_t amount)
{
    __atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
}

void ps_histogram_add(ps_histogram *histogram, uint64_t ns);

/* The region that holds the address, kept alive until ps_region_leave; NULL if there is none. For the fault handler. */
ps_region *ps_region_enter(uintptr_t address);
void ps_region_leave(ps_region *region);

/* 1 if memory of this process has outlived a region over it: a store that its last seal refused may be told late. */
int ps_region_is_outlived(void);

/* In a child process, right after fork: unmaps what it should not have of any region, and forgets all regions. */
void ps_region_leave_to_parent(void);

#endif
