/* Breaking: giving pages that share frames their own copies back. */
#ifndef PS_BREAKING_H
#define PS_BREAKING_H

#include "region.h"

/* What a page that shares a frame says, in the region's fault mode. */
static inline ps_page_state ps_shared_state(const ps_region *region)
{
    return region->config.fault_mode == PS_FAULT_MODE_KERNEL ? PS_KERNEL_SHARED : PS_SHARED;
}

/* Who breaks, and what is done when there is no memory. */
typedef enum ps_break_manner {
    PS_BREAK_AND_WAIT,   /* a call on a guest's behalf: waits for memory */
    PS_BREAK_IN_HANDLER, /* the fault handler: waits too, and has all signals blocked anyway */
    PS_BREAK_AHEAD,      /* the fault handler, of more than the store needs: fails at once */
    PS_BREAK_AT_ONCE     /* the host, which others wait for: fails at once */
} ps_break_manner;

/*
 * Breaks the shared pages at [page, page + count) that follow one another without a gap, at least the first; waits
 * for memory and mappings up to the region's break timeout. Returns how many pages were broken, 0 if the first is
 * shared no more, or -ENOMEM or whatever else the system said last. The fault handler has all signals blocked anyway,
 * and says so.
 */
int64_t ps_break_stretch(ps_region *region, uint64_t page, uint64_t count, ps_break_manner manner);

/*
 * Kernel mode: undoes the seal of BREAKING pages that stay shared. If the kernel refuses, they stay write-protected,
 * which costs the next store to each of them a break by the handler and nothing else.
 */
void ps_unseal_shared(ps_region *region, uint64_t page, uint64_t count);

/*
 * Kernel mode: brings the kernel's copy of one page, BREAKING and sealed, home to the backing. 1 if the page is mapped
 * to its own place then, writable; 0 if everything is as it was. The word is left to the caller.
 */
int ps_bring_home(ps_region *region, uint64_t page);

#endif
