/* A break that gets no memory: the guest gets SIGBUS at its store, after the timeout, and nobody else notices. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define TIMEOUT_MS 50u

static sigjmp_buf out_of_store;
static siginfo_t seen;
static _Atomic int bus_errors;

static void leave_store(int signal, siginfo_t *info, void *context)
{
    (void)context;
    CHECK(signal == SIGBUS && errno == ENOTTY); /* the handler has failed at much, and says nothing of it */
    seen = *info;
    bus_errors++;
    siglongjmp(out_of_store, 1);
}

static void handle_bus_errors(void)
{
    struct sigaction action = {.sa_sigaction = leave_store, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

static struct guest *open_sharing(struct store *store, uint64_t timeout_ms)
{
    struct guest *guest = guest_open_with(store, 8, 8, SIGNAL_MODE, timeout_ms);
    share(guest, 0, 8, 0, 1);
    return guest;
}

/* Puts a file that is always full in the place of the backing, for this guest alone; returns the backing. */
static int starve(const struct guest *guest)
{
    int kept = dup(guest->backing);
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    CHECK(kept >= 0 && full >= 0 && dup2(full, guest->backing) == guest->backing);
    return kept;
}

static int store_gets_bus_error(uint8_t *address)
{
    if (sigsetjmp(out_of_store, 1) != 0) {
        return 1;
    }
    errno = ENOTTY;
    store_byte(address, 66);
    return 0;
}

static uint64_t now_ms(void)
{
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void a_lasting_shortage_ends_in_a_bus_error_at_the_store(void)
{
    handle_bus_errors();
    struct store *store = store_open(8);
    struct guest *starved = open_sharing(store, TIMEOUT_MS);
    struct guest *other = open_sharing(store, TIMEOUT_MS);
    int backing = starve(starved);
    for (int round = 1; round <= 3; round++) {
        uint64_t began = now_ms();
        CHECK(store_gets_bus_error(page_at(starved, 3) + 123));
        CHECK(now_ms() - began >= TIMEOUT_MS);
        CHECK(seen.si_addr == page_at(starved, 3) + 123 && seen.si_code == BUS_ADRERR && bus_errors == round);
        CHECK(starved->counters->breaks_stalled == (uint64_t)round);
        CHECK(starved->counters->breaks_timed_out == (uint64_t)round);
        CHECK(state_of(starved, 3) == PS_SHARED && page_is(page_at(starved, 3), 4));
    }
    for (uint64_t page = 0; page < 8; page++) { /* the other guest goes on meanwhile */
        store_byte(page_at(other, page), 67);
        CHECK(page_is_except(page_at(other, page), page + 1, 0, 67));
    }
    CHECK(other->counters->breaks_stalled == 0 && starved->counters->pages_broken == 0);
    CHECK(dup2(backing, starved->backing) == starved->backing);
    CHECK(!store_gets_bus_error(page_at(starved, 3) + 123) && page_is_except(page_at(starved, 3), 4, 123, 66));
    check_all_settled(starved);
}

static void a_shortage_that_ends_in_time_is_not_seen(void)
{
    struct storing storing;
    handle_bus_errors();
    struct store *store = store_open(8);
    struct guest *guest = open_sharing(store, 30000);
    int backing = starve(guest);
    gate(PS_POINT_BREAK_CLAIMED, PS_GATE_WATCH);
    begin_store(&storing, page_at(guest, 3), 66);
    arrive(PS_POINT_BREAK_CLAIMED, 3); /* two attempts have failed */
    CHECK(!storing.done && page_is(page_at(guest, 3), 4));
    CHECK(dup2(backing, guest->backing) == guest->backing);
    end_store(&storing);
    CHECK(guest->counters->breaks_stalled == 1 && guest->counters->breaks_timed_out == 0 && bus_errors == 0);
    CHECK(page_is_except(page_at(guest, 3), 4, 0, 66));
}

static void end_well(int signal)
{
    (void)signal;
    _exit(0);
}

/* The store that stalls is let out, and then is an ordinary access violation. */
static void a_region_freed_during_a_stall_lets_the_store_go(void)
{
    struct storing storing;
    signal(SIGSEGV, end_well);
    struct guest *guest = open_sharing(store_open(8), 3600000);
    starve(guest);
    gate(PS_POINT_BREAK_CLAIMED, PS_GATE_WATCH);
    begin_store(&storing, page_at(guest, 3), 66);
    arrive(PS_POINT_BREAK_CLAIMED, 3);
    guest_free(guest);
    end_store(&storing);
    CHECK(0);
}

/* --- a guest that does not want to hear of it --- */

static void block_bus_errors(void)
{
    sigset_t bus;
    sigemptyset(&bus);
    sigaddset(&bus, SIGBUS);
    CHECK(pthread_sigmask(SIG_BLOCK, &bus, NULL) == 0);
}

static void ignore_bus_errors(void)
{
    signal(SIGBUS, SIG_IGN);
}

static void block_what_is_handled(void)
{
    handle_bus_errors();
    block_bus_errors();
}

/* The kernel kills who blocks or ignores a fault, and so must we: running the store again would never end. */
static void a_bus_error_that_is_blocked_or_ignored_kills(void)
{
    static void (*const ways[])(void) = {block_bus_errors, ignore_bus_errors, block_what_is_handled};
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        int status;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            struct rlimit no_core = {0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            ps_test_limit(5);
            struct guest *guest = open_sharing(store_open(8), TIMEOUT_MS);
            starve(guest);
            ways[i]();
            store_byte(page_at(guest, 3), 66);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    }
}

const struct ps_test ps_tests_bus_errors[] = {
    ONE_TEST(a_lasting_shortage_ends_in_a_bus_error_at_the_store),
    ONE_TEST(a_shortage_that_ends_in_time_is_not_seen),
    ONE_TEST(a_region_freed_during_a_stall_lets_the_store_go),
    ONE_TEST(a_bus_error_that_is_blocked_or_ignored_kills),
    {0, 0},
};
