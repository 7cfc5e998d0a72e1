/* Break events against what the test wrote, by which thread, and how. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_view.h"
#include "os.h"
#include "pageshare_events.h"

#define MIB (1ull << 20)
#define ADDRESSES 65536u
#define NOBODY 65534

static uint64_t addresses[ADDRESSES];
static uint64_t bits[ADDRESSES / 64];

static int bit(uint64_t page)
{
    return (int)(bits[page / 64] >> page % 64 & 1);
}

/* A source of events, or the test is skipped. */
static ps_break_events *open_events(uint64_t memory_bytes)
{
    char reason[128];
    int32_t error = 0;
    ps_break_events *events = ps_break_events_open(memory_bytes, &error);
    if (events == NULL && (error == -EACCES || error == -EPERM || error == -ENOSYS)) {
        snprintf(reason, sizeof reason, "no perf events here: %s", strerror(-error));
        SKIP(reason);
    }
    CHECK(events != NULL && error == 0);
    return events;
}

/* Drains everything and marks in `bits` the pages of the view that were reported; returns how many distinct ones. */
static uint64_t drain_into_bits(ps_break_events *events, const uint8_t *view, uint64_t pages)
{
    uint64_t distinct = 0;
    memset(bits, 0, sizeof bits);
    int64_t count;
    while ((count = ps_break_events_drain(events, addresses, ADDRESSES)) > 0) {
        for (int64_t i = 0; i < count; i++) {
            CHECK(addresses[i] % PS_PAGE_SIZE == 0);
            uint64_t page = (addresses[i] - (uint64_t)(uintptr_t)view) / PS_PAGE_SIZE;
            if (page < pages && !bit(page)) {
                bits[page / 64] |= 1ull << page % 64;
                distinct++;
            }
        }
    }
    CHECK(count == 0);
    return distinct;
}

static int open_descriptors(void)
{
    int count = 0;
    for (int descriptor = 0; descriptor < 4096; descriptor++) {
        count += fcntl(descriptor, F_GETFD) >= 0;
    }
    return count;
}

enum { THREADS = 4, PAGES_EACH = 1024, PAGES = THREADS * PAGES_EACH };

static uint8_t *shared_view;
static pthread_barrier_t begin;

static void *write_my_part(void *part)
{
    uint64_t first = (uint64_t)(uintptr_t)part * PAGES_EACH;
    for (uint64_t page = first; page < first + PAGES_EACH; page++) {
        write_byte(shared_view + page * PS_PAGE_SIZE);
    }
    return NULL;
}

static void *wait_at_the_barrier(void *nothing)
{
    pthread_barrier_wait(&begin);
    return nothing;
}

static void *wait_then_write_my_part(void *part)
{
    pthread_barrier_wait(&begin);
    return write_my_part(part);
}

static void *create_a_thread_that_writes(void *part)
{
    pthread_t thread;
    pthread_barrier_wait(&begin);
    CHECK(pthread_create(&thread, NULL, write_my_part, part) == 0 && pthread_join(thread, NULL) == 0);
    return NULL;
}

/* Part 0: a thread older than the source. 1: one that such a thread creates. 2: one that we create. 3: our own. */
static void check_that_every_thread_is_seen(void)
{
    pthread_t threads[3];
    shared_view = map_view(PAGES);
    CHECK(pthread_barrier_init(&begin, NULL, 3) == 0);
    CHECK(pthread_create(&threads[0], NULL, wait_then_write_my_part, (void *)0) == 0);
    CHECK(pthread_create(&threads[1], NULL, create_a_thread_that_writes, (void *)1) == 0);
    ps_break_events *events = open_events(4 * MIB);
    pthread_barrier_wait(&begin);
    CHECK(pthread_create(&threads[2], NULL, write_my_part, (void *)2) == 0);
    write_my_part((void *)3);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(drain_into_bits(events, shared_view, PAGES) == PAGES);
    CHECK(ps_break_events_lost(events) == 0);
    ps_break_events_close(events);
}

static void breaks_of_old_and_new_threads_are_seen(void)
{
    check_that_every_thread_is_seen();
}

static void breaks_are_seen_by_an_ordinary_user(void)
{
    if (geteuid() == 0) {
        CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
        CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0); /* or /proc/self belongs to root still */
    }
    check_that_every_thread_is_seen();
}

static void a_read_is_an_event_but_no_break(void)
{
    uint8_t *view = map_view(100);
    ps_break_events *events = open_events(4 * MIB);
    for (int page = 0; page < 100; page++) {
        read_byte(view + page * PS_PAGE_SIZE);
    }
    write_byte(view + 50 * PS_PAGE_SIZE);
    uint64_t mine = 0;
    int64_t count = ps_break_events_drain(events, addresses, ADDRESSES);
    for (int64_t i = 0; i < count; i++) {
        if (addresses[i] - (uint64_t)(uintptr_t)view < 100 * PS_PAGE_SIZE) {
            addresses[mine++] = addresses[i];
        }
    }
    CHECK(mine >= 2); /* the kernel may map neighbours of a page that is read, so not all reads fault */
    /* Twice if the read of that page faulted as well. */
    int64_t kept = ps_keep_anonymous(addresses, mine);
    CHECK(kept == 1 || kept == 2);
    for (int64_t i = 0; i < kept; i++) {
        CHECK(addresses[i] == (uint64_t)(uintptr_t)view + 50 * PS_PAGE_SIZE);
    }
    ps_break_events_close(events);
}

static void breaks_by_system_calls_are_seen_if_the_source_says_so(void)
{
    uint8_t *view = map_view(2);
    ps_break_events *events = open_events(4 * MIB);
    int pipes[2];
    CHECK(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1 && read(pipes[0], view + PS_PAGE_SIZE, 1) == 1);
    CHECK(view[PS_PAGE_SIZE] == 'x');
    drain_into_bits(events, view, 2);
    CHECK(bit(1) == ps_break_events_see_system_calls(events));
    CHECK(ps_os_find_anonymous(view, 2, bits) == 1); /* the page table knows in any case */
    ps_break_events_close(events);
}

static void what_does_not_fit_the_ring_is_counted_as_lost(void)
{
    enum { MANY = 16384 };
    uint8_t *view = map_view(MANY);
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    ps_break_events *events = open_events((uint64_t)cpus * 32768); /* 2,048 records a CPU */
    for (uint64_t page = 0; page < MANY; page++) {
        write_byte(view + page * PS_PAGE_SIZE);
    }
    uint64_t seen = drain_into_bits(events, view, MANY);
    write_byte(view); /* no fault */
    CHECK(madvise(view, PS_PAGE_SIZE, MADV_DONTNEED) == 0);
    write_byte(view); /* one more on the last CPU: the kernel says with it how many it lost there */
    drain_into_bits(events, view, MANY);
    CHECK(seen > 0 && seen < MANY);
    CHECK(cpus > 1 ? ps_break_events_lost(events) > 0 : seen + ps_break_events_lost(events) >= MANY);
    CHECK(ps_os_find_anonymous(view, MANY, bits) == MANY);
    ps_break_events_close(events);
}

static void a_small_buffer_drains_everything_in_the_end(void)
{
    uint8_t *view = map_view(1000);
    ps_break_events *events = open_events(4 * MIB);
    for (uint64_t page = 0; page < 1000; page++) {
        write_byte(view + page * PS_PAGE_SIZE);
    }
    uint64_t mine = 0;
    uint64_t few[7];
    int64_t count;
    do {
        count = ps_break_events_drain(events, few, 7);
        CHECK(count >= 0 && count <= 7);
        for (int64_t i = 0; i < count; i++) {
            mine += few[i] - (uint64_t)(uintptr_t)view < 1000 * PS_PAGE_SIZE;
        }
    } while (count == 7);
    CHECK(mine == 1000);
    ps_break_events_close(events);
}

static void records_survive_the_rings_end(void)
{
    cpu_set_t here;
    uint8_t *view = map_view(3000);
    CPU_ZERO(&here);
    CPU_SET((unsigned)sched_getcpu(), &here);
    CHECK(sched_setaffinity(0, sizeof here, &here) == 0);
    ps_break_events *events = open_events((uint64_t)sysconf(_SC_NPROCESSORS_CONF) * 32768);
    /* Overfill the ring: the record that tells of it has an odd length, so records cross the ring's end from then on. */
    for (uint64_t page = 0; page < 3000; page++) {
        write_byte(view + page * PS_PAGE_SIZE);
    }
    drain_into_bits(events, view, 3000);
    for (int round = 0; round < 15; round++) {
        CHECK(madvise(view, 1000 * PS_PAGE_SIZE, MADV_DONTNEED) == 0);
        for (uint64_t page = 0; page < 1000; page++) {
            write_byte(view + page * PS_PAGE_SIZE);
        }
        CHECK(drain_into_bits(events, view, 1000) == 1000);
    }
    CHECK(ps_break_events_lost(events) > 0);
    ps_break_events_close(events);
}

static void a_forked_childs_faults_are_not_ours(void)
{
    uint8_t *view = map_view(500);
    ps_break_events *events = open_events(4 * MIB);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (uint64_t page = 0; page < 500; page++) {
            write_byte(view + page * PS_PAGE_SIZE);
        }
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(drain_into_bits(events, view, 500) == 0);
    ps_break_events_close(events);
}

static void closing_gives_back_every_descriptor(void)
{
    int before = open_descriptors();
    for (int round = 0; round < 3; round++) {
        ps_break_events *events = open_events(4 * MIB);
        CHECK(open_descriptors() >= before + (int)sysconf(_SC_NPROCESSORS_ONLN));
        ps_break_events_close(events);
    }
    CHECK(open_descriptors() == before);
    ps_break_events_close(NULL);
}

static void the_rings_stay_inside_the_memory_allowed(void)
{
    uint64_t cpus = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
    uint64_t control = cpus * (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint64_t each = 32768; each <= 512 * 1024; each *= 2) {
        ps_break_events *events = open_events(cpus * (each + each / 2));
        CHECK(ps_break_events_ring_bytes(events) <= cpus * each + control);
        ps_break_events_close(events);
    }
    int32_t error = 0;
    CHECK(ps_break_events_open(cpus * 32768 - 1, &error) == NULL && error == -ENOMEM);
}

static void too_few_descriptors_are_named(void)
{
    pthread_t threads[4];
    int32_t error = 0;
    struct rlimit few = {16, 16};
    ps_break_events_close(open_events(4 * MIB));
    CHECK(pthread_barrier_init(&begin, NULL, 5) == 0);
    for (int i = 0; i < 4; i++) { /* with our own five threads, for which a quarter of 16 descriptors is too few */
        CHECK(pthread_create(&threads[i], NULL, wait_at_the_barrier, NULL) == 0);
    }
    int before = open_descriptors();
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK(ps_break_events_open(4 * MIB, &error) == NULL && error == -EMFILE);
    CHECK(open_descriptors() == before);
}

static void a_refusal_by_the_kernels_setting_is_named(void)
{
    int32_t error = 0;
    deny_system_call(SYS_perf_event_open, EACCES);
    CHECK(ps_break_events_open(4 * MIB, &error) == NULL && error == -EACCES);
}

static void a_refusal_by_a_filter_is_named(void)
{
    int32_t error = 0;
    deny_system_call(SYS_perf_event_open, EPERM);
    CHECK(ps_break_events_open(4 * MIB, &error) == NULL && error == -EPERM);
}

static void a_kernel_without_perf_is_named(void)
{
    int32_t error = 0;
    deny_system_call(SYS_perf_event_open, ENOSYS);
    CHECK(ps_break_events_open(4 * MIB, &error) == NULL && error == -ENOSYS);
}

const struct ps_test ps_tests_break_events[] = {
    {"breaks_of_old_and_new_threads_are_seen", breaks_of_old_and_new_threads_are_seen},
    {"breaks_are_seen_by_an_ordinary_user", breaks_are_seen_by_an_ordinary_user},
    {"a_read_is_an_event_but_no_break", a_read_is_an_event_but_no_break},
    {"breaks_by_system_calls_are_seen_if_the_source_says_so", breaks_by_system_calls_are_seen_if_the_source_says_so},
    {"what_does_not_fit_the_ring_is_counted_as_lost", what_does_not_fit_the_ring_is_counted_as_lost},
    {"a_small_buffer_drains_everything_in_the_end", a_small_buffer_drains_everything_in_the_end},
    {"records_survive_the_rings_end", records_survive_the_rings_end},
    {"a_forked_childs_faults_are_not_ours", a_forked_childs_faults_are_not_ours},
    {"closing_gives_back_every_descriptor", closing_gives_back_every_descriptor},
    {"the_rings_stay_inside_the_memory_allowed", the_rings_stay_inside_the_memory_allowed},
    {"too_few_descriptors_are_named", too_few_descriptors_are_named},
    {"a_refusal_by_the_kernels_setting_is_named", a_refusal_by_the_kernels_setting_is_named},
    {"a_refusal_by_a_filter_is_named", a_refusal_by_a_filter_is_named},
    {"a_kernel_without_perf_is_named", a_kernel_without_perf_is_named},
    {0, 0},
};
