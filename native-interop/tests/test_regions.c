/* The region table under fire, growing, and the way from ordinary memory to a region and back. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../core/fault.h"
#include "fixture.h"

#define PAGES 16u
#define CHURN 400

static _Atomic int stop;

/* --- states --- */

static void legal_moves_are_those_of_the_diagram(void)
{
    static const uint8_t arrows[][2] = {
        {PS_PRIVATE, PS_SEALED}, {PS_SEALED, PS_PRIVATE}, {PS_SEALED, PS_REMAPPING}, {PS_SEALED, PS_ZERO},
        {PS_ZERO, PS_SEALED}, {PS_ZERO, PS_PRIVATE}, {PS_REMAPPING, PS_SHARED}, {PS_REMAPPING, PS_KERNEL_SHARED},
        {PS_REMAPPING, PS_PRIVATE}, {PS_SHARED, PS_BREAKING}, {PS_KERNEL_SHARED, PS_BREAKING},
        {PS_BREAKING, PS_PRIVATE}, {PS_BREAKING, PS_SHARED}, {PS_BREAKING, PS_KERNEL_SHARED},
    };
    for (uint32_t from = 0; from < PS_STATE_COUNT + 3; from++) {
        for (uint32_t to = 0; to < PS_STATE_COUNT + 3; to++) {
            int expected = 0;
            for (unsigned i = 0; i < sizeof arrows / sizeof arrows[0]; i++) {
                expected |= arrows[i][0] == from && arrows[i][1] == to;
            }
            CHECK(ps_transition_is_legal(from, to) == expected);
        }
    }
    CHECK(ps_transition_is_legal(UINT32_MAX, 0) == 0 && ps_transition_is_legal(0, UINT32_MAX) == 0);
}

/* --- the table --- */

static void *break_and_share(void *argument)
{
    struct guest *guest = argument;
    for (uint64_t round = 0; !stop; round++) {
        share(guest, 0, PAGES, 0, 1);
        for (uint64_t page = 0; page < PAGES; page++) {
            store_byte(page_at(guest, page), (uint8_t)round);
            CHECK(page_is_except(page_at(guest, page), page + 1, 0, (uint8_t)round));
        }
    }
    return NULL;
}

static void regions_come_and_go_while_others_fault(void)
{
    pthread_t threads[2];
    struct guest *churned[8] = {0};
    for (int i = 0; i < 2; i++) {
        struct guest *guest = guest_open(store_open(PAGES), PAGES, SIGNAL_MODE);
        CHECK(pthread_create(&threads[i], NULL, break_and_share, guest) == 0);
    }
    struct store *store = store_open(PAGES);
    for (unsigned i = 0; i < CHURN; i++) {
        unsigned slot = i * 7 % 8; /* so that one in the middle of the table goes at times */
        if (churned[slot] != NULL) {
            struct guest *old = churned[slot];
            store_byte(page_at(old, 1), 66);
            CHECK(page_is_except(page_at(old, 1), 2, 0, 66) && old->counters->cow_faults == 1);
            guest_free(old);
            CHECK(munmap(old->base, PAGES * PS_PAGE_SIZE) == 0 && close(old->backing) == 0);
        }
        churned[slot] = guest_open(store, PAGES, SIGNAL_MODE);
        share(churned[slot], 0, 4, 0, 1);
    }
    stop = 1;
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static void every_region_is_found_by_its_first_and_last_byte(void)
{
    enum { REGIONS = 40 };
    struct guest *guests[REGIONS];
    struct store *store = store_open(PAGES);
    for (unsigned i = 0; i < REGIONS; i++) {
        guests[i] = guest_open_with(store, 1 + i % PAGES, PAGES + 1, SIGNAL_MODE, 1000);
        share(guests[i], 0, (uint32_t)guests[i]->pages, 0, 1);
    }
    for (unsigned i = 0; i < REGIONS; i += 3) {
        guest_free(guests[i]);
    }
    for (unsigned i = 0; i < REGIONS; i++) {
        struct guest *guest = guests[i];
        if (guest->region == NULL) {
            continue;
        }
        store_byte(guest->base, 66);
        store_byte(page_at(guest, guest->pages) - 1, 67);
        CHECK(guest->base[0] == 66 && page_at(guest, guest->pages)[-1] == 67);
        CHECK(guest->counters->cow_faults == (guest->pages > 1 ? 2 : 1));
    }
}

/* --- growing --- */

struct growing {
    struct guest *guest;
    uint64_t pages;
};

static void *grow(void *argument)
{
    struct growing *growing = argument;
    int error = ps_region_grow(growing->guest->region, growing->pages);
    CHECK(error == 0 || error == -EINVAL); /* the other was first, and went further */
    return NULL;
}

static void a_region_that_two_threads_grow_never_shrinks(void)
{
    struct store *store = store_open(1);
    for (int round = 0; round < 300; round++) {
        pthread_t threads[2];
        struct guest *guest = guest_open_with(store, 1, 256, SIGNAL_MODE, 1000);
        struct growing growing[2] = {{guest, round % 2 ? 64 : 256}, {guest, round % 2 ? 256 : 64}};
        for (int i = 0; i < 2; i++) {
            CHECK(pthread_create(&threads[i], NULL, grow, &growing[i]) == 0);
        }
        for (int i = 0; i < 2; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
        }
        CHECK(ps_break(guest->region, 0, 256) == 0); /* inside its bounds */
        guest_free(guest);
        CHECK(munmap(guest->base, 256 * PS_PAGE_SIZE) == 0 && close(guest->backing) == 0);
    }
}

static void grown_pages_are_like_the_first_ones(uint32_t mode)
{
    struct store *store = store_open(PAGES);
    struct guest *guest = guest_open_with(store, 4, PAGES, mode, 1000);
    CHECK(ps_region_grow(guest->region, 4) == 0);
    CHECK(ps_inject_failure(PS_CALL_MAP_IDENTITY, 0, 1, ENOMEM) == 0);
    CHECK(ps_region_grow(guest->region, PAGES) == -ENOMEM && ps_break(guest->region, 0, 5) == -EINVAL);
    CHECK(ps_region_grow(guest->region, PAGES) == 0);
    CHECK(mappings_in(guest->base, PAGES) == 1 && mappings_without_dontfork(guest->base, PAGES) == 0);
    share(guest, 0, PAGES, 0, 1);
    CHECK(mappings_in(guest->base, PAGES) == 1);
    store_byte(page_at(guest, PAGES - 1), 66);
    CHECK(page_is_except(page_at(guest, PAGES - 1), PAGES, 0, 66));
}
IN_BOTH_MODES(grown_pages_are_like_the_first_ones)

/* --- adopting and disowning --- */

static void adopted_memory_shares_and_goes_back(uint32_t mode)
{
    struct store *store = store_open(PAGES);
    struct guest *guest = guest_open_unadopted(store, PAGES, mode);
    for (uint64_t page = 0; page < PAGES; page++) {
        if (page != 3 && page != 9) {
            fill_page(page_at(guest, page), page + 1);
        }
    }
    fill_page(page_at(guest, 9), 0); /* present, and zero */
    CHECK(state_of(guest, 0) == PS_SEALED && merge_one(guest, 0, 0) == PS_MERGE_BUSY);
    CHECK(ps_adopt(guest->region) == 0);
    check_all_settled(guest);
    CHECK(pages_held(guest->backing) == PAGES - 2);
    CHECK(mappings_in(guest->base, PAGES) == 1 && mappings_without_dontfork(guest->base, PAGES) == 0);
    share(guest, 4, 4, 4, 5);
    store_byte(page_at(guest, 5), 66);
    CHECK(ps_pin(guest->region, 2, 1) == 0 && ps_disown(guest->region) == -EBUSY);
    store_byte(page_at(guest, 0) + 1, 1); /* still a region in order */
    check_all_settled(guest);
    CHECK(ps_unpin(guest->region, 2, 1) == 0 && ps_disown(guest->region) == 0);
    check_all_settled(guest);
    CHECK(pages_held(guest->backing) == 0 && mappings_without_dontfork(guest->base, PAGES) == 1);
    guest_free(guest);
    for (uint64_t page = 0; page < PAGES; page++) {
        uint64_t content = page == 3 || page == 9 ? 0 : page + 1;
        CHECK(page == 5   ? page_is_except(page_at(guest, page), content, 0, 66)
              : page == 0 ? page_is_except(page_at(guest, page), content, 1, 1)
                          : page_is(page_at(guest, page), content));
        store_byte(page_at(guest, page), 1);
    }
}
IN_BOTH_MODES(adopted_memory_shares_and_goes_back)

struct counting {
    struct guest *guest;
    uint64_t page;
    uint64_t count;
};

/* Counts on in every word of its page, and never sees another number than its own. */
static void *count_on(void *argument)
{
    struct counting *counting = argument;
    volatile uint64_t *words = (volatile uint64_t *)page_at(counting->guest, counting->page);
    while (!stop) {
        for (unsigned i = 0; i < PS_PAGE_SIZE / 8; i++) {
            CHECK(words[i] == counting->count);
            words[i] = counting->count + 1;
        }
        counting->count++;
    }
    return NULL;
}

static void writers_notice_nothing_of_adopting_and_disowning(uint32_t mode)
{
    struct store *store = store_open(PAGES);
    for (int round = 0; round < 20; round++) {
        pthread_t threads[2];
        struct counting counting[2];
        struct guest *guest = guest_open_unadopted(store, PAGES, mode);
        for (uint64_t page = 0; page < PAGES; page++) {
            fill_page(page_at(guest, page), page == 1 || page == 14 ? 0 : page + 1);
        }
        stop = 0;
        gate(PS_POINT_FAULT_ENTERED, PS_GATE_WATCH);
        for (unsigned i = 0; i < 2; i++) {
            counting[i] = (struct counting){guest, i ? 14 : 1, 0};
            CHECK(pthread_create(&threads[i], NULL, count_on, &counting[i]) == 0);
        }
        CHECK(ps_adopt(guest->region) == 0);
        share(guest, 2, 12, 0, 3);
        CHECK(ps_disown(guest->region) == 0);
        guest_free(guest);
        stop = 1;
        for (unsigned i = 0; i < 2; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
            volatile uint64_t *words = (volatile uint64_t *)page_at(guest, counting[i].page);
            CHECK(words[0] == counting[i].count && words[511] == counting[i].count);
        }
        for (uint64_t page = 2; page < 14; page++) {
            CHECK(page_is(page_at(guest, page), page + 1));
        }
        CHECK(munmap(guest->base, PAGES * PS_PAGE_SIZE) == 0 && close(guest->backing) == 0);
    }
}
IN_BOTH_MODES(writers_notice_nothing_of_adopting_and_disowning)

static void *fault_late(void *argument)
{
    struct guest *guest = argument;
    for (uint64_t i = 0; !stop; i++) {
        CHECK(ps_fault_on_store((uintptr_t)page_at(guest, i % PAGES)) == PS_FAULT_RETRY);
    }
    return NULL;
}

static void a_failed_adoption_leaves_the_range_as_it_was(void)
{
    static const ps_call calls[] = {PS_CALL_SEAL, PS_CALL_COPY_HOME, PS_CALL_MAP_IDENTITY};
    struct store *store = store_open(1);
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct guest *guest = guest_open_unadopted(store, PAGES, SIGNAL_MODE);
        for (uint64_t page = 0; page < PAGES; page++) {
            fill_page(page_at(guest, page), page + 1);
        }
        CHECK(ps_inject_failure(calls[i], 0, 1, ENOMEM) == 0);
        CHECK(ps_inject_failure(PS_CALL_UNSEAL, 0, 2, ENOMEM) == 0);
        CHECK(ps_adopt(guest->region) == -ENOMEM);
        guest_free(guest);
        for (uint64_t page = 0; page < PAGES; page++) {
            store_byte(page_at(guest, page), 66);
            CHECK(page_is_except(page_at(guest, page), page + 1, 0, 66));
        }
        CHECK(mappings_without_dontfork(guest->base, PAGES) == 1); /* anonymous memory still */
    }
}

static void a_range_with_a_gap_is_not_adopted(void)
{
    struct guest *guest = guest_open_unadopted(store_open(1), PAGES, SIGNAL_MODE);
    fill_page(page_at(guest, 0), 1);
    CHECK(munmap(page_at(guest, 5), PS_PAGE_SIZE) == 0);
    ps_test_limit(10);
    CHECK(ps_adopt(guest->region) < 0);
    guest_free(guest);
    store_byte(page_at(guest, 0), 66);
    CHECK(page_is_except(page_at(guest, 0), 1, 0, 66));
}

/* A fault that comes late looks at its page once more, and must not look like a pin while it does. */
static void late_faults_do_not_keep_a_region_from_being_disowned(void)
{
    struct store *store = store_open(1);
    struct guest *guest = guest_open(store, PAGES, SIGNAL_MODE);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&threads[i], NULL, fault_late, guest) == 0);
    }
    for (int round = 0; round < 300; round++) {
        CHECK(ps_disown(guest->region) == 0);
    }
    stop = 1;
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

/* A store can be refused by a seal, and its handler run when the seal and the region are gone and the memory lives
 * on. */
static void faults_that_come_when_the_region_is_gone_are_run_again(uint32_t mode)
{
    struct store *store = store_open(1);
    for (int fails = 0; fails < 2; fails++) {
        struct guest *guest = guest_open_unadopted(store, PAGES, mode);
        fill_page(page_at(guest, 3), 4);
        CHECK(ps_inject_failure(PS_CALL_COPY_HOME, 0, (uint32_t)fails, ENOMEM) == 0);
        CHECK(ps_adopt(guest->region) == (fails ? -ENOMEM : 0) && (fails || ps_disown(guest->region) == 0));
        guest_free(guest);
        CHECK(ps_fault_on_store((uintptr_t)page_at(guest, 3)) == PS_FAULT_RETRY && page_is(page_at(guest, 3), 4));
        CHECK(mprotect(page_at(guest, 3), PS_PAGE_SIZE, PROT_READ) == 0);
        CHECK(ps_fault_on_store((uintptr_t)page_at(guest, 3)) == PS_FAULT_FOREIGN);
        CHECK(ps_fault_on_store((uintptr_t)page_at(guest, PAGES)) == PS_FAULT_FOREIGN);
    }
}
IN_BOTH_MODES(faults_that_come_when_the_region_is_gone_are_run_again)

static void check_child_reads_page_three(const struct guest *guest)
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        _exit(page_is(page_at(guest, 3), 4) ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* As long as its memory is ordinary, a forked child has its own copy, as of any ordinary memory. */
static void ordinary_memory_of_a_region_is_inherited(uint32_t mode)
{
    struct guest *guest = guest_open_unadopted(store_open(1), PAGES, mode);
    fill_page(page_at(guest, 3), 4);
    check_child_reads_page_three(guest);
    CHECK(ps_adopt(guest->region) == 0 && ps_disown(guest->region) == 0);
    check_child_reads_page_three(guest);
}
IN_BOTH_MODES(ordinary_memory_of_a_region_is_inherited)

static void a_failed_disowning_leaves_a_region_in_order(void)
{
    struct store *store = store_open(PAGES);
    struct guest *guest = guest_open(store, PAGES, SIGNAL_MODE);
    share(guest, 0, PAGES, 0, 1);
    ps_test_limit(10);
    for (uint32_t times = 1; times != 0; times = times == 1 ? UINT32_MAX : 0) {
        CHECK(ps_inject_failure(PS_CALL_SEAL, 0, 1, ENOMEM) == 0);
        CHECK(ps_inject_failure(PS_CALL_UNSEAL, 0, times, ENOMEM) == 0);
        CHECK(ps_disown(guest->region) == -ENOMEM);
        CHECK(ps_inject_failure(PS_CALL_UNSEAL, 0, 0, 0) == 0);
        check_all_settled(guest);
    }
    share(guest, 0, PAGES, 0, 1);
    store_byte(page_at(guest, 3), 66);
    CHECK(ps_disown(guest->region) == 0);
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page == 3 ? page_is_except(page_at(guest, page), 4, 0, 66) : page_is(page_at(guest, page), page + 1));
    }
}

const struct ps_test ps_tests_regions[] = {
    ONE_TEST(legal_moves_are_those_of_the_diagram),
    ONE_TEST(regions_come_and_go_while_others_fault),
    ONE_TEST(every_region_is_found_by_its_first_and_last_byte),
    ONE_TEST(a_region_that_two_threads_grow_never_shrinks),
    BOTH_MODES(grown_pages_are_like_the_first_ones),
    BOTH_MODES(adopted_memory_shares_and_goes_back),
    BOTH_MODES(writers_notice_nothing_of_adopting_and_disowning),
    ONE_TEST(a_failed_adoption_leaves_the_range_as_it_was),
    ONE_TEST(a_range_with_a_gap_is_not_adopted),
    ONE_TEST(late_faults_do_not_keep_a_region_from_being_disowned),
    BOTH_MODES(faults_that_come_when_the_region_is_gone_are_run_again),
    BOTH_MODES(ordinary_memory_of_a_region_is_inherited),
    ONE_TEST(a_failed_disowning_leaves_a_region_in_order),
    {0, 0},
};
