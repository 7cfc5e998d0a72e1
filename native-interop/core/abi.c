/* Describes the layout of what both sides share, for the managed side to check at load. */
#include <stddef.h>

#include "pageshare.h"

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
}
