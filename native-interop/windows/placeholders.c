/* See placeholders.h for what this is about. */
#include "placeholders.h"

#include "os.h"
#include "present.h"
#include "windows_api.h"

#define BYTES(pages) ((SIZE_T)(pages) * PS_PAGE_SIZE)
#define RESTORE_PAUSE_NS UINT64_C(1000000)
#define SPINS 200

/* A lock of three states, as futexes have it. A handler takes it too: who holds it is in native code, and so is
 * resumed at once by a runtime that suspends threads one by one. */
void ps_placeholders_lock(const ps_region *region)
{
    struct ps_os_region *os = region->os;
    for (int spin = 0; spin < SPINS; spin++) {
        uint32_t free = 0;
        if (atomic_compare_exchange_weak(&os->lock, &free, 1)) {
            return;
        }
        YieldProcessor();
    }
    while (atomic_exchange(&os->lock, 2) != 0) {
        ps_os_wait(&os->lock, 2, 0);
    }
}

void ps_placeholders_unlock(const ps_region *region)
{
    if (atomic_exchange(&region->os->lock, 0) == 2) {
        ps_os_wake(&region->os->lock);
    }
}

static int begins(const struct ps_os_region *os, uint64_t page)
{
    return (os->flags[page] & PS_PLACE_BEGINS) != 0;
}

uint64_t ps_view_start(const struct ps_os_region *os, uint64_t page)
{
    while (!begins(os, page)) {
        page--;
    }
    return page;
}

uint64_t ps_view_end(const struct ps_os_region *os, uint64_t page)
{
    do {
        page++;
    } while (!begins(os, page));
    return page;
}

static int is_kernel_mode(const ps_region *region)
{
    return region->config.fault_mode == PS_FAULT_MODE_KERNEL;
}

/* Whether stores to the page make a copy that only its view has. */
int ps_view_holds_copies(const ps_region *region, uint64_t page)
{
    return ps_shows_frame(region->os->shows[page]) && is_kernel_mode(region);
}

/* Whether one view can show both of two neighbours. Views of the kernel's copies are single pages: a longer one
 * could not be split without losing them. */
int ps_view_goes_on(const ps_region *region, uint64_t page)
{
    const struct ps_os_region *os = region->os;
    uint32_t left = os->shows[page - 1];
    uint32_t right = os->shows[page];
    if (page % PS_GRANULE_PAGES == 0 || left == PS_SHOWS_NOTHING || right == PS_SHOWS_NOTHING) {
        return 0;
    }
    if (ps_shows_frame(left)) {
        return right == left + 1 && !is_kernel_mode(region);
    }
    return right == PS_SHOWS_IDENTITY && ((os->flags[page - 1] ^ os->flags[page]) & PS_PLACE_SEALED) == 0;
}

/* Gives a placeholder an end, or a beginning, at both borders of the part. All of it is placeholders. */
static int split(const ps_region *region, struct ps_part part)
{
    struct ps_os_region *os = region->os;
    uint64_t first_end = part.start + 1;
    while (first_end < part.end && !begins(os, first_end)) {
        first_end++;
    }
    if (!begins(os, part.start) || (first_end == part.end && !begins(os, part.end))) {
        if (!VirtualFree(ps_page_address(region, part.start), BYTES(first_end - part.start),
                         MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER)) {
            return -ENOMEM;
        }
        os->flags[part.start] |= PS_PLACE_BEGINS;
        os->flags[first_end] |= PS_PLACE_BEGINS;
    }
    if (!begins(os, part.end)) {
        uint64_t last = ps_view_start(os, part.end);
        if (!VirtualFree(ps_page_address(region, last), BYTES(part.end - last),
                         MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER)) {
            return -ENOMEM;
        }
        os->flags[part.end] |= PS_PLACE_BEGINS;
    }
    return 0;
}

/* Makes one placeholder of exactly this part. */
static int isolate(const ps_region *region, struct ps_part part)
{
    struct ps_os_region *os = region->os;
    int error = split(region, part);
    if (error != 0 || ps_view_end(os, part.start) == part.end) {
        return error;
    }
    if (!VirtualFree(ps_page_address(region, part.start), BYTES(part.end - part.start),
                     MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS)) {
        return -ENOMEM;
    }
    for (uint64_t page = part.start + 1; page < part.end; page++) {
        os->flags[page] &= (uint8_t)~PS_PLACE_BEGINS;
    }
    return 0;
}

static int map_view(const ps_region *region, struct ps_part part)
{
    struct ps_os_region *os = region->os;
    uint32_t shows = os->shows[part.start];
    int is_sealed = os->flags[part.start] & PS_PLACE_SEALED;
    int handle = ps_shows_frame(shows) ? region->config.store_fd : region->config.backing_fd;
    uint64_t place = ps_shows_frame(shows) ? shows - PS_SHOWS_FRAME : part.start;
    ULONG protection = !ps_shows_frame(shows)         ? (is_sealed ? PAGE_READONLY : PAGE_READWRITE)
                       : is_kernel_mode(region) ? PAGE_WRITECOPY
                                                : PAGE_READONLY;
    void *address = ps_page_address(region, part.start);
    if (ps_windows.map_view((HANDLE)(intptr_t)handle, GetCurrentProcess(), address, place * PS_PAGE_SIZE,
                            BYTES(part.end - part.start), MEM_REPLACE_PLACEHOLDER, protection, NULL, 0) == NULL) {
        return -ENOMEM;
    }
    for (uint64_t page = part.start; page < part.end; page++) {
        os->flags[page] &= (uint8_t)~PS_PLACE_READ_ONLY;
        os->flags[page] |= PS_PLACE_MAPPED | (!ps_shows_frame(shows) && is_sealed ? PS_PLACE_READ_ONLY : 0);
    }
    return 0;
}

void ps_unmap_views(const ps_region *region, struct ps_part part)
{
    struct ps_os_region *os = region->os;
    for (uint64_t page = part.start; page < part.end; page++) {
        if ((os->flags[page] & (PS_PLACE_MAPPED | PS_PLACE_BEGINS)) == (PS_PLACE_MAPPED | PS_PLACE_BEGINS)) {
            ps_present_before_unmapping(region, (struct ps_part){page, ps_view_end(os, page)});
            ps_windows.unmap_view(GetCurrentProcess(), ps_page_address(region, page), MEM_PRESERVE_PLACEHOLDER);
        }
        os->flags[page] &= (uint8_t)~PS_PLACE_MAPPED;
    }
}

/* Maps what `shows` says and what is not mapped yet: the views that take copies, or the others. */
static int map_some(const ps_region *region, struct ps_part part, int takes_copies)
{
    const struct ps_os_region *os = region->os;
    for (uint64_t page = part.start, end; page < part.end; page = end) {
        end = page + 1;
        if (os->shows[page] == PS_SHOWS_NOTHING || ps_view_holds_copies(region, page) != takes_copies) {
            continue;
        }
        while (end < part.end && ps_view_goes_on(region, end)) {
            end++;
        }
        struct ps_part view = {page, end};
        int error = isolate(region, view);
        if (error == 0) {
            error = map_view(region, view);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

/* On placeholders. On failure they are placeholders again. Views that take copies come last: unmapped once more,
 * they would lose what was stored there meanwhile. */
int ps_map_views(const ps_region *region, struct ps_part part)
{
    int error = map_some(region, part, 0);
    if (error == 0) {
        error = map_some(region, part, 1);
    }
    if (error != 0) {
        ps_unmap_views(region, part);
    }
    return error;
}

void ps_map_views_for_certain(const ps_region *region, struct ps_part part)
{
    while (ps_map_views(region, part) != 0) {
        ps_os_sleep_ns(RESTORE_PAUSE_NS);
    }
}

int ps_placeholders_open(ps_region *region)
{
    uint64_t pages = region->config.reserved_pages;
    uint64_t words = pages / 64 + 1;
    uint64_t bytes = sizeof(struct ps_os_region) + words * sizeof(uint64_t) + 2 * pages * sizeof(uint32_t) + pages + 1;
    struct ps_os_region *os = ps_os_allocate(bytes);
    if (os == NULL) {
        return -ENOMEM;
    }
    os->present = (_Atomic uint64_t *)(os + 1);
    os->present_words = words;
    os->shows = (uint32_t *)(os->present + words);
    os->before = os->shows + pages;
    os->flags = (uint8_t *)(os->before + pages);
    region->os = os;
    return 0;
}

void ps_placeholders_close(ps_region *region)
{
    if (region->os != NULL) {
        ps_os_free(region->os, 0);
        region->os = NULL;
    }
}
