/* Somebody stores, breaks, pins or moves while a move is parked at each of its points. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fixture.h"

#define PAGES 8u

static const ps_point points[] = {PS_POINT_MOVE_CLAIMED, PS_POINT_MOVE_SEALED, PS_POINT_MOVE_COMPARED,
                                  PS_POINT_MOVE_MAPPED};
#define POINTS (sizeof points / sizeof points[0])

static struct store *old;
static struct store *newer;
static struct guest *guest;
static struct calling moving;

/* Pages 0 to 7 share frames of an older store, and a move to equal frames of the new one stands at the point. */
static void park_move_at(uint32_t mode, ps_point point)
{
    old = store_open(PAGES);
    newer = store_open(PAGES);
    guest = guest_open(old, PAGES, mode);
    share(guest, 0, PAGES, 0, 1);
    for (uint32_t i = 0; i < PAGES; i++) {
        store_write(newer, i, 1 + i);
    }
    CHECK(ps_region_set_store(guest->region, newer->reader, newer->view) == 1);
    gate(point, PS_GATE_STOP);
    begin_call(&moving, guest, CALL_MOVE, 0, PAGES, 0);
    arrive(point, 1);
}

static void let_go(ps_point point)
{
    gate(point, PS_GATE_OFF);
    end_call(&moving);
    CHECK(moving.result == 0);
}

/* Every byte is readable and right while a move is under way, wherever it is. */
static void reads_pass_at_every_point(uint32_t mode)
{
    for (unsigned i = 0; i < POINTS; i++) {
        park_move_at(mode, points[i]);
        for (uint64_t page = 0; page < PAGES; page++) {
            CHECK(page_is(page_at(guest, page), 1 + page) && state_of(guest, page) == PS_BREAKING);
            CHECK(frame_in_word(guest, page) == page && generation_of(guest, page) == 0);
        }
        let_go(points[i]);
        check_all_settled(guest);
        guest_free(guest);
    }
}
IN_BOTH_MODES(reads_pass_at_every_point)

/* Kernel mode's view takes the store at once where it is not sealed, or not any more. */
static int store_waits_at(uint32_t mode, ps_point point)
{
    return mode == SIGNAL_MODE || point == PS_POINT_MOVE_SEALED || point == PS_POINT_MOVE_COMPARED;
}

static void check_after_store(uint32_t mode, ps_point point, uint64_t page)
{
    for (uint64_t i = 0; i < PAGES; i++) {
        CHECK(i == page ? page_is_except(page_at(guest, i), 1 + i, 0, 0xAB) : page_is(page_at(guest, i), 1 + i));
    }
    check_all_settled(guest);
    if (mode == SIGNAL_MODE) {
        CHECK(state_of(guest, page) == PS_PRIVATE && moving.results[page] == PS_MERGE_DONE);
    } else if (point == PS_POINT_MOVE_CLAIMED) { /* a copy of the old frame, which the move finds */
        CHECK(state_of(guest, page) == PS_PRIVATE && moving.results[page] == PS_MERGE_DIFFERS);
    } else { /* a copy of the new frame */
        CHECK(state_of(guest, page) == PS_KERNEL_SHARED && generation_of(guest, page) == 1);
    }
}

static void a_store_at_any_point_of_a_move_is_not_lost(uint32_t mode)
{
    for (unsigned i = 0; i < POINTS; i++) {
        struct storing storing;
        park_move_at(mode, points[i]);
        gate(PS_POINT_WAITING, PS_GATE_WATCH);
        begin_store(&storing, page_at(guest, 3), 0xAB);
        if (store_waits_at(mode, points[i])) {
            arrive(PS_POINT_WAITING, 1);
            CHECK(!storing.done);
        } else {
            CHECK(pthread_join(storing.thread, NULL) == 0 && storing.done);
        }
        let_go(points[i]);
        if (store_waits_at(mode, points[i])) {
            end_store(&storing);
        }
        check_after_store(mode, points[i], 3);
        guest_free(guest);
    }
}
IN_BOTH_MODES(a_store_at_any_point_of_a_move_is_not_lost)

/* Whoever breaks waits for the move, and breaks what it left. */
static void check_call_waits(uint32_t mode, ps_point point, call_kind kind)
{
    struct calling other;
    park_move_at(mode, point);
    gate(PS_POINT_WAITING, PS_GATE_WATCH);
    begin_call(&other, guest, kind, 0, PAGES, 0);
    arrive(PS_POINT_WAITING, 1);
    CHECK(!other.done);
    let_go(point);
    end_call(&other);
    CHECK(other.result == (kind == CALL_BREAK ? PAGES : 0));
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is(page_at(guest, page), 1 + page) && state_of(guest, page) == PS_PRIVATE);
        CHECK(moving.results[page] == PS_MERGE_DONE && pins_of(guest, page) == (kind == CALL_PIN));
    }
    CHECK(pages_held(guest->backing) == PAGES && mappings_in(guest->base, PAGES) == 1);
    guest_free(guest);
}

static void a_break_and_a_pin_wait_for_a_move(uint32_t mode)
{
    for (unsigned i = 0; i < POINTS; i++) {
        check_call_waits(mode, points[i], CALL_BREAK);
        check_call_waits(mode, points[i], CALL_PIN);
    }
}
IN_BOTH_MODES(a_break_and_a_pin_wait_for_a_move)

/* A second mover, a merger and a settler find the pages taken, and nobody waits for anybody. */
static void other_orders_leave_moving_pages_alone(uint32_t mode)
{
    for (unsigned i = 0; i < POINTS; i++) {
        static const call_kind kinds[] = {CALL_MOVE, CALL_MERGE, CALL_SETTLE};
        park_move_at(mode, points[i]);
        for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct calling other;
            begin_call(&other, guest, kinds[k], 0, PAGES, 0);
            end_call(&other);
            CHECK(other.result == 0 && other.dropped == 0);
            CHECK(kinds[k] == CALL_SETTLE || (other.results[0] == PS_MERGE_BUSY && other.results[7] == PS_MERGE_BUSY));
        }
        let_go(points[i]);
        CHECK(state_of(guest, 0) == shared_state(mode) && generation_of(guest, 7) == 1);
        guest_free(guest);
    }
}
IN_BOTH_MODES(other_orders_leave_moving_pages_alone)

/* The store must not change either, or the view that is compared and the file that is mapped were two. */
static void a_store_is_not_replaced_under_a_move(uint32_t mode)
{
    for (unsigned i = 0; i < POINTS; i++) {
        park_move_at(mode, points[i]);
        CHECK(ps_region_set_store(guest->region, old->reader, old->view) == -EBUSY);
        let_go(points[i]);
        CHECK(ps_region_set_store(guest->region, old->reader, old->view) == 2);
        guest_free(guest);
    }
}
IN_BOTH_MODES(a_store_is_not_replaced_under_a_move)

/* A breaker that is short of mappings widens to its whole run, but not into pages that a move has claimed. */
static void a_wide_break_leaves_moving_neighbours_alone(uint32_t mode)
{
    uint32_t targets[] = {4, 5, 6, 7};
    uint8_t results[4];
    for (unsigned i = 0; i < POINTS; i++) {
        park_move_at(mode, points[i]);
        let_go(points[i]);
        for (uint32_t k = 0; k < PAGES; k++) {
            store_write(old, k, 1 + k);
        }
        CHECK(ps_region_set_store(guest->region, old->reader, old->view) == 2);
        gate(points[i], PS_GATE_STOP);
        begin_call(&moving, guest, CALL_MOVE, 0, 4, 0);
        arrive(points[i], 1);
        CHECK(ps_inject_failure(PS_CALL_MAP_IDENTITY, 0, 1, ENOMEM) == 0);
        CHECK(ps_break(guest->region, 5, 1) == 3 && state_of(guest, 4) == PS_PRIVATE);
        CHECK(state_of(guest, 3) == PS_BREAKING);
        CHECK(ps_move(guest->region, 4, 4, targets, results) == 0 && results[0] == PS_MERGE_BUSY);
        let_go(points[i]);
        for (uint64_t page = 0; page < PAGES; page++) {
            CHECK(page_is(page_at(guest, page), 1 + page));
            CHECK(state_of(guest, page) == (page < 4 ? shared_state(mode) : PS_PRIVATE));
        }
        guest_free(guest);
    }
}
IN_BOTH_MODES(a_wide_break_leaves_moving_neighbours_alone)

const struct ps_test ps_tests_move_races[] = {
    BOTH_MODES(reads_pass_at_every_point),
    BOTH_MODES(a_store_at_any_point_of_a_move_is_not_lost),
    BOTH_MODES(a_break_and_a_pin_wait_for_a_move),
    BOTH_MODES(other_orders_leave_moving_pages_alone),
    BOTH_MODES(a_store_is_not_replaced_under_a_move),
    BOTH_MODES(a_wide_break_leaves_moving_neighbours_alone),
    {0, 0},
};
