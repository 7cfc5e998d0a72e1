/* Merging and breaking with nobody in between: contents, and the kernel's figures for memory, frames and mappings. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define PAGES 64u

static uint64_t read_first(const struct guest *guest, uint64_t page)
{
    return *(volatile uint64_t *)page_at(guest, page);
}

static void merging_frees_exactly_the_merged_pages(uint32_t mode)
{
    struct store *store = store_open(PAGES);
    struct guest *one = guest_open(store, PAGES, mode);
    struct guest *two = guest_open(store, PAGES, mode);
    share(one, 0, PAGES, 0, 1);
    CHECK(pages_held(one->backing) == 0 && pages_held(store->writer) == PAGES);
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(two, page), page + 1);
    }
    CHECK(pages_held(two->backing) == PAGES);
    merge_all_or_fail(two, 8, 16, 8);
    CHECK(pages_held(two->backing) == PAGES - 16 && pages_held(store->writer) == PAGES);
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is(page_at(one, page), page + 1) && page_is(page_at(two, page), page + 1));
        CHECK((frame_number(page_at(one, page)) == frame_number(page_at(two, page))) == (page >= 8 && page < 24));
        CHECK(frame_number(page_at(one, page)) == frame_number(store->view + page * PS_PAGE_SIZE));
    }
    CHECK(pages_held(one->backing) == 0 && pages_held(two->backing) == PAGES - 16); /* reading allocated nothing */
}
IN_BOTH_MODES(merging_frees_exactly_the_merged_pages)

static void a_store_breaks_one_page_alone(uint32_t mode)
{
    struct store *store = store_open(8);
    struct guest *one = guest_open(store, 8, mode);
    struct guest *two = guest_open(store, 8, mode);
    share(one, 0, 8, 0, 1);
    share(two, 0, 8, 0, 1);
    store_byte(page_at(one, 3) + 4095, 77);
    for (uint64_t page = 0; page < 8; page++) {
        CHECK(page == 3 ? page_is_except(page_at(one, 3), 4, 4095, 77) : page_is(page_at(one, page), page + 1));
        CHECK(page_is(page_at(two, page), page + 1) && page_is(store->view + page * PS_PAGE_SIZE, page + 1));
        CHECK((frame_number(page_at(one, page)) == frame_number(page_at(two, page))) == (page != 3));
    }
    CHECK(state_of(one, 3) == (mode == KERNEL_MODE ? PS_KERNEL_SHARED : PS_PRIVATE));
    CHECK(pages_held(one->backing) == (mode == KERNEL_MODE ? 0 : 1)); /* the kernel's copy is not in the backing */
    CHECK(one->counters->cow_faults == (mode == KERNEL_MODE ? 0 : 1) && two->counters->cow_faults == 0);
    CHECK(one->counters->pages_broken == one->counters->cow_faults);
    uint64_t in_histogram = 0;
    for (unsigned bucket = 0; bucket < PS_HISTOGRAM_BUCKETS; bucket++) {
        in_histogram += one->counters->cow_fault_ns.count[bucket];
    }
    CHECK(in_histogram == one->counters->cow_faults);
    CHECK((one->counters->cow_fault_ns.maximum > 0) == (in_histogram > 0));
}
IN_BOTH_MODES(a_store_breaks_one_page_alone)

static void breaking_all_restores_memory_and_mappings(uint32_t mode)
{
    struct store *store = store_open(PAGES * 2);
    struct guest *guest = guest_open(store, PAGES, mode);
    uint64_t before = mappings_in(guest->base, PAGES);
    CHECK(before == 1 && mappings_without_dontfork(guest->base, PAGES) == 0);
    share(guest, 0, 16, 0, 1);
    share(guest, 20, 1, 100, 21);
    share(guest, 24, 8, 30, 25);
    share(guest, 32, 32, 64, 33); /* follows the run before it in the guest, but not in the store */
    CHECK(mappings_in(guest->base, PAGES) == 6 && mappings_without_dontfork(guest->base, PAGES) == 0);
    store_byte(page_at(guest, 40), 40);
    CHECK(mappings_without_dontfork(guest->base, PAGES) == 0);
    CHECK(ps_break(guest->region, 0, PAGES) == (mode == KERNEL_MODE ? 57 : 56));
    CHECK(guest->counters->pages_broken == 57);
    CHECK(mappings_in(guest->base, PAGES) == before && mappings_without_dontfork(guest->base, PAGES) == 0);
    CHECK(pages_held(guest->backing) == 57);
    for (uint64_t page = 0; page < PAGES; page++) {
        int was_shared = page < 16 || page == 20 || page >= 24;
        CHECK(state_of(guest, page) == PS_PRIVATE);
        CHECK(page == 40 ? page_is_except(page_at(guest, page), 41, 0, 40)
                         : page_is(page_at(guest, page), was_shared ? page + 1 : 0));
    }
    check_all_settled(guest);
}
IN_BOTH_MODES(breaking_all_restores_memory_and_mappings)

static void single_bytes_that_differ_are_found(uint32_t mode)
{
    static const uint32_t places[] = {0, 1, 63, 64, 2047, 4094, 4095};
    enum { COUNT = sizeof places / sizeof places[0] };
    uint32_t targets[COUNT];
    uint8_t results[COUNT];
    struct store *store = store_open(COUNT);
    struct guest *guest = guest_open(store, COUNT, mode);
    for (uint32_t i = 0; i < COUNT; i++) {
        fill_page(page_at(guest, i), i + 1);
        store_write(store, i, i + 1);
        store_byte(page_at(guest, i) + places[i], (uint8_t)(page_at(guest, i)[places[i]] ^ 0x80));
        targets[i] = i;
    }
    CHECK(ps_merge(guest->region, 0, COUNT, targets, results) == 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK(results[i] == PS_MERGE_DIFFERS && state_of(guest, i) == PS_PRIVATE);
        CHECK(page_at(guest, i)[places[i]] == (uint8_t)(store->view[i * PS_PAGE_SIZE + places[i]] ^ 0x80));
    }
    for (uint32_t i = 0; i < COUNT; i++) { /* and in pages that are zero but for them */
        fill_page(page_at(guest, i), 0);
        store_byte(page_at(guest, i) + places[i], 1);
        CHECK(merge_one(guest, i, PS_TARGET_ZERO) == PS_MERGE_DIFFERS);
        CHECK(page_is_except(page_at(guest, i), 0, places[i], 1));
    }
    CHECK(mappings_in(guest->base, COUNT) == 1 && pages_held(guest->backing) == COUNT);
}
IN_BOTH_MODES(single_bytes_that_differ_are_found)

/* Frames out of order, twice the same, none, zero, one that differs, one that is pinned. */
static void an_order_of_all_kinds_does_each(uint32_t mode)
{
    static const uint64_t contents[] = {5, 6, 5, 5, 9, 0, 0, 7, 8, 3};
    static const uint32_t targets[] = {5, 6, 5, 5, PS_TARGET_NONE, PS_TARGET_ZERO, 7, PS_TARGET_ZERO, 8, 3};
    static const uint8_t expected[] = {PS_MERGE_DONE, PS_MERGE_DONE, PS_MERGE_DONE, PS_MERGE_DONE, PS_MERGE_SKIPPED,
                                       PS_MERGE_DONE, PS_MERGE_DIFFERS, PS_MERGE_DIFFERS, PS_MERGE_BUSY, PS_MERGE_DONE};
    uint8_t results[10];
    struct store *store = store_open(16);
    struct guest *guest = guest_open(store, 10, mode);
    for (uint32_t i = 0; i < 10; i++) {
        fill_page(page_at(guest, i), contents[i]);
        store_write(store, i, i == 0 ? 1 : i);
    }
    CHECK(ps_pin(guest->region, 8, 1) == 0);
    CHECK(ps_merge(guest->region, 0, 10, targets, results) == 0);
    for (uint32_t i = 0; i < 10; i++) {
        CHECK(results[i] == expected[i] && page_is(page_at(guest, i), contents[i]));
    }
    CHECK(state_of(guest, 5) == PS_ZERO && state_of(guest, 6) == PS_PRIVATE && pins_of(guest, 8) == 1);
    CHECK(frame_in_word(guest, 2) == 5 && frame_in_word(guest, 3) == 5 && state_of(guest, 2) == shared_state(mode));
    check_all_settled(guest);
    CHECK(ps_unpin(guest->region, 8, 1) == 0 && ps_unpin(guest->region, 8, 1) == -EINVAL);
    CHECK(ps_break(guest->region, 0, 10) == 5 && mappings_in(guest->base, 10) == 1);
}
IN_BOTH_MODES(an_order_of_all_kinds_does_each)

static void orders_out_of_bounds_are_refused(void)
{
    uint32_t targets[PS_ORDER_PAGES + 1] = {0};
    uint8_t results[PS_ORDER_PAGES + 1];
    uint64_t bits[1] = {0};
    struct store *store = store_open(1);
    struct guest *guest = guest_open(store, 8, SIGNAL_MODE);
    CHECK(ps_merge(guest->region, 0, PS_ORDER_PAGES + 1, targets, results) == -EINVAL);
    CHECK(ps_merge(guest->region, 1, 8, targets, results) == -EINVAL);
    CHECK(ps_merge(guest->region, UINT64_MAX, 1, targets, results) == -EINVAL);
    CHECK(ps_break(guest->region, 8, 1) == -EINVAL && ps_break(guest->region, 8, 0) == 0);
    CHECK(ps_break(guest->region, 1, UINT64_MAX) == -EINVAL);
    CHECK(ps_pin(guest->region, 0, 9) == -EINVAL && ps_unpin(guest->region, 0, 9) == -EINVAL);
    CHECK(ps_settle(guest->region, 0, 9, bits, NULL) == -EINVAL);
    CHECK(ps_find_anonymous(guest->region, 0, 9, bits) == -EINVAL);
    CHECK(ps_region_grow(guest->region, 9) == -EINVAL && ps_region_grow(guest->region, 7) == -EINVAL);
    check_all_settled(guest);
}

static void zero_pages_become_holes_and_come_back(uint32_t mode)
{
    struct store *store = store_open(1);
    struct guest *guest = guest_open(store, 8, mode);
    store_write(store, 0, 9);
    for (uint64_t page = 0; page < 8; page++) {
        fill_page(page_at(guest, page), 0);
    }
    CHECK(pages_held(guest->backing) == 8);
    for (uint64_t page = 0; page < 8; page++) {
        CHECK(merge_one(guest, page, PS_TARGET_ZERO) == PS_MERGE_DONE && state_of(guest, page) == PS_ZERO);
    }
    CHECK(pages_held(guest->backing) == 0 && mappings_in(guest->base, 8) == 1);
    CHECK(mappings_without_dontfork(guest->base, 8) == 0);

    CHECK(read_first(guest, 2) == 0 && pages_held(guest->backing) == 1); /* the read that allocates */
    CHECK(merge_one(guest, 2, PS_TARGET_ZERO) == PS_MERGE_DONE && pages_held(guest->backing) == 0);

    store_byte(page_at(guest, 4) + 100, 1); /* no fault tells, so the word still says ZERO */
    CHECK(state_of(guest, 4) == PS_ZERO && pages_held(guest->backing) == 1 && guest->counters->seal_waits == 0);
    CHECK(merge_one(guest, 4, 0) == PS_MERGE_BUSY);
    CHECK(merge_one(guest, 4, PS_TARGET_ZERO) == PS_MERGE_DIFFERS && state_of(guest, 4) == PS_PRIVATE);
    CHECK(page_is_except(page_at(guest, 4), 0, 100, 1));

    CHECK(ps_pin(guest->region, 5, 1) == 0 && state_of(guest, 5) == PS_PRIVATE && pins_of(guest, 5) == 1);
    CHECK(merge_one(guest, 5, PS_TARGET_ZERO) == PS_MERGE_BUSY);
    check_all_settled(guest);
}
IN_BOTH_MODES(zero_pages_become_holes_and_come_back)

static void a_forked_child_has_no_guest_memory(uint32_t mode)
{
    struct store *store = store_open(PAGES);
    struct guest *guest = guest_open_with(store, PAGES / 2, PAGES, mode, 1000);
    CHECK(ps_region_grow(guest->region, PAGES) == 0);
    share(guest, 4, 40, 0, 5);
    store_byte(page_at(guest, 10), 1);
    CHECK(ps_break(guest->region, 20, 5) == 5 && ps_pin(guest->region, 30, 1) == 0);
    fill_page(page_at(guest, 60), 0);
    CHECK(merge_one(guest, 60, PS_TARGET_ZERO) == PS_MERGE_DONE);
    CHECK(merge_one(guest, 61, 0) == PS_MERGE_DIFFERS);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        _exit(mappings_in(guest->base, PAGES) == 0 ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
IN_BOTH_MODES(a_forked_child_has_no_guest_memory)

static void the_kernels_copies_are_settled(void)
{
    uint64_t broken[1], dropped = 99;
    struct store *store = store_open(16);
    struct guest *guest = guest_open(store, 16, KERNEL_MODE);
    share(guest, 0, 16, 0, 1);
    uint8_t first = page_at(guest, 5)[0];
    store_byte(page_at(guest, 3), (uint8_t)(page_at(guest, 3)[0] ^ 1));
    store_byte(page_at(guest, 5), (uint8_t)(first ^ 1));
    store_byte(page_at(guest, 5), first); /* there and back: equal again */
    store_byte(page_at(guest, 9), 200);
    CHECK(ps_find_anonymous(guest->region, 0, 16, broken) == 3 && broken[0] == (1u << 3 | 1u << 5 | 1u << 9));
    broken[0] |= 1u << 12; /* marked, but never broken */
    CHECK(ps_settle(guest->region, 0, 16, broken, &dropped) == 2 && dropped == 2);
    CHECK(guest->counters->pages_broken == 2 && pages_held(guest->backing) == 2);
    CHECK(state_of(guest, 3) == PS_PRIVATE && state_of(guest, 5) == PS_KERNEL_SHARED);
    CHECK(state_of(guest, 9) == PS_PRIVATE && page_is_except(page_at(guest, 9), 10, 0, 200));
    CHECK(frame_number(page_at(guest, 5)) == frame_number(store->view + 5 * PS_PAGE_SIZE));
    CHECK(ps_find_anonymous(guest->region, 0, 16, broken) == 0);
    CHECK(mappings_in(guest->base, 16) == 5 && mappings_without_dontfork(guest->base, 16) == 0);
    CHECK(ps_break(guest->region, 0, 16) == 14 && mappings_in(guest->base, 16) == 1);
}

static void merging_again_and_again_leaks_nothing(uint32_t mode)
{
    struct store *store = store_open(16);
    struct guest *guest = guest_open(store, 16, mode);
    for (uint64_t round = 0; round < 50; round++) {
        share(guest, 0, 16, 0, 1 + round * 16);
        CHECK(pages_held(guest->backing) == 0 && pages_held(store->writer) == 16);
        CHECK(ps_break(guest->region, round % 4, 12) == 12 && ps_break(guest->region, 0, 16) == 4);
        CHECK(pages_held(guest->backing) == 16 && mappings_in(guest->base, 16) == 1);
        for (uint64_t page = 0; page < 16; page++) {
            CHECK(page_is(page_at(guest, page), 1 + round * 16 + page));
        }
    }
}
IN_BOTH_MODES(merging_again_and_again_leaks_nothing)

static void pins_count_and_end_at_their_maximum(uint32_t mode)
{
    struct store *store = store_open(4);
    struct guest *guest = guest_open(store, 4, mode);
    share(guest, 0, 4, 0, 1);
    for (uint32_t i = 0; i < PS_PINS_MAX; i++) {
        CHECK(ps_pin(guest->region, 1, 1) == 0);
    }
    CHECK(ps_pin(guest->region, 0, 4) == -EOVERFLOW);
    CHECK(pins_of(guest, 0) == 0 && pins_of(guest, 1) == PS_PINS_MAX && pins_of(guest, 2) == 0);
    CHECK(state_of(guest, 1) == PS_PRIVATE); /* the count did not run into the state */
    CHECK(merge_one(guest, 1, 1) == PS_MERGE_BUSY);
    for (uint32_t i = 0; i < PS_PINS_MAX; i++) {
        CHECK(ps_unpin(guest->region, 1, 1) == 0);
    }
    CHECK(pins_of(guest, 1) == 0 && merge_one(guest, 1, 1) == PS_MERGE_DONE);
}
IN_BOTH_MODES(pins_count_and_end_at_their_maximum)

const struct ps_test ps_tests_merge[] = {
    BOTH_MODES(merging_frees_exactly_the_merged_pages),
    BOTH_MODES(a_store_breaks_one_page_alone),
    BOTH_MODES(breaking_all_restores_memory_and_mappings),
    BOTH_MODES(single_bytes_that_differ_are_found),
    BOTH_MODES(an_order_of_all_kinds_does_each),
    ONE_TEST(orders_out_of_bounds_are_refused),
    BOTH_MODES(zero_pages_become_holes_and_come_back),
    BOTH_MODES(a_forked_child_has_no_guest_memory),
    ONE_TEST(the_kernels_copies_are_settled),
    BOTH_MODES(merging_again_and_again_leaks_nothing),
    BOTH_MODES(pins_count_and_end_at_their_maximum),
    {0, 0},
};
