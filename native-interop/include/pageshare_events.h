/*
 * Counting breaks in fault mode Kernel, where the kernel copies a page on the first store without telling anybody.
 *
 * Two sources, neither enough alone. Break events (a perf software event on every thread of this process) give the
 * address of each minor fault at once, but may be forbidden, may lose records, and report faults that broke nothing:
 * the first read of a new view is one. The page table (ps_find_anonymous, ps_keep_anonymous) knows which pages are
 * the kernel's own copies, but only when asked. So an event is a hint, and the page table decides.
 */
#ifndef PAGESHARE_EVENTS_H
#define PAGESHARE_EVENTS_H

#include "pageshare.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ps_break_events ps_break_events;

/*
 * Starts to record the minor faults of all threads that this process has and will have (not of its child processes),
 * and, where the process is allowed to, also those that system calls take on a thread's behalf. `memory_bytes` bounds
 * the locked memory of the rings, all CPUs together, and is shared out among them evenly, 512 KiB each at most.
 *
 * Holds one descriptor for each thread and CPU, and one mapping for each CPU. NULL on failure, with *error:
 *   -EACCES  kernel.perf_event_paranoid is above 2
 *   -EPERM   a seccomp filter or security module forbids it
 *   -ENOSYS  the kernel was built without perf
 *   -EMFILE  threads times CPUs is more than a quarter of the descriptors that the process may open
 *   -ENOMEM  rings of 32 KiB a CPU exceed memory_bytes, or what the process may lock
 */
PS_API ps_break_events *ps_break_events_open(uint64_t memory_bytes, int32_t *error);

/*
 * Takes up to `capacity` recorded faults and gives the addresses of their pages, in order for each CPU; returns how
 * many, less than capacity when none are left. One thread at a time.
 */
PS_API int64_t ps_break_events_drain(ps_break_events *events, uint64_t *addresses, uint64_t capacity);

/* Faults that found the ring full, as far as drained; a look at the page table finds what they broke. Any thread. */
PS_API uint64_t ps_break_events_lost(const ps_break_events *events);

/* 1 if faults that system calls take are recorded as well. */
PS_API int32_t ps_break_events_see_system_calls(const ps_break_events *events);

/* Locked memory of all rings. */
PS_API uint64_t ps_break_events_ring_bytes(const ps_break_events *events);

/* Stops recording and frees everything; NULL is allowed. No other call may be under way or follow. */
PS_API void ps_break_events_close(ps_break_events *events);

/*
 * Of `count` addresses keeps those where the process has a copy of its own (an anonymous page) now, as page addresses
 * in their order, and drops repetitions that follow one another; returns how many are left. Close ones in ascending
 * order are looked up together. The addresses need not belong to any region, or be mapped.
 */
PS_API int64_t ps_keep_anonymous(uint64_t *addresses, uint64_t count);

#ifdef __cplusplus
}
#endif
#endif
