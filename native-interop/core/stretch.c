#include "stretch.h"

#include <errno.h>
#include <string.h>

#include "store.h"

struct ps_stretch ps_stretch_part(const struct ps_stretch *whole, uint32_t first, uint32_t count)
{
    struct ps_stretch part = {whole->region, whole->page + first, count, whole->targets + first,
                              whole->results + first};
    return part;
}

int32_t ps_stretch_run(const struct ps_stretch *order, void (*run)(const struct ps_stretch *order))
{
    if (order->count > PS_ORDER_PAGES || !ps_range_is_inside(order->region, order->page, order->count)) {
        return -EINVAL;
    }
    uint64_t signals = ps_os_hold_signals();
    ps_store_enter(order->region);
    int is_covered = ps_store_covers(order->region, order->targets, order->count);
    if (is_covered) {
        run(order);
    }
    ps_store_leave(order->region);
    ps_os_release_signals(signals);
    return is_covered ? 0 : -EINVAL;
}

void ps_stretch_map_frames(const struct ps_stretch *stretch)
{
    for (uint32_t i = 0, end; i < stretch->count; i = end) {
        end = i + 1;
        if (!ps_stretch_maps_frame(stretch, i)) {
            continue;
        }
        uint32_t longest = ps_os_longest_view(stretch->region, stretch->page + i);
        while (end < stretch->count && end - i < longest && ps_stretch_maps_frame(stretch, end) &&
               stretch->targets[end] == stretch->targets[end - 1] + 1) {
            end++;
        }
        int error = ps_os_map_frames(stretch->region, stretch->page + i, end - i, stretch->targets[i]);
        if (error != 0) {
            memset(stretch->results + i, error == -EBUSY ? PS_MERGE_BUSY : PS_MERGE_NO_MAPPING, end - i);
        }
    }
}
