/*
 * Random stores, merges, breaks and settling against a byte-for-byte oracle, while one host after the other takes over:
 * each time with a new store, into which pages move at random, and without the old one, whose view and descriptors are
 * gone. System calls fail now and then. PS_SEED repeats a run as far as the scheduler lets it, PS_SOAK makes it that
 * many times as long.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "ps_random.h"

#define GUESTS 2u
#define PAGES 48u
#define WRITERS 2u
#define SCANNERS 2u
#define CONTENTS 5u /* and 0, all zeros */
#define FRAMES 40u  /* frame f of every store holds content 1 + f % CONTENTS, so a run of them goes on for long */
#define SCANS 25000u    /* orders of the hosts; writers go on as long as that takes */
#define TAKEOVERS 120u

static uint64_t seed;
static uint64_t scans_wanted;
static struct store *_Atomic store;
static struct guest *guests[GUESTS];
static uint8_t oracle[GUESTS][PAGES][PS_PAGE_SIZE]; /* of the writer that owns the page: page % WRITERS */
static uint8_t samples[CONTENTS + 1][PS_PAGE_SIZE];
static _Atomic uint32_t writers_left;
static _Atomic uint64_t scans;
static _Atomic uint64_t pages_moved;
static _Atomic uint64_t pages_that_differed;

/* --- writers --- */

static void write_step(struct random *random, uint64_t writer)
{
    uint64_t g = below(random, GUESTS);
    uint64_t page = below(random, PAGES / WRITERS) * WRITERS + writer;
    uint8_t *memory = page_at(guests[g], page);
    uint8_t *shadow = oracle[g][page];
    uint64_t at = below(random, PS_PAGE_SIZE);
    uint64_t value = next(random);
    switch (below(random, 40)) {
    case 0:
        store_byte(memory + at, (uint8_t)value);
        shadow[at] = (uint8_t)value;
        break;
    case 1:
    case 2: /* the same byte again: breaks, and stays equal */
        store_byte(memory + at, shadow[at]);
        break;
    case 3:
    case 4:
    case 6:
    case 7:
        fill_page(memory, value % (CONTENTS + 1));
        fill_page(shadow, value % (CONTENTS + 1));
        break;
    case 5:
        CHECK(ps_pin(guests[g]->region, page, 1) == 0);
        store_byte(memory + at, (uint8_t)value);
        shadow[at] = (uint8_t)value;
        CHECK(ps_unpin(guests[g]->region, page, 1) == 0);
        break;
    default:
        break;
    }
    CHECK(memcmp(memory, shadow, PS_PAGE_SIZE) == 0);
}

static void *write_on(void *argument)
{
    uint64_t writer = (uint64_t)(uintptr_t)argument;
    struct random random = {seed + writer};
    while (scans < scans_wanted) {
        write_step(&random, writer);
        sched_yield(); /* more work for the hosts than for the writers, or nothing stays shared for long */
    }
    writers_left--;
    return NULL;
}

/* --- scanners --- */

static uint64_t guess_content(const uint8_t *page)
{
    for (uint64_t content = 0; content <= CONTENTS; content++) {
        if (memcmp(page, samples[content], 8) == 0 && memcmp(page + 2048, samples[content] + 2048, 8) == 0) {
            return content;
        }
    }
    return UINT64_MAX;
}

static uint32_t choose_target(const uint8_t *page, uint32_t before, struct random *random)
{
    uint64_t content = below(random, 50) == 0 ? below(random, CONTENTS + 1) : guess_content(page);
    if (content == UINT64_MAX) {
        return below(random, 4) == 0 ? (uint32_t)below(random, FRAMES) : PS_TARGET_NONE;
    }
    if (content == 0) {
        return PS_TARGET_ZERO;
    }
    if (before < FRAMES - 1 && (before + 1) % CONTENTS + 1 == content) {
        return before + 1;
    }
    return (uint32_t)(below(random, FRAMES / CONTENTS) * CONTENTS + content - 1);
}

static void order_step(struct guest *guest, struct random *random)
{
    uint32_t targets[PAGES];
    uint8_t results[PAGES];
    uint64_t page = below(random, PAGES);
    uint32_t count = (uint32_t)(1 + below(random, PAGES - page));
    int is_move = below(random, 2) == 0;
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = choose_target(page_at(guest, page + i), i == 0 ? FRAMES : targets[i - 1], random);
    }
    CHECK((is_move ? ps_move : ps_merge)(guest->region, page, count, targets, results) == 0);
    for (uint32_t i = 0; i < count; i++) {
        CHECK((results[i] == PS_MERGE_SKIPPED) == (targets[i] == PS_TARGET_NONE));
        CHECK(!is_move || targets[i] != PS_TARGET_ZERO || results[i] == PS_MERGE_BUSY);
        pages_moved += is_move && results[i] == PS_MERGE_DONE;
        pages_that_differed += is_move && results[i] == PS_MERGE_DIFFERS;
    }
}

static void fail_now_and_then(struct random *random)
{
    static const int calls[] = {PS_CALL_SEAL, PS_CALL_UNSEAL, PS_CALL_MAP_FRAMES, PS_CALL_MAP_IDENTITY,
                                PS_CALL_COPY_HOME, PS_CALL_PUNCH, PS_CALL_DROP};
    uint32_t call = (uint32_t)calls[below(random, sizeof calls / sizeof calls[0])];
    CHECK(ps_inject_failure(call, (uint32_t)below(random, 4), 1 + (uint32_t)below(random, 2), ENOMEM) == 0);
}

static void *scan_on(void *argument)
{
    struct random random = {seed + 1000 + (uint64_t)(uintptr_t)argument};
    uint64_t broken[1], dropped;
    while (writers_left > 0) {
        struct guest *guest = guests[below(&random, GUESTS)];
        order_step(guest, &random);
        scans++;
        switch (below(&random, 10)) {
        case 0:
        case 1:
            CHECK(ps_find_anonymous(guest->region, 0, PAGES, broken) >= 0);
            CHECK(ps_settle(guest->region, 0, PAGES, broken, &dropped) >= 0);
            break;
        case 2:
            ps_try_break(guest->region, below(&random, PAGES), 1);
            break;
        case 3:
            fail_now_and_then(&random);
            break;
        default:
            break;
        }
    }
    return NULL;
}

/* --- hosts that follow one another --- */

static struct store *make_store(void)
{
    struct store *made = store_open(FRAMES);
    for (uint32_t frame = 0; frame < FRAMES; frame++) {
        store_write(made, frame, 1 + frame % CONTENTS);
    }
    return made;
}

static void take_over(void)
{
    struct store *fresh = make_store();
    for (unsigned g = 0; g < GUESTS; g++) {
        int32_t generation;
        while ((generation = ps_region_set_store(guests[g]->region, fresh->reader, fresh->view)) == -EBUSY) {
        }
        CHECK(generation > 0);
    }
    CHECK(munmap(store->view, FRAMES * PS_PAGE_SIZE) == 0 && close(store->reader) == 0 && close(store->writer) == 0);
    store = fresh;
}

static void *take_over_on(void *argument)
{
    uint64_t between = scans_wanted / TAKEOVERS;
    (void)argument;
    for (uint32_t i = 0; i < TAKEOVERS && writers_left > 0; i++) {
        uint64_t until = scans + between;
        take_over();
        while (scans < until && writers_left > 0) {
            sched_yield();
        }
    }
    return NULL;
}

/* --- the run --- */

static uint64_t number_in(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL && *text != 0 ? strtoull(text, NULL, 0) : otherwise;
}

static void check_guest(unsigned g)
{
    CHECK(memcmp(guests[g]->base, oracle[g], sizeof oracle[g]) == 0);
    check_all_settled(guests[g]);
    CHECK(guests[g]->counters->breaks_timed_out == 0);
    CHECK(mappings_without_dontfork(guests[g]->base, PAGES) == 0);
    CHECK(ps_break(guests[g]->region, 0, PAGES) >= 0 && mappings_in(guests[g]->base, PAGES) == 1);
    CHECK(memcmp(guests[g]->base, oracle[g], sizeof oracle[g]) == 0);
}

static void random_work_with_takeovers_equals_the_oracle(uint32_t mode)
{
    pthread_t writers[WRITERS], scanners[SCANNERS], hosts;
    seed = number_in("PS_SEED", (uint64_t)time(NULL) * 1000 + mode);
    scans_wanted = SCANS * number_in("PS_SOAK", 1);
    fprintf(stderr, "  PS_SEED=%llu\n", (unsigned long long)seed);
    store = make_store();
    for (uint64_t content = 0; content <= CONTENTS; content++) {
        fill_page(samples[content], content);
    }
    for (unsigned g = 0; g < GUESTS; g++) {
        guests[g] = guest_open(store, PAGES, mode);
    }
    writers_left = WRITERS;
    for (uintptr_t i = 0; i < WRITERS; i++) {
        CHECK(pthread_create(&writers[i], NULL, write_on, (void *)i) == 0);
    }
    for (uintptr_t i = 0; i < SCANNERS; i++) {
        CHECK(pthread_create(&scanners[i], NULL, scan_on, (void *)i) == 0);
    }
    CHECK(pthread_create(&hosts, NULL, take_over_on, NULL) == 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        CHECK(pthread_join(writers[i], NULL) == 0);
    }
    for (unsigned i = 0; i < SCANNERS; i++) {
        CHECK(pthread_join(scanners[i], NULL) == 0);
    }
    CHECK(pthread_join(hosts, NULL) == 0);
    for (uint32_t call = 0; call < PS_CALL_COUNT; call++) {
        CHECK(ps_inject_failure(call, 0, 0, 0) == 0);
    }
    for (unsigned g = 0; g < GUESTS; g++) {
        check_guest(g);
    }
    fprintf(stderr, "  moved %llu, differed %llu\n", (unsigned long long)pages_moved,
            (unsigned long long)pages_that_differed);
    CHECK(pages_moved > 100 && pages_that_differed > 0);
}
IN_BOTH_MODES(random_work_with_takeovers_equals_the_oracle)

const struct ps_test ps_tests_move_oracle[] = {
    BOTH_MODES(random_work_with_takeovers_equals_the_oracle),
    {0, 0},
};
