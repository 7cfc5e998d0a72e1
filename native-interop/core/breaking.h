/* Breaking: giving pages that share frames their own copies back. */
#ifndef PS_BREAKING_H
#define PS_BREAKING_H

#include "region.h"

/*
 * Breaks the shared pages at [page, page + count) that follow one another without a gap, at least the first; waits
 * for memory and mappings up to the region's break timeout. Returns how many pages were broken, 0 if the first is
 * shared no more, or -ENOMEM or whatever else the system said last. The fault handler has all signals blocked anyway,
 * and says so.
 */
int64_t ps_break_stretch(ps_region *region, uint64_t page, uint64_t count, int in_handler);

/*
 * Kernel mode: undoes the seal of BREAKING pages that stay shared. If the kernel refuses, they stay write-protected,
 * which costs the next store to each of them a break by the handler and nothing else.
 */
void ps_unseal_shared(ps_region *region, uint64_t page, uint64_t count);

#endif
