/*
 * No mappings left, for real: the process is filled up to the kernel's limit, and breaks must go on without one wrong
 * byte. Beyond its limit the kernel refuses even a replacement, so nothing here may allocate, print or make a thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../core/os.h"
#include "fixture.h"

#define MOST_MAPPINGS 300000l /* filling more takes too long for a test */
#define RUN 16u
#define RUNS 24u
#define PAGES (RUN * RUNS)
#define TIMEOUT_MS 300u

static int filler = -1;
static uint8_t *last_filled;

static void skip_where_the_limit_is_high(void)
{
    long limit = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    CHECK(file != NULL && fscanf(file, "%ld", &limit) == 1);
    fclose(file);
    if (limit > MOST_MAPPINGS) {
        SKIP("vm.max_map_count is too high to be filled in a test");
    }
    filler = memfd_create("filler", MFD_CLOEXEC);
    CHECK(filler >= 0);
}

/* Single pages with gaps between their offsets, until the kernel gives no more: one mapping beyond its limit. */
static void fill_up(void)
{
    static off_t offset;
    uint8_t *page;
    while ((page = mmap(NULL, PS_PAGE_SIZE, PROT_NONE, MAP_SHARED, filler, offset)) != MAP_FAILED) {
        offset += 2 * PS_PAGE_SIZE;
        last_filled = page;
    }
    CHECK(errno == ENOMEM);
}

static void take_back(uint64_t mappings)
{
    for (uint64_t i = 0; i < mappings; i++) { /* the newest lie one below the other */
        CHECK(munmap(last_filled, PS_PAGE_SIZE) == 0);
        last_filled += PS_PAGE_SIZE;
    }
}

/* A guest of nothing but runs that do not continue each other. */
static struct guest *open_runs(uint32_t mode)
{
    skip_where_the_limit_is_high();
    struct store *store = store_open(2 * PAGES);
    struct guest *guest = guest_open_with(store, PAGES, PAGES, mode, TIMEOUT_MS);
    for (uint32_t run = 0; run < RUNS; run++) {
        share(guest, run * RUN, RUN, 2 * run * RUN, 1 + run * RUN);
    }
    return guest;
}

/* Breaks one page in the middle of each run and checks every byte of it, then of all. */
static void break_each_run(struct guest *guest)
{
    for (uint64_t run = 0; run < RUNS; run++) {
        uint64_t page = run * RUN + RUN / 2;
        if (guest->mode == KERNEL_MODE) {
            CHECK(ps_break(guest->region, page, 1) >= 1);
        }
        store_byte(page_at(guest, page), 66);
        CHECK(page_is_except(page_at(guest, page), page + 1, 0, 66));
        CHECK(state_of(guest, page) == PS_PRIVATE);
    }
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page % RUN == RUN / 2 ? page_is_except(page_at(guest, page), page + 1, 0, 66)
                                    : page_is(page_at(guest, page), page + 1));
    }
    check_all_settled(guest);
    CHECK(guest->counters->breaks_timed_out == 0);
}

static void the_reserve_is_spent_and_then_whole_runs_break(uint32_t mode)
{
    struct guest *guest = open_runs(mode);
    CHECK(ps_reserve_fill(20) == 20);
    fill_up();
    break_each_run(guest);
    CHECK(guest->counters->reserve_spent > 0 && guest->counters->reserve_spent <= 20);
    CHECK(guest->counters->pages_broken > RUNS && guest->counters->breaks_stalled == 0);
    take_back(1000);
    CHECK(ps_reserve_fill(20) == 20 && ps_break(guest->region, 0, PAGES) >= 0);
    CHECK(mappings_in(guest->base, PAGES) == 1 && mappings_without_dontfork(guest->base, PAGES) == 0);
}
IN_BOTH_MODES(the_reserve_is_spent_and_then_whole_runs_break)

/* A writer that goes through all runs breaks over their borders, and whole runs where mappings are short. */
static void a_sequential_writer_goes_on_without_mappings(void)
{
    break_ahead(RUN);
    struct guest *guest = open_runs(SIGNAL_MODE);
    CHECK(ps_reserve_fill(4) == 4);
    fill_up();
    for (uint64_t page = 5; page < PAGES; page++) {
        store_byte(page_at(guest, page), 66);
        CHECK(state_of(guest, page) == PS_PRIVATE);
    }
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page < 5 ? page_is(page_at(guest, page), page + 1) : page_is_except(page_at(guest, page), page + 1, 0, 66));
    }
    check_all_settled(guest);
    const ps_guest_counters *counters = guest->counters;
    CHECK(counters->breaks_stalled == 0 && counters->pages_broken == counters->cow_faults + counters->pages_broken_ahead);
}

/* The break that takes the last free mapping must leave something for those that come after it, however many. */
static void two_spare_mappings_last_for_ever(uint32_t mode)
{
    struct guest *guest = open_runs(mode);
    CHECK(ps_reserve_fill(2) == 2);
    fill_up();
    break_each_run(guest);
    CHECK(guest->counters->reserve_spent <= 2 && guest->counters->breaks_stalled == 0);
    for (int round = 0; round < 3; round++) {
        take_back(2 * RUNS + 1); /* enough for the runs; then others take all that is left */
        for (uint32_t run = 0; run < RUNS; run++) {
            ps_break(guest->region, run * RUN, RUN);
            share(guest, run * RUN, RUN, 2 * run * RUN, 1 + run * RUN);
        }
        CHECK(ps_reserve_fill(2) == 2);
        fill_up();
        break_each_run(guest);
    }
}
IN_BOTH_MODES(two_spare_mappings_last_for_ever)

static void merging_without_mappings_leaves_pages_private(uint32_t mode)
{
    uint32_t targets[8];
    uint8_t results[8];
    skip_where_the_limit_is_high();
    struct store *store = store_open(64);
    struct guest *guest = guest_open(store, 64, mode);
    for (uint32_t page = 0; page < 64; page++) {
        fill_page(page_at(guest, page), page + 1);
        store_write(store, page, page + 1);
    }
    fill_up();
    for (uint32_t first = 0; first < 64; first += 8) {
        for (uint32_t i = 0; i < 8; i++) {
            targets[i] = first + i * (first % 16 ? 1 : 2) % 8; /* runs, and lone pages that are not equal */
        }
        CHECK(ps_merge(guest->region, first, 8, targets, results) == 0);
    }
    check_all_settled(guest);
    for (uint32_t page = 0; page < 64; page++) {
        CHECK(page_is(page_at(guest, page), page + 1));
        store_byte(page_at(guest, page) + 9, 1);
        CHECK(page_is_except(page_at(guest, page), page + 1, 9, 1));
    }
}
IN_BOTH_MODES(merging_without_mappings_leaves_pages_private)

static void check_moved(struct guest *guest, uint64_t page, uint32_t count, uint64_t written)
{
    uint32_t targets[PAGES];
    uint8_t results[PAGES];
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = (uint32_t)page + i;
    }
    CHECK(ps_move(guest->region, page, count, targets, results) == 0);
    for (uint32_t i = 0; i < count; i++) {
        CHECK((results[i] == PS_MERGE_DONE) == (generation_of(guest, page + i) == 1));
        CHECK(results[i] == PS_MERGE_DONE || results[i] == PS_MERGE_NO_MAPPING || page + i == written);
    }
    for (uint64_t i = 0; i < PAGES; i++) {
        CHECK(i == written ? page_is_except(page_at(guest, i), i + 1, 0, 66) : page_is(page_at(guest, i), i + 1));
    }
    check_all_settled(guest);
}

static void moving_without_mappings_leaves_pages_with_their_frames(uint32_t mode)
{
    struct guest *guest = open_runs(mode);
    struct store *newer = store_open(PAGES);
    uint64_t written = mode == KERNEL_MODE ? 2 * RUN + 5 : UINT64_MAX;
    for (uint32_t frame = 0; frame < PAGES; frame++) {
        store_write(newer, frame, 1 + frame);
    }
    CHECK(ps_region_set_store(guest->region, newer->reader, newer->view) == 1);
    if (mode == KERNEL_MODE) {
        store_byte(page_at(guest, written), 66); /* the kernel's own copy now */
    }
    fill_up();
    check_moved(guest, 4, 4, written); /* out of the middle of a run, which needs two mappings more */
    CHECK(state_of(guest, 4) == shared_state(mode) && generation_of(guest, 4) == 0);
    for (uint64_t page = 0; page < PAGES; page += RUN / 2) {
        check_moved(guest, page, RUN / 2, written);
    }
    check_moved(guest, 0, PAGES, written);
    take_back(3 * RUNS);
    check_moved(guest, 0, PAGES, written);
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page == written ? state_of(guest, page) == PS_PRIVATE : generation_of(guest, page) == 1);
    }
    CHECK(mappings_in(guest->base, PAGES) == (mode == KERNEL_MODE ? 3 : 1));
}
IN_BOTH_MODES(moving_without_mappings_leaves_pages_with_their_frames)

/* Giving memory back is how a program gets out of this, so it must not need any. */
static void regions_can_be_freed_and_refused(void)
{
    skip_where_the_limit_is_high();
    struct guest *guests[5];
    struct store *store = store_open(8);
    for (unsigned i = 0; i < 5; i++) {
        guests[i] = guest_open_with(store, 8, 8, SIGNAL_MODE, TIMEOUT_MS);
        share(guests[i], 0, 8, 0, 1);
    }
    ps_region_config config = {.base = guests[0]->base, .pages = 8, .reserved_pages = 8, .map_now = 1};
    config.words = guests[0]->words;
    config.backing_fd = guests[0]->backing;
    guest_free(guests[0]);
    fill_up();
    int32_t error = 0;
    CHECK(ps_region_create(&config, &error) == NULL && error == -ENOMEM);
    ps_test_limit(10);
    for (unsigned i = 1; i < 4; i++) {
        guest_free(guests[i]);
        CHECK(munmap(guests[i]->base, 8 * PS_PAGE_SIZE) == 0);
    }
    store_byte(page_at(guests[4], 3), 66);
    CHECK(page_is_except(page_at(guests[4], 3), 4, 0, 66));
}

/* Two breaks of neighbours can meet between mmap and madvise: the new mapping is then twice as long as the page that
 * is to get its attribute, and there is no mapping left to split it. */
static void attributes_are_restored_without_a_mapping_to_spare(void)
{
    skip_where_the_limit_is_high();
    struct store *store = store_open(8);
    struct guest *guest = guest_open(store, 8, SIGNAL_MODE);
    share(guest, 0, 1, 0, 1); /* neighbours on both sides that are frames */
    share(guest, 3, 5, 3, 4);
    fill_up();
    CHECK(mmap(page_at(guest, 1), 2 * PS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, guest->backing,
               PS_PAGE_SIZE) == MAP_FAILED); /* beyond the limit */
    take_back(1);
    CHECK(mmap(page_at(guest, 1), 2 * PS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, guest->backing,
               PS_PAGE_SIZE) != MAP_FAILED); /* as another thread leaves it for a moment */
    ps_test_limit(10);
    CHECK(ps_os_map_identity(guest->region, 1, 1) == 0);
    take_back(100);
    CHECK(mappings_without_dontfork(page_at(guest, 1), 1) == 0);
}

const struct ps_test ps_tests_exhaustion[] = {
    BOTH_MODES(the_reserve_is_spent_and_then_whole_runs_break),
    ONE_TEST(a_sequential_writer_goes_on_without_mappings),
    BOTH_MODES(two_spare_mappings_last_for_ever),
    BOTH_MODES(merging_without_mappings_leaves_pages_private),
    BOTH_MODES(moving_without_mappings_leaves_pages_with_their_frames),
    ONE_TEST(regions_can_be_freed_and_refused),
    ONE_TEST(attributes_are_restored_without_a_mapping_to_spare),
    {0, 0},
};
