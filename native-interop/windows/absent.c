/*
 * What the contract offers and Windows does not have, or does not need. Break events: Windows tells nobody of copies
 * that it makes. Written-page tracking: GetWriteWatch knows private memory only, not views. Spare mappings: there is no
 * limit on views to run into but memory. Asynchronous signals do not exist. Guests live in the host's process, so there
 * is no agent.
 */
#include "os.h"
#include "pageshare_agent.h"
#include "pageshare_events.h"
#include "pageshare_probe.h"

int32_t ps_tracking_start(void)
{
    return -EOPNOTSUPP;
}

int64_t ps_find_written(ps_region *region, uint64_t page, uint64_t count, uint64_t *written)
{
    (void)region, (void)page, (void)count, (void)written;
    return -EOPNOTSUPP;
}

void ps_os_track(ps_region *region, uint64_t page, uint64_t count)
{
    (void)region, (void)page, (void)count;
}

/* Memory of VirtualAlloc can't be replaced by a view in place: its addresses would be free for a moment, for
 * anybody. */
int ps_os_adopt_range(ps_region *region)
{
    (void)region;
    return -EOPNOTSUPP;
}

int ps_os_disown_range(ps_region *region)
{
    (void)region;
    return -EOPNOTSUPP;
}

int32_t ps_reserve_fill(uint32_t mappings)
{
    (void)mappings;
    return 0;
}

int ps_os_reserve_spend(void)
{
    return 0;
}

int ps_os_reserve_is_short(void)
{
    return 0;
}

uint64_t ps_os_hold_signals(void)
{
    return 0;
}

void ps_os_release_signals(uint64_t held)
{
    (void)held;
}

ps_break_events *ps_break_events_open(uint64_t memory_bytes, int32_t *error)
{
    (void)memory_bytes;
    *error = -EOPNOTSUPP;
    return NULL;
}

int64_t ps_break_events_drain(ps_break_events *events, uint64_t *addresses, uint64_t capacity)
{
    (void)events, (void)addresses, (void)capacity;
    return 0;
}

uint64_t ps_break_events_lost(const ps_break_events *events)
{
    (void)events;
    return 0;
}

int32_t ps_break_events_see_system_calls(const ps_break_events *events)
{
    (void)events;
    return 0;
}

uint64_t ps_break_events_ring_bytes(const ps_break_events *events)
{
    (void)events;
    return 0;
}

void ps_break_events_close(ps_break_events *events)
{
    (void)events;
}

/* Without break events nobody has addresses to ask about. */
int64_t ps_keep_anonymous(uint64_t *addresses, uint64_t count)
{
    (void)addresses, (void)count;
    return -EOPNOTSUPP;
}

int32_t ps_probe_userfaultfd(void)
{
    return -EOPNOTSUPP;
}

int32_t ps_probe_pagemap_scan(void)
{
    return -EOPNOTSUPP;
}

int32_t ps_probe_page_fault_events(void)
{
    return -EOPNOTSUPP;
}

ps_agent *ps_agent_start(ps_region *region, void *ring, uint64_t bytes, int32_t *error)
{
    (void)region, (void)ring, (void)bytes;
    *error = -EOPNOTSUPP;
    return NULL;
}

int32_t ps_agent_stop(ps_agent *agent)
{
    (void)agent;
    return -EOPNOTSUPP;
}
