/*
 * The page protocol's operating system: Windows.
 *
 * Memory objects are pagefile sections, of which pages are committed before they are used and never given back: Windows
 * has no way to decommit a page of a section. So a break can't fail for want of memory here. What a punch gives back is
 * physical memory alone; the commit charge stays. It is counted here, page by page, since the system does not tell.
 *
 * Instead of a write call, sections have a linear, writable view, through which the host reads them as well: one view
 * only, since a page stays in memory as long as any view shows it. The guest's own views may be gone for a moment
 * (views.h), so nothing here reads them but a page whose owner alone changes its view.
 */
#include "os.h"

#include <string.h>

#include "page_word.h"
#include "placeholders.h"
#include "present.h"
#include "views.h"
#include "windows_api.h"

#define BYTES(pages) ((SIZE_T)(pages) * PS_PAGE_SIZE)
#define NANOSECONDS_PER_SECOND UINT64_C(1000000000)
#define NANOSECONDS_PER_MILLISECOND UINT64_C(1000000)

static uint8_t *backing_at(const ps_region *region, uint64_t page)
{
    return region->config.backing_view + BYTES(page);
}

int ps_os_region_open(ps_region *region)
{
    int error = ps_windows_is_usable();
    return error != 0 ? error : ps_placeholders_open(region);
}

void ps_os_region_close(ps_region *region)
{
    ps_placeholders_close(region);
}

int ps_os_map_identity(ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_MAP_IDENTITY);
    return error != 0 ? -error : ps_views_change(region, page, count, PS_SHOWS_IDENTITY);
}

int ps_os_map_copies(ps_region *region, uint64_t page, uint64_t count)
{
    return ps_os_map_identity(region, page, count);
}

/* A section tells its size to nobody whose handle is for mapping alone. Its views are made for the largest. */
int64_t ps_os_store_frames(int32_t store_fd)
{
    (void)store_fd;
    return INT64_MAX;
}

/* Views of neighbours are mapped anew whenever one page changes (views.h), and from one store. */
int ps_os_can_change_store(void)
{
    return 0;
}

uint32_t ps_os_longest_view(const ps_region *region, uint64_t page)
{
    return region->config.fault_mode == PS_FAULT_MODE_KERNEL ? 1
                                                              : (uint32_t)(PS_GRANULE_PAGES - page % PS_GRANULE_PAGES);
}

int ps_os_map_frames(ps_region *region, uint64_t page, uint64_t count, uint32_t frame)
{
    int error = ps_injected(PS_CALL_MAP_FRAMES);
    return error != 0 ? -error : ps_views_change(region, page, count, PS_SHOWS_FRAME + frame);
}

int ps_os_seal(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_SEAL);
    return error != 0 ? -error : ps_views_seal(region, page, count);
}

int ps_os_unseal(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_UNSEAL);
    return error != 0 ? -error : ps_views_unseal(region, page, count);
}

const uint8_t *ps_os_sealed_bytes(const ps_region *region, uint64_t page)
{
    return backing_at(region, page);
}

int ps_os_copy_home(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_COPY_HOME);
    if (error != 0) {
        return -error;
    }
    for (uint64_t i = page; i < page + count; i++) {
        /* SAFETY: the caller has claimed the pages, so what they show stays. A frame is read in the store's linear
         * view; only the kernel's copy is read where it is, and that view is a single page, which its owner alone
         * unmaps. */
        uint32_t shows = region->os->shows[i];
        int is_frame = region->config.fault_mode == PS_FAULT_MODE_SIGNAL && shows >= PS_SHOWS_FRAME;
        const uint8_t *from =
            is_frame ? region->config.store_view + BYTES(shows - PS_SHOWS_FRAME) : ps_page_address(region, i);
        memcpy(backing_at(region, i), from, PS_PAGE_SIZE);
        ps_present_set(region, i, 1);
    }
    return 0;
}

/* The guest's view lets go of the pages: unlocking what is not locked takes it out of the working set. Where that
 * had no effect (Wine), a new view has not touched them. */
static void let_go(const ps_region *region, uint64_t page, uint64_t count)
{
    uint64_t still_there = 0;
    for (uint64_t i = page; i < page + count; i++) {
        struct ps_working_set_entry entry;
        VirtualUnlock(ps_page_address(region, i), PS_PAGE_SIZE);
        still_there += ps_working_set_look(ps_page_address(region, i), 1, &entry) == 0 && ps_is_in_working_set(&entry);
    }
    if (still_there > 0) {
        ps_views_renew(region, page, count);
    }
}

/*
 * Gives back physical memory. What the pages hold then is up to the system: what they held before, or zeros; nobody
 * else's bytes ever. So a page that was all zero stays zero, and any other is written as a whole before it is read
 * again.
 *
 * A page goes only when no view shows it, so the guest's, which zero pages keep, are told to let go first. Discarding
 * came with Windows 8.1; a reset says the same and waits for the next trimming.
 */
int ps_os_punch(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_PUNCH);
    if (error != 0) {
        return -error;
    }
    for (uint64_t i = page, end; i < page + count; i = end) {
        end = i + 1;
        if (region->os->shows[i] != PS_SHOWS_IDENTITY) {
            continue;
        }
        while (end < page + count && region->os->shows[end] == PS_SHOWS_IDENTITY) {
            end++;
        }
        let_go(region, i, end - i);
    }
    void *bytes = backing_at(region, page);
    if (ps_windows.discard == NULL || ps_windows.discard(bytes, BYTES(count)) != ERROR_SUCCESS) {
        if (VirtualAlloc(bytes, BYTES(count), MEM_RESET, PAGE_READWRITE) == NULL) {
            return -EIO;
        }
        VirtualUnlock(bytes, BYTES(count));
    }
    for (uint64_t i = page; i < page + count; i++) {
        ps_present_set(region, i, 0);
    }
    return 0;
}

/* A fresh view of the same frame; the copy goes with the old one. */
int ps_os_drop_copies(ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_DROP);
    for (uint64_t i = page; i < page + count && error == 0; i++) {
        error = ps_views_change(region, i, 1, region->os->shows[i]);
    }
    return error > 0 ? -error : error;
}

int ps_os_is_accessible(const ps_region *region, uintptr_t address, int is_store)
{
    return ps_views_is_accessible(region, address, is_store);
}

void ps_os_await_mappings(const ps_region *region)
{
    ps_views_await(region);
}

/* --- waiting and time --- */

static uint64_t to_milliseconds(uint64_t ns)
{
    return (ns + NANOSECONDS_PER_MILLISECOND - 1) / NANOSECONDS_PER_MILLISECOND;
}

/* Within one process only, which is where guests on Windows live so far. */
void ps_os_wait(_Atomic uint32_t *address, uint32_t expected, uint64_t timeout_ns)
{
    DWORD milliseconds = timeout_ns == 0 ? INFINITE : (DWORD)to_milliseconds(timeout_ns);
    ps_windows.wait_on_address((volatile VOID *)address, &expected, sizeof expected, milliseconds);
}

void ps_os_wake(_Atomic uint32_t *address)
{
    ps_windows.wake_by_address_all((PVOID)address);
}

/* Sleep's shortest time is that to the next tick, 16 ms away; shorter waits offer the processor to others instead. */
void ps_os_sleep_ns(uint64_t ns)
{
    if (ns >= NANOSECONDS_PER_MILLISECOND) {
        Sleep((DWORD)to_milliseconds(ns));
        return;
    }
    uint64_t until = ps_os_now_ns() + ns;
    do {
        SwitchToThread();
    } while (ps_os_now_ns() < until);
}

uint64_t ps_os_now_ns(void)
{
    LARGE_INTEGER now;
    QueryPerformanceCounter(&now);
    uint64_t ticks = (uint64_t)now.QuadPart;
    uint64_t per_second = ps_windows.ticks_per_second;
    return ticks / per_second * NANOSECONDS_PER_SECOND + ticks % per_second * NANOSECONDS_PER_SECOND / per_second;
}

/* Counted at clock ticks, 16 ms apart: right in the long run only. */
int64_t ps_thread_cpu_ns(void)
{
    FILETIME created, exited;
    ULARGE_INTEGER kernel, user;
    FILETIME in_kernel, in_user;
    if (!GetThreadTimes(GetCurrentThread(), &created, &exited, &in_kernel, &in_user)) {
        return 0;
    }
    kernel.LowPart = in_kernel.dwLowDateTime;
    kernel.HighPart = in_kernel.dwHighDateTime;
    user.LowPart = in_user.dwLowDateTime;
    user.HighPart = in_user.dwHighDateTime;
    return (int64_t)((kernel.QuadPart + user.QuadPart) * 100);
}

void *ps_os_allocate(uint64_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void ps_os_free(void *memory, uint64_t bytes)
{
    (void)bytes;
    VirtualFree(memory, 0, MEM_RELEASE);
}
