/* The agent's orders, its start and its stop. Host and guest are one process here: they meet in the ring alone. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents.h"

#define PAGES 200u

static struct store *store;
static struct guest *guest;
static struct ring *ring;
static ps_agent *agent;

static void begin(uint32_t mode)
{
    store = store_open(64);
    guest = guest_open(store, PAGES, mode);
    ring = ring_open(PAGES);
    agent = agent_start(guest, ring);
}

static void end(void)
{
    check_all_settled(guest);
    CHECK(ps_agent_stop(agent) == 0);
    guest_free(guest);
    ps_ring_host_close(ring->host);
}

static void check_contents(uint64_t page, uint32_t count, uint64_t content)
{
    for (uint32_t i = 0; i < count; i++) {
        CHECK(page_is(page_at(guest, page + i), content + i));
    }
}

/* --- every kind of order --- */

static void a_merge_order_shares_pages(uint32_t mode)
{
    begin(mode);
    fill_alike(guest, store, 10, 20, 0, 1);
    store_write(store, 5, 99);
    const ps_ring_order *answer = give(ring, PS_ORDER_MERGE, 10, 20, 0);
    CHECK(answer->result == 0);
    for (uint32_t i = 0; i < 20; i++) {
        CHECK(answer->results[i] == (i == 5 ? PS_MERGE_DIFFERS : PS_MERGE_DONE));
        CHECK(state_of(guest, 10 + i) == (i == 5 ? PS_PRIVATE : shared_state(mode)));
    }
    CHECK(answer->results[20] == 0xEE && pages_held(guest->backing) == 1);
    answer = give(ring, PS_ORDER_MERGE, 40, 8, PS_TARGET_NONE);
    CHECK(answer->result == 0 && answer->results[7] == PS_MERGE_SKIPPED);
    check_contents(10, 20, 1);
    end();
}
IN_BOTH_MODES(a_merge_order_shares_pages)

static void a_break_order_gives_pages_their_own_copies(uint32_t mode)
{
    begin(mode);
    fill_alike(guest, store, 10, 20, 0, 1);
    give_and_check_done(ring, PS_ORDER_MERGE, 10, 20, 0);
    CHECK(give_for_result(ring, PS_ORDER_BREAK, 0, PAGES, 0) == 20);
    CHECK(pages_held(guest->backing) == 20 && give_for_result(ring, PS_ORDER_BREAK, 0, PAGES, 0) == 0);
    give_and_check_done(ring, PS_ORDER_MERGE, 10, 20, 0);
    CHECK(ps_inject_failure(PS_CALL_COPY_HOME, 0, UINT32_MAX, ENOMEM) == 0);
    CHECK(give_for_result(ring, PS_ORDER_BREAK, 0, PAGES, 0) == -ENOMEM); /* at once: others wait */
    CHECK(ps_inject_failure(PS_CALL_COPY_HOME, 0, 0, 0) == 0);
    check_contents(10, 20, 1);
    end();
}
IN_BOTH_MODES(a_break_order_gives_pages_their_own_copies)

static void copies_are_found_and_settled(void)
{
    begin(KERNEL_MODE);
    fill_alike(guest, store, 64, 64, 0, 1);
    give_and_check_done(ring, PS_ORDER_MERGE, 64, 64, 0);
    store_byte(page_at(guest, 70), 77);
    uint8_t same = page_at(guest, 127)[9];
    store_byte(page_at(guest, 127) + 9, same);
    memset(ring_copies(ring), 0xFF, PS_PAGE_SIZE);
    CHECK(give_for_result(ring, PS_ORDER_FIND_COPIES, 64, 64, 0) == 2);
    CHECK(ring_copies(ring)[1] == (UINT64_C(1) << 6 | UINT64_C(1) << 63));
    CHECK(ring_copies(ring)[0] == UINT64_MAX && ring_copies(ring)[2] == UINT64_MAX); /* not asked for */
    CHECK(give_for_result(ring, PS_ORDER_FIND_COPIES, 0, PAGES, 0) == 2);
    CHECK(ring_copies(ring)[0] == 0 && ring_copies(ring)[1] != 0 && ring_copies(ring)[2] == 0);

    ps_ring_order *order = write_order(ring, PS_ORDER_SETTLE, 64, 64, PS_TARGET_NONE);
    memset(order->bits, 0, sizeof order->bits);
    order->bits[0] = ring_copies(ring)[1];
    uint32_t sequence = ps_ring_post(ring->host);
    CHECK(ps_ring_await(ring->host, sequence, ANSWER_NS) == 0);
    CHECK(order->result == 1 && order->dropped == 1);
    CHECK(state_of(guest, 70) == PS_PRIVATE && state_of(guest, 127) == PS_KERNEL_SHARED);
    CHECK(page_is_except(page_at(guest, 70), 7, 0, 77) && pages_held(guest->backing) == 1);
    end();
}

static void written_pages_are_found(void)
{
    track_writes();
    begin(SIGNAL_MODE);
    CHECK(ring->header->tracking == 1);
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), page + 1);
    }
    CHECK(give_for_result(ring, PS_ORDER_FIND_WRITTEN, 0, PAGES, 0) == PAGES);
    memset(ring_written(ring), 0, PS_PAGE_SIZE);
    store_byte(page_at(guest, 3), 1);
    store_byte(page_at(guest, 199), 2);
    CHECK(give_for_result(ring, PS_ORDER_FIND_WRITTEN, 0, PAGES, 0) == 2);
    CHECK(ring_written(ring)[0] == UINT64_C(1) << 3 && ring_written(ring)[3] == UINT64_C(1) << 7);
    CHECK(give_for_result(ring, PS_ORDER_FIND_WRITTEN, 0, PAGES, 0) == 0);
    CHECK(ring_written(ring)[0] == UINT64_C(1) << 3); /* what the host has not taken stays */
    fill_alike(guest, store, 5, 1, 0, 6);
    CHECK(ps_inject_failure(PS_CALL_TRACK, 0, 1, ENOMEM) == 0);
    give_and_check_done(ring, PS_ORDER_MERGE, 5, 1, 0);
    CHECK(give_for_result(ring, PS_ORDER_BREAK, 5, 1, 0) == 1);
    CHECK(give_for_result(ring, PS_ORDER_FIND_WRITTEN, 0, PAGES, 0) == -EAGAIN);
    end();
}

static void without_tracking_nothing_written_is_found(void)
{
    begin(SIGNAL_MODE);
    CHECK(ring->header->tracking == 0);
    CHECK(give_for_result(ring, PS_ORDER_FIND_WRITTEN, 0, PAGES, 0) == -EOPNOTSUPP);
    end();
}

static void a_move_order_brings_pages_to_a_new_store(uint32_t mode)
{
    begin(mode);
    fill_alike(guest, store, 10, 20, 0, 1);
    give_and_check_done(ring, PS_ORDER_MERGE, 10, 20, 0);
    CHECK(ps_agent_stop(agent) == 0);
    struct store *fresh = store_open(64);
    struct ring *second = ring_open(PAGES);
    CHECK(ps_region_set_store(guest->region, fresh->reader, fresh->view) == 1);
    agent = agent_start(guest, second);
    for (uint32_t i = 0; i < 20; i++) {
        store_write(fresh, 40 + i, 1 + i);
    }
    give_and_check_done(second, PS_ORDER_MOVE, 10, 20, 40);
    CHECK(frame_in_word(guest, 10) == 40 && generation_of(guest, 29) == 1);
    CHECK(mappings_in(page_at(guest, 10), 20) == 1);
    check_contents(10, 20, 1);
    CHECK(give_for_result(second, PS_ORDER_BREAK, 0, PAGES, 0) == 20);
    check_contents(10, 20, 1);
    end();
}
IN_BOTH_MODES(a_move_order_brings_pages_to_a_new_store)

static void a_health_order_fills_reserve_and_header(void)
{
    begin(SIGNAL_MODE);
    CHECK(give_for_result(ring, PS_ORDER_HEALTH, UINT64_MAX, 32, 0) == 32);
    CHECK(ring->header->handler_installed == 1 && ring->header->mappings_limit > 1000);
    uint64_t used = ring->header->mappings_used;
    CHECK(used > 32 && used < ring->header->mappings_limit && ring->header->cpu_ns > 0);
    CHECK(give_for_result(ring, PS_ORDER_HEALTH, 0, UINT32_MAX, 0) == 1024); /* the most that the reserve holds */
    CHECK(ring->header->mappings_used > used + 900);
    struct sigaction none = {.sa_handler = SIG_DFL};
    CHECK(sigaction(SIGSEGV, &none, NULL) == 0);
    CHECK(give_for_result(ring, PS_ORDER_HEALTH, 0, 0, 0) == 0 && ring->header->handler_installed == 0);
    end();
}

/* --- the thread --- */

/* The agent's entry in /proc/self/task. */
static void find_thread(char *path, size_t bytes)
{
    char name[64];
    DIR *threads = opendir("/proc/self/task");
    CHECK(threads != NULL);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        snprintf(path, bytes, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "re");
        if (file != NULL && fgets(name, sizeof name, file) != NULL && strcmp(name, "pageshare-agent\n") == 0) {
            snprintf(path, bytes, "/proc/self/task/%s/status", entry->d_name);
            fclose(file);
            closedir(threads);
            return;
        }
    }
    CHECK(!"a thread of that name");
}

static void the_thread_takes_no_signals(void)
{
    char path[300], line[256];
    uint64_t blocked = 0;
    begin(SIGNAL_MODE);
    CHECK(give_for_result(ring, PS_ORDER_HEALTH, 0, 0, 0) == 0); /* by now it has its name */
    find_thread(path, sizeof path);
    FILE *status = fopen(path, "re");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) != NULL) {
        sscanf(line, "SigBlk: %" SCNx64, &blocked);
    }
    fclose(status);
    CHECK((blocked >> (SIGTERM - 1) & 1) && (blocked >> (SIGPROF - 1) & 1) && (blocked >> (SIGRTMIN) & 1));
    CHECK(!(blocked >> (SIGSEGV - 1) & 1) && !(blocked >> (SIGBUS - 1) & 1));
    sigset_t mine;
    CHECK(sigprocmask(SIG_BLOCK, NULL, &mine) == 0 && !sigismember(&mine, SIGTERM));
    end();
}

static void a_child_process_has_neither_ring_nor_agent(void)
{
    begin(SIGNAL_MODE);
    pid_t child = fork();
    if (child == 0) {
        unsigned char resident[1];
        int is_there = mincore(ring->header, PS_PAGE_SIZE, resident) == 0;
        _exit(is_there ? 2 : ps_agent_stop(agent) == -ECHILD ? 0 : 3);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(give_for_result(ring, PS_ORDER_BREAK, 0, PAGES, 0) == 0);
    end();
}

const struct ps_test ps_tests_agent[] = {
    BOTH_MODES(a_merge_order_shares_pages),
    BOTH_MODES(a_break_order_gives_pages_their_own_copies),
    ONE_TEST(copies_are_found_and_settled),
    ONE_TEST(written_pages_are_found),
    ONE_TEST(without_tracking_nothing_written_is_found),
    BOTH_MODES(a_move_order_brings_pages_to_a_new_store),
    ONE_TEST(a_health_order_fills_reserve_and_header),
    ONE_TEST(the_thread_takes_no_signals),
    ONE_TEST(a_child_process_has_neither_ring_nor_agent),
    {0, 0},
};
