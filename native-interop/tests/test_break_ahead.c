/*
 * A writer that goes on from page to page breaks several at a fault. Which pages those are, that the books balance, and
 * that whoever meets such a break, or makes it fail, finds every byte where it belongs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fixture.h"

#define PAGES 64u
#define LIMIT 16u

static struct store *store;
static struct guest *guest;
static uint8_t written[PAGES]; /* what was stored to a page's first byte; 0: nothing */

static void begin_with(uint32_t limit, uint32_t mode)
{
    store = store_open(PAGES);
    break_ahead(limit);
    guest = guest_open(store, PAGES, mode);
    share(guest, 0, PAGES, 0, 1);
    memset(written, 0, sizeof written);
}

static void begin(void)
{
    begin_with(LIMIT, SIGNAL_MODE);
}

static void write_to(uint64_t page)
{
    written[page] = (uint8_t)(100 + page);
    store_byte(page_at(guest, page), written[page]);
}

/* Stores to the page and tells how many pages that broke. */
static uint64_t breaks_of_store_to(uint64_t page)
{
    uint64_t before = guest->counters->pages_broken;
    write_to(page);
    return guest->counters->pages_broken - before;
}

static int are_private(uint64_t first, uint64_t end)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        if ((state_of(guest, page) == PS_PRIVATE) != (page >= first && page < end)) {
            return 0;
        }
    }
    return 1;
}

static void check_bytes(void)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        uint8_t expected[PS_PAGE_SIZE];
        fill_page(expected, page + 1);
        expected[0] = written[page] != 0 ? written[page] : expected[0];
        CHECK(memcmp(page_at(guest, page), expected, PS_PAGE_SIZE) == 0);
        CHECK(page_is(store->view + page * PS_PAGE_SIZE, page + 1));
    }
    check_all_settled(guest);
}

/* Bytes, books, memory and mappings. */
static void end(void)
{
    const ps_guest_counters *counters = guest->counters;
    check_bytes();
    uint64_t private = 0;
    for (uint64_t page = 0; page < PAGES; page++) {
        private += state_of(guest, page) == PS_PRIVATE;
    }
    CHECK(counters->pages_broken == counters->cow_faults + counters->pages_broken_ahead);
    CHECK(pages_held(guest->backing) == private);
    CHECK(mappings_without_dontfork(guest->base, PAGES) == 0);
    CHECK(ps_break(guest->region, 0, PAGES) >= 0 && mappings_in(guest->base, PAGES) == 1);
    check_bytes();
}

static void a_writer_that_goes_on_breaks_twice_as_many_pages_each_time(void)
{
    begin();
    CHECK(breaks_of_store_to(4) == 1 && are_private(4, 5));
    CHECK(breaks_of_store_to(5) == 2 && are_private(4, 7));
    CHECK(breaks_of_store_to(6) == 0);
    CHECK(breaks_of_store_to(7) == 4 && are_private(4, 11));
    CHECK(breaks_of_store_to(11) == 8 && are_private(4, 19));
    CHECK(breaks_of_store_to(19) == LIMIT && are_private(4, 35));
    CHECK(breaks_of_store_to(35) == LIMIT && are_private(4, 51)); /* and no more than that */
    CHECK(guest->counters->cow_faults == 6 && guest->counters->pages_broken_ahead == 41);
    CHECK(breaks_of_store_to(51) == PAGES - 51); /* up to the region's end */
    end();
}

static void stores_here_and_there_break_single_pages(void)
{
    begin();
    for (uint64_t page = 0; page < PAGES; page += 2) {
        CHECK(breaks_of_store_to(page) == 1); /* a stride */
    }
    end();
    begin();
    for (uint64_t page = PAGES; page-- > 0;) {
        CHECK(breaks_of_store_to(page) == 1); /* downward */
    }
    end();
}

static void a_limit_of_one_page_breaks_single_pages(void)
{
    for (uint32_t limit = 0; limit < 2; limit++) {
        begin_with(limit, SIGNAL_MODE);
        for (uint64_t page = 0; page < PAGES; page++) {
            CHECK(breaks_of_store_to(page) == 1);
        }
        end();
    }
}

static void a_limit_beyond_an_order_is_an_order(void)
{
    begin_with(UINT32_MAX, SIGNAL_MODE);
    for (uint64_t page = 0; page < PAGES; page++) {
        write_to(page);
    }
    CHECK(guest->counters->cow_faults == 7 && guest->counters->pages_broken == PAGES);
    end();
}

static void a_writer_that_comes_to_pages_of_its_own_goes_on_behind_them(void)
{
    begin();
    CHECK(ps_pin(guest->region, 9, 2) == 0);
    CHECK(breaks_of_store_to(4) == 1 && breaks_of_store_to(5) == 2);
    CHECK(breaks_of_store_to(7) == 2 && are_private(4, 11)); /* 7 and 8: the pinned ones end the stretch */
    CHECK(breaks_of_store_to(9) == 0 && breaks_of_store_to(10) == 0);
    CHECK(breaks_of_store_to(11) == 4); /* twice as many as the last time */
    CHECK(ps_unpin(guest->region, 9, 2) == 0);
    guest->counters->pages_broken_ahead += 2; /* the pin's breaks, which no store asked for */
    end();
}

/* Shared runs with pages of the guest's own between them, as in most memory. */
static void a_writer_goes_on_in_the_next_run_as_wide_as_it_was(void)
{
    begin();
    CHECK(ps_break(guest->region, 20, 20) == 20); /* shared are 0 to 19, and 40 to 63 */
    guest->counters->pages_broken_ahead += 20;    /* which no store asked for */
    CHECK(breaks_of_store_to(4) == 1 && breaks_of_store_to(5) == 2 && breaks_of_store_to(7) == 4);
    CHECK(breaks_of_store_to(11) == 8);
    CHECK(breaks_of_store_to(19) == 1); /* the end of the run */
    CHECK(breaks_of_store_to(40) == LIMIT);
    end();
}

static void a_writer_is_not_followed_over_many_pages(void)
{
    begin();
    CHECK(ps_break(guest->region, 6, 9) == 9); /* 4 and 5 are shared, 15 and on */
    guest->counters->pages_broken_ahead += 9;
    CHECK(breaks_of_store_to(4) == 1 && breaks_of_store_to(5) == 1); /* of two */
    CHECK(breaks_of_store_to(15) == 1 && breaks_of_store_to(16) == 2);
    end();
}

static void a_stride_over_lone_pages_breaks_single_pages(void)
{
    begin();
    for (uint64_t page = 1; page < 32; page += 2) {
        CHECK(ps_break(guest->region, page, 1) == 1);
    }
    guest->counters->pages_broken_ahead += 16;
    for (uint64_t page = 0; page < 32; page += 2) {
        CHECK(breaks_of_store_to(page) == 1);
    }
    CHECK(breaks_of_store_to(32) <= 2); /* where the lone pages end */
    end();
}

static void writers_side_by_side_are_told_apart(void)
{
    begin();
    for (uint64_t step = 0; step < 16; step++) {
        for (uint64_t writer = 0; writer < 4; writer++) {
            write_to(writer * 16 + step);
        }
    }
    CHECK(guest->counters->cow_faults == 4 * 5); /* 1, 2, 4, 8 and the last: a stretch ends where another's begins */
    CHECK(guest->counters->pages_broken == PAGES);
    end();
}

static void pages_broken_ahead_can_be_shared_again(void)
{
    begin();
    write_to(4);
    write_to(5);
    write_to(7);
    CHECK(are_private(4, 11) && mappings_in(guest->base, PAGES) == 3);
    merge_all_or_fail(guest, 8, 3, 8);
    CHECK(are_private(4, 8) && mappings_in(guest->base, PAGES) == 3 && pages_held(guest->backing) == 4);
    end();
}

/* --- others meet it --- */

/* The next store, to page 7, breaks 7 to 10. */
static void begin_stream(void)
{
    begin();
    write_to(4);
    write_to(5);
}

static void a_second_store_meets_the_break_at(ps_point point, int waits)
{
    struct storing one, two;
    begin_stream();
    gate(PS_POINT_WAITING, PS_GATE_WATCH);
    gate(point, PS_GATE_STOP);
    begin_store(&one, page_at(guest, 7), written[7] = 66);
    arrive(point, 1);
    for (uint64_t page = 7; page < 11; page++) {
        CHECK(state_of(guest, page) == PS_BREAKING && frame_in_word(guest, page) == page); /* no early reuse */
    }
    begin_store(&two, page_at(guest, 9), written[9] = 67);
    if (waits) {
        arrive(PS_POINT_WAITING, 1);
        CHECK(!two.done && page_is(page_at(guest, 9), 10));
    } else {
        end_store(&two);
    }
    gate(point, PS_GATE_OFF);
    end_store(&one);
    if (waits) {
        end_store(&two);
    }
    CHECK(guest->counters->cow_faults == 3 && guest->counters->pages_broken == 7);
    end();
}

static void a_store_to_a_page_claimed_ahead_waits(void)
{
    a_second_store_meets_the_break_at(PS_POINT_BREAK_CLAIMED, 1);
}

static void a_store_to_a_page_copied_ahead_waits(void)
{
    a_second_store_meets_the_break_at(PS_POINT_BREAK_COPIED, 1);
}

static void a_store_to_a_page_mapped_ahead_passes(void)
{
    a_second_store_meets_the_break_at(PS_POINT_BREAK_MAPPED, 0);
}

/* A page that somebody else breaks, or the host moves to another store, ends the stretch; the writer waits there when
 * it has come so far. */
static void a_page_in_other_hands_ends_the_stretch(call_kind kind, ps_point point)
{
    struct calling calling;
    struct storing storing;
    begin_stream();
    struct store *newer = store_open(PAGES);
    store_write(newer, 9, 10);
    if (kind == CALL_MOVE) {
        CHECK(ps_region_set_store(guest->region, newer->reader, newer->view) == 1);
    }
    gate(PS_POINT_WAITING, PS_GATE_WATCH);
    CHECK(ps_gate_set(point, PS_GATE_STOP, 9) == 0);
    begin_call(&calling, guest, kind, 9, 1, 9);
    arrive(point, 1);
    CHECK(breaks_of_store_to(7) == 2 && state_of(guest, 8) == PS_PRIVATE);
    CHECK(state_of(guest, 9) == PS_BREAKING && state_of(guest, 10) == PS_SHARED);
    begin_store(&storing, page_at(guest, 9), written[9] = 67);
    arrive(PS_POINT_WAITING, 1);
    CHECK(!storing.done);
    gate(point, PS_GATE_OFF);
    end_call(&calling);
    end_store(&storing);
    guest->counters->pages_broken_ahead += kind == CALL_BREAK; /* which no store asked for */
    end();
}

static void a_page_that_a_call_breaks_ends_the_stretch(void)
{
    a_page_in_other_hands_ends_the_stretch(CALL_BREAK, PS_POINT_BREAK_COPIED);
}

static void a_page_that_is_being_moved_ends_the_stretch(void)
{
    a_page_in_other_hands_ends_the_stretch(CALL_MOVE, PS_POINT_MOVE_SEALED);
}

static void a_merge_leaves_pages_alone_that_break_ahead(void)
{
    struct storing storing;
    uint32_t targets[8];
    uint8_t results[8];
    begin_stream();
    gate(PS_POINT_BREAK_COPIED, PS_GATE_STOP);
    begin_store(&storing, page_at(guest, 7), written[7] = 66);
    arrive(PS_POINT_BREAK_COPIED, 1);
    for (uint32_t i = 0; i < 8; i++) {
        targets[i] = 5 + i;
    }
    CHECK(ps_merge(guest->region, 5, 8, targets, results) == 0);
    const uint8_t expected[8] = {PS_MERGE_DIFFERS, PS_MERGE_DONE, PS_MERGE_BUSY, PS_MERGE_BUSY, PS_MERGE_BUSY,
                                 PS_MERGE_BUSY, PS_MERGE_BUSY, PS_MERGE_BUSY};
    CHECK(memcmp(results, expected, sizeof expected) == 0);
    gate(PS_POINT_BREAK_COPIED, PS_GATE_OFF);
    end_store(&storing);
    CHECK(state_of(guest, 6) == PS_SHARED && state_of(guest, 10) == PS_PRIVATE);
    end();
}

/* --- failures --- */

/* Whatever fails once: the store lands, and breaks its own page at least. */
static void what_fails_for_many_pages_is_tried_for_one(void)
{
    const struct {
        ps_call call;
        int32_t error;
        uint64_t broken;
    } failures[] = {
        {PS_CALL_COPY_HOME, ENOMEM, 1},
        {PS_CALL_COPY_HOME, EIO, 1},
        {PS_CALL_COPY_HOME, EFAULT, 1},
        {PS_CALL_MAP_IDENTITY, ENOMEM, PAGES - 7}, /* no mapping to be had: the whole run */
        {PS_CALL_MAP_IDENTITY, EAGAIN, 1},
    };
    for (unsigned i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        begin_stream();
        CHECK(ps_inject_failure(failures[i].call, 0, 1, failures[i].error) == 0);
        CHECK(breaks_of_store_to(7) == failures[i].broken);
        CHECK(guest->counters->breaks_stalled == 0);
        CHECK(ps_inject_failure(failures[i].call, 0, 0, 0) == 0);
        end();
    }
}

/* For want of memory the stream begins anew. */
static void a_writer_short_of_memory_breaks_single_pages(void)
{
    begin_stream();
    write_to(7);
    CHECK(ps_inject_failure(PS_CALL_COPY_HOME, 0, 1, ENOMEM) == 0);
    CHECK(breaks_of_store_to(11) == 1);
    CHECK(breaks_of_store_to(12) == 2 && breaks_of_store_to(14) == 4);
    end();
}

/* A page that the guest itself has made unreadable cannot be copied: the pages before it can. */
static void an_unreadable_page_ahead_does_not_fail_the_store(void)
{
    begin_stream();
    CHECK(mprotect(page_at(guest, 9), PS_PAGE_SIZE, PROT_NONE) == 0);
    CHECK(breaks_of_store_to(7) == 1 && are_private(4, 8));
    CHECK(mprotect(page_at(guest, 9), PS_PAGE_SIZE, PROT_READ) == 0);
    end();
}

const struct ps_test ps_tests_break_ahead[] = {
    ONE_TEST(a_writer_that_goes_on_breaks_twice_as_many_pages_each_time),
    ONE_TEST(stores_here_and_there_break_single_pages),
    ONE_TEST(a_limit_of_one_page_breaks_single_pages),
    ONE_TEST(a_limit_beyond_an_order_is_an_order),
    ONE_TEST(a_writer_that_comes_to_pages_of_its_own_goes_on_behind_them),
    ONE_TEST(a_writer_goes_on_in_the_next_run_as_wide_as_it_was),
    ONE_TEST(a_writer_is_not_followed_over_many_pages),
    ONE_TEST(a_stride_over_lone_pages_breaks_single_pages),
    ONE_TEST(writers_side_by_side_are_told_apart),
    ONE_TEST(pages_broken_ahead_can_be_shared_again),
    ONE_TEST(a_store_to_a_page_claimed_ahead_waits),
    ONE_TEST(a_store_to_a_page_copied_ahead_waits),
    ONE_TEST(a_store_to_a_page_mapped_ahead_passes),
    ONE_TEST(a_page_that_a_call_breaks_ends_the_stretch),
    ONE_TEST(a_page_that_is_being_moved_ends_the_stretch),
    ONE_TEST(a_merge_leaves_pages_alone_that_break_ahead),
    ONE_TEST(what_fails_for_many_pages_is_tried_for_one),
    ONE_TEST(a_writer_short_of_memory_breaks_single_pages),
    ONE_TEST(an_unreadable_page_ahead_does_not_fail_the_store),
    {0, 0},
};
