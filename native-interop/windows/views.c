/*
 * See views.h for what this is about.
 *
 * Sealed pages around the ones that change are mapped anew as read-only views, and not protected afterwards: in between
 * a store could slip in.
 *
 * Memory may run out between unmapping and mapping. What was there before is then mapped again.
 */
#include "views.h"

#include "page_word.h"
#include "placeholders.h"
#include "windows_api.h"

#define BYTES(pages) ((SIZE_T)(pages) * PS_PAGE_SIZE)

static int has_pin(const ps_region *region, uint64_t start, uint64_t end)
{
    for (uint64_t page = start; page < end; page++) {
        if (ps_word_pins(ps_word_read(region, page)) != 0) {
            return 1;
        }
    }
    return 0;
}

static int has_flag(const struct ps_os_region *os, uint64_t start, uint64_t end, uint8_t flag)
{
    for (uint64_t page = start; page < end; page++) {
        if (os->flags[page] & flag) {
            return 1;
        }
    }
    return 0;
}

/* The views that the part lies in: all of them must be unmapped to change it. */
static struct ps_part views_around(const ps_region *region, struct ps_part part)
{
    const struct ps_os_region *os = region->os;
    if (os->shows[part.start] != PS_SHOWS_NOTHING) {
        part.start = ps_view_start(os, part.start);
    }
    if (os->shows[part.end - 1] != PS_SHOWS_NOTHING) {
        part.end = ps_view_end(os, part.end - 1);
    }
    return part;
}

static int may_join(const ps_region *region, uint64_t start, uint64_t end)
{
    return !has_flag(region->os, start, end, PS_PLACE_SEALED) && !has_pin(region, start, end);
}

/* Widens by the views on both sides that the changed pages go on from, so that views become fewer again. */
static struct ps_part with_joining_views(const ps_region *region, struct ps_part part)
{
    const struct ps_os_region *os = region->os;
    if (part.start > 0 && ps_view_goes_on(region, part.start)) {
        uint64_t start = ps_view_start(os, part.start - 1);
        part.start = may_join(region, start, part.start) ? start : part.start;
    }
    uint64_t pages = region->config.reserved_pages;
    if (part.end < pages && ps_view_goes_on(region, part.end)) {
        uint64_t end = ps_view_end(os, part.end);
        part.end = may_join(region, part.end, end) ? end : part.end;
    }
    return part;
}

static void put_back(struct ps_os_region *os, struct ps_part part)
{
    for (uint64_t page = part.start; page < part.end; page++) {
        os->shows[page] = os->before[page];
        os->flags[page] |= os->flags[page] & PS_PLACE_SEALED_BEFORE ? PS_PLACE_SEALED : 0;
    }
}

/* One granule's part: opens the window and closes it. Lock held. */
static int change_part(const ps_region *region, struct ps_part part, uint32_t shows)
{
    struct ps_os_region *os = region->os;
    struct ps_part around = views_around(region, part);
    if (has_pin(region, around.start, part.start) || has_pin(region, part.end, around.end)) {
        return -EBUSY;
    }
    int had_views = os->shows[part.start] != PS_SHOWS_NOTHING;
    int had_copies = ps_view_holds_copies(region, part.start);
    for (uint64_t page = part.start; page < part.end; page++) {
        os->before[page] = os->shows[page];
        os->shows[page] = ps_shows_frame(shows) ? shows + (uint32_t)(page - part.start) : shows;
        os->flags[page] &= (uint8_t)~PS_PLACE_SEALED_BEFORE;
        os->flags[page] |= os->flags[page] & PS_PLACE_SEALED ? PS_PLACE_SEALED_BEFORE : 0;
        os->flags[page] &= (uint8_t)~PS_PLACE_SEALED;
    }
    if (had_views) {
        around = with_joining_views(region, around);
        ps_unmap_views(region, around);
    }
    int error = ps_map_views(region, around);
    if (error != 0 && had_copies) {
        ps_map_views_for_certain(region, around); /* the copies are gone: there is no way back */
        error = 0;
    }
    if (error != 0) {
        put_back(os, part);
        if (had_views) {
            ps_map_views_for_certain(region, around);
        }
    }
    return error;
}

static struct ps_part first_part(uint64_t page, uint64_t end)
{
    uint64_t border = (page / PS_GRANULE_PAGES + 1) * PS_GRANULE_PAGES;
    struct ps_part part = {page, border < end ? border : end};
    return part;
}

/* The parts that were changed already show again what they did. None of them held copies: such a change cannot fail.
 * Lock held. */
static void change_back(const ps_region *region, uint64_t page, uint64_t end)
{
    for (struct ps_part part; page < end; page = part.end) {
        part = first_part(page, end);
        struct ps_part around = views_around(region, part);
        ps_unmap_views(region, around);
        put_back(region->os, part);
        ps_map_views_for_certain(region, around);
    }
}

int ps_views_change(ps_region *region, uint64_t page, uint64_t count, uint32_t shows)
{
    int error = 0;
    uint64_t end = page + count;
    ps_placeholders_lock(region);
    for (struct ps_part part = {page, page}; part.end < end && error == 0;) {
        part = first_part(part.end, end);
        error = change_part(region, part, ps_shows_frame(shows) ? shows + (uint32_t)(part.start - page) : shows);
        if (error != 0) {
            change_back(region, page, part.start);
        }
    }
    ps_placeholders_unlock(region);
    return error;
}

/* The protection under which stores pass, or pass by being copied. */
static DWORD writable(const ps_region *region, uint64_t page)
{
    return ps_shows_frame(region->os->shows[page]) ? PAGE_WRITECOPY : PAGE_READWRITE;
}

/* Protects a part that lies in one view. */
static int protect(const ps_region *region, struct ps_part part, DWORD protection)
{
    DWORD before;
    return VirtualProtect(ps_page_address(region, part.start), BYTES(part.end - part.start), protection, &before)
               ? 0
               : -ENOMEM;
}

static struct ps_part within_view(const ps_region *region, uint64_t page, uint64_t end)
{
    uint64_t border = ps_view_end(region->os, page);
    struct ps_part part = {page, border < end ? border : end};
    return part;
}

static void mark(struct ps_os_region *os, struct ps_part part, int is_sealed)
{
    for (uint64_t page = part.start; page < part.end; page++) {
        os->flags[page] &= (uint8_t)~PS_PLACE_SEALED;
        os->flags[page] |= is_sealed ? PS_PLACE_SEALED : 0;
    }
}

/* Part of one view. One that was mapped read-only is mapped anew, as two or three if only a part of it is to be
 * writable. */
static int unseal_part(const ps_region *region, struct ps_part part)
{
    struct ps_os_region *os = region->os;
    if (!(os->flags[part.start] & PS_PLACE_READ_ONLY)) {
        int error = protect(region, part, writable(region, part.start));
        if (error == 0) {
            mark(os, part, 0);
        }
        return error;
    }
    struct ps_part around = views_around(region, part);
    mark(os, part, 0);
    around = with_joining_views(region, around);
    ps_unmap_views(region, around);
    int error = ps_map_views(region, around);
    if (error != 0) {
        mark(os, part, 1);
        ps_map_views_for_certain(region, around);
    }
    return error;
}

static int seal_part(const ps_region *region, struct ps_part part)
{
    int error = region->os->flags[part.start] & PS_PLACE_READ_ONLY ? 0 : protect(region, part, PAGE_READONLY);
    if (error == 0) {
        mark(region->os, part, 1);
    }
    return error;
}

int ps_views_seal(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = 0;
    uint64_t end = page + count;
    struct ps_part part = {page, page};
    ps_placeholders_lock(region);
    while (part.end < end && error == 0) {
        part = within_view(region, part.end, end);
        error = seal_part(region, part);
    }
    for (uint64_t undo = page; error != 0 && undo < part.start;) {
        struct ps_part sealed = within_view(region, undo, part.start);
        undo = sealed.end;
        unseal_part(region, sealed); /* takes no memory: it protects what was protected before */
    }
    ps_placeholders_unlock(region);
    return error;
}

int ps_views_unseal(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = 0;
    uint64_t end = page + count;
    ps_placeholders_lock(region);
    for (struct ps_part part = {page, page}; part.end < end && error == 0;) {
        part = within_view(region, part.end, end);
        error = unseal_part(region, part);
    }
    ps_placeholders_unlock(region);
    return error;
}

void ps_views_renew(const ps_region *region, uint64_t page, uint64_t count)
{
    uint64_t end = page + count;
    ps_placeholders_lock(region);
    for (struct ps_part part = {page, page}; part.end < end;) {
        part = first_part(part.end, end);
        struct ps_part around = views_around(region, part);
        if (!has_pin(region, around.start, around.end)) {
            ps_unmap_views(region, around);
            ps_map_views_for_certain(region, around);
        }
    }
    ps_placeholders_unlock(region);
}

void ps_views_await(const ps_region *region)
{
    ps_placeholders_lock(region);
    ps_placeholders_unlock(region);
}

int ps_views_is_accessible(const ps_region *region, uintptr_t address, int is_store)
{
    const DWORD stores = PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    const DWORD loads = stores | PAGE_READONLY | PAGE_EXECUTE_READ;
    MEMORY_BASIC_INFORMATION found;
    if (region != NULL) { /* held while asking, so that no window is open then */
        ps_placeholders_lock(region);
    }
    SIZE_T size = VirtualQuery((const void *)address, &found, sizeof found);
    if (region != NULL) {
        ps_placeholders_unlock(region);
    }
    return size != 0 && found.State == MEM_COMMIT && (found.Protect & (is_store ? stores : loads)) != 0;
}

