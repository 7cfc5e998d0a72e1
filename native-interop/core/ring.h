/* The shape of a ring, which either side works out for itself, and access to what the other side may be writing. The
 * protocol is described in pageshare_agent.h. */
#ifndef PS_RING_H
#define PS_RING_H

#include <stdatomic.h>
#include <stdint.h>

#include "pageshare_agent.h"

/* More pages than page words can have frames for make no region. */
#define PS_RING_PAGES_MAX ((uint64_t)PS_TARGET_ZERO)

struct ps_ring_shape {
    uint64_t pages;
    uint64_t bytes;
    uint64_t written_offset;
    uint64_t copies_offset;
};

struct ps_ring_host {
    ps_ring_header *header;
    struct ps_ring_shape shape; /* immutable */
    uint32_t posted;            /* our own counts; the ring's are copies of them, or claims */
    uint32_t answered;
    uint32_t awaited;           /* the last order whose answer the caller has waited for: its slot is free */
    int is_broken;              /* the ring once said what cannot be */
};

struct ps_ring_shape ps_ring_shape_of(uint64_t pages);

static inline ps_ring_order *ps_ring_slot(ps_ring_header *header, uint32_t number)
{
    uint64_t slot = number % PS_RING_ORDERS;
    return (ps_ring_order *)((uint8_t *)header + PS_RING_HEADER_BYTES + slot * PS_RING_ORDER_BYTES);
}

static inline _Atomic uint32_t *ps_ring_word(uint32_t *word)
{
    return (_Atomic uint32_t *)word;
}

#endif
