/*
 * What the Windows library offers beside pageshare.h: which pages of a guest have memory of their own in its backing.
 * Windows does not tell that of a section. A page counts from when it was first seen in the working set, through the
 * guest's view, until it is punched; one that was written and paged out between two looks is missed until it is touched
 * again.
 */
#ifndef PAGESHARE_WINDOWS_H
#define PAGESHARE_WINDOWS_H

#include "pageshare.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets present[i] to 1 where page + i has memory of its own, else to 0; returns how many have. */
PS_API int64_t ps_find_present(ps_region *region, uint64_t page, uint64_t count, uint8_t *present);

/* How many pages of the region have memory of their own. */
PS_API int64_t ps_count_present(ps_region *region);

#ifdef __cplusplus
}
#endif
#endif
