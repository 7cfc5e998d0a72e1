/*
 * Breaking: copy home, map the backing, commit.
 *
 * Obvious and wrong: first map the backing, then copy into it. Another thread would read the hole in between. So the copy is
 * made behind the frame's view, by a write into the memory object, and the view is replaced when the bytes are there.
 *
 * Invariants
 * - Whoever moved a word to BREAKING owns that page until it moves it on; all others wait.
 * - The word names the frame all through BREAKING, so the host does not free the frame that is being copied from.
 * - In Kernel mode stores pass without a fault, so the pages are sealed before they are copied.
 *
 * Memory and mappings can run out. A stretch inside a run needs two more mappings; when the kernel has none, a spare one from
 * the reserve is given up, and when there is none, the whole run is broken, which only ever joins mappings. All that failing,
 * the claim is given back, so that another thread may break the same run meanwhile, and tried again with back-off.
 */
#include "breaking.h"

#include <errno.h>

#include "page_word.h"

#define FIRST_PAUSE_NS UINT64_C(100000)
#define LONGEST_PAUSE_NS UINT64_C(50000000)

struct stretch {
    uint64_t page;
    uint64_t count;
};

/* Claims one page if it is shared. */
static int claim(const ps_region *region, uint64_t page)
{
    uint64_t word = ps_word_read(region, page);
    return ps_word_is_shared(word) &&
           ps_word_try_claim(region, page, word, ps_word_make(PS_BREAKING, ps_word_frame(word)));
}

/* Claims from `page` on as far as pages are shared, at most count. */
static struct stretch claim_stretch(const ps_region *region, uint64_t page, uint64_t count)
{
    struct stretch claimed = {page, 0};
    while (claimed.count < count && claim(region, page + claimed.count)) {
        claimed.count++;
    }
    return claimed;
}

/* Widens a claim to the ends of the mappings that it touches: neighbours that continue its first and last frame. */
static void widen_to_mappings(const ps_region *region, struct stretch *claimed)
{
    uint32_t frame = ps_word_frame(ps_word_read(region, claimed->page));
    while (claimed->page > 0 && frame > 0) {
        uint64_t before = ps_word_read(region, claimed->page - 1);
        if (ps_word_frame(before) != frame - 1 || !claim(region, claimed->page - 1)) {
            break;
        }
        claimed->page--;
        claimed->count++;
        frame--;
    }
    uint64_t pages = atomic_load(&region->pages);
    frame = ps_word_frame(ps_word_read(region, claimed->page + claimed->count - 1));
    while (claimed->page + claimed->count < pages && frame < PS_TARGET_ZERO) {
        uint64_t after = ps_word_read(region, claimed->page + claimed->count);
        if (ps_word_frame(after) != frame + 1 || !claim(region, claimed->page + claimed->count)) {
            break;
        }
        claimed->count++;
        frame++;
    }
}

/* Back to what the pages were before they were claimed. */
static void give_back(const ps_region *region, struct stretch claimed)
{
    int kernel_mode = region->config.fault_mode == PS_FAULT_MODE_KERNEL;
    while (kernel_mode && ps_os_unseal(region, claimed.page, claimed.count) != 0) {
        ps_os_sleep_ns(FIRST_PAUSE_NS); /* writers wait for it, so it is tried until it works */
    }
    for (uint64_t i = 0; i < claimed.count; i++) {
        uint32_t frame = ps_word_frame(ps_word_read(region, claimed.page + i));
        ps_word_finish(region, claimed.page + i, ps_word_make(kernel_mode ? PS_KERNEL_SHARED : PS_SHARED, frame));
    }
}

/* One attempt at a claimed stretch. The mapping is the last thing that can fail. */
static int copy_and_map(const ps_region *region, struct stretch claimed)
{
    int error = 0;
    if (region->config.fault_mode == PS_FAULT_MODE_KERNEL) {
        error = ps_os_seal(region, claimed.page, claimed.count);
    }
    if (error == 0) {
        error = ps_os_copy_home(region, claimed.page, claimed.count);
    }
    if (error == 0) {
        ps_point_pass(PS_POINT_BREAK_COPIED, claimed.page);
        error = ps_os_map_identity(region, claimed.page, claimed.count);
    }
    return error;
}

static int copy_and_map_with_reserve(const ps_region *region, struct stretch claimed)
{
    int error = copy_and_map(region, claimed);
    while (error == -ENOMEM && ps_os_reserve_spend()) {
        ps_count(&region->config.counters->reserve_spent, 1);
        error = copy_and_map(region, claimed);
    }
    return error;
}

static void commit(const ps_region *region, struct stretch claimed)
{
    ps_point_pass(PS_POINT_BREAK_MAPPED, claimed.page);
    for (uint64_t i = 0; i < claimed.count; i++) {
        ps_word_finish(region, claimed.page + i, ps_word_make(PS_PRIVATE, 0));
    }
    ps_count(&region->config.counters->pages_broken, claimed.count);
}

int64_t ps_break_stretch(ps_region *region, uint64_t page, uint64_t count)
{
    uint64_t deadline = 0; /* set at the first failure, so that a break that succeeds asks for no time */
    uint64_t pause = FIRST_PAUSE_NS;
    for (;;) {
        struct stretch claimed = claim_stretch(region, page, count);
        if (claimed.count == 0) {
            return 0;
        }
        ps_point_pass(PS_POINT_BREAK_CLAIMED, page);
        int error = copy_and_map_with_reserve(region, claimed);
        if (error == -ENOMEM) {
            widen_to_mappings(region, &claimed);
            error = copy_and_map(region, claimed);
        }
        if (error == 0) {
            commit(region, claimed);
            /* What a widened claim broke to the left was not asked for and does not count. */
            return (int64_t)(claimed.page + claimed.count - page);
        }
        give_back(region, claimed);
        uint64_t now = ps_os_now_ns();
        if (deadline == 0) {
            deadline = now + region->config.break_timeout_ns;
            ps_count(&region->config.counters->breaks_stalled, 1);
        }
        if (now >= deadline || atomic_load(&region->closing)) {
            return error;
        }
        ps_os_sleep_ns(pause);
        pause = pause * 2 > LONGEST_PAUSE_NS ? LONGEST_PAUSE_NS : pause * 2;
    }
}

int64_t ps_break(ps_region *region, uint64_t page, uint64_t count)
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
        uint64_t most = end - page < PS_ORDER_PAGES ? end - page : PS_ORDER_PAGES;
        int64_t now_broken = ps_break_stretch(region, page, most);
        if (now_broken < 0) {
            return now_broken;
        }
        broken += now_broken; /* 0: somebody else was first; look again */
        page += (uint64_t)now_broken;
    }
    return broken;
}
