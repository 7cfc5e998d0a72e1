/* See present.h for what this is about. */
#include "present.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "os.h"
#include "pageshare_windows.h"

#define BYTES(pages) ((SIZE_T)(pages) * PS_PAGE_SIZE)
#define SHARED ((ULONG_PTR)1 << 15) /* an attribute: the page is a section's, not this process's own */
#define LOOKS_AT_ONCE 128u

_Static_assert(LOOKS_AT_ONCE >= PS_GRANULE_PAGES, "one look does for a view");

BOOL WINAPI K32QueryWorkingSetEx(HANDLE process, PVOID entries, DWORD bytes);

int ps_working_set_look(const uint8_t *address, uint32_t pages, struct ps_working_set_entry *entries)
{
    for (uint32_t i = 0; i < pages; i++) {
        entries[i].address = address + BYTES(i);
        entries[i].attributes = 0;
    }
    return K32QueryWorkingSetEx(GetCurrentProcess(), entries, pages * (DWORD)sizeof entries[0]) ? 0 : -EIO;
}

static uint32_t at_once(uint64_t pages)
{
    return pages < LOOKS_AT_ONCE ? (uint32_t)pages : LOOKS_AT_ONCE;
}

void ps_present_set(const ps_region *region, uint64_t page, int is_present)
{
    _Atomic uint64_t *word = &region->os->present[page / 64];
    uint64_t bit = UINT64_C(1) << page % 64;
    if (is_present) {
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    } else {
        atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed);
    }
}

static int is_present(const ps_region *region, uint64_t page)
{
    return (int)(atomic_load(&region->os->present[page / 64]) >> page % 64 & 1);
}

/* Notes which identity pages are in the working set now. */
static int see(const ps_region *region, uint64_t page, uint64_t count)
{
    struct ps_working_set_entry entries[LOOKS_AT_ONCE];
    for (uint64_t end = page + count; page < end; page += LOOKS_AT_ONCE) {
        uint32_t at = at_once(end - page);
        int error = ps_working_set_look(ps_page_address(region, page), at, entries);
        if (error != 0) {
            return error;
        }
        for (uint32_t i = 0; i < at; i++) {
            if (ps_is_in_working_set(&entries[i]) && region->os->shows[page + i] == PS_SHOWS_IDENTITY) {
                ps_present_set(region, page + i, 1);
            }
        }
    }
    return 0;
}

static int has_unseen(const ps_region *region, struct ps_part part)
{
    for (uint64_t page = part.start; page < part.end; page++) {
        if (region->os->shows[page] == PS_SHOWS_IDENTITY && !is_present(region, page)) {
            return 1;
        }
    }
    return 0;
}

/* Between the look and the unmapping a page could be stored to for the first time: so stores are stopped, and wait for
 * the lock as in the window that follows. (Not loads: no access at all would take the pages out of the working set.) */
void ps_present_before_unmapping(const ps_region *region, struct ps_part view)
{
    if (!has_unseen(region, view)) {
        return;
    }
    DWORD before;
    VirtualProtect(ps_page_address(region, view.start), BYTES(view.end - view.start), PAGE_READONLY, &before);
    (void)see(region, view.start, view.end - view.start); /* what it fails to see is seen when it is touched again */
}

int64_t ps_find_present(ps_region *region, uint64_t page, uint64_t count, uint8_t *present)
{
    if (!ps_range_is_inside(region, page, count)) {
        return -EINVAL;
    }
    int error = see(region, page, count);
    int64_t found = 0;
    for (uint64_t i = 0; i < count && error == 0; i++) {
        present[i] = (uint8_t)is_present(region, page + i);
        found += present[i];
    }
    return error != 0 ? error : found;
}

int64_t ps_count_present(ps_region *region)
{
    int error = see(region, 0, atomic_load(&region->pages));
    int64_t found = 0;
    for (uint64_t i = 0; i < region->os->present_words && error == 0; i++) {
        found += __builtin_popcountll(atomic_load(&region->os->present[i]));
    }
    return error != 0 ? error : found;
}

/* A copy is a page of the working set that is not shareable. One that was paged out is not seen, and found when it
 * is back: see linux/pagemap.c for why that error is the better one. */
int64_t ps_os_find_anonymous(const uint8_t *address, uint64_t pages, uint64_t *broken)
{
    struct ps_working_set_entry entries[LOOKS_AT_ONCE];
    int64_t found = 0;
    memset(broken, 0, (pages + 63) / 64 * sizeof broken[0]);
    for (uint64_t page = 0; page < pages; page += LOOKS_AT_ONCE) {
        uint32_t count = at_once(pages - page);
        int error = ps_working_set_look(address + BYTES(page), count, entries);
        if (error != 0) {
            return error;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (ps_is_in_working_set(&entries[i]) && !(entries[i].attributes & SHARED)) {
                broken[(page + i) / 64] |= UINT64_C(1) << (page + i) % 64;
                found++;
            }
        }
    }
    return found;
}
