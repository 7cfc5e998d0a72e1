/*
 * A slot is one word, so that it is read and changed whole:
 *
 *   63        52  51                                                     0
 *  +------------+---------------------------------------------------------+
 *  | width      | next page: where the stream's next fault is awaited     |
 *  +------------+---------------------------------------------------------+
 *
 * Zero, of which no stream's next page is one, is an empty slot. Guard: none, see streams.h.
 */
#include "streams.h"

#include "page_word.h"

#define NEXT_BITS 52
#define NEXT_MASK ((UINT64_C(1) << NEXT_BITS) - 1)

/* Pages of its own that a writer is followed over, by its width. */
#define GAP_WIDTHS 4

static uint64_t limit_of(const ps_region *region)
{
    uint64_t limit = region->config.break_pages;
    int is_widened = region->config.fault_mode == PS_FAULT_MODE_SIGNAL && limit > 1;
    return !is_widened ? 1 : limit < PS_ORDER_PAGES ? limit : PS_ORDER_PAGES;
}

/* The slot of the stream that goes on at the page; PS_STREAMS if there is none. */
static uint32_t find(const ps_region *region, uint64_t page)
{
    uint32_t slot = 0;
    while (slot < PS_STREAMS &&
           (atomic_load_explicit(&region->streams[slot], memory_order_relaxed) & NEXT_MASK) != page) {
        slot++;
    }
    return slot;
}

uint64_t ps_stream_width(const ps_region *region, uint64_t page)
{
    uint64_t limit = limit_of(region);
    uint32_t slot = limit == 1 || page == 0 ? PS_STREAMS : find(region, page);
    if (slot == PS_STREAMS) {
        return 1;
    }
    uint64_t width = 2 * (atomic_load_explicit(&region->streams[slot], memory_order_relaxed) >> NEXT_BITS);
    uint64_t left = atomic_load(&region->pages) - page;
    width = width < limit ? width : limit;
    return width < left ? width : left;
}

static int is_shared(const ps_region *region, uint64_t page)
{
    return page < atomic_load(&region->pages) && ps_word_is_shared(ps_word_read(region, page));
}

/* The writer gets over pages of its own without a fault, so its next one is behind them. Looks at `most` of them. */
static uint64_t next_fault(const ps_region *region, uint64_t page, uint64_t most)
{
    uint64_t pages = atomic_load(&region->pages);
    uint64_t end = pages - page < most ? pages : page + most;
    while (page < end && !ps_word_is_shared(ps_word_read(region, page))) {
        page++;
    }
    return page;
}

void ps_stream_go_on(ps_region *region, uint64_t page, uint64_t broken)
{
    uint64_t limit = limit_of(region);
    if (limit == 1) {
        return;
    }
    uint64_t width = broken < limit ? broken : limit; /* where mappings are short, whole runs break */
    uint32_t slot = page == 0 ? PS_STREAMS : find(region, page);
    if (slot == PS_STREAMS) {
        slot = atomic_fetch_add_explicit(&region->newest_stream, 1, memory_order_relaxed) % PS_STREAMS;
    } else if (!is_shared(region, page + broken)) {
        /* Cut short by the end of a shared run, and not by want of memory: as wide as it was. */
        uint64_t before = atomic_load_explicit(&region->streams[slot], memory_order_relaxed) >> NEXT_BITS;
        width = width > before ? width : before;
    }
    uint64_t next = next_fault(region, page + broken, GAP_WIDTHS * width);
    atomic_store_explicit(&region->streams[slot], width << NEXT_BITS | next, memory_order_relaxed);
}
