/*
 * Guests with an agent, and the host's end of their ring. Everything here ends the test when it fails, but for what
 * returns an error.
 */
#ifndef PS_AGENTS_H
#define PS_AGENTS_H

#include "fixture.h"
#include "pageshare_agent.h"

#define ANSWER_NS UINT64_C(20000000000)

struct ring {
    ps_ring_header *header; /* shared with processes that are forked later, until an agent starts on it */
    uint64_t bytes;
    uint64_t pages;
    ps_ring_host *host;
};

struct ring *ring_open(uint64_t pages);

static inline uint64_t *ring_written(const struct ring *ring)
{
    return (uint64_t *)((uint8_t *)ring->header + ring->header->written_offset);
}

static inline uint64_t *ring_copies(const struct ring *ring)
{
    return (uint64_t *)((uint8_t *)ring->header + ring->header->copies_offset);
}

ps_agent *agent_start(struct guest *guest, struct ring *ring);

/* The next free slot with an order in it: targets are frame, frame + 1, ...; or PS_TARGET_NONE, or PS_TARGET_ZERO for
 * all. */
ps_ring_order *write_order(struct ring *ring, ps_order_kind kind, uint64_t page, uint32_t count, uint32_t frame);

/* Writes, posts and awaits an order; returns its slot. */
const ps_ring_order *give(struct ring *ring, ps_order_kind kind, uint64_t page, uint32_t count, uint32_t frame);
int64_t give_for_result(struct ring *ring, ps_order_kind kind, uint64_t page, uint32_t count, uint32_t frame);

/* give, and all results must be DONE. */
void give_and_check_done(struct ring *ring, ps_order_kind kind, uint64_t page, uint32_t count, uint32_t frame);

/* Writes contents content, content + 1, ... into pages from `page` on and frames from `frame` on. */
void fill_alike(const struct guest *guest, const struct store *store, uint64_t page, uint32_t count, uint32_t frame,
                uint64_t content);

#endif
