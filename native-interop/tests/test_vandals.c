/*
 * One side writes anything anywhere into the ring, all the time, while the other side works with it. Whatever comes of
 * it, it is an error code: nobody crashes, nobody waits for ever, and the guest's bytes are right.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agents.h"
#include "os.h"
#include "ps_random.h"
#include "ring.h"

#define PAGES 64u
#define HOST_ORDERS 20000u
#define AGENT_ORDERS 20000u

static struct store *store;
static struct guest *guest;
static struct ring *ring;
static uint64_t seed;

static void begin(void)
{
    const char *given = getenv("PS_SEED");
    seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    fprintf(stderr, "  PS_SEED=%llu\n", (unsigned long long)seed);
    store = store_open(PAGES);
    guest = guest_open(store, PAGES, SIGNAL_MODE);
    ring = ring_open(PAGES);
    for (uint32_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), 1 + page);
        store_write(store, page, 1 + page);
    }
}

static void check_contents(void)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is(page_at(guest, page), 1 + page));
    }
    check_all_settled(guest);
}

/* --- a guest that is one --- */

struct vandal {
    pthread_t thread;
    uint64_t from; /* bytes of the ring that it writes */
    uint64_t to;
    _Atomic int stopping;
};

/* Small numbers and their negatives more often than others: they are nearly right. */
static void *write_anything(void *argument)
{
    struct vandal *vandal = argument;
    struct random numbers = {seed + 1};
    while (!vandal->stopping) {
        uint64_t random = next(&numbers);
        uint64_t at = vandal->from + random % (vandal->to - vandal->from) / 4 * 4;
        uint32_t value = (uint32_t)(next(&numbers) >> (random >> 58));
        value = random >> 57 & 1 ? value : (uint32_t)(value % 16 - 4);
        __atomic_store_n((uint32_t *)((uint8_t *)ring->header + at), value, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void begin_vandal(struct vandal *vandal, uint64_t from, uint64_t to)
{
    vandal->from = from;
    vandal->to = to;
    vandal->stopping = 0;
    CHECK(pthread_create(&vandal->thread, NULL, write_anything, vandal) == 0);
}

static void end_vandal(struct vandal *vandal)
{
    vandal->stopping = 1;
    CHECK(pthread_join(vandal->thread, NULL) == 0);
}

/* The host opens its end anew, as for another guest, whenever the ring has lied. */
static void a_host_survives_a_guest_that_writes_anything(void)
{
    struct vandal vandal;
    uint64_t broken = 0, answered = 0;
    int32_t error = 0;
    begin();
    begin_vandal(&vandal, 0, PS_RING_HEADER_BYTES);
    for (uint32_t i = 0; i < HOST_ORDERS; i++) {
        ps_ring_order *slot = ps_ring_next(ring->host);
        CHECK(slot != NULL && (uint64_t)((uint8_t *)slot - (uint8_t *)ring->header) < ring->bytes - PS_PAGE_SIZE);
        memset(slot, 0xFF, sizeof *slot);
        uint32_t sequence = ps_ring_post(ring->host);
        CHECK(ring->host->posted == sequence);
        int32_t result = ps_ring_await(ring->host, sequence, 20000);
        CHECK(result == 0 || result == -EPROTO || result == -ETIMEDOUT || result == -EPIPE);
        CHECK((ps_ring_answer(ring->host, sequence) != NULL) == (result == 0));
        answered += result == 0;
        broken += result == -EPROTO;
        if (result != 0) {
            ps_ring_host_close(ring->host);
            ring->host = ps_ring_host_open(ring->header, ring->bytes, PAGES, &error);
            CHECK(ring->host != NULL);
            atomic_store(ps_ring_word(&ring->header->answered), 0);
        }
    }
    end_vandal(&vandal);
    CHECK(broken > 0);
    fprintf(stderr, "  %llu believed, %llu found out\n", (unsigned long long)answered, (unsigned long long)broken);
}

/* --- a host that is one --- */

/* The counts are true, so the agent has work; slots and bitmaps change under its hands. */
static void an_agent_survives_a_host_that_writes_over_its_orders(void)
{
    struct vandal vandal;
    begin();
    ps_agent *agent = agent_start(guest, ring);
    struct random numbers = {seed};
    begin_vandal(&vandal, PS_RING_HEADER_BYTES, ring->bytes);
    for (uint32_t i = 0; i < AGENT_ORDERS; i += PS_RING_ORDERS) {
        uint32_t last = 0;
        for (uint32_t k = 0; k < PS_RING_ORDERS; k++) {
            uint64_t random = next(&numbers);
            uint32_t page = random >> 8 & (PAGES - 1);
            write_order(ring, 1 + random % 6, random & 64 ? 0 : page, 1 + (random >> 16) % (PAGES - page), page);
            last = ps_ring_post(ring->host);
        }
        CHECK(ps_ring_await(ring->host, last, ANSWER_NS) == 0);
        if (i % 256 == 0) {
            for (uint64_t page = 0; page < PAGES; page++) {
                CHECK(page_is(page_at(guest, page), 1 + page));
                store_byte(page_at(guest, page), page_at(guest, page)[0]);
            }
        }
    }
    end_vandal(&vandal);
    check_contents();
    CHECK(ring->header->orders_refused > 0 && ps_agent_stop(agent) == 0);
}

/* The header as well: the agent ends, or goes on, and another one starts, or is refused. */
static void agents_survive_a_host_that_writes_anything(void)
{
    struct vandal vandal;
    uint32_t started = 0, ended_by_themselves = 0;
    begin();
    ps_ring_header good = *ring->header;
    for (uint32_t i = 0; i < 300; i++) {
        int32_t error = 0;
        *ring->header = good;
        begin_vandal(&vandal, i % 2 ? 64 : 0, ring->bytes);
        ps_agent *agent = ps_agent_start(guest->region, ring->header, ring->bytes, &error);
        CHECK(agent != NULL || error == -EINVAL || error == -EPROTO || error == -EBUSY);
        for (uint32_t k = 0; k < 200; k++) {
            ps_os_wake(ps_ring_word(&ring->header->posted));
        }
        if (agent != NULL) {
            started++;
            int32_t result = ps_agent_stop(agent);
            CHECK(result == 0 || result == -EPROTO);
            ended_by_themselves += result == -EPROTO;
        }
        end_vandal(&vandal);
    }
    check_contents();
    fprintf(stderr, "  %u agents, %u ended by themselves\n", started, ended_by_themselves);
    CHECK(started > 0);
}

const struct ps_test ps_tests_vandals[] = {
    ONE_TEST(a_host_survives_a_guest_that_writes_anything),
    ONE_TEST(an_agent_survives_a_host_that_writes_over_its_orders),
    ONE_TEST(agents_survive_a_host_that_writes_anything),
    {0, 0},
};
