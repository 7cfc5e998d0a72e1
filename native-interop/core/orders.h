/* Doing what an order of a ring says, as the agent does. */
#ifndef PS_ORDERS_H
#define PS_ORDERS_H

#include "pageshare_agent.h"
#include "region.h"

/* Copies what the kind of order needs out of a slot that somebody may be writing to. */
void ps_order_take(const ps_ring_order *slot, ps_ring_order *order);

/* Does an order of any kind but PS_ORDER_HEALTH, and fills in result, results and dropped. The order is the caller's
 * own copy, the bitmaps are the ring's, as large as the region's reserved_pages need. */
void ps_order_do(ps_region *region, ps_ring_order *order, uint64_t *written, uint64_t *copies);

/* Copies the answer into the slot. */
void ps_order_answer(const ps_ring_order *order, ps_ring_order *slot);

#endif
