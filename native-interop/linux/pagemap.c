/*
 * Which pages are the kernel's own (anonymous) copies, asked of the page table.
 *
 * A MAP_PRIVATE view of the frame store shows pages of a file until the first store, and an anonymous page from then
 * on. So a page is broken if it is there, or swapped out, and no file's page. Neither is a page that nobody touched
 * yet, nor the kernel's page of zeroes, which reads of private memory without a file map.
 *
 * A page table entry can also be a mere marker of userfaultfd write-protection. The kernel calls that "swapped, no
 * file", as it calls an anonymous page that is swapped out. What is swapped out *and* write-protected may be either,
 * so it is not reported: a break that is missed is found when the page comes back to memory, but one that never
 * happened would be counted for good. The marker of MADV_GUARD_INSTALL is reported as well; but that call must never
 * touch a view of the store, since it throws copies away.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "kernel_api.h"
#include "os.h"
#include "pagemap.h"
#include "pageshare_events.h"

/* An entry of /proc/self/pagemap. */
#define ENTRY_MAPPED_ONCE (1ull << 56)
#define ENTRY_WRITE_PROTECTED (1ull << 57)
#define ENTRY_FILE (1ull << 61)
#define ENTRY_SWAPPED (1ull << 62)
#define ENTRY_PRESENT (1ull << 63)

/* Bounds the stack: 3 KiB of ranges, 2 KiB of entries. */
#define RANGES_AT_ONCE 128u
#define ENTRIES_AT_ONCE 256u

/* A look costs 0.6 microseconds, and 0.04 for each page that is there. */
#define WIDEST_GAP 16u

/*
 * The process's pagemap, opened once and kept, and what it can do. Set from "unknown" once, by whoever comes first; a
 * second opener that loses closes its own. A child of fork inherits the parent's pagemap, and with it a wrong answer:
 * but no region lives on in a child (MADV_DONTFORK).
 */
static _Atomic int pagemap_descriptor = -1;

enum { SCAN_UNKNOWN = 0, SCAN_WORKS = 1, SCAN_MISSING = 2 };
static _Atomic int scan_support = SCAN_UNKNOWN;

int ps_pagemap_open(void)
{
    int descriptor = atomic_load_explicit(&pagemap_descriptor, memory_order_acquire);
    if (descriptor >= 0) {
        return descriptor;
    }
    int opened = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (opened < 0) {
        return -errno;
    }
    int none = -1;
    if (!atomic_compare_exchange_strong(&pagemap_descriptor, &none, opened)) {
        close(opened);
        return none;
    }
    return opened;
}

/* Anonymous pages in [start, end): fills ranges, returns how many, and moves *start to where the scan came to. */
static int scan(int descriptor, uint64_t *start, uint64_t end, struct pagemap_range *ranges)
{
    struct pagemap_scan request = {
        .size = sizeof request,
        .start = *start,
        .end = end,
        .ranges = (uint64_t)(uintptr_t)ranges,
        .ranges_length = RANGES_AT_ONCE,
        .category_inverted = CATEGORY_FILE | CATEGORY_ZERO_PAGE,
        .category_mask = CATEGORY_FILE | CATEGORY_ZERO_PAGE,
        .category_any_mask = CATEGORY_PRESENT | CATEGORY_SWAPPED,
        .return_mask = CATEGORY_PRESENT | CATEGORY_WRITTEN,
    };
    int found = ioctl(descriptor, PAGEMAP_SCAN_REQUEST, &request);
    if (found < 0) {
        return -errno;
    }
    *start = request.walk_end;
    return found;
}

static int scan_is_supported(int descriptor)
{
    int support = atomic_load_explicit(&scan_support, memory_order_relaxed);
    if (support == SCAN_UNKNOWN) {
        struct pagemap_range ranges[RANGES_AT_ONCE];
        uint64_t start = (uint64_t)(uintptr_t)ranges & ~(uint64_t)(PS_PAGE_SIZE - 1);
        support = scan(descriptor, &start, start + PS_PAGE_SIZE, ranges) < 0 ? SCAN_MISSING : SCAN_WORKS;
        atomic_store_explicit(&scan_support, support, memory_order_relaxed);
    }
    return support == SCAN_WORKS;
}

void ps_bits_set(uint64_t *bits, uint64_t first, uint64_t count)
{
    while (count > 0) {
        uint64_t shift = first % 64;
        uint64_t here = 64 - shift < count ? 64 - shift : count;
        bits[first / 64] |= (here == 64 ? UINT64_MAX : (1ull << here) - 1) << shift;
        first += here;
        count -= here;
    }
}

static int64_t find_by_scan(int descriptor, uint64_t base, uint64_t pages, uint64_t *broken)
{
    struct pagemap_range ranges[RANGES_AT_ONCE];
    uint64_t end = base + pages * PS_PAGE_SIZE;
    int64_t total = 0;
    for (uint64_t start = base; start < end;) {
        int found = scan(descriptor, &start, end, ranges);
        if (found < 0) {
            return found;
        }
        for (int i = 0; i < found; i++) {
            if (ranges[i].categories == 0) {
                continue; /* swapped and write-protected: see above */
            }
            uint64_t count = (ranges[i].end - ranges[i].start) / PS_PAGE_SIZE;
            ps_bits_set(broken, (ranges[i].start - base) / PS_PAGE_SIZE, count);
            total += (int64_t)count;
        }
    }
    return total;
}

/*
 * A read of pagemap does not name the page of zeroes: no file, as if anonymous. It is mapped many times, though, and
 * a copy that a store made is mapped once.
 */
static int entry_is_anonymous(uint64_t entry)
{
    if (entry & ENTRY_FILE) {
        return 0;
    }
    if (entry & ENTRY_PRESENT) {
        return (entry & ENTRY_MAPPED_ONCE) != 0;
    }
    return (entry & ENTRY_SWAPPED) && !(entry & ENTRY_WRITE_PROTECTED);
}

static int64_t find_by_reading(int descriptor, uint64_t base, uint64_t pages, uint64_t *broken)
{
    uint64_t entries[ENTRIES_AT_ONCE];
    int64_t total = 0;
    for (uint64_t page = 0; page < pages;) {
        uint64_t count = pages - page < ENTRIES_AT_ONCE ? pages - page : ENTRIES_AT_ONCE;
        ssize_t bytes = pread(descriptor, entries, count * sizeof entries[0],
                              (off_t)((base / PS_PAGE_SIZE + page) * sizeof entries[0]));
        if (bytes < 0 && errno == EINTR) {
            continue;
        }
        if (bytes < (ssize_t)sizeof entries[0]) {
            return bytes < 0 ? -errno : -EFAULT;
        }
        count = (uint64_t)bytes / sizeof entries[0];
        for (uint64_t i = 0; i < count; i++) {
            if (entry_is_anonymous(entries[i])) {
                ps_bits_set(broken, page + i, 1);
                total++;
            }
        }
        page += count;
    }
    return total;
}

int64_t ps_os_find_anonymous(const uint8_t *address, uint64_t pages, uint64_t *broken)
{
    memset(broken, 0, (pages + 63) / 64 * sizeof broken[0]);
    int descriptor = ps_pagemap_open();
    if (descriptor < 0) {
        return descriptor;
    }
    uint64_t base = (uint64_t)(uintptr_t)address;
    return scan_is_supported(descriptor) ? find_by_scan(descriptor, base, pages, broken)
                                         : find_by_reading(descriptor, base, pages, broken);
}

int64_t ps_keep_anonymous(uint64_t *addresses, uint64_t count)
{
    uint64_t kept = 0;
    for (uint64_t next = 0; next < count;) {
        /* One word of pages from here on, while addresses ascend without a gap that makes a new look cheaper. */
        uint64_t base = addresses[next] & ~(uint64_t)(PS_PAGE_SIZE - 1);
        uint64_t last = 0;
        uint64_t asked = 0;
        for (; next < count; next++) {
            uint64_t page = (addresses[next] - base) / PS_PAGE_SIZE; /* huge if it lies below base */
            if (page >= 64 || page < last || page - last > WIDEST_GAP) {
                break;
            }
            asked |= 1ull << page;
            last = page;
        }
        uint64_t broken;
        int64_t found = ps_os_find_anonymous((const uint8_t *)(uintptr_t)base, last + 1, &broken);
        if (found < 0) {
            return found;
        }
        for (broken &= asked; broken != 0; broken &= broken - 1) {
            addresses[kept++] = base + (uint64_t)__builtin_ctzll(broken) * PS_PAGE_SIZE;
        }
    }
    return (int64_t)kept;
}
