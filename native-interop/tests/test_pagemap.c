/* Finding the kernel's own copies in the page table, against what the test wrote. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "kernel_view.h"
#include "os.h"
#include "pageshare_events.h"

static uint64_t addresses[1000];
static uint64_t bits[64];

static int bit(uint64_t page)
{
    return (int)(bits[page / 64] >> page % 64 & 1);
}

static void stores_make_pages_anonymous_and_reads_do_not(void)
{
    uint8_t *view = map_view(200);
    for (int page = 0; page < 150; page++) {
        read_byte(view + page * PS_PAGE_SIZE);
    }
    CHECK(ps_os_find_anonymous(view, 200, bits) == 0);
    write_byte(view + 3 * PS_PAGE_SIZE);                   /* read before */
    write_byte(view + 199 * PS_PAGE_SIZE);                 /* never read */
    memset(view + 60 * PS_PAGE_SIZE, 1, 10 * PS_PAGE_SIZE); /* a run across two words */
    CHECK(ps_os_find_anonymous(view, 200, bits) == 12);
    for (int page = 0; page < 200; page++) {
        CHECK(bit(page) == (page == 3 || page == 199 || (page >= 60 && page < 70)));
    }
}

static void dropping_the_copy_brings_the_frame_back(void)
{
    uint8_t *view = map_view(8);
    write_byte(view);
    write_byte(view + PS_PAGE_SIZE);
    CHECK(ps_os_find_anonymous(view, 8, bits) == 2);
    CHECK(madvise(view, PS_PAGE_SIZE, MADV_DONTNEED) == 0 && read_byte(view) == 'f');
    CHECK(ps_os_find_anonymous(view, 8, bits) == 1 && bits[0] == 2);
}

static void the_words_of_the_answer_are_overwritten(void)
{
    uint8_t *view = map_view(65);
    memset(bits, 0xFF, sizeof bits);
    CHECK(ps_os_find_anonymous(view, 65, bits) == 0);
    CHECK(bits[0] == 0 && bits[1] == 0 && bits[2] == UINT64_MAX);
}

static void shared_pages_of_the_backing_are_not_anonymous(void)
{
    int backing = memfd_create("backing", MFD_CLOEXEC);
    CHECK(backing >= 0 && ftruncate(backing, 4 * PS_PAGE_SIZE) == 0);
    uint8_t *view = mmap(NULL, 4 * PS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, backing, 0);
    CHECK(view != MAP_FAILED);
    memset(view, 1, 3 * PS_PAGE_SIZE);
    CHECK(ps_os_find_anonymous(view, 4, bits) == 0);
}

static void the_page_of_zeroes_is_not_anonymous(void)
{
    uint8_t *view = mmap(NULL, 3 * PS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(view != MAP_FAILED && madvise(view, 3 * PS_PAGE_SIZE, MADV_NOHUGEPAGE) == 0);
    CHECK(read_byte(view) == 0);
    write_byte(view + PS_PAGE_SIZE);
    CHECK(ps_os_find_anonymous(view, 3, bits) == 1 && bits[0] == 2);
}

/* Write-protects the view with userfaultfd as the tracking of written pages does; skips where the kernel can't. */
static void arm_tracking(uint8_t *view, uint64_t pages)
{
    const uint64_t asynchronous = 1 << 15, unpopulated_too = 1 << 13, on_shared_memory = 1 << 12;
    int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* user mode only */);
    struct uffdio_api api = {.api = UFFD_API, .features = asynchronous | unpopulated_too | on_shared_memory};
    if (descriptor < 0 || ioctl(descriptor, UFFDIO_API, &api) != 0) {
        SKIP("no asynchronous write-protection by userfaultfd here");
    }
    struct uffdio_range range = {(uint64_t)(uintptr_t)view, pages * PS_PAGE_SIZE};
    struct uffdio_register enter = {.range = range, .mode = UFFDIO_REGISTER_MODE_WP};
    struct uffdio_writeprotect protect = {.range = range, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    CHECK(ioctl(descriptor, UFFDIO_REGISTER, &enter) == 0);
    CHECK(ioctl(descriptor, UFFDIO_WRITEPROTECT, &protect) == 0);
}

static void markers_of_write_protection_are_not_anonymous(void)
{
    uint8_t *view = map_view(64);
    write_byte(view + PS_PAGE_SIZE);
    arm_tracking(view, 64);
    CHECK(ps_os_find_anonymous(view, 64, bits) == 1 && bits[0] == 2);
    write_byte(view + 9 * PS_PAGE_SIZE);
    CHECK(ps_os_find_anonymous(view, 64, bits) == 2 && bits[0] == (2 | 1 << 9));
}

static void reading_pagemap_ignores_markers_too(void)
{
    uint8_t *view = map_view(64);
    write_byte(view + PS_PAGE_SIZE);
    arm_tracking(view, 64);
    deny_system_call(SYS_ioctl, ENOTTY);
    CHECK(ps_os_find_anonymous(view, 64, bits) == 1 && bits[0] == 2);
}

/* More ranges than one request returns, every shape of run; the same by reads, where the kernel has no scan. */
static void check_random_pattern(void)
{
    enum { PAGES = 4096 };
    static uint8_t written[PAGES];
    uint8_t *view = map_view(PAGES);
    unsigned seed = 7;
    int64_t expected = 0;
    for (int page = 0; page < PAGES; page++) {
        written[page] = page < 1500 ? page % 2 == 0 : (rand_r(&seed) >> 8) % 3 == 0;
        expected += written[page];
        if (written[page]) {
            write_byte(view + page * PS_PAGE_SIZE + page);
        } else if (page % 5 == 0) {
            read_byte(view + page * PS_PAGE_SIZE);
        }
    }
    CHECK(ps_os_find_anonymous(view, PAGES, bits) == expected);
    for (int page = 0; page < PAGES; page++) {
        CHECK(bit(page) == written[page]);
    }
}

static void the_scan_finds_exactly_the_written_pages(void)
{
    check_random_pattern();
}

static void reading_pagemap_finds_the_same_where_the_scan_is_missing(void)
{
    deny_system_call(SYS_ioctl, ENOTTY);
    check_random_pattern();
    the_page_of_zeroes_is_not_anonymous();
    shared_pages_of_the_backing_are_not_anonymous();
}

static void keeping_drops_what_is_not_anonymous(void)
{
    uint8_t *view = map_view(300);
    uint64_t base = (uint64_t)(uintptr_t)view;
    int broken[] = {5, 6, 100, 102, 299};
    for (int i = 0; i < 5; i++) {
        write_byte(view + broken[i] * PS_PAGE_SIZE);
    }
    read_byte(view + 7 * PS_PAGE_SIZE);
    int asked[] = {4, 5, 5, 6, 7, 299, 100, 101, 103}; /* but not 102 */
    uint64_t pages[10];
    for (int i = 0; i < 9; i++) {
        pages[i] = base + (uint64_t)asked[i] * PS_PAGE_SIZE + 123;
    }
    pages[9] = PS_PAGE_SIZE; /* not mapped */
    CHECK(ps_keep_anonymous(pages, 10) == 4);
    int expected[] = {5, 6, 299, 100};
    for (int i = 0; i < 4; i++) {
        CHECK(pages[i] == base + (uint64_t)expected[i] * PS_PAGE_SIZE);
    }
    CHECK(ps_keep_anonymous(pages, 0) == 0);
}

static void keeping_looks_long_stretches_up_as_well(void)
{
    enum { PAGES = 1000 };
    uint8_t *view = map_view(PAGES);
    memset(view, 1, PAGES * PS_PAGE_SIZE);
    for (uint64_t page = 0; page < PAGES; page++) {
        addresses[page] = (uint64_t)(uintptr_t)view + page * PS_PAGE_SIZE;
    }
    CHECK(ps_keep_anonymous(addresses, PAGES) == PAGES);
    CHECK(addresses[PAGES - 1] == (uint64_t)(uintptr_t)view + (PAGES - 1) * PS_PAGE_SIZE);
}

const struct ps_test ps_tests_pagemap[] = {
    {"stores_make_pages_anonymous_and_reads_do_not", stores_make_pages_anonymous_and_reads_do_not},
    {"dropping_the_copy_brings_the_frame_back", dropping_the_copy_brings_the_frame_back},
    {"the_words_of_the_answer_are_overwritten", the_words_of_the_answer_are_overwritten},
    {"shared_pages_of_the_backing_are_not_anonymous", shared_pages_of_the_backing_are_not_anonymous},
    {"the_page_of_zeroes_is_not_anonymous", the_page_of_zeroes_is_not_anonymous},
    {"markers_of_write_protection_are_not_anonymous", markers_of_write_protection_are_not_anonymous},
    {"reading_pagemap_ignores_markers_too", reading_pagemap_ignores_markers_too},
    {"the_scan_finds_exactly_the_written_pages", the_scan_finds_exactly_the_written_pages},
    {"reading_pagemap_finds_the_same_where_the_scan_is_missing",
     reading_pagemap_finds_the_same_where_the_scan_is_missing},
    {"keeping_drops_what_is_not_anonymous", keeping_drops_what_is_not_anonymous},
    {"keeping_looks_long_stretches_up_as_well", keeping_looks_long_stretches_up_as_well},
    {0, 0},
};
