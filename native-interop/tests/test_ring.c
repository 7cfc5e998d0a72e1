/*
 * The ring's two ends: slots that go round, counts that wrap, an agent that stops, and words of the other side that
 * cannot be true.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agents.h"
#include "os.h"
#include "ring.h"

#define PAGES 64u
#define SHORT_NS UINT64_C(30000000)

static struct store *store;
static struct guest *guest;
static struct ring *ring;
static ps_agent *agent;

static void begin_without_agent(void)
{
    store = store_open(64);
    guest = guest_open(store, PAGES, SIGNAL_MODE);
    ring = ring_open(PAGES);
}

static void begin(void)
{
    begin_without_agent();
    agent = agent_start(guest, ring);
}

/* --- shape --- */

static void a_ring_has_room_for_a_bit_of_each_page(void)
{
    uint64_t slots = PS_RING_HEADER_BYTES + PS_RING_ORDERS * PS_RING_ORDER_BYTES;
    CHECK(ps_ring_bytes(1) == slots + 2 * 4096 && ps_ring_bytes(4096 * 8) == slots + 2 * 4096);
    CHECK(ps_ring_bytes(4096 * 8 + 1) == slots + 4 * 4096);
    CHECK(ps_ring_bytes(0) == 0 && ps_ring_bytes(PS_TARGET_NONE) == 0 && ps_ring_bytes(UINT64_MAX) == 0);
    CHECK(ps_ring_bytes(PS_TARGET_ZERO) == slots + 2 * (UINT64_C(1) << 29));
}

static void a_ring_of_another_size_is_refused(void)
{
    int32_t error = 0;
    struct ring *one = ring_open(PAGES);
    CHECK(ps_ring_format(one->header, one->bytes - 4096, PAGES) == -EINVAL);
    CHECK(ps_ring_format((uint8_t *)one->header + 8, one->bytes, PAGES) == -EINVAL);
    CHECK(ps_ring_format(one->header, 0, 0) == -EINVAL);
    CHECK(ps_ring_host_open(one->header, one->bytes + 4096, PAGES, &error) == NULL && error == -EINVAL);
    ps_ring_host_close(NULL);
}

static void check_refused(uint64_t bytes, int32_t expected)
{
    int32_t error = 0;
    CHECK(ps_agent_start(guest->region, ring->header, bytes, &error) == NULL && error == expected);
}

static void an_agent_starts_on_no_ring_that_it_does_not_know(void)
{
    begin_without_agent();
    ps_ring_header good = *ring->header;
    check_refused(ring->bytes - 4096, -EINVAL);
    check_refused(0, -EINVAL);
    /* Each byte of the geometry, in turn. */
    for (size_t at = 0; at < offsetof(ps_ring_header, unused_geometry); at++) {
        ((uint8_t *)ring->header)[at] ^= 0x41;
        check_refused(ring->bytes, -EINVAL);
        *ring->header = good;
    }
    struct ring *larger = ring_open(PAGES * 1000);
    int32_t error = 0;
    CHECK(ps_agent_start(guest->region, larger->header, larger->bytes, &error) == NULL && error == -EINVAL);
    CHECK(ps_agent_start(guest->region, (uint8_t *)ring->header + 8, ring->bytes, &error) == NULL && error == -EINVAL);
    ring->header->posted = PS_RING_ORDERS + 1;
    check_refused(ring->bytes, -EPROTO);
    *ring->header = good;
    agent = agent_start(guest, ring);
    check_refused(ring->bytes, -EBUSY);
    CHECK(give_for_result(ring, PS_ORDER_BREAK, 0, PAGES, 0) == 0 && ps_agent_stop(agent) == 0);
}

/* --- counts --- */

static void post_eight_at_a_time(uint32_t rounds)
{
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t last = 0;
        for (uint32_t i = 0; i < PS_RING_ORDERS; i++) {
            write_order(ring, PS_ORDER_MERGE, i * 8, i + 1, 0);
            last = ps_ring_post(ring->host);
        }
        if (round % 3 == 0) {
            CHECK(ps_ring_await(ring->host, last - 3, ANSWER_NS) == 0);
        }
        CHECK(ps_ring_await(ring->host, last, ANSWER_NS) == 0);
        for (uint32_t i = 0; i < PS_RING_ORDERS; i++) {
            const ps_ring_order *answer = ps_ring_answer(ring->host, last - (PS_RING_ORDERS - 1) + i);
            CHECK(answer != NULL && answer->page == i * 8 && answer->result == 0);
            CHECK(answer->results[i] == PS_MERGE_DIFFERS && answer->results[i + 1] == 0xEE);
        }
    }
}

static void orders_go_round_the_slots(void)
{
    begin();
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), 1 + page);
    }
    post_eight_at_a_time(500);
    CHECK(ring->header->answered == 4000 && ps_agent_stop(agent) == 0);
}

static void counts_wrap(void)
{
    begin_without_agent();
    ring->header->posted = ring->header->answered = UINT32_MAX - 11;
    ring->host->posted = ring->host->answered = ring->host->awaited = UINT32_MAX - 11;
    agent = agent_start(guest, ring);
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), 1 + page);
    }
    post_eight_at_a_time(10);
    CHECK(ring->header->posted == 68 && ring->header->answered == 68);
    CHECK(ps_ring_await(ring->host, UINT32_MAX, 0) == 0 && ps_ring_await(ring->host, 0, 0) == 0);
    CHECK(ps_ring_await(ring->host, 69, 0) == -EINVAL && ps_agent_stop(agent) == 0);
}

/* The oldest answer is taken, a new order posted, and so on: the agent may be done with all of them long before. */
static void answers_stay_until_they_were_waited_for(void)
{
    begin();
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), 1 + page);
    }
    for (uint32_t newest = 1; newest <= 2000; newest++) {
        write_order(ring, PS_ORDER_MERGE, 0, 1 + newest % 50, 0);
        CHECK(ps_ring_post(ring->host) == newest);
        if (newest < PS_RING_ORDERS) {
            continue;
        }
        uint32_t oldest = newest - PS_RING_ORDERS + 1;
        CHECK(ps_ring_next(ring->host) == NULL);
        while (newest % 5 == 0 && __atomic_load_n(&ring->header->answered, __ATOMIC_ACQUIRE) != newest) {
        }
        CHECK(ps_ring_await(ring->host, oldest, ANSWER_NS) == 0 && ps_ring_await(ring->host, oldest - 1, 0) == 0);
        const ps_ring_order *answer = ps_ring_answer(ring->host, oldest);
        CHECK(answer != NULL && answer->result == 0 && answer->count == 1 + oldest % 50);
    }
    CHECK(ps_agent_stop(agent) == 0);
}

static void a_slot_is_free_when_its_order_was_waited_for(void)
{
    begin_without_agent();
    for (uint32_t i = 0; i < PS_RING_ORDERS; i++) {
        write_order(ring, PS_ORDER_BREAK, 0, PAGES, 0);
        CHECK(ps_ring_post(ring->host) == i + 1);
        CHECK(ps_ring_answer(ring->host, i + 1) == NULL);
    }
    CHECK(ps_ring_next(ring->host) == NULL && ps_ring_post(ring->host) == PS_RING_ORDERS);
    CHECK(ps_ring_await(ring->host, 1, 0) == -ETIMEDOUT && ps_ring_await(ring->host, 9, 0) == -EINVAL);
    agent = agent_start(guest, ring);
    CHECK(ps_ring_await(ring->host, PS_RING_ORDERS, ANSWER_NS) == 0);
    CHECK(ps_ring_next(ring->host) != NULL && ps_ring_answer(ring->host, 1) != NULL);
    CHECK(give_for_result(ring, PS_ORDER_BREAK, 0, PAGES, 0) == 0);
    CHECK(ps_ring_answer(ring->host, 1) == NULL && ps_ring_answer(ring->host, 2) != NULL);
    CHECK(ps_ring_answer(ring->host, 10) == NULL && ps_agent_stop(agent) == 0);
}

/* --- stopping --- */

static void an_idle_agent_stops_and_another_goes_on(void)
{
    begin();
    CHECK(ring->header->agent_state == PS_AGENT_RUNS);
    for (uint32_t round = 0; round < 50; round++) {
        CHECK(ps_agent_stop(agent) == 0 && ring->header->agent_state == PS_AGENT_STOPPED);
        write_order(ring, PS_ORDER_BREAK, 0, PAGES, 0);
        uint32_t sequence = ps_ring_post(ring->host);
        CHECK(ps_ring_await(ring->host, sequence, ANSWER_NS) == -EPIPE);
        agent = agent_start(guest, ring);
        CHECK(ps_ring_await(ring->host, sequence, ANSWER_NS) == 0);
    }
    CHECK(ps_agent_stop(agent) == 0);
}

struct stopping {
    pthread_t thread;
    int32_t result;
    _Atomic int done;
};

static void *run_stop(void *argument)
{
    struct stopping *stopping = argument;
    stopping->result = ps_agent_stop(agent);
    stopping->done = 1;
    return NULL;
}

static void a_working_agent_finishes_its_order_before_it_stops(void)
{
    struct stopping stopping = {.result = 1};
    begin();
    fill_alike(guest, store, 0, 8, 0, 1);
    gate(PS_POINT_COMPARED, PS_GATE_STOP);
    write_order(ring, PS_ORDER_MERGE, 0, 8, 0);
    uint32_t first = ps_ring_post(ring->host);
    write_order(ring, PS_ORDER_BREAK, 0, 8, 0);
    uint32_t second = ps_ring_post(ring->host);
    arrive(PS_POINT_COMPARED, 1);
    CHECK(ps_ring_await(ring->host, first, SHORT_NS) == -ETIMEDOUT);
    CHECK(pthread_create(&stopping.thread, NULL, run_stop, &stopping) == 0);
    CHECK(ps_ring_await(ring->host, first, SHORT_NS) == -ETIMEDOUT && !stopping.done);
    gate(PS_POINT_COMPARED, PS_GATE_OFF);
    CHECK(pthread_join(stopping.thread, NULL) == 0 && stopping.result == 0);
    CHECK(ps_ring_await(ring->host, first, ANSWER_NS) == 0 && ps_ring_answer(ring->host, first)->results[7] == 1);
    /* A stop that comes late lets the second order through as well. */
    CHECK(ps_ring_await(ring->host, second, ANSWER_NS) == -EPIPE && state_of(guest, 7) == PS_SHARED);
    agent = agent_start(guest, ring);
    CHECK(ps_ring_await(ring->host, second, ANSWER_NS) == 0 && ps_ring_answer(ring->host, second)->result == 8);
    CHECK(ps_agent_stop(agent) == 0);
}

/* --- words that cannot be true --- */

static void check_broken_for_the_host(uint32_t forged)
{
    begin_without_agent();
    for (uint32_t i = 0; i < 3; i++) {
        write_order(ring, PS_ORDER_BREAK, 0, PAGES, 0);
        ps_ring_post(ring->host);
    }
    ring->header->answered = 2;
    CHECK(ps_ring_await(ring->host, 1, 0) == 0 && ps_ring_await(ring->host, 3, 0) == -ETIMEDOUT);
    ring->header->answered = forged;
    CHECK(ps_ring_await(ring->host, 3, ANSWER_NS) == -EPROTO);
    ring->header->answered = 3;
    CHECK(ps_ring_await(ring->host, 3, ANSWER_NS) == -EPROTO); /* no second chance */
    CHECK(ps_ring_next(ring->host) != NULL);
}

static void a_host_believes_no_impossible_count(void)
{
    static const uint32_t forged[] = {4, 1, 0, 100, UINT32_MAX, 0x80000002};
    for (unsigned i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        check_broken_for_the_host(forged[i]);
    }
}

static void a_host_needs_nothing_of_the_ring_but_counts_and_answers(void)
{
    begin_without_agent();
    memset(ring->header, 0xFF, PS_RING_HEADER_BYTES);
    ring->header->answered = 0;
    ring->header->agent_state = PS_AGENT_RUNS;
    ps_ring_order *slot = ps_ring_next(ring->host);
    CHECK((uint8_t *)slot == (uint8_t *)ring->header + PS_RING_HEADER_BYTES);
    CHECK(ps_ring_post(ring->host) == 1 && ring->header->posted == 1);
    CHECK(ps_ring_await(ring->host, 1, SHORT_NS) == -ETIMEDOUT);
    CHECK(ps_ring_next(ring->host) == slot + 1);
}

static void an_agent_believes_no_impossible_count(void)
{
    static const uint32_t forged[] = {9, UINT32_MAX, 0x80000000};
    for (unsigned i = 0; i < sizeof forged / sizeof forged[0]; i++) {
        begin();
        fill_page(page_at(guest, 0), 5);
        write_order(ring, PS_ORDER_BREAK, 0, PAGES, 0);
        ring->host->posted = 1;
        atomic_store(ps_ring_word(&ring->header->posted), forged[i]);
        ps_os_wake(ps_ring_word(&ring->header->posted));
        CHECK(ps_ring_await(ring->host, 1, ANSWER_NS) == -EPIPE);
        CHECK(ring->header->agent_error == -EPROTO && ring->header->answered == 0);
        CHECK(ps_agent_stop(agent) == -EPROTO);
        store_byte(page_at(guest, 0), 7);
        CHECK(page_is_except(page_at(guest, 0), 5, 0, 7));
    }
}

static void a_host_that_forges_the_answers_harms_itself_alone(void)
{
    begin();
    ring->header->answered = 0x12345678; /* the agent has a count of its own */
    ring->host->posted = 0;
    write_order(ring, PS_ORDER_BREAK, 0, PAGES, 0);
    ps_ring_post(ring->host);
    while (__atomic_load_n(&ring->header->answered, __ATOMIC_ACQUIRE) != 1) {
    }
    CHECK(give_for_result(ring, PS_ORDER_BREAK, 0, PAGES, 0) == 0 && ps_agent_stop(agent) == 0);
}

const struct ps_test ps_tests_ring[] = {
    ONE_TEST(a_ring_has_room_for_a_bit_of_each_page),
    ONE_TEST(a_ring_of_another_size_is_refused),
    ONE_TEST(an_agent_starts_on_no_ring_that_it_does_not_know),
    ONE_TEST(orders_go_round_the_slots),
    ONE_TEST(counts_wrap),
    ONE_TEST(answers_stay_until_they_were_waited_for),
    ONE_TEST(a_slot_is_free_when_its_order_was_waited_for),
    ONE_TEST(an_idle_agent_stops_and_another_goes_on),
    ONE_TEST(a_working_agent_finishes_its_order_before_it_stops),
    ONE_TEST(a_host_believes_no_impossible_count),
    ONE_TEST(a_host_needs_nothing_of_the_ring_but_counts_and_answers),
    ONE_TEST(an_agent_believes_no_impossible_count),
    ONE_TEST(a_host_that_forges_the_answers_harms_itself_alone),
    {0, 0},
};
