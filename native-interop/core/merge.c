/*
 * Merging: seal, compare every byte, remap, punch, commit; all in one call.
 *
 * Obvious and wrong: compare, then remap. A store between the two is lost. So stores are stopped first, by a seal,
 * and run again when the page has settled. Also wrong: commit, then punch. A break right after the commit writes the
 * guest's copy into the very page that the punch then frees. So the punch comes while writers still wait.
 *
 * Order: word SEALED, write-protect, compare, word REMAPPING, map the frame, punch, word SHARED. On the way back:
 * first writable, then word PRIVATE, since a writer that sees PRIVATE runs its store again.
 *
 * A store that meets a seal waits for all of its stretch: some 1.3 us a page. So a seal stops a batch at a time, which
 * shrinks by half whenever a store has met one, and grows again by a few pages whenever none has.
 *
 * Invariants
 * - Only here does a page begin to share a frame, and only after all its bytes were compared under seal.
 * - Every page that was sealed has settled when the call returns.
 * - Failing system calls lead back to PRIVATE with the guest's own bytes. Only lifting a seal must not fail: it is
 *   tried until it works, and needs no new mapping, since a sealed stretch is a mapping of its own.
 */
#include <string.h>

#include "breaking.h"
#include "page_word.h"
#include "store.h"
#include "stretch.h"

#define UNSEAL_PAUSE_NS UINT64_C(100000)

/* Pages of a batch. Below the least, the seal's own system calls would be most of the wait. */
#define BATCH_MOST 160u
#define BATCH_LEAST 32u
#define BATCH_STEP 8u

/* Moves one page into SEALED, if it is settled, unpinned, and one that could share. */
static int claim(const struct ps_stretch *stretch, uint32_t i)
{
    uint64_t word = ps_word_read(stretch->region, stretch->page + i);
    int is_private = word == ps_word_make(PS_PRIVATE, 0); /* that is, with no pins */
    int is_zero = ps_word_state(word) == PS_ZERO && stretch->targets[i] == PS_TARGET_ZERO;
    return (is_private || is_zero) &&
           ps_word_try_claim(stretch->region, stretch->page + i, word, ps_word_make(PS_SEALED, 0));
}

static int is_zero_page(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PS_PAGE_SIZE - 1) == 0;
}

static int is_equal_to_target(const struct ps_stretch *stretch, uint32_t i)
{
    /* SAFETY: sealed, so nobody stores to the page; the host wrote the frame before the order and leaves it alone. */
    const uint8_t *page = ps_os_sealed_bytes(stretch->region, stretch->page + i);
    uint32_t target = stretch->targets[i];
    if (target == PS_TARGET_ZERO) {
        return is_zero_page(page);
    }
    return memcmp(page, stretch->region->config.store_view + (uint64_t)target * PS_PAGE_SIZE, PS_PAGE_SIZE) == 0;
}

static void compare(const struct ps_stretch *stretch)
{
    for (uint32_t i = 0; i < stretch->count; i++) {
        stretch->results[i] = is_equal_to_target(stretch, i) ? PS_MERGE_DONE : PS_MERGE_DIFFERS;
        if (stretch->results[i] == PS_MERGE_DONE && stretch->targets[i] != PS_TARGET_ZERO) {
            uint64_t shares = ps_store_shares(stretch->region, stretch->targets[i]);
            ps_word_advance(stretch->region, stretch->page + i, ps_word_make(PS_REMAPPING, shares));
        }
    }
    ps_point_pass(PS_POINT_COMPARED, stretch->page);
}

/* Frees the backing of what shares a frame now or is zero. A punch that fails wastes memory and nothing else, except
 * for a zero page, which then stays a page. */
static void punch(const struct ps_stretch *stretch)
{
    for (uint32_t i = 0, end; i < stretch->count; i = end) {
        end = i + 1;
        if (stretch->results[i] != PS_MERGE_DONE) {
            continue;
        }
        while (end < stretch->count && stretch->results[end] == PS_MERGE_DONE) {
            end++;
        }
        if (ps_os_punch(stretch->region, stretch->page + i, end - i) == 0) {
            continue;
        }
        for (uint32_t k = i; k < end; k++) {
            if (stretch->targets[k] == PS_TARGET_ZERO) {
                stretch->results[k] = PS_MERGE_DIFFERS;
            }
        }
    }
    ps_point_pass(PS_POINT_PUNCHED, stretch->page);
}

static void commit_shared(const struct ps_stretch *stretch)
{
    ps_page_state shared = ps_shared_state(stretch->region);
    for (uint32_t i = 0; i < stretch->count; i++) {
        if (ps_stretch_maps_frame(stretch, i)) {
            uint64_t shares = ps_store_shares(stretch->region, stretch->targets[i]);
            ps_word_finish(stretch->region, stretch->page + i, ps_word_make(shared, shares));
        }
    }
}

/* Admits writers again, whatever it takes: they wait for it. */
static void lift_seal(ps_region *region, uint64_t page, uint64_t count)
{
    while (ps_os_unseal(region, page, count) != 0 && ps_os_map_identity(region, page, count) != 0) {
        if (!ps_os_reserve_spend()) {
            ps_os_sleep_ns(UNSEAL_PAUSE_NS);
        }
    }
}

/* Everything that did not come to share a frame: zero pages, pages that differ, pages without a mapping. */
static void release_others(const struct ps_stretch *stretch)
{
    for (uint32_t i = 0, end; i < stretch->count; i = end) {
        end = i + 1;
        if (ps_stretch_maps_frame(stretch, i)) {
            continue;
        }
        while (end < stretch->count && !ps_stretch_maps_frame(stretch, end)) {
            end++;
        }
        lift_seal(stretch->region, stretch->page + i, end - i);
        for (uint32_t k = i; k < end; k++) {
            ps_page_state state = stretch->results[k] == PS_MERGE_DONE ? PS_ZERO : PS_PRIVATE;
            ps_word_finish(stretch->region, stretch->page + k, ps_word_make(state, 0));
        }
    }
}

/* A stretch whose words all say SEALED. */
static void merge_claimed(const struct ps_stretch *stretch)
{
    ps_point_pass(PS_POINT_CLAIMED, stretch->page);
    if (ps_os_seal(stretch->region, stretch->page, stretch->count) != 0) {
        memset(stretch->results, PS_MERGE_NO_MAPPING, stretch->count);
    } else {
        ps_point_pass(PS_POINT_SEALED, stretch->page);
        compare(stretch);
        ps_stretch_map_frames(stretch);
        ps_point_pass(PS_POINT_REMAPPED, stretch->page);
        punch(stretch);
        commit_shared(stretch);
    }
    release_others(stretch);
}

/* Most pages of the next batch. A new region has no number yet. */
static uint32_t batch_pages(const ps_region *region)
{
    uint32_t pages = atomic_load_explicit(&region->seal_pages, memory_order_relaxed);
    return pages == 0 ? BATCH_MOST : pages;
}

/* After a seal. Two that merge in one region at a time may take each other's waiter, which costs a step. */
static void adapt_batch(ps_region *region)
{
    uint32_t pages = batch_pages(region);
    if (atomic_exchange_explicit(&region->has_waiter, 0, memory_order_relaxed)) {
        pages = pages / 2 > BATCH_LEAST ? pages / 2 : BATCH_LEAST;
    } else {
        pages = pages + BATCH_STEP < BATCH_MOST ? pages + BATCH_STEP : BATCH_MOST;
    }
    atomic_store_explicit(&region->seal_pages, pages, memory_order_relaxed);
}

/* Neighbouring pages that all have targets. */
static void merge_stretch(const struct ps_stretch *stretch)
{
    for (uint32_t i = 0, end; i < stretch->count; i = end) {
        uint32_t most = batch_pages(stretch->region);
        end = i;
        while (end < stretch->count && end - i < most && claim(stretch, end)) {
            end++;
        }
        if (end == i) {
            stretch->results[end++] = PS_MERGE_BUSY;
            continue;
        }
        struct ps_stretch claimed = ps_stretch_part(stretch, i, end - i);
        merge_claimed(&claimed);
        adapt_batch(stretch->region);
    }
}

static void merge(const struct ps_stretch *order)
{
    for (uint32_t i = 0, end; i < order->count; i = end) {
        end = i;
        while (end < order->count && order->targets[end] != PS_TARGET_NONE) {
            end++;
        }
        if (end == i) {
            order->results[end++] = PS_MERGE_SKIPPED;
            continue;
        }
        struct ps_stretch stretch = ps_stretch_part(order, i, end - i);
        merge_stretch(&stretch);
    }
}

int32_t ps_merge(ps_region *region, uint64_t page, uint32_t count, const uint32_t *targets, uint8_t *results)
{
    struct ps_stretch order = {region, page, count, targets, results};
    return ps_stretch_run(&order, merge);
}
