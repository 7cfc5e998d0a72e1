/*
 * What merging and moving have in common: neighbouring pages with a frame for each, as the host ordered it, and what
 * became of each.
 */
#ifndef PS_STRETCH_H
#define PS_STRETCH_H

#include "region.h"

/* An order or a part of it; all arrays begin at `page`. */
struct ps_stretch {
    ps_region *region;
    uint64_t page;
    uint32_t count;
    const uint32_t *targets;
    uint8_t *results;
};

struct ps_stretch ps_stretch_part(const struct ps_stretch *whole, uint32_t first, uint32_t count);

/* Runs an order while the store stays as it is and signals wait. -EINVAL, and nothing done, where it names pages
 * beyond the region or frames that the store does not have. */
int32_t ps_stretch_run(const struct ps_stretch *order, void (*run)(const struct ps_stretch *order));

/* 1 if the page is to show the frame that was ordered, and has the same bytes. */
static inline int ps_stretch_maps_frame(const struct ps_stretch *stretch, uint32_t i)
{
    return stretch->results[i] == PS_MERGE_DONE && stretch->targets[i] != PS_TARGET_ZERO;
}

/* Maps these frames, one mapping for each run of pages whose frames continue. Pages for which that fails get
 * PS_MERGE_NO_MAPPING or PS_MERGE_BUSY as their result, and show what they showed. */
void ps_stretch_map_frames(const struct ps_stretch *stretch);

#endif
