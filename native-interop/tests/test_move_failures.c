/*
 * Every system call of a move fails, once or for as long as the test wants, after each number of calls that pass. In
 * Kernel mode some pages were written to before, and those bytes are the ones to keep.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fixture.h"

#define PAGES 10u
#define SKIPS 6u
#define ROUNDS (PS_CALL_COUNT * SKIPS * 2u)
#define SHORT_TIMEOUT_MS 5u
#define WRITTEN 3u /* and WRITTEN + 4: stored to before the move, in Kernel mode */

/* Two runs, one page that differs, one without a target. */
static const uint32_t targets[PAGES] = {20, 21, 22, 23, 24, PS_TARGET_NONE, 31, 32, 33, 34};
#define DIFFERS 8u

static struct store *old;
static struct store *newer;
static struct guest *guest;

static int is_written(uint64_t page)
{
    return guest->mode == KERNEL_MODE && (page == WRITTEN || page == WRITTEN + 4);
}

static void begin(uint32_t mode)
{
    if (old == NULL) {
        old = store_open(64);
        newer = store_open(64);
    }
    guest = guest_open_with(old, PAGES, PAGES, mode, SHORT_TIMEOUT_MS);
    share(guest, 0, PAGES, 0, 1);
    for (uint32_t i = 0; i < PAGES; i++) {
        if (targets[i] != PS_TARGET_NONE) {
            store_write(newer, targets[i], i == DIFFERS ? 99 : 1 + i);
        }
        if (is_written(i)) {
            store_byte(page_at(guest, i) + 5, 0xBC);
        }
    }
    CHECK(ps_region_set_store(guest->region, newer->reader, newer->view) == 1);
}

static void check_bytes(void)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        uint8_t fifth = is_written(page) ? 0xBC : page_at(guest, page)[5];
        CHECK(page_is_except(page_at(guest, page), 1 + page, 5, fifth));
        CHECK(is_written(page) || page_is(page_at(guest, page), 1 + page));
    }
    check_all_settled(guest);
    CHECK(mappings_without_dontfork(guest->base, PAGES) == 0);
}

/* What a result says is what the word says. */
static void check_results(const uint8_t *results)
{
    for (uint32_t i = 0; i < PAGES; i++) {
        int has_moved = generation_of(guest, i) == 1;
        int is_home = state_of(guest, i) == PS_PRIVATE;
        CHECK(has_moved == (results[i] == PS_MERGE_DONE));
        CHECK(!has_moved || (frame_in_word(guest, i) == targets[i] && !is_written(i) && i != DIFFERS));
        CHECK(!is_home || (is_written(i) && results[i] == PS_MERGE_DIFFERS));
        CHECK(is_home || has_moved || frame_in_word(guest, i) == i);
    }
}

static void stop_injecting(void)
{
    for (uint32_t call = 0; call < PS_CALL_COUNT; call++) {
        CHECK(ps_inject_failure(call, 0, 0, 0) == 0);
    }
}

/* Each page takes a store; after that everything moves that can. */
static void check_usable(void)
{
    uint8_t results[PAGES];
    CHECK(ps_move(guest->region, 0, PAGES, targets, results) == 0);
    check_bytes();
    for (uint64_t page = 0; page < PAGES; page++) {
        uint8_t before = page_at(guest, page)[5];
        store_byte(page_at(guest, page) + 5, 0x11);
        CHECK(page_is_except(page_at(guest, page), 1 + page, 5, 0x11));
        store_byte(page_at(guest, page) + 5, before);
    }
    check_bytes();
    CHECK(ps_break(guest->region, 0, PAGES) >= 0 && mappings_in(guest->base, PAGES) == 1);
    check_bytes();
    CHECK(pages_held(guest->backing) == PAGES);
}

static void failures_in_a_move_leave_every_page_right(uint32_t mode)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint8_t results[PAGES];
        ps_call call = (ps_call)(round / (SKIPS * 2));
        begin(mode);
        CHECK(ps_inject_failure(call, round / 2 % SKIPS, round % 2 ? UINT32_MAX : 1, ENOMEM) == 0);
        CHECK(ps_move(guest->region, 0, PAGES, targets, results) == 0);
        stop_injecting();
        check_results(results);
        check_bytes();
        for (uint32_t i = 0; i < PAGES; i++) {
            CHECK(results[i] != PS_MERGE_NO_MAPPING || call == PS_CALL_SEAL || call == PS_CALL_MAP_FRAMES);
        }
        uint64_t home = 0;
        for (uint64_t page = 0; page < PAGES; page++) {
            home += state_of(guest, page) == PS_PRIVATE;
        }
        CHECK(guest->counters->pages_broken == home);
        CHECK(pages_held(guest->backing) == home); /* what a failed attempt took is gone */
        check_usable();
        guest_free(guest);
    }
}
IN_BOTH_MODES(failures_in_a_move_leave_every_page_right)

static void without_mappings_a_move_changes_nothing_and_works_later(uint32_t mode)
{
    uint8_t results[PAGES];
    begin(mode);
    CHECK(ps_inject_failure(PS_CALL_MAP_FRAMES, 0, UINT32_MAX, ENOMEM) == 0);
    CHECK(ps_move(guest->region, 0, PAGES, targets, results) == 0);
    for (uint32_t i = 0; i < PAGES; i++) {
        int could = targets[i] != PS_TARGET_NONE && i != DIFFERS && !is_written(i);
        CHECK((results[i] == PS_MERGE_NO_MAPPING) == could && generation_of(guest, i) == 0);
    }
    stop_injecting();
    CHECK(ps_move(guest->region, 0, PAGES, targets, results) == 0);
    for (uint32_t i = 0; i < PAGES; i++) {
        int can = targets[i] != PS_TARGET_NONE && i != DIFFERS && !is_written(i);
        CHECK((results[i] == PS_MERGE_DONE) == can && generation_of(guest, i) == (uint32_t)can);
    }
    check_usable();
}
IN_BOTH_MODES(without_mappings_a_move_changes_nothing_and_works_later)

const struct ps_test ps_tests_move_failures[] = {
    BOTH_MODES(failures_in_a_move_leave_every_page_right),
    BOTH_MODES(without_mappings_a_move_changes_nothing_and_works_later),
    {0, 0},
};
