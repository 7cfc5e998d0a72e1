/*
 * Orders that no host of ours would give. The agent must answer them with an error, or do what they say as far as that
 * makes sense; a guest's bytes are right all the time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agents.h"
#include "ps_random.h"

#define PAGES 96u
#define FRAMES 64u
#define CONTENTS 5u /* and 0, all zeros */
#define ORDERS 150000u
#define MOST_WRITTEN 8u

static struct store *store;
static struct guest *guest;
static struct ring *ring;
static ps_agent *agent;
static struct random numbers;

static void begin(uint32_t mode)
{
    store = store_open(FRAMES);
    guest = guest_open(store, PAGES, mode);
    ring = ring_open(PAGES);
    agent = agent_start(guest, ring);
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), 1 + page);
    }
}

static void check_contents(void)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is(page_at(guest, page), 1 + page));
    }
    check_all_settled(guest);
}

/* --- one by one --- */

static void an_unknown_kind_is_refused(void)
{
    static const uint32_t kinds[] = {0, 8, 9, 0x80000001, UINT32_MAX};
    begin(SIGNAL_MODE);
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        CHECK(give_for_result(ring, kinds[i], 0, 1, 0) == -EOPNOTSUPP);
        CHECK(ring->header->orders_refused == i + 1);
    }
    check_contents();
    CHECK(ps_agent_stop(agent) == 0);
}

static void ranges_outside_the_region_are_refused(uint32_t mode)
{
    static const struct {
        uint64_t page;
        uint32_t count;
    } ranges[] = {{PAGES, 1}, {PAGES - 1, 2}, {UINT64_MAX, 1}, {UINT64_MAX - 63, 64}, {UINT64_MAX / 4096 + 1, 1},
                  {UINT64_C(1) << 52, 1}, {PAGES + 32, 64}, {0, PAGES + 1}, {0, UINT32_MAX}, {64, UINT32_MAX}};
    begin(mode);
    for (unsigned i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        for (uint32_t kind = PS_ORDER_MERGE; kind <= PS_ORDER_MOVE; kind++) {
            CHECK(give_for_result(ring, kind, ranges[i].page, ranges[i].count, 0) == -EINVAL);
        }
    }
    check_contents();
    CHECK(ps_agent_stop(agent) == 0);
}
IN_BOTH_MODES(ranges_outside_the_region_are_refused)

static void more_pages_than_an_order_has_are_refused(void)
{
    static const uint32_t kinds[] = {PS_ORDER_MERGE, PS_ORDER_MOVE, PS_ORDER_SETTLE};
    store = store_open(FRAMES);
    guest = guest_open(store, 2048, KERNEL_MODE);
    ring = ring_open(2048);
    agent = agent_start(guest, ring);
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        CHECK(give_for_result(ring, kinds[i], 0, PS_ORDER_PAGES, PS_TARGET_NONE) == 0);
        CHECK(give_for_result(ring, kinds[i], 0, PS_ORDER_PAGES + 1, PS_TARGET_NONE) == -EINVAL);
        CHECK(give_for_result(ring, kinds[i], 0, 2048, PS_TARGET_NONE) == -EINVAL);
    }
    CHECK(ps_agent_stop(agent) == 0);
}

static void a_bitmap_order_begins_at_a_whole_word(void)
{
    begin(KERNEL_MODE);
    CHECK(give_for_result(ring, PS_ORDER_FIND_COPIES, 1, 5, 0) == -EINVAL);
    CHECK(give_for_result(ring, PS_ORDER_FIND_WRITTEN, 63, 5, 0) == -EINVAL);
    CHECK(give_for_result(ring, PS_ORDER_FIND_COPIES, 64, 5, 0) == 0);
    CHECK(ps_agent_stop(agent) == 0);
}

/* Beyond the object, where a load would be SIGBUS; beyond the view, where it would be SIGSEGV. */
static void frames_that_the_store_does_not_have_are_refused(uint32_t mode)
{
    static const uint32_t frames[] = {FRAMES, FRAMES + 1, 1u << 20, PS_TARGET_ZERO - 1, PS_TARGET_ZERO - 3};
    begin(mode);
    for (unsigned i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        CHECK(give_for_result(ring, PS_ORDER_MERGE, 5, 1, frames[i]) == -EINVAL);
        CHECK(give_for_result(ring, PS_ORDER_MOVE, 5, 1, frames[i]) == -EINVAL);
    }
    CHECK(give_for_result(ring, PS_ORDER_MERGE, 0, 2, FRAMES - 1) == -EINVAL); /* the second one */
    CHECK(give_for_result(ring, PS_ORDER_MERGE, 0, 1, FRAMES - 1) == 0);
    CHECK(ftruncate(store->writer, 2 * FRAMES * PS_PAGE_SIZE) == 0); /* more than the view has room for */
    CHECK(give_for_result(ring, PS_ORDER_MERGE, 0, 1, FRAMES) == -EINVAL);
    check_contents();
    CHECK(ps_agent_stop(agent) == 0);
}
IN_BOTH_MODES(frames_that_the_store_does_not_have_are_refused)

static void a_store_may_grow_inside_its_view(void)
{
    begin(SIGNAL_MODE);
    CHECK(ftruncate(store->writer, FRAMES / 2 * PS_PAGE_SIZE) == 0);
    CHECK(give_for_result(ring, PS_ORDER_MERGE, 5, 1, FRAMES / 2) == -EINVAL);
    CHECK(ftruncate(store->writer, FRAMES * PS_PAGE_SIZE) == 0);
    store_write(store, FRAMES / 2, 6);
    give_and_check_done(ring, PS_ORDER_MERGE, 5, 1, FRAMES / 2);
    check_contents();
    CHECK(ps_agent_stop(agent) == 0);
}

/* The other side writes all over a slot while the agent works on it: what it took is what it does. */
static void an_order_that_changes_under_way_is_done_as_it_was(void)
{
    begin(SIGNAL_MODE);
    store_write(store, 0, 1);
    gate(PS_POINT_ORDER_TAKEN, PS_GATE_STOP);
    ps_ring_order *slot = write_order(ring, PS_ORDER_MERGE, 0, 1, 0);
    uint32_t sequence = ps_ring_post(ring->host);
    arrive(PS_POINT_ORDER_TAKEN, 1);
    memset(slot, 0xFF, sizeof *slot);
    gate(PS_POINT_ORDER_TAKEN, PS_GATE_OFF);
    CHECK(ps_ring_await(ring->host, sequence, ANSWER_NS) == 0);
    CHECK(slot->result == 0 && slot->results[0] == PS_MERGE_DONE && slot->results[1] == 0xFF);
    CHECK(slot->kind == UINT32_MAX && state_of(guest, 0) == PS_SHARED);
    check_contents();
    CHECK(ps_agent_stop(agent) == 0);
}

/* --- any --- */

/* A number that is in range mostly, near its border often, and anything now and then. */
static uint64_t mutated(uint64_t limit)
{
    switch (below(&numbers, 16)) {
    case 0:
        return limit + below(&numbers, 3) - 1;
    case 1:
        return next(&numbers) >> below(&numbers, 64);
    case 2:
        return UINT64_MAX - below(&numbers, 70);
    default:
        return below(&numbers, limit);
    }
}

static void write_mutated(ps_ring_order *order)
{
    order->kind = (uint32_t)(below(&numbers, 20) == 0 ? next(&numbers) >> below(&numbers, 64) : 1 + below(&numbers, 6));
    order->page = below(&numbers, 4) == 0 ? mutated(2) * 64 : mutated(PAGES);
    order->count = (uint32_t)mutated(below(&numbers, 8) == 0 ? PS_ORDER_PAGES + 1 : PAGES / 3);
    for (uint32_t i = 0; i < PS_ORDER_PAGES / 64; i++) {
        order->bits[i] = next(&numbers);
    }
    uint32_t frame = (uint32_t)below(&numbers, FRAMES);
    int is_wild = below(&numbers, 10) == 0;
    for (uint32_t i = 0; i < PAGES; i++) {
        uint32_t any = (uint32_t)(is_wild ? mutated(FRAMES) : below(&numbers, FRAMES));
        order->targets[i] = below(&numbers, 4) != 0 ? (frame + i) % FRAMES : any;
        order->targets[i] = below(&numbers, 12) == 0 ? PS_TARGET_ZERO + (uint32_t)below(&numbers, 2) : order->targets[i];
    }
    if (below(&numbers, 30) == 0) {
        ((uint8_t *)order)[below(&numbers, sizeof *order)] ^= (uint8_t)(1u << below(&numbers, 8));
    }
}

/* The guest at work between the orders: stores, some of which make pages alike again. */
static void write_some(uint64_t *contents)
{
    for (uint64_t i = below(&numbers, MOST_WRITTEN); i > 0; i--) {
        uint64_t page = below(&numbers, PAGES);
        contents[page] = below(&numbers, CONTENTS + 1);
        fill_page(page_at(guest, page), contents[page]);
    }
}

static void random_orders_leave_every_byte_right(uint32_t mode)
{
    uint64_t contents[PAGES], shared = 0;
    const char *given = getenv("PS_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000 + mode;
    fprintf(stderr, "  PS_SEED=%llu\n", (unsigned long long)seed);
    numbers.state = seed;
    begin(mode);
    for (uint32_t frame = 0; frame < FRAMES; frame++) {
        store_write(store, frame, 1 + frame % CONTENTS);
    }
    for (uint64_t page = 0; page < PAGES; page++) {
        contents[page] = 1 + page % CONTENTS;
        fill_page(page_at(guest, page), contents[page]);
    }
    for (uint32_t i = 0; i < ORDERS; i += PS_RING_ORDERS) {
        uint32_t last = 0;
        for (uint32_t k = 0; k < PS_RING_ORDERS; k++) {
            write_mutated(ps_ring_next(ring->host));
            last = ps_ring_post(ring->host);
        }
        write_some(contents);
        CHECK(ps_ring_await(ring->host, last, ANSWER_NS) == 0);
        if (i % 512 == 0) {
            for (uint64_t page = 0; page < PAGES; page++) {
                CHECK(page_is(page_at(guest, page), contents[page]));
                shared += state_of(guest, page) == shared_state(mode);
            }
        }
    }
    CHECK(shared > 0 && ring->header->orders_refused > ORDERS / 100);
    CHECK(guest->counters->pages_broken > 0 && guest->counters->breaks_timed_out == 0);
    check_all_settled(guest);
    CHECK(ps_agent_stop(agent) == 0);
}
IN_BOTH_MODES(random_orders_leave_every_byte_right)

const struct ps_test ps_tests_agent_garbage[] = {
    ONE_TEST(an_unknown_kind_is_refused),
    BOTH_MODES(ranges_outside_the_region_are_refused),
    ONE_TEST(more_pages_than_an_order_has_are_refused),
    ONE_TEST(a_bitmap_order_begins_at_a_whole_word),
    BOTH_MODES(frames_that_the_store_does_not_have_are_refused),
    ONE_TEST(a_store_may_grow_inside_its_view),
    ONE_TEST(an_order_that_changes_under_way_is_done_as_it_was),
    BOTH_MODES(random_orders_leave_every_byte_right),
    {0, 0},
};
