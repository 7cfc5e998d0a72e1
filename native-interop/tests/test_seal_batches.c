/*
 * How many pages one seal stops: all neighbours up to a batch, fewer after a store had to wait, more again when none
 * has. Where batches are cut no page is treated otherwise, and mappings join.
 */
#define _GNU_SOURCE
#include "fixture.h"

#define PAGES 512u

static struct store *store;
static struct guest *guest;

static void begin(uint32_t mode)
{
    store = store_open(PAGES);
    guest = guest_open(store, PAGES, mode);
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), page + 1);
        store_write(store, page, page + 1);
    }
}

/* Merges all, and tells whether it took so many seals. */
static int merges_in(uint32_t seals)
{
    gate(PS_POINT_SEALED, PS_GATE_WATCH);
    merge_all_or_fail(guest, 0, PAGES, 0);
    CHECK(mappings_in(guest->base, PAGES) == 1);
    int is_so_many = ps_gate_await(PS_POINT_SEALED, seals, 0) == 0 && ps_gate_await(PS_POINT_SEALED, seals + 1, 0) != 0;
    CHECK(ps_break(guest->region, 0, PAGES) == PAGES);
    return is_so_many;
}

static void an_order_is_sealed_in_batches(uint32_t mode)
{
    begin(mode);
    CHECK(merges_in(4) && merges_in(4)); /* 160 each, and the rest */
}
IN_BOTH_MODES(an_order_is_sealed_in_batches)

/* A store waits for the first batch of 160: the next is of 80, and the others grow by 8. */
static void a_store_that_waits_halves_the_next_batch(uint32_t mode)
{
    struct calling merge;
    struct storing storing;
    begin(mode);
    uint8_t byte = page_at(guest, 7)[0];
    gate(PS_POINT_WAITING, PS_GATE_WATCH);
    gate(PS_POINT_COMPARED, PS_GATE_WATCH);
    CHECK(ps_gate_set(PS_POINT_SEALED, PS_GATE_STOP, 0) == 0);
    begin_call(&merge, guest, CALL_MERGE, 0, PAGES, 0);
    arrive(PS_POINT_SEALED, 1);
    begin_store(&storing, page_at(guest, 7), byte);
    arrive(PS_POINT_WAITING, 1);
    CHECK(state_of(guest, 159) == PS_SEALED && state_of(guest, 160) == PS_PRIVATE);
    gate(PS_POINT_SEALED, PS_GATE_OFF);
    end_call(&merge);
    end_store(&storing);
    CHECK(ps_gate_await(PS_POINT_COMPARED, 5, 0) == 0 && ps_gate_await(PS_POINT_COMPARED, 6, 0) != 0);
    gate(PS_POINT_COMPARED, PS_GATE_OFF);
    CHECK(ps_break(guest->region, 0, PAGES) > 0);
    CHECK(merges_in(5)); /* 112, 120, 128, 136 and the rest */
    CHECK(merges_in(4)); /* 152, 160, 160 and the rest */
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is(page_at(guest, page), page + 1));
    }
}
IN_BOTH_MODES(a_store_that_waits_halves_the_next_batch)

/* However many wait, a batch does not become so small that sealing is all there is. */
static void a_batch_has_a_least_size(void)
{
    begin(SIGNAL_MODE);
    for (int round = 0; round < 6; round++) {
        struct calling merge;
        struct storing storing;
        uint8_t byte = page_at(guest, 3)[0];
        gate(PS_POINT_WAITING, PS_GATE_WATCH);
        CHECK(ps_gate_set(PS_POINT_SEALED, PS_GATE_STOP, 0) == 0);
        begin_call(&merge, guest, CALL_MERGE, 0, 8, 0);
        arrive(PS_POINT_SEALED, 1);
        begin_store(&storing, page_at(guest, 3), byte);
        arrive(PS_POINT_WAITING, 1);
        gate(PS_POINT_SEALED, PS_GATE_OFF);
        end_call(&merge);
        end_store(&storing);
        CHECK(ps_break(guest->region, 0, PAGES) > 0);
    }
    CHECK(merges_in(9)); /* 32, 40, 48 up to 88, and the rest */
}

const struct ps_test ps_tests_seal_batches[] = {
    BOTH_MODES(an_order_is_sealed_in_batches),
    BOTH_MODES(a_store_that_waits_halves_the_next_batch),
    ONE_TEST(a_batch_has_a_least_size),
    {0, 0},
};
