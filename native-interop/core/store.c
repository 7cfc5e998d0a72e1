/* Using and replacing a region's store: see store.h. */
#include "store.h"

#include <errno.h>

#define IS_CHANGING UINT32_MAX /* in store_users */
#define CHANGE_PAUSE_NS UINT64_C(10000)

/* Acquire, here and in ps_region_set_store, pairs with the release in leaving and in the end of a change: who comes in
 * sees the whole new store, and who replaces it comes after all that used the old one. */
void ps_store_enter(ps_region *region)
{
    uint32_t users = atomic_load_explicit(&region->store_users, memory_order_relaxed);
    for (;;) {
        if (users == IS_CHANGING) {
            ps_os_sleep_ns(CHANGE_PAUSE_NS);
            users = atomic_load_explicit(&region->store_users, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(&region->store_users, &users, users + 1,
                                                         memory_order_acquire, memory_order_relaxed)) {
            return;
        }
    }
}

void ps_store_leave(ps_region *region)
{
    atomic_fetch_sub_explicit(&region->store_users, 1, memory_order_release);
}

/* What the view has room for, and the store really has: a store grows inside its views. */
static uint64_t count_frames(const ps_region *region)
{
    int64_t held = ps_os_store_frames(region->config.store_fd);
    uint64_t room = region->config.store_frames;
    if (held < 0) {
        return 0;
    }
    return room != 0 && room < (uint64_t)held ? room : (uint64_t)held;
}

int ps_store_covers(ps_region *region, const uint32_t *targets, uint32_t count)
{
    uint64_t needed = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (targets[i] < PS_TARGET_ZERO && targets[i] >= needed) {
            needed = (uint64_t)targets[i] + 1;
        }
    }
    if (needed > atomic_load_explicit(&region->store_frames, memory_order_relaxed)) {
        atomic_store_explicit(&region->store_frames, count_frames(region), memory_order_relaxed);
    }
    return needed <= atomic_load_explicit(&region->store_frames, memory_order_relaxed);
}

int32_t ps_region_set_store(ps_region *region, int32_t store_fd, const uint8_t *store_view)
{
    uint32_t nobody = 0;
    int64_t frames = ps_os_store_frames(store_fd);
    if (!ps_os_can_change_store()) {
        return -EOPNOTSUPP;
    }
    if (frames < 0) {
        return (int32_t)frames;
    }
    if (!atomic_compare_exchange_strong_explicit(&region->store_users, &nobody, IS_CHANGING, memory_order_acquire,
                                                 memory_order_relaxed)) {
        return -EBUSY;
    }
    int32_t generation = -EOVERFLOW;
    if (region->generation < PS_GENERATION_MAX) {
        region->config.store_fd = store_fd;
        region->config.store_view = store_view;
        atomic_store_explicit(&region->store_frames, 0, memory_order_relaxed); /* counted when first needed */
        generation = (int32_t)++region->generation;
    }
    atomic_store_explicit(&region->store_users, 0, memory_order_release);
    return generation;
}
