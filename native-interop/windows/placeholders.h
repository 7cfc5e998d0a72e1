/*
 * The address range of a region as placeholders and views: which there are, how they are cut, joined, mapped and
 * unmapped.
 *
 * Windows cannot lay one view over another. A range that is to hold views is reserved as a placeholder, and a view
 * replaces one placeholder exactly. So to change what a page shows, the view around it is unmapped, which leaves a
 * placeholder; that is cut to size or joined with its neighbours; and views are mapped again, of the page and of what
 * lay around it. The bookkeeping of that is here and nowhere else; what changes when is views.c's.
 *
 * Invariants, whenever the lock is free
 * - BEGINS is set for a page where a view or a placeholder begins, and for no other. The last placeholder goes on
 *   behind the region, into the guard page.
 * - `shows` says what is mapped, MAPPED that it is, SEALED whether stores are stopped, READ_ONLY how: by a view that
 *   was mapped so, and can never be made writable, or by protecting a part of a writable one.
 * - A view shows one thing: the identity, or frames that continue.
 *
 * All of it works inside the fault handler: it allocates nothing, and the lock is held over one change, by native code
 * only.
 */
#ifndef PS_PLACEHOLDERS_H
#define PS_PLACEHOLDERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "region.h"

/* Pages of a granule: no view crosses a multiple of it. Longer views mean longer windows, shorter ones more views. */
#define PS_GRANULE_PAGES UINT64_C(64)

/* What a page shows. A frame f is PS_SHOWS_FRAME + f. */
#define PS_SHOWS_NOTHING 0u /* a placeholder */
#define PS_SHOWS_IDENTITY 1u
#define PS_SHOWS_FRAME 2u

/* Flags of a page. */
#define PS_PLACE_BEGINS 1u
#define PS_PLACE_SEALED 2u
#define PS_PLACE_READ_ONLY 4u
#define PS_PLACE_SEALED_BEFORE 8u /* to go back to */
#define PS_PLACE_MAPPED 16u

struct ps_os_region {
    _Atomic uint32_t lock;     /* 0 free, 1 held, 2 held and waited for */
    uint32_t *shows;           /* a page; guard: lock to change, claim of the page to read */
    uint32_t *before;          /* the same, to go back to; guard: lock */
    uint8_t *flags;            /* a page, and one behind the last; guard: lock */
    _Atomic uint64_t *present; /* a bit a page: its own memory in the backing is in use, as far as was seen */
    uint64_t present_words;
};

/* A stretch of pages within one granule. */
struct ps_part {
    uint64_t start;
    uint64_t end;
};

int ps_placeholders_open(ps_region *region);
void ps_placeholders_close(ps_region *region);

/* All below: lock held. */
void ps_placeholders_lock(const ps_region *region);
void ps_placeholders_unlock(const ps_region *region);

/* First page of the view or placeholder that holds the page, and the page behind its last. */
uint64_t ps_view_start(const struct ps_os_region *os, uint64_t page);
uint64_t ps_view_end(const struct ps_os_region *os, uint64_t page);

static inline int ps_shows_frame(uint32_t shows)
{
    return shows >= PS_SHOWS_FRAME;
}

/* Whether stores to the page make a copy that only its view has. */
int ps_view_holds_copies(const ps_region *region, uint64_t page);

/* Whether one view can show both the page and the one before. */
int ps_view_goes_on(const ps_region *region, uint64_t page);

void ps_unmap_views(const ps_region *region, struct ps_part part);

/* Maps what `shows` says, where nothing is mapped. 0, or -ENOMEM, and nothing is mapped then. */
int ps_map_views(const ps_region *region, struct ps_part part);

/* The same for what was there before, for however long that takes: whoever waits for these pages could not go on
 * without them. */
void ps_map_views_for_certain(const ps_region *region, struct ps_part part);

#endif
