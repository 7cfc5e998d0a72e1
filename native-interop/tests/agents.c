#define _GNU_SOURCE
#include "agents.h"

#include <stdlib.h>
#include <sys/mman.h>

struct ring *ring_open(uint64_t pages)
{
    int32_t error = -1;
    struct ring *ring = calloc(1, sizeof *ring);
    CHECK(ring != NULL);
    ring->pages = pages;
    ring->bytes = ps_ring_bytes(pages);
    ring->header = mmap(NULL, ring->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(ring->header != MAP_FAILED && ps_ring_format(ring->header, ring->bytes, pages) == 0);
    ring->host = ps_ring_host_open(ring->header, ring->bytes, pages, &error);
    CHECK(ring->host != NULL && error == 0);
    return ring;
}

ps_agent *agent_start(struct guest *guest, struct ring *ring)
{
    int32_t error = -1;
    ps_agent *agent = ps_agent_start(guest->region, ring->header, ring->bytes, &error);
    CHECK(agent != NULL && error == 0);
    return agent;
}

ps_ring_order *write_order(struct ring *ring, ps_order_kind kind, uint64_t page, uint32_t count, uint32_t frame)
{
    ps_ring_order *order = ps_ring_next(ring->host);
    CHECK(order != NULL);
    order->kind = kind;
    order->page = page;
    order->count = count;
    order->result = INT64_MIN;
    for (uint32_t i = 0; i < PS_ORDER_PAGES; i++) {
        order->targets[i] = frame >= PS_TARGET_ZERO ? frame : frame + i;
        order->results[i] = 0xEE;
    }
    return order;
}

const ps_ring_order *give(struct ring *ring, ps_order_kind kind, uint64_t page, uint32_t count, uint32_t frame)
{
    write_order(ring, kind, page, count, frame);
    uint32_t sequence = ps_ring_post(ring->host);
    CHECK(ps_ring_await(ring->host, sequence, ANSWER_NS) == 0);
    const ps_ring_order *answer = ps_ring_answer(ring->host, sequence);
    CHECK(answer != NULL);
    return answer;
}

int64_t give_for_result(struct ring *ring, ps_order_kind kind, uint64_t page, uint32_t count, uint32_t frame)
{
    return give(ring, kind, page, count, frame)->result;
}

void give_and_check_done(struct ring *ring, ps_order_kind kind, uint64_t page, uint32_t count, uint32_t frame)
{
    const ps_ring_order *answer = give(ring, kind, page, count, frame);
    CHECK(answer->result == 0);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(answer->results[i] == PS_MERGE_DONE);
    }
}

void fill_alike(const struct guest *guest, const struct store *store, uint64_t page, uint32_t count, uint32_t frame,
                uint64_t content)
{
    for (uint32_t i = 0; i < count; i++) {
        fill_page(page_at(guest, page + i), content + i);
        store_write(store, frame + i, content + i);
    }
}
