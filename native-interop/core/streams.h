/*
 * Streams: writers that go through memory page by page.
 *
 * A store that breaks sharing costs a signal, a mapping and more, some ten microseconds, and only two or three of them
 * are the page's own. So a store right behind the pages that were broken last is taken for the same writer's, and breaks
 * twice as many pages as the one before, up to the region's limit.
 *
 * A page that was broken ahead and is never stored to is memory lost until the scanner merges it again. So a stream
 * begins with one page, and has gone over at least as many pages as it ever breaks ahead. A store anywhere else begins
 * a new stream: strides and random stores break single pages.
 *
 * Shared runs have pages of the guest's own between them, where a writer makes no fault. It is followed over some of
 * these, and goes on in the next run as wide as it was.
 *
 * Several threads write side by side, so a region follows as many streams as it has slots; a new one takes the place of
 * the oldest. All of it is guesswork that no page's safety depends on: a slot that two threads change at once loses one
 * stream, whose writer breaks one page again.
 */
#ifndef PS_STREAMS_H
#define PS_STREAMS_H

#include "region.h"

/* How many pages a store to this one, which shares a frame, should break: 1 up to the region's limit. */
uint64_t ps_stream_width(const ps_region *region, uint64_t page);

/* A store to `page` has broken so many pages from there on. */
void ps_stream_go_on(ps_region *region, uint64_t page, uint64_t broken);

#endif
