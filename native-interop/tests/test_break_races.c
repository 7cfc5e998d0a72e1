/*
 * Stores, breaks, settling and freeing meet a break that is parked at each of its points. Every store must land, the
 * frame must stay as it is while any word names it, and nobody waits for ever.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

#define PAGES 8u
#define VICTIM 3u

static struct store *store;
static struct guest *guest;

static void begin(uint32_t mode)
{
    store = store_open(PAGES);
    guest = guest_open(store, PAGES, mode);
    share(guest, 0, PAGES, 0, 1);
    gate(PS_POINT_WAITING, PS_GATE_WATCH);
}

/* All bytes, given that the first bytes of the victim are `one` and its last is `two`; 0: as it was. */
static void check_bytes(uint8_t one, uint8_t two)
{
    uint8_t expected[PS_PAGE_SIZE];
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(expected, page + 1);
        if (page == VICTIM) {
            expected[0] = one != 0 ? one : expected[0];
            expected[PS_PAGE_SIZE - 1] = two != 0 ? two : expected[PS_PAGE_SIZE - 1];
        }
        CHECK(memcmp(page_at(guest, page), expected, PS_PAGE_SIZE) == 0);
        CHECK(page_is(store->view + page * PS_PAGE_SIZE, page + 1));
    }
    check_all_settled(guest);
    CHECK(mappings_without_dontfork(guest->base, PAGES) == 0);
}

static void a_second_store_waits_at(ps_point point)
{
    struct storing one, two;
    begin(SIGNAL_MODE);
    gate(point, PS_GATE_STOP);
    begin_store(&one, page_at(guest, VICTIM), 66);
    arrive(point, 1);
    CHECK(state_of(guest, VICTIM) == PS_BREAKING && frame_in_word(guest, VICTIM) == VICTIM); /* no early reuse */
    begin_store(&two, page_at(guest, VICTIM) + 4095, 67);
    arrive(PS_POINT_WAITING, 1);
    CHECK(!one.done && !two.done && page_is(page_at(guest, VICTIM), VICTIM + 1)); /* readers see no hole */
    gate(point, PS_GATE_OFF);
    end_store(&one);
    end_store(&two);
    CHECK(guest->counters->cow_faults == 1 && guest->counters->pages_broken == 1);
    check_bytes(66, 67);
}

static void a_second_store_waits_for_a_claimed_break(void)
{
    a_second_store_waits_at(PS_POINT_BREAK_CLAIMED);
}

static void a_second_store_waits_for_a_break_that_has_copied(void)
{
    a_second_store_waits_at(PS_POINT_BREAK_COPIED);
}

static void a_second_store_passes_a_break_that_has_mapped(void)
{
    struct storing one, two;
    begin(SIGNAL_MODE);
    gate(PS_POINT_BREAK_MAPPED, PS_GATE_STOP);
    begin_store(&one, page_at(guest, VICTIM), 66);
    arrive(PS_POINT_BREAK_MAPPED, 1);
    CHECK(state_of(guest, VICTIM) == PS_BREAKING && frame_in_word(guest, VICTIM) == VICTIM);
    begin_store(&two, page_at(guest, VICTIM) + 4095, 67);
    end_store(&two);
    gate(PS_POINT_BREAK_MAPPED, PS_GATE_OFF);
    end_store(&one);
    CHECK(guest->counters->cow_faults == 1);
    check_bytes(66, 67);
}

/* Kernel mode: until the pages are sealed, the kernel lets stores into them, and the copy must have them. */
static void a_store_meets_a_break_in_kernel_mode_at(ps_point point, int waits)
{
    struct calling breaking;
    struct storing storing;
    begin(KERNEL_MODE);
    store_byte(page_at(guest, VICTIM) + 4095, 67);
    gate(point, PS_GATE_STOP);
    begin_call(&breaking, guest, CALL_BREAK, 1, 5, 0);
    arrive(point, 1);
    begin_store(&storing, page_at(guest, VICTIM), 66);
    if (waits) {
        arrive(PS_POINT_WAITING, 1);
        CHECK(!storing.done);
    } else {
        end_store(&storing);
    }
    gate(point, PS_GATE_OFF);
    end_call(&breaking);
    if (waits) {
        end_store(&storing);
    }
    CHECK(breaking.result == 5 && state_of(guest, VICTIM) == PS_PRIVATE && pages_held(guest->backing) == 5);
    check_bytes(66, 67);
}

static void a_store_before_a_kernel_mode_break_is_sealed_is_copied(void)
{
    a_store_meets_a_break_in_kernel_mode_at(PS_POINT_BREAK_CLAIMED, 0);
}

static void a_store_after_a_kernel_mode_break_has_copied_waits(void)
{
    a_store_meets_a_break_in_kernel_mode_at(PS_POINT_BREAK_COPIED, 1);
}

static void a_store_after_a_kernel_mode_break_has_mapped_passes(void)
{
    a_store_meets_a_break_in_kernel_mode_at(PS_POINT_BREAK_MAPPED, 0);
}

static void breaks_of_one_page_by_call_and_by_store_count_once(void)
{
    struct calling breaking;
    struct storing storing;
    begin(SIGNAL_MODE);
    store_byte(page_at(guest, VICTIM), 66);
    gate(PS_POINT_BREAK_CLAIMED, PS_GATE_STOP);
    begin_call(&breaking, guest, CALL_BREAK, 0, PAGES, 0);
    arrive(PS_POINT_BREAK_CLAIMED, 1);
    begin_store(&storing, page_at(guest, VICTIM - 1), 7); /* claimed by the call */
    arrive(PS_POINT_WAITING, 1);
    gate(PS_POINT_BREAK_CLAIMED, PS_GATE_OFF);
    end_call(&breaking);
    end_store(&storing);
    CHECK(breaking.result == PAGES - 1 && guest->counters->pages_broken == PAGES && guest->counters->cow_faults == 1);
    CHECK(page_is_except(page_at(guest, VICTIM - 1), VICTIM, 0, 7) && mappings_in(guest->base, PAGES) == 1);
}

static void guests_that_break_one_frame_at_a_time_each_get_a_copy(void)
{
    struct storing one, two;
    begin(SIGNAL_MODE);
    struct guest *second = guest_open(store, PAGES, SIGNAL_MODE);
    struct guest *third = guest_open(store, PAGES, SIGNAL_MODE);
    share(second, 0, PAGES, 0, 1);
    share(third, 0, PAGES, 0, 1);
    gate(PS_POINT_BREAK_COPIED, PS_GATE_STOP);
    begin_store(&one, page_at(guest, VICTIM), 66);
    begin_store(&two, page_at(second, VICTIM), 67);
    arrive(PS_POINT_BREAK_COPIED, 2);
    gate(PS_POINT_BREAK_COPIED, PS_GATE_OFF);
    end_store(&one);
    end_store(&two);
    check_bytes(66, 0);
    CHECK(page_is_except(page_at(second, VICTIM), VICTIM + 1, 0, 67) && page_is(page_at(third, VICTIM), VICTIM + 1));
    CHECK(frame_number(page_at(third, VICTIM)) == frame_number(store->view + VICTIM * PS_PAGE_SIZE));
}

/* --- settling --- */

static void a_store_meets_settling(int equal_again)
{
    struct calling settling;
    struct storing storing;
    begin(KERNEL_MODE);
    uint8_t last = page_at(guest, VICTIM)[4095];
    store_byte(page_at(guest, VICTIM) + 4095, 67);
    if (equal_again) {
        store_byte(page_at(guest, VICTIM) + 4095, last);
    }
    gate(PS_POINT_SETTLE_SEALED, PS_GATE_STOP);
    begin_call(&settling, guest, CALL_SETTLE, 0, PAGES, 0);
    arrive(PS_POINT_SETTLE_SEALED, 1);
    begin_store(&storing, page_at(guest, VICTIM), 66);
    arrive(PS_POINT_WAITING, 1);
    gate(PS_POINT_SETTLE_SEALED, PS_GATE_OFF);
    end_call(&settling);
    end_store(&storing);
    CHECK(settling.result == !equal_again && settling.dropped == (uint64_t)equal_again);
    check_bytes(66, equal_again ? 0 : 67);
}

static void a_store_while_a_copy_moves_home_lands_there(void)
{
    a_store_meets_settling(0);
    CHECK(state_of(guest, VICTIM) == PS_PRIVATE && pages_held(guest->backing) == 1);
}

static void a_store_while_an_equal_copy_is_dropped_breaks_again(void)
{
    a_store_meets_settling(1);
    uint64_t broken[1];
    CHECK(ps_find_anonymous(guest->region, 0, PAGES, broken) == (state_of(guest, VICTIM) == PS_KERNEL_SHARED));
}

static void a_pin_waits_for_settling(void)
{
    struct calling settling, pin;
    begin(KERNEL_MODE);
    store_byte(page_at(guest, VICTIM) + 4095, 67);
    gate(PS_POINT_SETTLE_SEALED, PS_GATE_STOP);
    begin_call(&settling, guest, CALL_SETTLE, 0, PAGES, 0);
    arrive(PS_POINT_SETTLE_SEALED, 1);
    begin_call(&pin, guest, CALL_PIN, VICTIM, 1, 0);
    arrive(PS_POINT_WAITING, 1);
    gate(PS_POINT_SETTLE_SEALED, PS_GATE_OFF);
    end_call(&settling);
    end_call(&pin);
    CHECK(pin.result == 0 && pins_of(guest, VICTIM) == 1 && settling.result == 1);
    check_bytes(0, 67);
}

/* --- freeing --- */

static sigjmp_buf out_of_store;
static _Atomic int foreign_faults;

static void leave_store(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    foreign_faults++;
    siglongjmp(out_of_store, 1);
}

static void *store_that_may_fail(void *address)
{
    if (sigsetjmp(out_of_store, 1) == 0) {
        store_byte(address, 99);
    }
    return NULL;
}

/* One handler is inside a break, one waits for it. The free lets the one that waits out, and waits for the other. */
static void a_region_freed_during_a_wait_waits_for_the_break_inside(void)
{
    pthread_t waiter;
    struct storing storing;
    struct calling freeing;
    struct sigaction action = {.sa_sigaction = leave_store, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    begin(SIGNAL_MODE);
    gate(PS_POINT_BREAK_CLAIMED, PS_GATE_STOP);
    gate(PS_POINT_FAULT_ENTERED, PS_GATE_WATCH);
    begin_store(&storing, page_at(guest, VICTIM), 66);
    arrive(PS_POINT_BREAK_CLAIMED, 1);
    CHECK(pthread_create(&waiter, NULL, store_that_may_fail, page_at(guest, VICTIM) + 1) == 0);
    arrive(PS_POINT_WAITING, 1);
    begin_call(&freeing, guest, CALL_FREE, 0, 0, 0);
    CHECK(pthread_join(waiter, NULL) == 0);
    CHECK(foreign_faults == 1 && !freeing.done && !storing.done); /* an access violation, and one is still inside */
    gate(PS_POINT_BREAK_CLAIMED, PS_GATE_OFF);
    end_store(&storing);
    end_call(&freeing);
    check_bytes(66, 0);
}

const struct ps_test ps_tests_break_races[] = {
    ONE_TEST(a_second_store_waits_for_a_claimed_break),
    ONE_TEST(a_second_store_waits_for_a_break_that_has_copied),
    ONE_TEST(a_second_store_passes_a_break_that_has_mapped),
    ONE_TEST(a_store_before_a_kernel_mode_break_is_sealed_is_copied),
    ONE_TEST(a_store_after_a_kernel_mode_break_has_copied_waits),
    ONE_TEST(a_store_after_a_kernel_mode_break_has_mapped_passes),
    ONE_TEST(breaks_of_one_page_by_call_and_by_store_count_once),
    ONE_TEST(guests_that_break_one_frame_at_a_time_each_get_a_copy),
    ONE_TEST(a_store_while_a_copy_moves_home_lands_there),
    ONE_TEST(a_store_while_an_equal_copy_is_dropped_breaks_again),
    ONE_TEST(a_pin_waits_for_settling),
    ONE_TEST(a_region_freed_during_a_wait_waits_for_the_break_inside),
    {0, 0},
};
