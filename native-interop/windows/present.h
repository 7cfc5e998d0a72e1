/*
 * Which pages of a region have memory of their own in its backing.
 *
 * Windows does not tell that of a section: only which pages of a process's views are in its working set. So a bit a
 * page remembers what was seen there, until the page is punched. A view takes what was not seen yet with it when it is
 * unmapped, hence it is looked at before, with its accesses stopped.
 */
#ifndef PS_PRESENT_H
#define PS_PRESENT_H

#include <stdint.h>

#include "placeholders.h"
#include "region.h"
#include "windows_api.h"

/* PSAPI_WORKING_SET_EX_INFORMATION of psapi.h, whose calls live in another library by default. */
struct ps_working_set_entry {
    const void *address;
    ULONG_PTR attributes;
};

/* Asks about at most 128 neighbouring pages. 0 or -EIO. Looking takes no page in. */
int ps_working_set_look(const uint8_t *address, uint32_t pages, struct ps_working_set_entry *entries);

static inline int ps_is_in_working_set(const struct ps_working_set_entry *entry)
{
    return (int)(entry->attributes & 1);
}

/* The caller has changed the page's memory itself. */
void ps_present_set(const ps_region *region, uint64_t page, int is_present);

/* A view is about to be unmapped: notes which of its pages that show the identity have memory. Placeholders' lock
 * held. */
void ps_present_before_unmapping(const ps_region *region, struct ps_part view);

#endif
