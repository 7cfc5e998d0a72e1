/*
 * Breaking: copy home, map the backing, commit.
 *
 * Obvious and wrong: first map the backing, then copy into it. Another thread would read the hole in between. So the
 * copy is made behind the frame's view, by a write into the memory object, and the view is replaced when the bytes
 * are there.
 *
 * Invariants
 * - Whoever moved a word to BREAKING owns that page until it moves it on; all others wait.
 * - The word names the frame all through BREAKING, so the host does not free the frame that is being copied from.
 * - In Kernel mode stores pass without a fault, so the pages are sealed before they are copied.
 *
 * Memory and mappings can run out. A stretch inside a run needs two more mappings; when the kernel has none, spare
 * ones from the reserve are given up. Wrong would be to spend them all on that: the break that takes the last one may
 * leave the process one mapping beyond its limit, where the kernel refuses even a replacement, and the next break has
 * nothing to give. So once half the reserve is gone, whole runs are broken, which only ever joins mappings, and the
 * rest of it brings the process back from beyond the limit. For want of memory, though, neither helps: a whole run
 * needs more of it.
 *
 * All that failing, the claim is given back with all that was copied, so that another thread may break the same run
 * meanwhile, and tried again with back-off.
 */
#include "breaking.h"

#include <errno.h>

#include "page_word.h"

/* Most pages that a call breaks at a time: bounds how long a store to one of them waits, some 0.2 ms. */
#define STRETCH_PAGES UINT64_C(64)

#define FIRST_PAUSE_NS UINT64_C(100000)
#define LONGEST_PAUSE_NS UINT64_C(50000000)

struct stretch {
    uint64_t page;
    uint64_t count;
};

/* Claims one page if it is shared. */
static int claim(ps_region *region, uint64_t page)
{
    uint64_t word = ps_word_read(region, page);
    return ps_word_is_shared(word) &&
           ps_word_try_claim(region, page, word, ps_word_make(PS_BREAKING, ps_word_shares(word)));
}

/* Claims from `page` on as far as pages are shared, at most count. */
static struct stretch claim_stretch(ps_region *region, uint64_t page, uint64_t count)
{
    struct stretch claimed = {page, 0};
    while (claimed.count < count && claim(region, page + claimed.count)) {
        claimed.count++;
    }
    return claimed;
}

/* Widens a claim to the ends of the mappings that it touches: neighbours that continue its first and last frame, in the
 * same store. */
static void widen_to_mappings(ps_region *region, struct stretch *claimed)
{
    uint64_t shares = ps_word_shares(ps_word_read(region, claimed->page));
    while (claimed->page > 0 && ps_word_frame(shares) > 0) {
        uint64_t before = ps_word_read(region, claimed->page - 1);
        if (ps_word_shares(before) != shares - 1 || !claim(region, claimed->page - 1)) {
            break;
        }
        claimed->page--;
        claimed->count++;
        shares--;
    }
    uint64_t pages = atomic_load(&region->pages);
    shares = ps_word_shares(ps_word_read(region, claimed->page + claimed->count - 1));
    while (claimed->page + claimed->count < pages && ps_word_frame(shares) < PS_TARGET_ZERO) {
        uint64_t after = ps_word_read(region, claimed->page + claimed->count);
        if (ps_word_shares(after) != shares + 1 || !claim(region, claimed->page + claimed->count)) {
            break;
        }
        claimed->count++;
        shares++;
    }
}

void ps_unseal_shared(ps_region *region, uint64_t page, uint64_t count)
{
    while (ps_os_unseal(region, page, count) != 0) {
        if (!ps_os_reserve_spend()) {
            return;
        }
        ps_count(&region->config.counters->reserve_spent, 1);
    }
}

/* Back to what the pages were before they were claimed. What was copied is in nobody's view; there may be little
 * memory. */
static void give_back(ps_region *region, struct stretch claimed)
{
    int kernel_mode = region->config.fault_mode == PS_FAULT_MODE_KERNEL;
    ps_os_punch(region, claimed.page, claimed.count);
    if (kernel_mode) {
        ps_unseal_shared(region, claimed.page, claimed.count);
    }
    for (uint64_t i = 0; i < claimed.count; i++) {
        uint64_t shares = ps_word_shares(ps_word_read(region, claimed.page + i));
        ps_word_finish(region, claimed.page + i, ps_word_make(ps_shared_state(region), shares));
    }
}

#define NO_MEMORY (-ENOSPC) /* apart from -ENOMEM, which says that there was no mapping to be had */

/* One attempt at a claimed stretch. The mapping is the last thing that can fail. */
static int copy_and_map(ps_region *region, struct stretch claimed)
{
    int error = 0;
    if (region->config.fault_mode == PS_FAULT_MODE_KERNEL) {
        error = ps_os_seal(region, claimed.page, claimed.count);
    }
    if (error == 0) {
        error = ps_os_copy_home(region, claimed.page, claimed.count);
        error = error == -ENOMEM ? NO_MEMORY : error;
    }
    if (error == 0) {
        ps_point_pass(PS_POINT_BREAK_COPIED, claimed.page);
        error = ps_os_map_copies(region, claimed.page, claimed.count);
    }
    return error;
}

static int copy_and_map_with_reserve(ps_region *region, struct stretch claimed, int to_the_last)
{
    int error = copy_and_map(region, claimed);
    while (error == -ENOMEM && (to_the_last || !ps_os_reserve_is_short()) && ps_os_reserve_spend()) {
        ps_count(&region->config.counters->reserve_spent, 1);
        error = copy_and_map(region, claimed);
    }
    return error;
}

/* Breaks what was claimed, or more than that where mappings are short. */
static int break_claimed(ps_region *region, struct stretch *claimed)
{
    int error = -ENOMEM;
    if (!ps_os_reserve_is_short()) {
        error = copy_and_map_with_reserve(region, *claimed, 0);
    }
    if (error == -ENOMEM) {
        widen_to_mappings(region, claimed);
        error = copy_and_map_with_reserve(region, *claimed, 1);
    }
    return error;
}

static void commit(ps_region *region, struct stretch claimed)
{
    ps_point_pass(PS_POINT_BREAK_MAPPED, claimed.page);
    for (uint64_t i = 0; i < claimed.count; i++) {
        ps_word_finish(region, claimed.page + i, ps_word_make(PS_PRIVATE, 0));
    }
    ps_count(&region->config.counters->pages_broken, claimed.count);
}

static int is_in_handler(ps_break_manner manner)
{
    return manner == PS_BREAK_IN_HANDLER || manner == PS_BREAK_AHEAD;
}

/* From claim to commit, or back. Returns as ps_break_stretch does. */
static int64_t try_break(ps_region *region, uint64_t page, uint64_t count, ps_break_manner manner)
{
    struct stretch claimed = claim_stretch(region, page, count);
    if (claimed.count == 0) {
        return 0;
    }
    ps_point_pass(PS_POINT_BREAK_CLAIMED, page);
    int error = break_claimed(region, &claimed);
    if (error != 0) {
        give_back(region, claimed);
        return error == NO_MEMORY ? -ENOMEM : error;
    }
    commit(region, claimed);
    if (is_in_handler(manner)) {
        ps_count(&region->config.counters->pages_broken_ahead, claimed.count - 1);
    }
    /* What a widened claim broke to the left was not asked for and does not count. */
    return (int64_t)(claimed.page + claimed.count - page);
}

int64_t ps_break_stretch(ps_region *region, uint64_t page, uint64_t count, ps_break_manner manner)
{
    uint64_t stalled_at = 0; /* set at the first failure, so that a break that succeeds asks for no time */
    uint64_t pause = FIRST_PAUSE_NS;
    for (;;) {
        uint64_t signals = is_in_handler(manner) ? 0 : ps_os_hold_signals();
        int64_t result = try_break(region, page, count, manner);
        if (!is_in_handler(manner)) {
            ps_os_release_signals(signals);
        }
        if (result >= 0 || result == -EFAULT) {
            return result; /* EFAULT: somebody has made the pages unreadable, and time does not mend that */
        }
        if (manner == PS_BREAK_AT_ONCE || manner == PS_BREAK_AHEAD) {
            return result;
        }
        uint64_t now = ps_os_now_ns();
        if (stalled_at == 0) {
            stalled_at = now;
            ps_count(&region->config.counters->breaks_stalled, 1);
        }
        if (now - stalled_at >= region->config.break_timeout_ns || atomic_load(&region->closing)) {
            return result;
        }
        ps_os_sleep_ns(pause);
        pause = pause * 2 > LONGEST_PAUSE_NS ? LONGEST_PAUSE_NS : pause * 2;
    }
}

static int64_t break_range(ps_region *region, uint64_t page, uint64_t count, ps_break_manner manner)
{
    if (!ps_range_is_inside(region, page, count)) {
        return -EINVAL;
    }
    int64_t broken = 0;
    uint64_t end = page + count;
    while (page < end) {
        uint64_t word = ps_word_await(region, page);
        if (!ps_word_is_shared(word)) {
            page++;
            continue;
        }
        uint64_t most = end - page < STRETCH_PAGES ? end - page : STRETCH_PAGES;
        int64_t now_broken = ps_break_stretch(region, page, most, manner);
        if (now_broken < 0) {
            return now_broken;
        }
        broken += now_broken; /* 0: somebody else was first; look again */
        page += (uint64_t)now_broken;
    }
    return broken;
}

int64_t ps_break(ps_region *region, uint64_t page, uint64_t count)
{
    return break_range(region, page, count, PS_BREAK_AND_WAIT);
}

int64_t ps_try_break(ps_region *region, uint64_t page, uint64_t count)
{
    return break_range(region, page, count, PS_BREAK_AT_ONCE);
}
