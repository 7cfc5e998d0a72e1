/*
 * Regions, and the table in which a fault finds its region.
 *
 * The table is an immutable sorted array behind one atomic pointer. Publishers (create, free) are serialised by a
 * lock that no handler takes: they swap the pointer, turn the epoch, and wait until all readers of the old epoch are
 * gone, which is soon: readers stay for a binary search. A handler then counts itself into its region, and
 * ps_region_free waits for that.
 *
 * The old table is kept for the next change, so that freeing a region allocates nothing: out of memory or of mappings,
 * freeing guests is the way out.
 *
 * Lock order: publishing lock alone.
 */
#include "region.h"

#include <errno.h>
#include <string.h>

#include "os.h"
#include "page_word.h"

struct region_table {
    uint64_t count;
    uint64_t capacity;
    ps_region *regions[]; /* by base, ascending */
};

#define FREE_PAUSE_NS UINT64_C(50000)

static _Atomic(struct region_table *) table;  /* guard: publishing lock to change, epoch to read */
static struct region_table *unused;           /* guard: publishing lock; has room for all regions but one */
static _Atomic uint32_t outlived;             /* see ps_region_is_outlived; never goes back */
static _Atomic uint32_t epoch;                /* its lowest bit tells which reader count to use */
static _Atomic uint32_t readers[2];
static _Atomic uint32_t publishing;           /* 0 free, 1 taken: a futex lock, never taken by a handler */

static void lock_publishing(void)
{
    uint32_t expected = 0;
    while (!atomic_compare_exchange_strong(&publishing, &expected, 1)) {
        ps_os_wait(&publishing, 1, UINT64_C(1000000));
        expected = 0;
    }
}

static void unlock_publishing(void)
{
    atomic_store(&publishing, 0);
    ps_os_wake(&publishing);
}

static uint64_t table_bytes(uint64_t count)
{
    return sizeof(struct region_table) + count * sizeof(ps_region *);
}

/* Sequentially consistent throughout: a reader that has confirmed its epoch after counting itself in is seen by the
 * publisher that turns it; weaker orders would let the two miss each other. */
static uint32_t enter_epoch(void)
{
    for (;;) {
        uint32_t mine = atomic_load(&epoch) & 1;
        atomic_fetch_add(&readers[mine], 1);
        if ((atomic_load(&epoch) & 1) == mine) {
            return mine;
        }
        atomic_fetch_sub(&readers[mine], 1);
    }
}

static ps_region *find(const struct region_table *in, uintptr_t address)
{
    uint64_t low = 0;
    uint64_t high = in == NULL ? 0 : in->count;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        ps_region *region = in->regions[middle];
        uintptr_t base = (uintptr_t)region->config.base;
        if (address < base) {
            high = middle;
        } else if (address - base >= atomic_load(&region->pages) * PS_PAGE_SIZE) {
            low = middle + 1;
        } else {
            return region;
        }
    }
    return NULL;
}

ps_region *ps_region_enter(uintptr_t address)
{
    uint32_t mine = enter_epoch();
    ps_region *region = find(atomic_load(&table), address);
    if (region != NULL) {
        atomic_fetch_add(&region->users, 1);
    }
    atomic_fetch_sub(&readers[mine], 1);
    return region;
}

void ps_region_leave(ps_region *region)
{
    atomic_fetch_sub(&region->users, 1);
}

int ps_region_is_outlived(void)
{
    return (int)atomic_load(&outlived);
}

/*
 * MADV_DONTFORK comes one call after mmap, and a fork of another thread waits for the very lock that mmap lets go of:
 * so it often falls in between, and the child has a page of the guest, writable. The table is a snapshot that is
 * whole at any moment, so the child can find out; nothing else of its own can lie in these ranges yet.
 */
void ps_region_leave_to_parent(void)
{
    const struct region_table *inherited = atomic_exchange(&table, NULL);
    for (uint64_t i = 0; inherited != NULL && i < inherited->count; i++) {
        const ps_region *region = inherited->regions[i];
        if (atomic_load(&region->is_ordinary)) {
            continue;
        }
        ps_os_free(region->config.base, atomic_load(&region->pages) * PS_PAGE_SIZE);
    }
}

/* Puts a new table in place and keeps the old one, unused, when its last reader has gone. Publishing lock held. */
static void publish(struct region_table *fresh)
{
    unused = atomic_exchange(&table, fresh);
    uint32_t before = atomic_fetch_add(&epoch, 1) & 1;
    while (atomic_load(&readers[before]) != 0) {
        ps_os_sleep_ns(FREE_PAUSE_NS);
    }
}

/* The unused table, or if it is too small one that is twice as large as needed now. Publishing lock held. */
static struct region_table *take_table(uint64_t count)
{
    if (count == 0 || (unused != NULL && unused->capacity >= count)) {
        return unused;
    }
    struct region_table *larger = ps_os_allocate(table_bytes(count * 2));
    if (larger != NULL) {
        larger->capacity = count * 2;
        if (unused != NULL) {
            ps_os_free(unused, table_bytes(unused->capacity));
        }
    }
    return larger;
}

/* Publishes the table with one region more or, if `gone`, less. */
static int republish(ps_region *region, int gone)
{
    lock_publishing();
    const struct region_table *old = atomic_load(&table);
    uint64_t count = old == NULL ? 0 : old->count;
    uint64_t count_then = gone ? count - (count > 0) : count + 1;
    struct region_table *fresh = take_table(count_then);
    if (fresh == NULL && count_then > 0) {
        unlock_publishing();
        return -ENOMEM;
    }
    uint64_t n = 0;
    int placed = gone;
    for (uint64_t i = 0; i < count; i++) {
        if (!placed && old->regions[i]->config.base > region->config.base) {
            fresh->regions[n++] = region;
            placed = 1;
        }
        if (old->regions[i] != region) {
            fresh->regions[n++] = old->regions[i];
        }
    }
    if (!placed) {
        fresh->regions[n++] = region;
    }
    if (fresh != NULL) {
        fresh->count = n;
    }
    publish(fresh);
    unlock_publishing();
    return 0;
}

static int prepare(ps_region *region)
{
    int error = ps_os_region_open(region);
    if (error != 0) {
        return error;
    }
    if (region->config.map_now) {
        return ps_os_map_identity(region, 0, region->config.pages);
    }
    atomic_store(&region->is_ordinary, 1);
    for (uint64_t i = 0; i < region->config.pages; i++) {
        region->config.words[i] = ps_word_make(PS_SEALED, 0);
    }
    return 0;
}

ps_region *ps_region_create(const ps_region_config *config, int32_t *error)
{
    ps_region *region = ps_os_allocate(sizeof *region);
    if (region == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    region->config = *config;
    atomic_store(&region->pages, config->pages);
    *error = prepare(region);
    if (*error == 0) {
        *error = republish(region, 0);
    }
    if (*error != 0) {
        ps_os_region_close(region);
        ps_os_free(region, sizeof *region);
        return NULL;
    }
    return region;
}

/* Publishing lock held: of two that grow a region, the slower one must not map over pages that the other has
 * admitted. */
static int grow(ps_region *region, uint64_t pages)
{
    uint64_t before = atomic_load(&region->pages);
    if (pages < before || pages > region->config.reserved_pages) {
        return -EINVAL;
    }
    int error = pages == before ? 0 : ps_os_map_identity(region, before, pages - before);
    if (error == 0) {
        atomic_store(&region->pages, pages);
    }
    return error;
}

int32_t ps_region_grow(ps_region *region, uint64_t pages)
{
    lock_publishing();
    int error = grow(region, pages);
    unlock_publishing();
    return error;
}

void ps_region_free(ps_region *region)
{
    atomic_store(&region->closing, 1);
    if (atomic_load(&region->is_ordinary)) {
        atomic_store(&outlived, 1);
    }
    while (republish(region, 1) == -ENOMEM) {
        ps_os_sleep_ns(FREE_PAUSE_NS);
    }
    while (atomic_load(&region->users) != 0) {
        ps_os_sleep_ns(FREE_PAUSE_NS);
    }
    ps_os_region_close(region);
    ps_os_free(region, sizeof *region);
}

/* The first `pages` words to PRIVATE, with a wake for their waiters. */
static void release(ps_region *region, uint64_t pages)
{
    for (uint64_t page = 0; page < pages; page++) {
        ps_word_finish(region, page, ps_word_make(PS_PRIVATE, 0));
    }
}

int32_t ps_adopt(ps_region *region)
{
    uint64_t signals = ps_os_hold_signals();
    atomic_store(&region->is_ordinary, 0);
    int error = ps_os_adopt_range(region);
    atomic_store(&region->is_ordinary, error != 0);
    release(region, atomic_load(&region->pages));
    ps_os_release_signals(signals);
    return error;
}

/* Seals the words of all pages; returns how many pages from the start it could seal before it met a pinned one. */
static uint64_t claim_all(ps_region *region, uint64_t pages)
{
    for (uint64_t page = 0; page < pages; page++) {
        uint64_t word;
        do {
            word = ps_word_await(region, page);
            if (ps_word_pins(word) != 0) {
                return page;
            }
        } while (!ps_word_try_claim(region, page, word, ps_word_make(PS_SEALED, 0)));
    }
    return pages;
}

int32_t ps_disown(ps_region *region)
{
    uint64_t pages = atomic_load(&region->pages);
    int64_t broken = ps_try_break(region, 0, pages);
    if (broken < 0) {
        return (int32_t)broken;
    }
    uint64_t signals = ps_os_hold_signals();
    uint64_t claimed = claim_all(region, pages);
    int error = claimed == pages ? ps_os_disown_range(region) : -EBUSY;
    atomic_store(&region->is_ordinary, error == 0);
    release(region, claimed);
    ps_os_release_signals(signals);
    return error;
}

void ps_histogram_add(ps_histogram *histogram, uint64_t ns)
{
    uint32_t bucket = (uint32_t)ns;
    if (ns >= 8) {
        uint32_t exponent = 63 - (uint32_t)__builtin_clzll(ns);
        bucket = 8 * (exponent - 2) + (uint32_t)(ns >> (exponent - 3) & 7);
    }
    ps_count(&histogram->count[bucket < PS_HISTOGRAM_BUCKETS ? bucket : PS_HISTOGRAM_BUCKETS - 1], 1);
    uint64_t maximum = __atomic_load_n(&histogram->maximum, __ATOMIC_RELAXED);
    while (ns > maximum && !__atomic_compare_exchange_n(&histogram->maximum, &maximum, ns, 1, __ATOMIC_RELAXED,
                                                       __ATOMIC_RELAXED)) {
    }
}
