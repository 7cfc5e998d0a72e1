/*
 * What the pages of a region show: changed, sealed, and asked about.
 *
 * A change unmaps the views around its pages and maps others; see placeholders.h for why. Meanwhile, for some
 * microseconds, all pages of these views are not mapped at all: the *window*. Whoever touches one then faults, and
 * waits in the handler for the lock. Views end at the borders of granules, so a window is no longer than that.
 *
 * What must not be unmapped even for a moment: a pinned page, since a system call may be writing to it, and one would
 * fail rather than fault. A change that would have to is refused with -EBUSY.
 */
#ifndef PS_VIEWS_H
#define PS_VIEWS_H

#include <stdint.h>

#include "region.h"

/*
 * Has pages show something else: the identity, or continuing frames from `shows` on. Seals on them are lifted. 0,
 * -EBUSY, or -ENOMEM, with everything as it was. Leaving a view of frames in Kernel mode, with which its private copies
 * go, cannot fail. Frames in Kernel mode one page a call: for several there would be no way back from the last one's
 * failure.
 */
int ps_views_change(ps_region *region, uint64_t page, uint64_t count, uint32_t shows);

/* Stops stores to the pages, or admits them again. */
int ps_views_seal(const ps_region *region, uint64_t page, uint64_t count);
int ps_views_unseal(const ps_region *region, uint64_t page, uint64_t count);

/* Maps the views around these pages anew, as they are, which takes the pages out of the working set. Does nothing
 * where a pinned page lies in them. */
void ps_views_renew(const ps_region *region, uint64_t page, uint64_t count);

/* Waits until no window is open; after that, pages that were pinned before stay mapped. */
void ps_views_await(const ps_region *region);

/* Waits until no window is open, and asks the system what an access would find. */
int ps_views_is_accessible(const ps_region *region, uintptr_t address, int is_store);

#endif
