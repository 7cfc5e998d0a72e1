/*
 * Every system call of the protocol fails, once or for as long as the test wants, after each number of calls that
 * pass. The bytes must be right at every moment, every word must settle, and what a failed attempt allocated must be
 * gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

#define PAGES 10u
#define SKIPS 6u
#define SHORT_TIMEOUT_MS 5u

/* Two runs, a zero page, one that differs, one that is named by no order, a lone page. */
static const uint64_t contents[PAGES] = {1, 2, 3, 0, 5, 6, 7, 8, 9, 10};
static const uint32_t targets[PAGES] = {0, 1, 2, PS_TARGET_ZERO, 4, 5, 6, PS_TARGET_NONE, 15, 9};
static const uint64_t frames[][2] = {{0, 1}, {1, 2}, {2, 3}, {4, 99}, {5, 6}, {6, 7}, {15, 9}, {9, 10}};
#define SHARED_PAGES 7u

static struct store *store;
static struct guest *guest;

static void begin(uint32_t mode)
{
    if (store == NULL) {
        store = store_open(16);
        for (unsigned i = 0; i < sizeof frames / sizeof frames[0]; i++) {
            store_write(store, frames[i][0], frames[i][1]);
        }
    }
    guest = guest_open_with(store, PAGES, PAGES, mode, SHORT_TIMEOUT_MS);
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), contents[page]);
    }
}

static void merge_ten(uint8_t *results)
{
    CHECK(ps_merge(guest->region, 0, PAGES, targets, results) == 0);
}

static void check_bytes(void)
{
    check_all_settled(guest);
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is(page_at(guest, page), contents[page]));
    }
    CHECK(mappings_without_dontfork(guest->base, PAGES) == 0);
}

/* Each page still takes a store, and shows it; nothing waits. Then the old bytes again. */
static void check_writable(void)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        uint8_t old = page_at(guest, page)[7];
        store_byte(page_at(guest, page) + 7, (uint8_t)(old + 1));
        CHECK(page_is_except(page_at(guest, page), contents[page], 7, (uint8_t)(old + 1)));
        store_byte(page_at(guest, page) + 7, old);
    }
}

static void end(void)
{
    check_bytes();
    check_writable();
    CHECK(ps_break(guest->region, 0, PAGES) >= 0);
    check_bytes();
    CHECK(mappings_in(guest->base, PAGES) == 1 && pages_held(guest->backing) == PAGES);
    guest_free(guest);
}

/* The `round`th combination of call, number of calls to skip, and how often to fail. */
static ps_call inject_round(uint32_t round)
{
    ps_call call = (ps_call)(round / (SKIPS * 2));
    CHECK(ps_inject_failure(call, round / 2 % SKIPS, round % 2 ? UINT32_MAX : 1, ENOMEM) == 0);
    return call;
}

static void stop_injecting(void)
{
    for (uint32_t call = 0; call < PS_CALL_COUNT; call++) {
        CHECK(ps_inject_failure(call, 0, 0, 0) == 0);
    }
}

#define ROUNDS (PS_CALL_COUNT * SKIPS * 2u)

static void failures_in_a_merge_leave_every_page_right(uint32_t mode)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint8_t results[PAGES];
        begin(mode);
        ps_call call = inject_round(round);
        merge_ten(results);
        CHECK(state_of(guest, 3) != PS_ZERO || lseek(guest->backing, 3 * PS_PAGE_SIZE, SEEK_DATA) != 3 * PS_PAGE_SIZE);
        check_bytes();
        stop_injecting();
        uint64_t held = PAGES;
        for (uint64_t page = 0; page < PAGES; page++) {
            int is_shared = state_of(guest, page) == shared_state(mode);
            CHECK((results[page] == PS_MERGE_DONE) == (is_shared || state_of(guest, page) == PS_ZERO));
            CHECK(results[page] != PS_MERGE_NO_MAPPING || call == PS_CALL_SEAL || call == PS_CALL_MAP_FRAMES);
            held -= is_shared;
        }
        /* Reading the zero page has filled it again. A failed punch keeps what it did not free. */
        CHECK(call == PS_CALL_PUNCH ? pages_held(guest->backing) >= held : pages_held(guest->backing) == held);
        end();
    }
}
IN_BOTH_MODES(failures_in_a_merge_leave_every_page_right)

static void failures_in_a_break_leave_every_page_right(uint32_t mode)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint8_t results[PAGES];
        begin(mode);
        merge_ten(results);
        CHECK(pages_held(guest->backing) == PAGES - SHARED_PAGES - 1);
        inject_round(round);
        int64_t broken = ps_break(guest->region, 0, PAGES);
        int is_lasting = round % 2;
        CHECK(broken == SHARED_PAGES || (is_lasting && broken == -ENOMEM));
        uint64_t shared = 0;
        for (uint64_t page = 0; page < PAGES; page++) {
            shared += state_of(guest, page) == shared_state(mode);
        }
        CHECK(broken < 0 ? shared > 0 : shared == 0);
        CHECK(guest->counters->pages_broken == SHARED_PAGES - shared);
        int undo_failed = round / (SKIPS * 2) == PS_CALL_PUNCH;
        /* No copy of a page that is still shared. */
        CHECK(undo_failed || pages_held(guest->backing) == PAGES - 1 - shared);
        check_bytes();
        stop_injecting();
        end();
    }
}
IN_BOTH_MODES(failures_in_a_break_leave_every_page_right)

static void failures_under_a_store_that_pass_are_not_seen_by_the_guest(uint32_t mode)
{
    for (uint32_t round = 0; round < ROUNDS; round += 2) { /* those that fail once */
        uint8_t results[PAGES];
        begin(mode);
        merge_ten(results);
        inject_round(round);
        check_writable();
        stop_injecting();
        CHECK(guest->counters->breaks_timed_out == 0);
        end();
    }
}
IN_BOTH_MODES(failures_under_a_store_that_pass_are_not_seen_by_the_guest)

static void failures_in_settling_leave_every_page_right(void)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint8_t results[PAGES];
        uint64_t broken[1], dropped;
        begin(KERNEL_MODE);
        merge_ten(results);
        check_writable(); /* all copies are equal again, and dropped */
        store_byte(page_at(guest, 1) + 7, (uint8_t)(page_at(guest, 1)[7] + 1));
        store_byte(page_at(guest, 5) + 7, (uint8_t)(page_at(guest, 5)[7] + 1));
        CHECK(ps_find_anonymous(guest->region, 0, PAGES, broken) == SHARED_PAGES);
        inject_round(round);
        int64_t home = ps_settle(guest->region, 0, PAGES, broken, &dropped);
        CHECK(home >= 0 && home <= 2 && guest->counters->pages_broken == (uint64_t)home && dropped <= SHARED_PAGES - 2);
        CHECK((state_of(guest, 1) == PS_PRIVATE) + (state_of(guest, 5) == PS_PRIVATE) == (int)home);
        int undo_failed = round / (SKIPS * 2) == PS_CALL_PUNCH;
        CHECK(undo_failed || pages_held(guest->backing) == PAGES - SHARED_PAGES + (uint64_t)home);
        stop_injecting();
        store_byte(page_at(guest, 1) + 7, (uint8_t)(page_at(guest, 1)[7] - 1));
        store_byte(page_at(guest, 5) + 7, (uint8_t)(page_at(guest, 5)[7] - 1));
        end();
    }
}

/* --- what a shortage may cost --- */

static void a_shortage_of_memory_spends_no_mappings(void)
{
    struct store *own = store_open(8);
    struct guest *one = guest_open_with(own, 8, 8, SIGNAL_MODE, 30000);
    CHECK(ps_reserve_fill(16) == 16);
    share(one, 0, 8, 0, 1);
    CHECK(ps_inject_failure(PS_CALL_COPY_HOME, 0, 3, ENOMEM) == 0);
    store_byte(page_at(one, 4), 66);
    CHECK(page_is_except(page_at(one, 4), 5, 0, 66));
    CHECK(one->counters->reserve_spent == 0 && one->counters->breaks_stalled == 1);
    CHECK(one->counters->pages_broken == 1 && pages_held(one->backing) == 1); /* breaking more would need more memory */
    CHECK(one->counters->breaks_timed_out == 0);
}

static void a_shortage_of_mappings_spends_the_reserve_and_then_breaks_the_run(void)
{
    struct store *own = store_open(8);
    struct guest *one = guest_open_with(own, 8, 8, SIGNAL_MODE, 30000);
    CHECK(ps_reserve_fill(64) == 64);
    share(one, 0, 8, 0, 1);
    CHECK(ps_inject_failure(PS_CALL_MAP_IDENTITY, 0, 1, ENOMEM) == 0);
    store_byte(page_at(one, 4), 66);
    CHECK(one->counters->reserve_spent == 1 && one->counters->pages_broken == 1);
    CHECK(one->counters->breaks_stalled == 0 && ps_reserve_fill(64) == 64);

    CHECK(ps_break(one->region, 0, 8) == 7);
    share(one, 0, 8, 0, 1);
    CHECK(ps_inject_failure(PS_CALL_MAP_IDENTITY, 0, 70, ENOMEM) == 0);
    store_byte(page_at(one, 4), 66); /* more failures than spares: in the end the run goes as a whole */
    CHECK(page_is_except(page_at(one, 4), 5, 0, 66) && one->counters->breaks_timed_out == 0);
    CHECK(one->counters->breaks_stalled == 1);
}

static void a_timeout_without_end_waits(void)
{
    struct store *own = store_open(8);
    struct guest *one = guest_open_with(own, 8, 8, SIGNAL_MODE, UINT64_MAX / 1000000);
    share(one, 0, 8, 0, 1);
    CHECK(ps_inject_failure(PS_CALL_COPY_HOME, 0, 4, ENOMEM) == 0);
    CHECK(ps_break(one->region, 0, 8) == 8);
}

static void a_pin_that_cannot_break_says_why(uint32_t mode)
{
    static const int errors[] = {ENOMEM, EAGAIN, EBADF};
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        begin(mode);
        uint8_t results[PAGES];
        merge_ten(results);
        CHECK(ps_inject_failure(PS_CALL_MAP_IDENTITY, 0, UINT32_MAX, errors[i]) == 0);
        CHECK(ps_pin(guest->region, 0, PAGES) == -errors[i]);
        stop_injecting();
        for (uint64_t page = 0; page < PAGES; page++) {
            CHECK(pins_of(guest, page) == 0);
        }
        end();
    }
}
IN_BOTH_MODES(a_pin_that_cannot_break_says_why)

const struct ps_test ps_tests_failures[] = {
    BOTH_MODES(failures_in_a_merge_leave_every_page_right),
    BOTH_MODES(failures_in_a_break_leave_every_page_right),
    BOTH_MODES(failures_under_a_store_that_pass_are_not_seen_by_the_guest),
    ONE_TEST(failures_in_settling_leave_every_page_right),
    ONE_TEST(a_shortage_of_memory_spends_no_mappings),
    ONE_TEST(a_shortage_of_mappings_spends_the_reserve_and_then_breaks_the_run),
    ONE_TEST(a_timeout_without_end_waits),
    BOTH_MODES(a_pin_that_cannot_break_says_why),
    {0, 0},
};
