/*
 * An access was refused. Why, and what now? The page word tells; the handler asks nobody else.
 */
#include "fault.h"

#include <errno.h>

#include "breaking.h"
#include "page_word.h"
#include "streams.h"

/*
 * A refused store to a page whose word says writable is one that lost a race: it faulted on a seal that is gone. It
 * is run again. But when somebody else has protected the page, running it again would never end. Counting how often a
 * store comes back can't tell the two apart: a thread that stores to one address alone loses that race any number of
 * times in its life. So the page is claimed for a moment, or pinned once more if it is pinned, either of which keeps
 * seals away, and the kernel is asked.
 */
static ps_fault_result retry_if_writable(const ps_region *region, uint64_t page, uint64_t word, uintptr_t address)
{
    uint32_t pins = ps_word_pins(word);
    uint64_t claimed = pins == 0 ? ps_word_make(PS_SEALED, 0) : word + PS_PIN_ONE;
    if (pins == PS_PINS_MAX || !ps_word_try_claim(region, page, word, claimed)) {
        return PS_FAULT_RETRY; /* the word has moved on: look again */
    }
    int is_writable = ps_os_is_accessible(region, address, 1);
    if (pins == 0) {
        ps_word_finish(region, page, word);
    } else {
        atomic_fetch_sub(ps_word_at(region, page), PS_PIN_ONE);
    }
    return is_writable ? PS_FAULT_RETRY : PS_FAULT_FOREIGN;
}

static ps_fault_result await(ps_region *region, uint64_t page, uint64_t entered_ns)
{
    ps_guest_counters *counters = region->config.counters;
    ps_word_await(region, page);
    ps_count(&counters->seal_waits, 1);
    ps_histogram_add(&counters->seal_wait_ns, ps_os_now_ns() - entered_ns);
    return PS_FAULT_RETRY;
}

/* Breaks the page, and with it those that its writer is about to come to. Where that fails, the page alone. */
static int64_t break_stream(ps_region *region, uint64_t page)
{
    uint64_t width = ps_stream_width(region, page);
    int64_t broken = width > 1 ? ps_break_stretch(region, page, width, PS_BREAK_AHEAD) : -ENOMEM;
    if (broken < 0) {
        broken = ps_break_stretch(region, page, 1, PS_BREAK_IN_HANDLER);
    }
    if (broken > 0) {
        ps_stream_go_on(region, page, (uint64_t)broken);
    }
    return broken;
}

static ps_fault_result break_for_store(ps_region *region, uint64_t page, uint64_t entered_ns)
{
    ps_guest_counters *counters = region->config.counters;
    int64_t broken = break_stream(region, page);
    if (broken == -EFAULT) {
        return PS_FAULT_FOREIGN;
    }
    if (broken < 0) {
        if (atomic_load(&region->closing)) {
            return PS_FAULT_RETRY;
        }
        ps_count(&counters->breaks_timed_out, 1);
        return PS_FAULT_NO_MEMORY;
    }
    if (broken > 0) {
        ps_count(&counters->cow_faults, 1);
        ps_histogram_add(&counters->cow_fault_ns, ps_os_now_ns() - entered_ns);
    }
    return PS_FAULT_RETRY;
}

static ps_fault_result on_store(ps_region *region, uintptr_t address)
{
    uint64_t entered_ns = ps_os_now_ns();
    uint64_t page = (address - (uintptr_t)region->config.base) / PS_PAGE_SIZE;
    ps_point_pass(PS_POINT_FAULT_ENTERED, page);
    uint64_t word = ps_word_read(region, page);
    switch (ps_word_state(word)) {
    case PS_SEALED:
    case PS_REMAPPING:
        atomic_store_explicit(&region->has_waiter, 1, memory_order_relaxed);
        return await(region, page, entered_ns);
    case PS_BREAKING:
        return await(region, page, entered_ns);
    case PS_SHARED:
    case PS_KERNEL_SHARED: /* left over from a seal; else the kernel breaks it without asking us */
        return break_for_store(region, page, entered_ns);
    case PS_PRIVATE:
    case PS_ZERO:
        return retry_if_writable(region, page, word, address);
    default:
        return PS_FAULT_FOREIGN;
    }
}

/* The page shows something to everybody but for moments, whatever its word says. */
static ps_fault_result on_load(const ps_region *region, uintptr_t address)
{
    return ps_os_is_accessible(region, address, 0) ? PS_FAULT_RETRY : PS_FAULT_FOREIGN;
}

ps_fault_result ps_fault_on_access(uintptr_t address, int is_store)
{
    ps_region *region = ps_region_enter(address);
    if (region == NULL) {
        /* Between a refused store and its handler any time may pass: the region may be gone, and its memory live on. */
        int is_passed = is_store && ps_region_is_outlived() && ps_os_is_accessible(NULL, address, 1);
        return is_passed ? PS_FAULT_RETRY : PS_FAULT_FOREIGN;
    }
    ps_fault_result result = is_store ? on_store(region, address) : on_load(region, address);
    ps_region_leave(region);
    return result;
}
