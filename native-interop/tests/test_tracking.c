/* Which pages were written: none is missed, whatever else happens to its mapping; and what was not written is not
 * named. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

#define PAGES 64u
#define ALL UINT64_MAX
#define WRITERS 2u
#define STEPS 30000u

static struct store *store;
static struct guest *guest;

static void begin(uint32_t mode)
{
    track_writes();
    store = store_open(PAGES);
    guest = guest_open(store, PAGES, mode);
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), page + 1);
        store_write(store, page, page + 1);
    }
}

/* The pages written since the last call, one bit each; all where the kernel lost count. */
static uint64_t take_written(void)
{
    uint64_t written = 0;
    int64_t found = ps_find_written(guest->region, 0, PAGES, &written);
    CHECK(found == -EAGAIN || found == __builtin_popcountll(written));
    return found == -EAGAIN ? ALL : written;
}

static uint64_t bits(uint64_t first, uint64_t count)
{
    return (count == 64 ? ALL : (UINT64_C(1) << count) - 1) << first;
}

static void only_written_pages_are_named(uint32_t mode)
{
    begin(mode);
    CHECK(take_written() == ALL); /* mapped anew */
    CHECK(take_written() == 0);
    store_byte(page_at(guest, 3), page_at(guest, 3)[0]); /* the same byte is a store, too */
    CHECK(page_is(page_at(guest, 9), 10));
    int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    CHECK(ps_pin(guest->region, 20, 1) == 0 && read(zeros, page_at(guest, 20), 9) == 9);
    CHECK(ps_unpin(guest->region, 20, 1) == 0);
    CHECK(take_written() == (bits(3, 1) | bits(20, 1)) && take_written() == 0);
}
IN_BOTH_MODES(only_written_pages_are_named)

static void sealing_and_comparing_is_no_write(uint32_t mode)
{
    uint32_t targets[PAGES];
    uint8_t results[PAGES];
    begin(mode);
    take_written();
    for (uint32_t page = 0; page < PAGES; page++) {
        targets[page] = (page + 1) % PAGES;
    }
    CHECK(ps_merge(guest->region, 0, PAGES, targets, results) == 0 && results[5] == PS_MERGE_DIFFERS);
    CHECK(take_written() == 0 && mappings_in(guest->base, PAGES) == 1);
    store_byte(page_at(guest, 5), 1);
    CHECK(take_written() == bits(5, 1));
}
IN_BOTH_MODES(sealing_and_comparing_is_no_write)

static void broken_pages_are_named_and_shared_ones_are_not(uint32_t mode)
{
    begin(mode);
    take_written();
    merge_all_or_fail(guest, 8, 32, 8);
    CHECK(take_written() == 0);
    CHECK(ps_break(guest->region, 10, 5) == 5);
    CHECK((take_written() & bits(8, 32)) == bits(10, 5));
    CHECK(take_written() == 0);
    store_byte(page_at(guest, 30), 66); /* in Kernel mode the page table tells instead */
    CHECK(take_written() == (mode == KERNEL_MODE ? 0 : bits(30, 1)));
    CHECK(ps_break(guest->region, 0, PAGES) > 0);
    CHECK(mappings_in(guest->base, PAGES) == 1 && mappings_without_dontfork(guest->base, PAGES) == 0);
}
IN_BOTH_MODES(broken_pages_are_named_and_shared_ones_are_not)

/* They may be shared again, which nobody would try with a page that was not written. */
static void pages_broken_ahead_are_named_once_though_nobody_wrote_them(void)
{
    break_ahead(16);
    begin(SIGNAL_MODE);
    take_written();
    merge_all_or_fail(guest, 8, 32, 8);
    take_written();
    store_byte(page_at(guest, 8), 66);
    store_byte(page_at(guest, 9), 66);
    store_byte(page_at(guest, 11), 66); /* and 12 to 14 */
    CHECK(guest->counters->pages_broken == 7);
    CHECK(take_written() == bits(8, 7) && take_written() == 0);
    store_byte(page_at(guest, 13), 66);
    CHECK(take_written() == bits(13, 1));
    merge_all_or_fail(guest, 12, 1, 12);
    CHECK(ps_break(guest->region, 0, PAGES) > 0 && mappings_in(guest->base, PAGES) == 1);
}

/* A page that could not be registered counts as written, with all the others, until it could. */
static void pages_that_were_untracked_are_made_up_for(uint32_t mode)
{
    begin(mode);
    take_written();
    merge_all_or_fail(guest, 8, 32, 8);
    CHECK(ps_inject_failure(PS_CALL_TRACK, 0, 1, ENOMEM) == 0);
    CHECK(ps_break(guest->region, 10, 5) == 5);
    store_byte(page_at(guest, 12), 66);
    uint64_t written = 0;
    CHECK(ps_find_written(guest->region, 0, PAGES, &written) == -EAGAIN);
    store_byte(page_at(guest, 13), 67); /* tracked from there on */
    CHECK((take_written() & bits(13, 1)) != 0 && take_written() == 0);
    store_byte(page_at(guest, 11), 67);
    CHECK(take_written() == bits(11, 1));
    CHECK(ps_break(guest->region, 0, PAGES) > 0 && mappings_in(guest->base, PAGES) == 1);
}
IN_BOTH_MODES(pages_that_were_untracked_are_made_up_for)

static void questions_out_of_bounds_are_refused(void)
{
    uint64_t written[2] = {0};
    begin(SIGNAL_MODE);
    CHECK(ps_find_written(guest->region, 1, PAGES, written) == -EINVAL && written[0] == 0);
    CHECK(ps_find_written(guest->region, 60, 4, written) == 4 && written[0] == bits(0, 4));
    CHECK(ps_find_written(guest->region, 0, 60, written) == 60 && written[0] == bits(0, 60));
}

/* --- the oracle: what was not named since a page was looked at is as it was then --- */

static _Atomic uint32_t writers_left;
static uint8_t seen[PAGES][PS_PAGE_SIZE];

static void *write_on(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument;
    for (uint32_t i = 0; i < STEPS; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t page = (random >> 33) % PAGES;
        uint64_t at = (random >> 20) % PS_PAGE_SIZE;
        if (i / PAGES % 2 == 0) { /* all pages, one after the other: worth merging, and breaking ahead where it is allowed */
            page = i % PAGES;
            fill_page(page_at(guest, page), page + 1);
        } else {
            store_byte(page_at(guest, page) + at, (uint8_t)random);
        }
    }
    writers_left--;
    return NULL;
}

static void look_at_written(void)
{
    uint64_t written = take_written();
    for (uint64_t page = 0; page < PAGES; page++) {
        if (written >> page & 1) {
            memcpy(seen[page], page_at(guest, page), PS_PAGE_SIZE);
        }
    }
}

static void merge_and_settle(uint32_t round)
{
    uint32_t targets[PAGES];
    uint8_t results[PAGES];
    uint64_t broken[1], dropped;
    for (uint32_t page = 0; page < PAGES; page++) {
        targets[page] = page;
    }
    CHECK(ps_inject_failure(PS_CALL_TRACK, round % 7, round % 3 == 0, ENOMEM) == 0);
    CHECK(ps_merge(guest->region, 0, PAGES, targets, results) == 0);
    if (guest->mode == KERNEL_MODE && round % 2) {
        CHECK(ps_find_anonymous(guest->region, 0, PAGES, broken) >= 0);
        CHECK(ps_settle(guest->region, 0, PAGES, broken, &dropped) >= 0);
    }
    CHECK(ps_break(guest->region, round * 5 % PAGES, 4 < PAGES - round * 5 % PAGES ? 4 : 1) >= 0);
}

static void no_write_is_missed(uint32_t mode)
{
    pthread_t writers[WRITERS];
    begin(mode);
    writers_left = WRITERS;
    for (uintptr_t i = 0; i < WRITERS; i++) {
        CHECK(pthread_create(&writers[i], NULL, write_on, (void *)(i + 1)) == 0);
    }
    for (uint32_t round = 0; writers_left > 0; round++) {
        look_at_written();
        merge_and_settle(round);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        CHECK(pthread_join(writers[i], NULL) == 0);
    }
    CHECK(ps_inject_failure(PS_CALL_TRACK, 0, 0, 0) == 0);
    /* A page that came to share was last written before that, and is named when it comes home. */
    CHECK(ps_break(guest->region, 0, PAGES) >= 0);
    look_at_written();
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(memcmp(seen[page], page_at(guest, page), PS_PAGE_SIZE) == 0);
    }
    CHECK(mappings_in(guest->base, PAGES) == 1 && mappings_without_dontfork(guest->base, PAGES) == 0);
}
IN_BOTH_MODES(no_write_is_missed)

static void no_write_is_missed_with_breaks_ahead(void)
{
    break_ahead(8);
    no_write_is_missed(SIGNAL_MODE);
    CHECK(guest->counters->pages_broken_ahead > 0);
}

const struct ps_test ps_tests_tracking[] = {
    BOTH_MODES(only_written_pages_are_named),
    BOTH_MODES(sealing_and_comparing_is_no_write),
    BOTH_MODES(broken_pages_are_named_and_shared_ones_are_not),
    ONE_TEST(pages_broken_ahead_are_named_once_though_nobody_wrote_them),
    BOTH_MODES(pages_that_were_untracked_are_made_up_for),
    ONE_TEST(questions_out_of_bounds_are_refused),
    BOTH_MODES(no_write_is_missed),
    ONE_TEST(no_write_is_missed_with_breaks_ahead),
    {0, 0},
};
