/*
 * Settling, Kernel mode: what becomes of the copies that the kernel made at stores to shared pages.
 *
 * The host finds such pages afterwards: mapped private, and anonymous. One that equals its frame again (a store of
 * the same bytes, or there and back) drops the copy and goes on sharing. Any other is brought home: its bytes go to
 * the backing, the identity mapping comes back, and it is an ordinary private page. So does one whose frame is of an
 * older store, which cannot be looked at any more.
 *
 * Obvious and wrong: compare, then drop. A store between the two is lost. So both happen under a seal, as merging does.
 */
#include <errno.h>
#include <string.h>

#include "breaking.h"
#include "page_word.h"
#include "store.h"

static int is_marked(const uint64_t *bits, uint32_t i)
{
    return (int)(bits[i / 64] >> (i % 64) & 1);
}

/* Equal to the frame again: the kernel's copy goes, the page stays shared. */
static int drop(ps_region *region, uint64_t page)
{
    return ps_os_drop_copies(region, page, 1) == 0;
}

int ps_bring_home(ps_region *region, uint64_t page)
{
    if (ps_os_copy_home(region, page, 1) == 0 && ps_os_map_identity(region, page, 1) == 0) {
        return 1;
    }
    ps_os_punch(region, page, 1); /* in nobody's view */
    return 0;
}

/* Sealed: 1 if the page shows what its frame holds. */
static int equals_frame(const ps_region *region, uint64_t page, uint64_t word)
{
    if (ps_word_generation(word) != region->generation) {
        return 0;
    }
    /* SAFETY: sealed, and the frame lives as long as a word names it. */
    const uint8_t *frame_bytes = region->config.store_view + (uint64_t)ps_word_frame(word) * PS_PAGE_SIZE;
    return memcmp(ps_page_address(region, page), frame_bytes, PS_PAGE_SIZE) == 0;
}

/* Settles one page; 1 if it moved home. */
static int settle(ps_region *region, uint64_t page, uint64_t *dropped)
{
    uint64_t word = ps_word_read(region, page);
    if (ps_word_state(word) != PS_KERNEL_SHARED ||
        !ps_word_try_claim(region, page, word, ps_word_make(PS_BREAKING, ps_word_shares(word)))) {
        return 0;
    }
    int is_home = 0;
    if (ps_os_seal(region, page, 1) == 0) {
        ps_point_pass(PS_POINT_SETTLE_SEALED, page);
        if (equals_frame(region, page, word)) {
            *dropped += (uint64_t)drop(region, page);
        } else {
            is_home = ps_bring_home(region, page);
        }
        if (!is_home) {
            ps_unseal_shared(region, page, 1); /* writable before the word says so */
        }
    }
    ps_word_finish(region, page, is_home ? ps_word_make(PS_PRIVATE, 0) : word & ~PS_WAITERS);
    return is_home;
}

int64_t ps_settle(ps_region *region, uint64_t page, uint32_t count, const uint64_t *broken, uint64_t *dropped)
{
    if (!ps_range_is_inside(region, page, count)) {
        return -EINVAL;
    }
    int64_t home = 0;
    uint64_t drops = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (is_marked(broken, i)) {
            uint64_t signals = ps_os_hold_signals();
            ps_store_enter(region);
            home += settle(region, page + i, &drops);
            ps_store_leave(region);
            ps_os_release_signals(signals);
        }
    }
    if (dropped != NULL) {
        *dropped = drops;
    }
    ps_count(&region->config.counters->pages_broken, (uint64_t)home);
    return home;
}

int64_t ps_find_anonymous(ps_region *region, uint64_t page, uint64_t page_count, uint64_t *broken)
{
    if (!ps_range_is_inside(region, page, page_count)) {
        return -EINVAL;
    }
    return ps_os_find_anonymous(ps_page_address(region, page), page_count, broken);
}
