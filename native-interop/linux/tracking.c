/*
 * Which pages were written since somebody last asked: userfaultfd write-protection in its asynchronous form, where
 * the kernel itself lifts the protection at the first store and so leaves a mark, and PAGEMAP_SCAN, which reads the
 * marks and sets the protection anew in one step.
 *
 * It sees stores and system calls that write through the guest's mapping; not writes to the backing by another way,
 * of which there are the shim's own alone. A read that fills a hole is no write, and is not seen.
 *
 * One userfaultfd serves the whole process, since mappings of different ones do not join. A page that is mapped anew
 * is tracked by nobody until it is registered: the shim registers whatever it maps to the backing, in the same
 * breath. If the kernel refuses, the region says so, and everything in it counts as written until it was registered
 * again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel_api.h"
#include "os.h"
#include "page_word.h"
#include "pagemap.h"

/* Bounds the stack: 6 KiB. */
#define RANGES_AT_ONCE 256u

static _Atomic int userfault = -1; /* opened once, by whoever asks first, and kept */

static int open_userfault(void)
{
    const uint64_t needed = USERFAULT_WP_SHARED_MEMORY | USERFAULT_WP_UNPOPULATED | USERFAULT_WP_ASYNC;
    int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | USERFAULT_USER_MODE_ONLY);
    if (descriptor < 0) {
        return -errno;
    }
    struct userfault_api api = {.api = USERFAULT_API_VERSION, .features = needed};
    if (ioctl(descriptor, USERFAULT_API_REQUEST, &api) != 0) {
        close(descriptor);
        return -EOPNOTSUPP;
    }
    return descriptor;
}

/* One look at one page: tells whether this kernel knows the request. */
static int try_scan(int pagemap)
{
    struct pagemap_range range;
    uint64_t page = (uint64_t)(uintptr_t)&range & ~(uint64_t)(PS_PAGE_SIZE - 1);
    struct pagemap_scan request = {
        .size = sizeof request,
        .start = page,
        .end = page + PS_PAGE_SIZE,
        .ranges = (uint64_t)(uintptr_t)&range,
        .ranges_length = 1,
        .category_mask = CATEGORY_PRESENT,
        .return_mask = CATEGORY_PRESENT,
    };
    return ioctl(pagemap, PAGEMAP_SCAN_REQUEST, &request) < 0 ? -errno : 0;
}

int32_t ps_tracking_start(void)
{
    if (atomic_load(&userfault) >= 0) {
        return 0;
    }
    int pagemap = ps_pagemap_open();
    int error = pagemap < 0 ? pagemap : try_scan(pagemap);
    int descriptor = error < 0 ? error : open_userfault();
    if (descriptor < 0) {
        return descriptor;
    }
    int none = -1;
    if (!atomic_compare_exchange_strong(&userfault, &none, descriptor)) {
        close(descriptor);
    }
    return 0;
}

void ps_os_track(ps_region *region, uint64_t page, uint64_t count)
{
    struct userfault_register request = {
        .start = (uint64_t)(uintptr_t)ps_page_address(region, page),
        .length = count * PS_PAGE_SIZE,
        .mode = USERFAULT_MODE_WRITE_PROTECT,
    };
    if (!region->config.track_writes) {
        return;
    }
    int descriptor = atomic_load_explicit(&userfault, memory_order_relaxed);
    if (ps_injected(PS_CALL_TRACK) != 0 || ioctl(descriptor, USERFAULT_REGISTER_REQUEST, &request) != 0) {
        atomic_store(&region->has_untracked, 1);
    }
}

/* Registers every stretch that is mapped to the backing. Who changes a mapping meanwhile registers it himself. */
static void track_again(ps_region *region)
{
    uint64_t pages = atomic_load(&region->pages);
    for (uint64_t page = 0, end; page < pages; page = end) {
        end = page + 1;
        if (ps_word_is_shared(ps_word_read(region, page))) {
            continue;
        }
        while (end < pages && !ps_word_is_shared(ps_word_read(region, end))) {
            end++;
        }
        ps_os_track(region, page, end - page);
    }
}

/* The written pages in [*start, end): sets their bits, protects them again, moves *start on; returns how many, or
 * -errno. */
static int64_t find_some(uint64_t *start, uint64_t end, uint64_t base, uint64_t *written)
{
    struct pagemap_range ranges[RANGES_AT_ONCE];
    struct pagemap_scan request = {
        .size = sizeof request,
        .flags = PAGEMAP_PROTECT_MATCHING,
        .start = *start,
        .end = end,
        .ranges = (uint64_t)(uintptr_t)ranges,
        .ranges_length = RANGES_AT_ONCE,
        .category_mask = CATEGORY_WRITTEN,
        .return_mask = CATEGORY_WRITTEN, /* just this: the kernel has a path of its own for it, ten times as fast */
    };
    int found = ioctl(ps_pagemap_open(), PAGEMAP_SCAN_REQUEST, &request);
    if (found < 0) {
        return -errno;
    }
    int64_t total = 0;
    for (int i = 0; i < found; i++) {
        uint64_t count = (ranges[i].end - ranges[i].start) / PS_PAGE_SIZE;
        ps_bits_set(written, (ranges[i].start - base) / PS_PAGE_SIZE, count);
        total += (int64_t)count;
    }
    *start = request.walk_end;
    return total;
}

int64_t ps_find_written(ps_region *region, uint64_t page, uint64_t count, uint64_t *written)
{
    if (!ps_range_is_inside(region, page, count)) {
        return -EINVAL;
    }
    if (!region->config.track_writes) {
        return -EOPNOTSUPP;
    }
    if (atomic_exchange(&region->has_untracked, 0)) {
        track_again(region);
        return -EAGAIN;
    }
    uint64_t base = (uint64_t)(uintptr_t)ps_page_address(region, page);
    uint64_t end = base + count * PS_PAGE_SIZE;
    int64_t total = 0;
    for (uint64_t start = base; start < end;) {
        int64_t found = find_some(&start, end, base, written);
        if (found < 0) {
            return found;
        }
        total += found;
    }
    return total;
}
