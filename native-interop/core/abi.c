/* Describes the layout of what both sides share, for the managed side to check at load. */
#include <stddef.h>

#include "pageshare_agent.h"

_Static_assert(sizeof(ps_ring_header) == PS_RING_HEADER_BYTES, "one page");
_Static_assert(sizeof(ps_ring_order) == PS_RING_ORDER_BYTES, "one page");
_Static_assert((PS_RING_ORDERS & (PS_RING_ORDERS - 1)) == 0, "counts wrap in the middle of the slots otherwise");

void ps_abi_describe(ps_abi *abi)
{
    abi->version = PS_ABI_VERSION;
    abi->page_size = PS_PAGE_SIZE;
    abi->region_config_size = sizeof(ps_region_config);
    abi->guest_counters_size = sizeof(ps_guest_counters);
    abi->histogram_size = sizeof(ps_histogram);
    abi->offset_cow_fault_ns = offsetof(ps_guest_counters, cow_fault_ns);
    abi->offset_seal_wait_ns = offsetof(ps_guest_counters, seal_wait_ns);
    abi->offset_backing_fd = offsetof(ps_region_config, backing_fd);
    abi->generation_shift = PS_GENERATION_SHIFT;
    abi->ring_orders = PS_RING_ORDERS;
    abi->ring_header_size = sizeof(ps_ring_header);
    abi->ring_order_size = sizeof(ps_ring_order);
    abi->offset_ring_posted = offsetof(ps_ring_header, posted);
    abi->offset_ring_answered = offsetof(ps_ring_header, answered);
    abi->offset_ring_cpu_ns = offsetof(ps_ring_header, cpu_ns);
    abi->offset_order_bits = offsetof(ps_ring_order, bits);
    abi->offset_order_targets = offsetof(ps_ring_order, targets);
    abi->offset_order_results = offsetof(ps_ring_order, results);
}
