/* Faults that are none of ours go to whoever handled them before, as if we were not there. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "../core/fault.h"
#include "fixture.h"

static __thread sigjmp_buf out_of_fault;
static __thread siginfo_t seen;
static __thread uintptr_t seen_stack_pointer;
static _Atomic int calls;
static uint8_t *volatile nowhere = (uint8_t *)16; /* an address where nothing ever is */

static void leave(int signal, siginfo_t *info, void *context)
{
    CHECK(signal == SIGSEGV);
    seen = *info;
#if defined(__x86_64__)
    seen_stack_pointer = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    seen_stack_pointer = (uintptr_t)((ucontext_t *)context)->uc_mcontext.sp;
#endif
    calls++;
    siglongjmp(out_of_fault, 1);
}

static void handle_with(void (*function)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = function, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGUSR2);
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

/* 1 if the access came to `leave`, with this address. */
static int store_faults(uint8_t *address)
{
    int here;
    if (sigsetjmp(out_of_fault, 1) != 0) {
        return seen.si_addr == address && seen_stack_pointer - (uintptr_t)&here + 65536 < 131072;
    }
    store_byte(address, 1);
    return 0;
}

static int load_faults(const uint8_t *address)
{
    if (sigsetjmp(out_of_fault, 1) != 0) {
        return seen.si_addr == address;
    }
    uint8_t value = *(const volatile uint8_t *)address;
    (void)value;
    return 0;
}

static uint8_t *map_page(int protection)
{
    uint8_t *page = mmap(NULL, PS_PAGE_SIZE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

static void the_handler_before_us_gets_every_foreign_fault(uint32_t mode)
{
    handle_with(leave, 0);
    struct store *store = store_open(4);
    struct guest *guest = guest_open(store, 4, mode);
    uint8_t *unmapped = map_page(PROT_NONE);
    share(guest, 0, 4, 0, 1);
    CHECK(munmap(unmapped, PS_PAGE_SIZE) == 0);
    CHECK(store_faults(nowhere) && seen.si_code == SEGV_MAPERR);
    CHECK(store_faults(unmapped + 9) && seen.si_code == SEGV_MAPERR);
    CHECK(store_faults(map_page(PROT_READ) + 8) && seen.si_code == SEGV_ACCERR);
    CHECK(load_faults(map_page(PROT_NONE) + 7) && seen.si_code == SEGV_ACCERR);
    CHECK(store_faults(guest->base - 1) && store_faults(page_at(guest, 4))); /* the guard pages */
    CHECK(load_faults(guest->base - 1) && load_faults(page_at(guest, 4)));
    CHECK(calls == 8);
    CHECK(!store_faults(page_at(guest, 2)) && page_is_except(page_at(guest, 2), 3, 0, 1));
    CHECK(calls == 8);
    guest_free(guest); /* nothing is held by those who jumped out */
    CHECK(store_faults(page_at(guest, 3)) == (mode == SIGNAL_MODE));
}
IN_BOTH_MODES(the_handler_before_us_gets_every_foreign_fault)

static void pages_that_somebody_else_protected_fault_like_any(uint32_t mode)
{
    handle_with(leave, 0);
    struct store *store = store_open(4);
    struct guest *guest = guest_open(store, 4, mode);
    fill_page(page_at(guest, 0), 1);
    fill_page(page_at(guest, 1), 0);
    CHECK(merge_one(guest, 1, PS_TARGET_ZERO) == PS_MERGE_DONE);
    CHECK(ps_pin(guest->region, 2, 1) == 0);
    for (uint64_t page = 0; page < 3; page++) {
        CHECK(mprotect(page_at(guest, page), PS_PAGE_SIZE, PROT_READ) == 0);
        CHECK(store_faults(page_at(guest, page) + 77) && seen.si_code == SEGV_ACCERR);
        CHECK(mprotect(page_at(guest, page), PS_PAGE_SIZE, PROT_NONE) == 0);
        CHECK(store_faults(page_at(guest, page) + 78) && load_faults(page_at(guest, page)));
        CHECK(mprotect(page_at(guest, page), PS_PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
        CHECK(!store_faults(page_at(guest, page) + 77));
    }
    CHECK(pins_of(guest, 0) == 0 && pins_of(guest, 2) == 1 && page_is_except(page_at(guest, 0), 1, 77, 1));
    check_all_settled(guest);
}
IN_BOTH_MODES(pages_that_somebody_else_protected_fault_like_any)

/* A shared view that somebody protected: the store ends, by a break or a fault. */
static void a_protected_view_of_a_frame_does_not_loop(uint32_t mode)
{
    handle_with(leave, 0);
    struct store *store = store_open(4);
    struct guest *guest = guest_open(store, 4, mode);
    share(guest, 0, 4, 0, 1);
    CHECK(mprotect(page_at(guest, 1), PS_PAGE_SIZE, PROT_READ) == 0);
    if (!store_faults(page_at(guest, 1))) {
        CHECK(page_is_except(page_at(guest, 1), 2, 0, 1));
    }
    CHECK(page_is(page_at(guest, 0), 1) && page_is(page_at(guest, 2), 3) && page_is(store->view + PS_PAGE_SIZE, 2));
    CHECK(mprotect(page_at(guest, 2), PS_PAGE_SIZE, PROT_NONE) == 0);
    CHECK(load_faults(page_at(guest, 2)) && state_of(guest, 2) == shared_state(mode)); /* a load breaks nothing */
    if (mode == SIGNAL_MODE) { /* nobody can read it to copy it; a Kernel mode break starts by making it readable */
        CHECK(store_faults(page_at(guest, 2) + 5) && state_of(guest, 2) == PS_SHARED);
    }
    CHECK(munmap(page_at(guest, 3), PS_PAGE_SIZE) == 0);
    CHECK(store_faults(page_at(guest, 3)) && seen.si_code == SEGV_MAPERR && guest->counters->breaks_stalled == 0);
    check_all_settled(guest);
}
IN_BOTH_MODES(a_protected_view_of_a_frame_does_not_loop)

/* A thread that only ever stores to one address meets a seal there now and then, and comes late each time. */
static void stores_that_come_late_are_run_again_however_many(uint32_t mode)
{
    struct store *store = store_open(4);
    struct guest *guest = guest_open(store, 4, mode);
    fill_page(page_at(guest, 0), 1);
    for (int i = 0; i < 20000; i++) {
        store_byte(page_at(guest, 0) + 9, (uint8_t)i);
        CHECK(ps_fault_on_store((uintptr_t)page_at(guest, 0) + 9) == PS_FAULT_RETRY);
    }
    CHECK(page_is_except(page_at(guest, 0), 1, 9, (uint8_t)19999) && pins_of(guest, 0) == 0);
    CHECK(state_of(guest, 0) == PS_PRIVATE && guest->counters->cow_faults == 0);
}
IN_BOTH_MODES(stores_that_come_late_are_run_again_however_many)

/* --- actions of other kinds --- */

/* How a child ends that does this; the handler is installed in it. */
static int status_of_child(void (*run)(void))
{
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        ps_test_limit(10);
        CHECK(ps_handler_install() == 0);
        run();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void store_to_nowhere(void)
{
    store_byte(nowhere, 1);
}

static void send_to_itself(void)
{
    raise(SIGSEGV);
}

static void fault_after_a_sent_one(void)
{
    struct store *store = store_open(1);
    struct guest *guest = guest_open(store, 1, SIGNAL_MODE);
    share(guest, 0, 1, 0, 1);
    raise(SIGSEGV);
    store_byte(page_at(guest, 0), 66);
    CHECK(page_is_except(page_at(guest, 0), 1, 0, 66) && ps_handler_is_installed());
}

static void without_a_handler_the_process_dies_of_the_fault(void)
{
    signal(SIGSEGV, SIG_DFL);
    int status = status_of_child(store_to_nowhere);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = status_of_child(send_to_itself);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void where_it_was_ignored_only_a_sent_signal_is(void)
{
    signal(SIGSEGV, SIG_IGN);
    int status = status_of_child(store_to_nowhere);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = status_of_child(fault_after_a_sent_one);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void return_from(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    if (++calls > 3) {
        _exit(3);
    }
}

static void a_handler_for_one_fault_gets_one(void)
{
    handle_with(return_from, (int)SA_RESETHAND);
    int status = status_of_child(store_to_nowhere);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static sigjmp_buf without_mask;

static void leave_without_mask(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    calls++;
    siglongjmp(without_mask, 1);
}

static void fault_ten_times(void)
{
    for (volatile int i = 0; i < 10; i++) {
        if (sigsetjmp(without_mask, 0) == 0) {
            store_byte(nowhere, 1);
        }
    }
    CHECK(calls == 10);
}

/* SA_NODEFER lets a handler jump out without restoring the mask, and take faults of its own. */
static void a_handler_that_defers_nothing_is_called_that_way(void)
{
    struct sigaction action = {.sa_sigaction = leave_without_mask, .sa_flags = SA_SIGINFO | SA_NODEFER};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    int status = status_of_child(fault_ten_times);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_mask(int signal, siginfo_t *info, void *context)
{
    sigset_t now;
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &now) == 0);
    CHECK(sigismember(&now, SIGSEGV) && sigismember(&now, SIGUSR2) && sigismember(&now, SIGHUP));
    CHECK(!sigismember(&now, SIGUSR1) && !sigismember(&now, SIGTERM) && !sigismember(&now, SIGBUS));
    leave(signal, info, context);
}

static void the_handler_before_us_runs_with_its_own_mask(void)
{
    sigset_t blocked;
    handle_with(check_mask, 0);
    CHECK(ps_handler_install() == 0);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGHUP);
    CHECK(pthread_sigmask(SIG_BLOCK, &blocked, NULL) == 0);
    CHECK(store_faults(nowhere) && calls == 1);
    CHECK(load_faults(nowhere) && calls == 2); /* siglongjmp restored the mask, or this would kill */
}

static void old_style(int signal)
{
    CHECK(signal == SIGSEGV);
    errno = ENOTTY;
    siglongjmp(out_of_fault, 1);
}

static void a_handler_of_the_old_style_is_called(void)
{
    signal(SIGSEGV, old_style);
    CHECK(ps_handler_install() == 0);
    if (sigsetjmp(out_of_fault, 1) == 0) {
        store_byte(nowhere, 1);
        CHECK(0);
    }
}

static void a_replaced_handler_is_noticed(void)
{
    CHECK(ps_handler_is_installed() == 0);
    CHECK(ps_handler_install() == 0 && ps_handler_is_installed() == 1 && ps_handler_install() == 0);
    struct sigaction ours;
    CHECK(sigaction(SIGSEGV, NULL, &ours) == 0 && (ours.sa_flags & SA_ONSTACK));
    handle_with(leave, 0);
    CHECK(ps_handler_is_installed() == 0);
    signal(SIGSEGV, SIG_DFL);
    CHECK(ps_handler_is_installed() == 0);
    CHECK(sigaction(SIGSEGV, &ours, NULL) == 0 && ps_handler_is_installed() == 1);
}

/* --- stacks --- */

static __attribute__((noinline)) int recurse(int depth)
{
    volatile uint8_t room[512];
    if (depth < 0) {
        return 0;
    }
    room[depth % 512] = (uint8_t)depth;
    return recurse(depth + 1) + room[(depth * 7) % 512];
}

static void *overflow(void *unused)
{
    static uint8_t alternate[65536];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    (void)unused;
    CHECK(sigaltstack(&stack, NULL) == 0);
    if (sigsetjmp(out_of_fault, 1) == 0) {
        recurse(0);
    }
    CHECK((uintptr_t)seen.si_addr - (seen_stack_pointer & ~UINT64_C(4095)) + 8192 < 16384);
    return NULL;
}

static void a_stack_overflow_reaches_the_handler_on_its_own_stack(void)
{
    pthread_t thread;
    handle_with(leave, SA_ONSTACK);
    struct store *store = store_open(1);
    guest_open(store, 1, SIGNAL_MODE);
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&thread, NULL, overflow, NULL) == 0 && pthread_join(thread, NULL) == 0);
    }
    CHECK(calls == 2);
}

const struct ps_test ps_tests_foreign_faults[] = {
    BOTH_MODES(the_handler_before_us_gets_every_foreign_fault),
    BOTH_MODES(pages_that_somebody_else_protected_fault_like_any),
    BOTH_MODES(a_protected_view_of_a_frame_does_not_loop),
    BOTH_MODES(stores_that_come_late_are_run_again_however_many),
    ONE_TEST(without_a_handler_the_process_dies_of_the_fault),
    ONE_TEST(where_it_was_ignored_only_a_sent_signal_is),
    ONE_TEST(a_handler_for_one_fault_gets_one),
    ONE_TEST(a_handler_that_defers_nothing_is_called_that_way),
    ONE_TEST(the_handler_before_us_runs_with_its_own_mask),
    ONE_TEST(a_handler_of_the_old_style_is_called),
    ONE_TEST(a_replaced_handler_is_noticed),
    ONE_TEST(a_stack_overflow_reaches_the_handler_on_its_own_stack),
    {0, 0},
};
