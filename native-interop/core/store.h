/*
 * The store that a region's merges use, which may be replaced by another one: descriptor, view, and generation.
 *
 * Comparing with one store and mapping the other would give a guest wrong bytes, so a store is not replaced while a
 * call uses it: calls count themselves in, and replacing needs the count at zero. The fault handler uses no store: a
 * break copies what is mapped.
 */
#ifndef PS_STORE_H
#define PS_STORE_H

#include "page_word.h"

/* Keeps the store as it is until ps_store_leave. Waits for the moment that replacing takes. */
void ps_store_enter(ps_region *region);
void ps_store_leave(ps_region *region);

/* 1 if the store has every frame that the targets name. Inside only. */
int ps_store_covers(ps_region *region, const uint32_t *targets, uint32_t count);

/* A frame of the store with its generation, as they lie in a page word. Inside only. */
static inline uint64_t ps_store_shares(const ps_region *region, uint32_t frame)
{
    return region->generation << PS_GENERATION_SHIFT | frame;
}

#endif
