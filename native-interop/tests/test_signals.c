/*
 * A signal handler of the program's own stores to guest memory, in the worst of moments: while its thread is in our
 * fault handler, or is itself the owner of the page.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "fixture.h"

#define PAGES 8u
#define VICTIM 5u

static struct guest *guest;
static _Atomic int signals;

static void store_from_signal(int signal)
{
    (void)signal;
    store_byte(page_at(guest, VICTIM) + 100, 77);
    signals++;
}

static void begin(uint32_t mode)
{
    struct sigaction action = {.sa_handler = store_from_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    ps_test_limit(10);
    guest = guest_open(store_open(PAGES), PAGES, mode);
    share(guest, 0, PAGES, 0, 1);
}

static void check_bytes(void)
{
    CHECK(signals == 1);
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page == VICTIM ? page_is_except(page_at(guest, page), page + 1, 100, 77)
                             : page == 0 || page_is(page_at(guest, page), page + 1));
    }
    check_all_settled(guest);
}

static void stores_from_a_signal_during_a_fault_land(ps_point point, uint64_t page)
{
    struct storing storing;
    begin(SIGNAL_MODE);
    gate(point, PS_GATE_STOP);
    begin_store(&storing, page_at(guest, page), 66);
    arrive(point, 1);
    CHECK(pthread_kill(storing.thread, SIGUSR1) == 0);
    gate(point, PS_GATE_OFF);
    end_store(&storing);
    store_byte(page_at(guest, page), (uint8_t)(page == VICTIM ? guest->store->view[VICTIM * PS_PAGE_SIZE] : 0));
    check_bytes();
}

static void a_signal_at_the_begin_of_a_fault_may_store(void)
{
    stores_from_a_signal_during_a_fault_land(PS_POINT_FAULT_ENTERED, 0);
}

static void a_signal_during_a_break_may_store_to_the_page_that_is_broken(void)
{
    stores_from_a_signal_during_a_fault_land(PS_POINT_BREAK_CLAIMED, VICTIM);
}

static void a_signal_may_store_to_what_its_thread_owns(uint32_t mode, call_kind kind, ps_point point)
{
    struct calling calling;
    begin(mode);
    if (kind == CALL_MERGE) {
        CHECK(ps_break(guest->region, 0, PAGES) == PAGES);
    } else if (kind == CALL_SETTLE) {
        store_byte(page_at(guest, VICTIM) + 100, 76);
    }
    gate(point, PS_GATE_STOP);
    begin_call(&calling, guest, kind, 0, PAGES, 0);
    arrive(point, 1);
    CHECK(pthread_kill(calling.thread, SIGUSR1) == 0);
    gate(point, PS_GATE_OFF);
    end_call(&calling);
    CHECK(calling.result >= 0);
    check_bytes();
}

static void a_signal_during_a_merge_may_store_to_a_sealed_page(uint32_t mode)
{
    a_signal_may_store_to_what_its_thread_owns(mode, CALL_MERGE, PS_POINT_SEALED);
}
IN_BOTH_MODES(a_signal_during_a_merge_may_store_to_a_sealed_page)

static void a_signal_during_a_break_call_may_store(uint32_t mode)
{
    a_signal_may_store_to_what_its_thread_owns(mode, CALL_BREAK, PS_POINT_BREAK_COPIED);
}
IN_BOTH_MODES(a_signal_during_a_break_call_may_store)

static void a_signal_during_a_pin_call_may_store(uint32_t mode)
{
    a_signal_may_store_to_what_its_thread_owns(mode, CALL_PIN, PS_POINT_BREAK_COPIED);
}
IN_BOTH_MODES(a_signal_during_a_pin_call_may_store)

static void a_signal_during_settling_may_store(void)
{
    a_signal_may_store_to_what_its_thread_owns(KERNEL_MODE, CALL_SETTLE, PS_POINT_SETTLE_SEALED);
}

const struct ps_test ps_tests_signals[] = {
    ONE_TEST(a_signal_at_the_begin_of_a_fault_may_store),
    ONE_TEST(a_signal_during_a_break_may_store_to_the_page_that_is_broken),
    BOTH_MODES(a_signal_during_a_merge_may_store_to_a_sealed_page),
    BOTH_MODES(a_signal_during_a_break_call_may_store),
    BOTH_MODES(a_signal_during_a_pin_call_may_store),
    ONE_TEST(a_signal_during_settling_may_store),
    {0, 0},
};
