/*
 * A store, a pin or a break meets a merge that is parked at each of its points. Whatever the point, the store must
 * land, no other byte may change, and neither may the frame.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

#define COUNT 6u
#define FIRST 2u  /* the run in the guest */
#define VICTIM 4u /* the page inside the run that is stored to */
#define PAGES 10u
#define AT 1234u

static struct store *store;
static struct guest *guest;

/* A guest whose pages FIRST .. FIRST + COUNT are equal to frames 0 .. COUNT, and a neighbour on either side that is
 * not. */
static void begin(uint32_t mode)
{
    store = store_open(COUNT);
    guest = guest_open(store, PAGES, mode);
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), page + 1);
    }
    for (uint64_t frame = 0; frame < COUNT; frame++) {
        store_write(store, frame, FIRST + frame + 1);
    }
    gate(PS_POINT_FAULT_ENTERED, PS_GATE_WATCH);
    gate(PS_POINT_WAITING, PS_GATE_WATCH);
}

static void park_merge(struct calling *merge, ps_point point)
{
    gate(point, PS_GATE_STOP);
    begin_call(merge, guest, CALL_MERGE, FIRST, COUNT, 0);
    arrive(point, 1);
}

/* All bytes of guest and frames, given that `value` was stored in the victim. */
static void check_bytes(uint8_t value)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page == VICTIM ? page_is_except(page_at(guest, page), page + 1, AT, value)
                             : page_is(page_at(guest, page), page + 1));
    }
    for (uint64_t frame = 0; frame < COUNT; frame++) {
        CHECK(page_is(store->view + frame * PS_PAGE_SIZE, FIRST + frame + 1));
    }
    check_all_settled(guest);
}

/* The backing holds what is private, and nothing that is shared. */
static void check_memory(void)
{
    uint64_t private_pages = 0;
    for (uint64_t page = 0; page < PAGES; page++) {
        private_pages += state_of(guest, page) == PS_PRIVATE;
    }
    CHECK(pages_held(guest->backing) == private_pages && pages_held(store->writer) == COUNT);
    CHECK(mappings_without_dontfork(guest->base, PAGES) == 0);
    CHECK(ps_break(guest->region, 0, PAGES) >= 0 && mappings_in(guest->base, PAGES) == 1);
}

static void a_store_before_the_seal_abandons_the_merge_of_its_page(uint32_t mode)
{
    struct calling merge;
    struct storing storing;
    begin(mode);
    park_merge(&merge, PS_POINT_CLAIMED);
    begin_store(&storing, page_at(guest, VICTIM) + AT, 66);
    end_store(&storing); /* still writable: it does not wait */
    gate(PS_POINT_CLAIMED, PS_GATE_OFF);
    end_call(&merge);
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK(merge.results[i] == (FIRST + i == VICTIM ? PS_MERGE_DIFFERS : PS_MERGE_DONE));
    }
    check_bytes(66);
    check_memory();
}
IN_BOTH_MODES(a_store_before_the_seal_abandons_the_merge_of_its_page)

static void a_store_waits_at(uint32_t mode, ps_point point)
{
    struct calling merge;
    struct storing storing;
    begin(mode);
    park_merge(&merge, point);
    begin_store(&storing, page_at(guest, VICTIM) + AT, 66);
    arrive(PS_POINT_FAULT_ENTERED, 1);
    arrive(PS_POINT_WAITING, 1);
    CHECK(!storing.done && page_at(guest, VICTIM)[AT] == store->view[(VICTIM - FIRST) * PS_PAGE_SIZE + AT]);
    gate(point, PS_GATE_OFF);
    end_call(&merge);
    end_store(&storing);
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK(merge.results[i] == PS_MERGE_DONE);
    }
    CHECK(state_of(guest, VICTIM) == (mode == KERNEL_MODE ? PS_KERNEL_SHARED : PS_PRIVATE));
    CHECK(guest->counters->seal_waits >= 1 && guest->counters->seal_wait_ns.maximum > 0);
    check_bytes(66);
    check_memory();
    check_bytes(66);
}

static void a_store_between_seal_and_compare_waits(uint32_t mode)
{
    a_store_waits_at(mode, PS_POINT_SEALED);
}
IN_BOTH_MODES(a_store_between_seal_and_compare_waits)

static void a_store_between_compare_and_remap_waits(uint32_t mode)
{
    a_store_waits_at(mode, PS_POINT_COMPARED);
}
IN_BOTH_MODES(a_store_between_compare_and_remap_waits)

/* The late punch: the own copy that the store makes must not be what the punch frees. */
static void a_store_before_the_punch_survives_it(uint32_t mode)
{
    if (mode == SIGNAL_MODE) {
        a_store_waits_at(mode, PS_POINT_REMAPPED);
        return;
    }
    struct calling merge;
    struct storing storing;
    begin(mode);
    park_merge(&merge, PS_POINT_REMAPPED);
    begin_store(&storing, page_at(guest, VICTIM) + AT, 66);
    end_store(&storing); /* the view is private and writable already: the kernel copies */
    gate(PS_POINT_REMAPPED, PS_GATE_OFF);
    end_call(&merge);
    CHECK(guest->counters->seal_waits == 0 && state_of(guest, VICTIM) == PS_KERNEL_SHARED);
    check_bytes(66);
    check_memory();
    check_bytes(66);
}
IN_BOTH_MODES(a_store_before_the_punch_survives_it)

static void a_store_between_punch_and_commit_waits(void)
{
    a_store_waits_at(SIGNAL_MODE, PS_POINT_PUNCHED);
}

static void two_stores_to_one_sealed_page_both_land(uint32_t mode)
{
    struct calling merge;
    struct storing one, two;
    begin(mode);
    park_merge(&merge, PS_POINT_SEALED);
    begin_store(&one, page_at(guest, VICTIM) + AT, 66);
    begin_store(&two, page_at(guest, VICTIM) + 4095, 67);
    arrive(PS_POINT_WAITING, 2);
    gate(PS_POINT_SEALED, PS_GATE_OFF);
    end_call(&merge);
    end_store(&one);
    end_store(&two);
    uint8_t byte = page_at(guest, VICTIM)[4095];
    CHECK(byte == 67 && guest->counters->cow_faults == (mode == KERNEL_MODE ? 0 : 1));
    store_byte(page_at(guest, VICTIM) + 4095, store->view[(VICTIM - FIRST) * PS_PAGE_SIZE + 4095]);
    check_bytes(66);
    check_memory();
}
IN_BOTH_MODES(two_stores_to_one_sealed_page_both_land)

/* Waiters look again by themselves now and then, which would hide a wake-up that never comes: but not a hundred
 * times. */
static void whoever_waits_is_woken(uint32_t mode)
{
    begin(mode);
    ps_test_limit(8);
    for (uint32_t round = 0; round < 100; round++) {
        struct calling merge;
        struct storing storing;
        gate(PS_POINT_WAITING, PS_GATE_WATCH);
        park_merge(&merge, PS_POINT_SEALED);
        begin_store(&storing, page_at(guest, VICTIM) + AT, 66);
        arrive(PS_POINT_WAITING, 1);
        gate(PS_POINT_SEALED, PS_GATE_OFF);
        end_call(&merge);
        end_store(&storing);
        CHECK(ps_break(guest->region, 0, PAGES) >= 0);
        store_byte(page_at(guest, VICTIM) + AT, store->view[(VICTIM - FIRST) * PS_PAGE_SIZE + AT]);
    }
}
IN_BOTH_MODES(whoever_waits_is_woken)

static void a_seal_that_finds_a_difference_lets_writers_go_on(uint32_t mode)
{
    struct calling merge;
    struct storing storing;
    begin(mode);
    store_write(store, VICTIM - FIRST, 99);
    park_merge(&merge, PS_POINT_SEALED);
    begin_store(&storing, page_at(guest, VICTIM) + AT, 66);
    arrive(PS_POINT_WAITING, 1);
    gate(PS_POINT_SEALED, PS_GATE_OFF);
    end_call(&merge);
    end_store(&storing);
    CHECK(merge.results[VICTIM - FIRST] == PS_MERGE_DIFFERS && state_of(guest, VICTIM) == PS_PRIVATE);
    CHECK(guest->counters->cow_faults == 0);
    store_write(store, VICTIM - FIRST, VICTIM + 1);
    check_bytes(66);
    check_memory();
}
IN_BOTH_MODES(a_seal_that_finds_a_difference_lets_writers_go_on)

static void a_store_to_a_zero_page_waits_for_its_punch(uint32_t mode)
{
    static const ps_point points[] = {PS_POINT_SEALED, PS_POINT_COMPARED, PS_POINT_REMAPPED, PS_POINT_PUNCHED};
    begin(mode);
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++) {
        struct calling merge;
        struct storing storing;
        fill_page(page_at(guest, VICTIM), 0);
        gate(PS_POINT_WAITING, PS_GATE_WATCH);
        gate(points[i], PS_GATE_STOP);
        begin_call(&merge, guest, CALL_MERGE, VICTIM, 1, PS_TARGET_ZERO);
        arrive(points[i], 1);
        begin_store(&storing, page_at(guest, VICTIM) + AT, 66);
        arrive(PS_POINT_WAITING, 1);
        gate(points[i], PS_GATE_OFF);
        end_call(&merge);
        end_store(&storing);
        CHECK(merge.results[0] == PS_MERGE_DONE && state_of(guest, VICTIM) == PS_ZERO);
        CHECK(page_is_except(page_at(guest, VICTIM), 0, AT, 66));
        CHECK(merge_one(guest, VICTIM, PS_TARGET_ZERO) == PS_MERGE_DIFFERS);
    }
}
IN_BOTH_MODES(a_store_to_a_zero_page_waits_for_its_punch)

/* A page that is merely compared fails a system call, in both modes, and yet nothing comes of it. */
static void a_system_call_into_a_sealed_page_gets_efault_and_breaks_nothing(uint32_t mode)
{
    struct calling merge;
    begin(mode);
    store_write(store, VICTIM - FIRST, 99);
    int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    CHECK(zeros >= 0);
    park_merge(&merge, PS_POINT_SEALED);
    CHECK(read(zeros, page_at(guest, VICTIM) + AT, 1) == -1 && errno == EFAULT);
    gate(PS_POINT_SEALED, PS_GATE_OFF);
    end_call(&merge);
    CHECK(merge.results[VICTIM - FIRST] == PS_MERGE_DIFFERS && page_is(page_at(guest, VICTIM), VICTIM + 1));
    CHECK(guest->counters->pages_broken == 0 && guest->counters->cow_faults == 0);
    CHECK(read(zeros, page_at(guest, VICTIM) + AT, 1) == 1);
    store_write(store, VICTIM - FIRST, VICTIM + 1);
    check_bytes(0);
    ssize_t got = read(zeros, page_at(guest, FIRST), 1); /* a shared page */
    CHECK(mode == KERNEL_MODE ? got == 1 : got == -1 && errno == EFAULT);
    CHECK(ps_pin(guest->region, FIRST, 1) == 0 && read(zeros, page_at(guest, FIRST), 1) == 1);
}
IN_BOTH_MODES(a_system_call_into_a_sealed_page_gets_efault_and_breaks_nothing)

/* --- pins --- */

static void a_pin_before_the_seal_keeps_its_page_out(uint32_t mode)
{
    struct calling merge;
    begin(mode);
    CHECK(ps_pin(guest->region, VICTIM, 1) == 0);
    park_merge(&merge, PS_POINT_SEALED); /* the stretch before the pinned page is sealed now */
    store_byte(page_at(guest, VICTIM) + AT, 66);
    gate(PS_POINT_SEALED, PS_GATE_OFF);
    end_call(&merge);
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK(merge.results[i] == (FIRST + i == VICTIM ? PS_MERGE_BUSY : PS_MERGE_DONE));
    }
    CHECK(guest->counters->seal_waits == 0 && pins_of(guest, VICTIM) == 1);
    check_bytes(66);
}
IN_BOTH_MODES(a_pin_before_the_seal_keeps_its_page_out)

static void a_pin_waits_at(uint32_t mode, ps_point point)
{
    struct calling merge, pin;
    begin(mode);
    park_merge(&merge, point);
    begin_call(&pin, guest, CALL_PIN, VICTIM - 1, 3, 0);
    arrive(PS_POINT_WAITING, 1);
    CHECK(!pin.done);
    gate(point, PS_GATE_OFF);
    end_call(&merge);
    end_call(&pin);
    CHECK(pin.result == 0);
    for (uint64_t page = VICTIM - 1; page < VICTIM + 2; page++) {
        CHECK(state_of(guest, page) == PS_PRIVATE && pins_of(guest, page) == 1);
    }
    store_byte(page_at(guest, VICTIM) + AT, 66);
    CHECK(guest->counters->cow_faults == 0);
    check_bytes(66);
    CHECK(merge_one(guest, VICTIM + 1, VICTIM + 1 - FIRST) == PS_MERGE_BUSY);
    CHECK(ps_unpin(guest->region, VICTIM - 1, 3) == 0);
    CHECK(merge_one(guest, VICTIM + 1, VICTIM + 1 - FIRST) == PS_MERGE_DONE);
    check_memory();
}

static void a_pin_waits_for_a_merge_that_has_claimed_its_page(uint32_t mode)
{
    a_pin_waits_at(mode, PS_POINT_CLAIMED);
}
IN_BOTH_MODES(a_pin_waits_for_a_merge_that_has_claimed_its_page)

static void a_pin_waits_for_a_sealed_page(uint32_t mode)
{
    a_pin_waits_at(mode, PS_POINT_SEALED);
}
IN_BOTH_MODES(a_pin_waits_for_a_sealed_page)

static void a_pin_waits_for_a_page_that_is_being_remapped(uint32_t mode)
{
    a_pin_waits_at(mode, PS_POINT_REMAPPED);
}
IN_BOTH_MODES(a_pin_waits_for_a_page_that_is_being_remapped)

const struct ps_test ps_tests_merge_races[] = {
    BOTH_MODES(a_store_before_the_seal_abandons_the_merge_of_its_page),
    BOTH_MODES(a_store_between_seal_and_compare_waits),
    BOTH_MODES(a_store_between_compare_and_remap_waits),
    BOTH_MODES(a_store_before_the_punch_survives_it),
    ONE_TEST(a_store_between_punch_and_commit_waits),
    BOTH_MODES(two_stores_to_one_sealed_page_both_land),
    BOTH_MODES(whoever_waits_is_woken),
    BOTH_MODES(a_seal_that_finds_a_difference_lets_writers_go_on),
    BOTH_MODES(a_store_to_a_zero_page_waits_for_its_punch),
    BOTH_MODES(a_system_call_into_a_sealed_page_gets_efault_and_breaks_nothing),
    BOTH_MODES(a_pin_before_the_seal_keeps_its_page_out),
    BOTH_MODES(a_pin_waits_for_a_merge_that_has_claimed_its_page),
    BOTH_MODES(a_pin_waits_for_a_sealed_page),
    BOTH_MODES(a_pin_waits_for_a_page_that_is_being_remapped),
    {0, 0},
};
