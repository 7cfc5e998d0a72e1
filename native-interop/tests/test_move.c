/*
 * A region's store is replaced, and pages move from frames of older stores to equal frames of the new one; and what
 * becomes of the copies that the kernel made, of stores that come in between, and of system calls that fail.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

#define PAGES 40u
#define FRAMES 64u

static struct store *old;
static struct store *newer;
static struct guest *guest;

/* Pages 0 to 19 share frames 0 to 19 of the old store; frames 20 to 39 of the new one hold the same. */
#define MOVABLE 20u
#define FIRST_NEW 20u

static void begin_without_change(uint32_t mode, uint64_t timeout_ms)
{
    old = store_open(FRAMES);
    newer = store_open(FRAMES);
    guest = guest_open_with(old, PAGES, PAGES, mode, timeout_ms);
    share(guest, 0, MOVABLE, 0, 1);
    for (uint32_t i = 0; i < MOVABLE; i++) {
        store_write(newer, FIRST_NEW + i, 1 + i);
    }
}

static void begin(uint32_t mode)
{
    begin_without_change(mode, 30000);
    CHECK(ps_region_set_store(guest->region, newer->reader, newer->view) == 1);
}

static void move_range(uint64_t page, uint32_t count, uint32_t frame, uint8_t *results)
{
    uint32_t targets[PS_ORDER_PAGES];
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = frame + i;
    }
    memset(results, 0xEE, count);
    CHECK(ps_move(guest->region, page, count, targets, results) == 0);
}

static uint8_t move_one(uint64_t page, uint32_t target)
{
    uint8_t result = 0xEE;
    CHECK(ps_move(guest->region, page, 1, &target, &result) == 0);
    return result;
}

static void move_all_or_fail(void)
{
    uint8_t results[PAGES];
    move_range(0, MOVABLE, FIRST_NEW, results);
    for (uint32_t i = 0; i < MOVABLE; i++) {
        CHECK(results[i] == PS_MERGE_DONE && generation_of(guest, i) == 1);
        CHECK(state_of(guest, i) == shared_state(guest->mode) && frame_in_word(guest, i) == FIRST_NEW + i);
    }
}

static void check_contents(void)
{
    check_all_settled(guest);
    for (uint32_t i = 0; i < MOVABLE; i++) {
        CHECK(page_is(page_at(guest, i), 1 + i));
    }
    CHECK(mappings_without_dontfork(guest->base, PAGES) == 0);
}

/* --- replacing the store --- */

static void a_region_knows_256_stores(void)
{
    begin_without_change(SIGNAL_MODE, 30000);
    for (int32_t generation = 1; generation <= 255; generation++) {
        struct store *next = generation % 2 ? newer : old;
        CHECK(ps_region_set_store(guest->region, next->reader, next->view) == generation);
    }
    CHECK(ps_region_set_store(guest->region, old->reader, old->view) == -EOVERFLOW);
    uint8_t results[PAGES];
    move_range(0, MOVABLE, FIRST_NEW, results); /* the store stays the last one that was accepted */
    CHECK(results[0] == PS_MERGE_DONE && generation_of(guest, 0) == 255 && generation_of(guest, MOVABLE) == 0);
    check_contents();
    store_byte(page_at(guest, 5), 1);
    CHECK(state_of(guest, 5) == PS_PRIVATE && guest->words[5] == 0);
}

static void a_descriptor_that_is_none_is_refused(void)
{
    begin_without_change(SIGNAL_MODE, 30000);
    CHECK(ps_region_set_store(guest->region, -1, newer->view) == -EBADF);
    fill_page(page_at(guest, 30), 1);
    CHECK(merge_one(guest, 30, 0) == PS_MERGE_DONE && generation_of(guest, 30) == 0);
}

static void a_store_is_not_replaced_under_a_merge(uint32_t mode)
{
    static const ps_point points[] = {PS_POINT_CLAIMED, PS_POINT_SEALED, PS_POINT_COMPARED, PS_POINT_PUNCHED};
    begin_without_change(mode, 30000);
    fill_page(page_at(guest, 30), 9);
    store_write(old, 40, 9);
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct calling merging;
        gate(points[i], PS_GATE_STOP);
        begin_call(&merging, guest, CALL_MERGE, 30, 1, 40);
        arrive(points[i], 1);
        CHECK(ps_region_set_store(guest->region, newer->reader, newer->view) == -EBUSY);
        gate(points[i], PS_GATE_OFF);
        end_call(&merging);
        CHECK(merging.results[0] == PS_MERGE_DONE && generation_of(guest, 30) == 0);
        CHECK(ps_break(guest->region, 30, 1) == 1);
    }
    CHECK(ps_region_set_store(guest->region, newer->reader, newer->view) == 1);
    check_contents();
}
IN_BOTH_MODES(a_store_is_not_replaced_under_a_merge)

/* The descriptor is closed and the view unmapped: pages live on what is mapped. */
static void shared_pages_outlive_their_store(uint32_t mode)
{
    begin(mode);
    close(old->reader);
    close(old->writer);
    CHECK(munmap(old->view, FRAMES * PS_PAGE_SIZE) == 0);
    check_contents();
    store_byte(page_at(guest, 4), 0xAA);
    CHECK(page_is_except(page_at(guest, 4), 5, 0, 0xAA));
    CHECK(ps_break(guest->region, 0, MOVABLE) == MOVABLE - (mode == SIGNAL_MODE));
    for (uint32_t i = 0; i < MOVABLE; i++) {
        CHECK(i == 4 || page_is(page_at(guest, i), 1 + i));
    }
}
IN_BOTH_MODES(shared_pages_outlive_their_store)

static void a_new_merge_names_the_new_store(uint32_t mode)
{
    begin(mode);
    fill_page(page_at(guest, 30), 77);
    store_write(newer, 3, 77);
    CHECK(merge_one(guest, 30, 3) == PS_MERGE_DONE);
    CHECK(generation_of(guest, 30) == 1 && frame_in_word(guest, 30) == 3 && generation_of(guest, 3) == 0);
    check_contents();
}
IN_BOTH_MODES(a_new_merge_names_the_new_store)

/* --- moving --- */

static void pages_move_in_runs(uint32_t mode)
{
    begin(mode);
    uint64_t mappings = mappings_in(guest->base, PAGES);
    move_all_or_fail();
    CHECK(mappings_in(guest->base, PAGES) == mappings && pages_held(guest->backing) == 0);
    check_contents();
    CHECK(guest->counters->pages_broken == 0);
    uint64_t frame = frame_number(page_at(guest, 7));
    CHECK(frame == frame_number(newer->view + (FIRST_NEW + 7) * PS_PAGE_SIZE));
    CHECK(frame != frame_number(old->view + 7 * PS_PAGE_SIZE));
    CHECK(ps_break(guest->region, 0, MOVABLE) == MOVABLE);
    check_contents();
}
IN_BOTH_MODES(pages_move_in_runs)

static void only_pages_of_older_stores_with_a_target_move(uint32_t mode)
{
    uint32_t targets[] = {PS_TARGET_NONE, FIRST_NEW + 1, PS_TARGET_ZERO, FIRST_NEW + 3};
    uint8_t results[4];
    begin(mode);
    CHECK(ps_break(guest->region, 3, 1) == 1);
    CHECK(ps_move(guest->region, 0, 4, targets, results) == 0);
    CHECK(results[0] == PS_MERGE_SKIPPED && results[1] == PS_MERGE_DONE);
    CHECK(results[2] == PS_MERGE_BUSY && results[3] == PS_MERGE_BUSY);
    CHECK(move_one(1, FIRST_NEW + 1) == PS_MERGE_BUSY); /* is there already */
    CHECK(generation_of(guest, 0) == 0 && generation_of(guest, 2) == 0 && state_of(guest, 3) == PS_PRIVATE);
    CHECK(ps_pin(guest->region, 5, 1) == 0 && move_one(5, FIRST_NEW + 5) == PS_MERGE_BUSY);
    CHECK(ps_unpin(guest->region, 5, 1) == 0);
    check_contents();
}
IN_BOTH_MODES(only_pages_of_older_stores_with_a_target_move)

static void impossible_moves_are_refused(void)
{
    uint32_t targets[PS_ORDER_PAGES + 1] = {0};
    uint8_t results[PS_ORDER_PAGES + 1];
    begin(SIGNAL_MODE);
    CHECK(ps_move(guest->region, 0, PS_ORDER_PAGES + 1, targets, results) == -EINVAL);
    CHECK(ps_move(guest->region, PAGES, 1, targets, results) == -EINVAL);
    CHECK(ps_move(guest->region, UINT64_MAX, 2, targets, results) == -EINVAL);
    targets[1] = FRAMES;
    CHECK(ps_move(guest->region, 0, 2, targets, results) == -EINVAL && generation_of(guest, 0) == 0);
    CHECK(ps_move(guest->region, PAGES, 0, targets, results) == 0);
}

static void a_page_that_differs_stays_with_its_old_frame(uint32_t mode)
{
    uint8_t results[MOVABLE];
    begin(mode);
    store_write(newer, FIRST_NEW + 6, 99);
    move_range(0, MOVABLE, FIRST_NEW, results);
    for (uint32_t i = 0; i < MOVABLE; i++) {
        CHECK(results[i] == (i == 6 ? PS_MERGE_DIFFERS : PS_MERGE_DONE) && generation_of(guest, i) == (i != 6));
    }
    CHECK(frame_in_word(guest, 6) == 6 && state_of(guest, 6) == shared_state(mode) && pages_held(guest->backing) == 0);
    check_contents();
    store_byte(page_at(guest, 6), 0x5A);
    CHECK(page_is_except(page_at(guest, 6), 7, 0, 0x5A));
    CHECK(state_of(guest, 6) == (mode == KERNEL_MODE ? PS_KERNEL_SHARED : PS_PRIVATE)); /* writable as before */
}
IN_BOTH_MODES(a_page_that_differs_stays_with_its_old_frame)

static void a_copy_that_the_kernel_made_is_not_lost(void)
{
    uint8_t results[MOVABLE];
    begin(KERNEL_MODE);
    store_byte(page_at(guest, 4), 0xAA);
    store_byte(page_at(guest, 9), page_at(guest, 9)[0]); /* its own, and equal */
    move_range(0, MOVABLE, FIRST_NEW, results);
    CHECK(results[4] == PS_MERGE_DIFFERS && state_of(guest, 4) == PS_PRIVATE && results[9] == PS_MERGE_DONE);
    CHECK(page_is_except(page_at(guest, 4), 5, 0, 0xAA) && pages_held(guest->backing) == 1);
    CHECK(guest->counters->pages_broken == 1 && frame_number(page_at(guest, 9)) ==
          frame_number(newer->view + (FIRST_NEW + 9) * PS_PAGE_SIZE));
    CHECK(ps_break(guest->region, 0, MOVABLE) == MOVABLE - 1);
    CHECK(page_is_except(page_at(guest, 4), 5, 0, 0xAA) && page_is(page_at(guest, 9), 10));
}

static void a_copy_over_an_older_store_is_settled_by_bringing_it_home(void)
{
    uint64_t broken[1], dropped = 9;
    begin(KERNEL_MODE);
    store_write(newer, 9, 1000);
    store_byte(page_at(guest, 9), page_at(guest, 9)[0]); /* equals its frame, which nobody can look at */
    CHECK(ps_find_anonymous(guest->region, 0, PAGES, broken) == 1);
    CHECK(ps_settle(guest->region, 0, PAGES, broken, &dropped) == 1 && dropped == 0);
    CHECK(state_of(guest, 9) == PS_PRIVATE && page_is(page_at(guest, 9), 10));
    /* The same for a copy whose frame number holds the very same bytes in the new store. */
    store_write(newer, 3, 4);
    store_byte(page_at(guest, 3), page_at(guest, 3)[0]);
    CHECK(ps_find_anonymous(guest->region, 0, PAGES, broken) == 1);
    CHECK(ps_settle(guest->region, 0, PAGES, broken, &dropped) == 1 && dropped == 0);
    check_contents();
}

/* --- runs of mixed generations --- */

/* Frames 10.. of the old store, then frames 13.. of the new one, go on by number and are no run. */
static void runs_end_where_the_generation_changes(uint32_t mode)
{
    begin(mode);
    for (uint32_t i = 0; i < 6; i++) {
        store_write(newer, i, 7 + i);
    }
    uint8_t results[6];
    move_range(6, 6, 0, results);
    store_write(newer, 6, 50); /* page 12 shares frame 12 of the old store; page 11 frame 5 of the new one */
    CHECK(ps_reserve_fill(0) == 0 && ps_inject_failure(PS_CALL_MAP_IDENTITY, 0, 1, ENOMEM) == 0);
    CHECK(ps_break(guest->region, 8, 1) == 4); /* short of mappings: its whole run, counted from there */
    for (uint32_t i = 0; i < MOVABLE; i++) {
        CHECK(state_of(guest, i) == (i >= 6 && i < 12 ? PS_PRIVATE : shared_state(mode)));
    }
    check_contents();
}
IN_BOTH_MODES(runs_end_where_the_generation_changes)

static void frames_that_go_on_in_another_store_are_another_run(uint32_t mode)
{
    begin(mode);
    store_write(newer, 5, 6);
    CHECK(move_one(5, 5) == PS_MERGE_DONE); /* pages 4, 5, 6: frames 4, 5, 6, of stores 0, 1, 0 */
    CHECK(ps_inject_failure(PS_CALL_MAP_IDENTITY, 0, 1, ENOMEM) == 0);
    CHECK(ps_break(guest->region, 5, 1) == 1);
    CHECK(state_of(guest, 4) == shared_state(mode) && state_of(guest, 6) == shared_state(mode));
    CHECK(ps_inject_failure(PS_CALL_MAP_IDENTITY, 0, 1, ENOMEM) == 0);
    CHECK(ps_break(guest->region, 2, 1) == 3 && state_of(guest, 0) == PS_PRIVATE && state_of(guest, 4) == PS_PRIVATE);
    check_contents();
}
IN_BOTH_MODES(frames_that_go_on_in_another_store_are_another_run)

static void mixed_generations_break_as_one_stretch(uint32_t mode)
{
    uint8_t results[6];
    begin(mode);
    move_range(6, 6, FIRST_NEW + 6, results);
    CHECK(ps_break(guest->region, 0, PAGES) == MOVABLE && mappings_in(guest->base, PAGES) == 1);
    check_contents();
}
IN_BOTH_MODES(mixed_generations_break_as_one_stretch)

const struct ps_test ps_tests_move[] = {
    ONE_TEST(a_region_knows_256_stores),
    ONE_TEST(a_descriptor_that_is_none_is_refused),
    BOTH_MODES(a_store_is_not_replaced_under_a_merge),
    BOTH_MODES(shared_pages_outlive_their_store),
    BOTH_MODES(a_new_merge_names_the_new_store),
    BOTH_MODES(pages_move_in_runs),
    BOTH_MODES(only_pages_of_older_stores_with_a_target_move),
    ONE_TEST(impossible_moves_are_refused),
    BOTH_MODES(a_page_that_differs_stays_with_its_old_frame),
    ONE_TEST(a_copy_that_the_kernel_made_is_not_lost),
    ONE_TEST(a_copy_over_an_older_store_is_settled_by_bringing_it_home),
    BOTH_MODES(runs_end_where_the_generation_changes),
    BOTH_MODES(frames_that_go_on_in_another_store_are_another_run),
    BOTH_MODES(mixed_generations_break_as_one_stretch),
    {0, 0},
};
