/*
 * What an order means. The order is a copy that nobody else can change, but each of its fields is whatever somebody
 * wrote into the ring: ranges of pages are checked by the calls of pageshare.h, frames by those that read them, and
 * lengths of arrays here.
 */
#include "orders.h"

#include <errno.h>
#include <string.h>

#include "page_word.h"

static int has_targets(uint32_t kind)
{
    return kind == PS_ORDER_MERGE || kind == PS_ORDER_MOVE;
}

/* Each field is read once, by an access that the compiler may not repeat: what is checked is what is used. */
void ps_order_take(const ps_ring_order *slot, ps_ring_order *order)
{
    order->kind = __atomic_load_n(&slot->kind, __ATOMIC_RELAXED);
    order->count = __atomic_load_n(&slot->count, __ATOMIC_RELAXED);
    order->page = __atomic_load_n(&slot->page, __ATOMIC_RELAXED);
    order->result = 0;
    order->dropped = 0;
    uint32_t targets = has_targets(order->kind) && order->count <= PS_ORDER_PAGES ? order->count : 0;
    for (uint32_t i = 0; i < targets; i++) {
        order->targets[i] = __atomic_load_n(&slot->targets[i], __ATOMIC_RELAXED);
    }
    for (uint32_t i = 0; i < PS_ORDER_PAGES / 64 && order->kind == PS_ORDER_SETTLE; i++) {
        order->bits[i] = __atomic_load_n(&slot->bits[i], __ATOMIC_RELAXED);
    }
}

/* The words of a bitmap that stand for a range, or NULL where there is no such range. */
static uint64_t *words_of(const ps_region *region, const ps_ring_order *order, uint64_t *bitmap)
{
    return order->page % 64 == 0 && ps_range_is_inside(region, order->page, order->count) ? bitmap + order->page / 64
                                                                                          : NULL;
}

static int64_t settle(ps_region *region, ps_ring_order *order)
{
    if (order->count > PS_ORDER_PAGES) {
        return -EINVAL;
    }
    return ps_settle(region, order->page, order->count, order->bits, &order->dropped);
}

void ps_order_do(ps_region *region, ps_ring_order *order, uint64_t *written, uint64_t *copies)
{
    uint64_t *words;
    switch (order->kind) {
    case PS_ORDER_MERGE:
        order->result = ps_merge(region, order->page, order->count, order->targets, order->results);
        break;
    case PS_ORDER_BREAK:
        order->result = ps_try_break(region, order->page, order->count);
        break;
    case PS_ORDER_FIND_COPIES:
        words = words_of(region, order, copies);
        order->result = words == NULL ? -EINVAL : ps_find_anonymous(region, order->page, order->count, words);
        break;
    case PS_ORDER_SETTLE:
        order->result = settle(region, order);
        break;
    case PS_ORDER_FIND_WRITTEN:
        words = words_of(region, order, written);
        order->result = words == NULL ? -EINVAL : ps_find_written(region, order->page, order->count, words);
        break;
    case PS_ORDER_MOVE:
        order->result = ps_move(region, order->page, order->count, order->targets, order->results);
        break;
    default:
        order->result = -EOPNOTSUPP;
        break;
    }
}

void ps_order_answer(const ps_ring_order *order, ps_ring_order *slot)
{
    if (has_targets(order->kind) && order->result == 0) {
        memcpy(slot->results, order->results, order->count); /* at most PS_ORDER_PAGES, or result were -EINVAL */
    }
    slot->dropped = order->dropped;
    slot->result = order->result;
}
