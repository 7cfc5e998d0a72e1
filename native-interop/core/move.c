/*
 * Moving: pages that share frames of an older store come to share equal frames of the region's store.
 *
 * Obvious and wrong: break the pages and merge them again. That takes memory for all of them, just when a host has died
 * and memory may be short. Also wrong, in Kernel mode: to ask which pages the guest has written to, and to replace the
 * mappings of the others. A store between the two is lost. So the pages are sealed, and what is mapped is compared byte
 * for byte; then it does not matter who wrote what.
 *
 * Order: word BREAKING (which names the old frame to the end), seal in Kernel mode, compare, map the new frame, word
 * SHARED. The backing is a hole before and after. On the way back: first writable, then the word.
 *
 * Invariants
 * - A page shows the same bytes before and after each step.
 * - A copy that the kernel made for a store is replaced only by equal bytes; else it goes home, as in settling, or
 *   stays.
 * - Failing system calls leave the page with its old frame, or with the copy that it had.
 */
#include <string.h>

#include "breaking.h"
#include "page_word.h"
#include "store.h"
#include "stretch.h"

/* Pages of a stretch by number. */
struct page_set {
    uint64_t bits[PS_ORDER_PAGES / 64];
};

static int contains(const struct page_set *set, uint32_t i)
{
    return (int)(set->bits[i / 64] >> (i % 64) & 1);
}

static int is_kernel_mode(const struct ps_stretch *stretch)
{
    return stretch->region->config.fault_mode == PS_FAULT_MODE_KERNEL;
}

static int claim(const struct ps_stretch *stretch, uint32_t i)
{
    uint64_t word = ps_word_read(stretch->region, stretch->page + i);
    return stretch->targets[i] < PS_TARGET_ZERO && ps_word_is_shared(word) &&
           ps_word_generation(word) != stretch->region->generation &&
           ps_word_try_claim(stretch->region, stretch->page + i, word,
                             ps_word_make(PS_BREAKING, ps_word_shares(word)));
}

static void compare(const struct ps_stretch *stretch)
{
    for (uint32_t i = 0; i < stretch->count; i++) {
        /* SAFETY: nobody stores to the page; the store has the frame (ps_store_covers), and the host wrote it before
         * the order and leaves it alone. */
        const uint8_t *page = ps_page_address(stretch->region, stretch->page + i);
        const uint8_t *frame = stretch->region->config.store_view + (uint64_t)stretch->targets[i] * PS_PAGE_SIZE;
        stretch->results[i] = memcmp(page, frame, PS_PAGE_SIZE) == 0 ? PS_MERGE_DONE : PS_MERGE_DIFFERS;
    }
    ps_point_pass(PS_POINT_MOVE_COMPARED, stretch->page);
}

/* Kernel mode: of the pages that differ, those that the guest wrote to go home. Where the kernel does not tell which
 * they are, they keep their copies and their old frames. */
static void bring_copies_home(const struct ps_stretch *stretch, struct page_set *home)
{
    struct page_set copies;
    const uint8_t *address = ps_page_address(stretch->region, stretch->page);
    if (memchr(stretch->results, PS_MERGE_DIFFERS, stretch->count) == NULL ||
        ps_os_find_anonymous(address, stretch->count, copies.bits) <= 0) {
        return;
    }
    for (uint32_t i = 0; i < stretch->count; i++) {
        if (stretch->results[i] == PS_MERGE_DIFFERS && contains(&copies, i) &&
            ps_bring_home(stretch->region, stretch->page + i)) {
            home->bits[i / 64] |= UINT64_C(1) << i % 64;
            ps_count(&stretch->region->config.counters->pages_broken, 1);
        }
    }
}

/* Kernel mode: what stays with its old frame takes stores again. */
static void unseal_what_stays(const struct ps_stretch *stretch, const struct page_set *home)
{
    for (uint32_t i = 0, end; i < stretch->count; i = end) {
        end = i + 1;
        if (stretch->results[i] == PS_MERGE_DONE || contains(home, i)) {
            continue;
        }
        while (end < stretch->count && stretch->results[end] != PS_MERGE_DONE && !contains(home, end)) {
            end++;
        }
        ps_unseal_shared(stretch->region, stretch->page + i, end - i);
    }
}

static void commit(const struct ps_stretch *stretch, const struct page_set *home)
{
    ps_page_state shared = ps_shared_state(stretch->region);
    for (uint32_t i = 0; i < stretch->count; i++) {
        uint64_t page = stretch->page + i;
        if (contains(home, i)) {
            ps_word_finish(stretch->region, page, ps_word_make(PS_PRIVATE, 0));
        } else if (stretch->results[i] == PS_MERGE_DONE) {
            ps_word_finish(stretch->region, page,
                           ps_word_make(shared, ps_store_shares(stretch->region, stretch->targets[i])));
        } else {
            uint64_t as_before = ps_word_shares(ps_word_read(stretch->region, page));
            ps_word_finish(stretch->region, page, ps_word_make(shared, as_before));
        }
    }
}

/* A stretch whose words all say BREAKING. */
static void move_claimed(const struct ps_stretch *stretch)
{
    struct page_set home = {{0}};
    ps_point_pass(PS_POINT_MOVE_CLAIMED, stretch->page);
    if (is_kernel_mode(stretch) && ps_os_seal(stretch->region, stretch->page, stretch->count) != 0) {
        memset(stretch->results, PS_MERGE_NO_MAPPING, stretch->count);
    } else {
        ps_point_pass(PS_POINT_MOVE_SEALED, stretch->page);
        compare(stretch);
        if (is_kernel_mode(stretch)) {
            bring_copies_home(stretch, &home);
        }
        ps_stretch_map_frames(stretch);
        ps_point_pass(PS_POINT_MOVE_MAPPED, stretch->page);
    }
    if (is_kernel_mode(stretch)) {
        unseal_what_stays(stretch, &home);
    }
    commit(stretch, &home);
}

static void move(const struct ps_stretch *order)
{
    for (uint32_t i = 0, end; i < order->count; i = end) {
        end = i;
        while (end < order->count && claim(order, end)) {
            end++;
        }
        if (end == i) {
            order->results[end] = order->targets[end] == PS_TARGET_NONE ? PS_MERGE_SKIPPED : PS_MERGE_BUSY;
            end++;
            continue;
        }
        struct ps_stretch claimed = ps_stretch_part(order, i, end - i);
        move_claimed(&claimed);
    }
}

int32_t ps_move(ps_region *region, uint64_t page, uint32_t count, const uint32_t *targets, uint8_t *results)
{
    struct ps_stretch order = {region, page, count, targets, results};
    return ps_stretch_run(&order, move);
}
