/*
 * Host and guest in processes of their own, and either of them gone at the worst moments. The host here has nothing but
 * what a host has: descriptors, the page words, the ring.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents.h"
#include "os.h"
#include "ring.h"

#define PAGES 64u
#define RUN 8u
#define SHORT_NS UINT64_C(30000000)

/* What the two processes tell each other, step by step. */
struct meeting {
    _Atomic uint32_t step; /* a futex */
    _Atomic uint32_t host_is_gone;
};

static struct meeting *meeting;
static struct store *store;
static struct guest *guest;
static struct ring *ring;

static void tell(uint32_t step)
{
    atomic_store(&meeting->step, step);
    ps_os_wake(&meeting->step);
}

static void await_step(uint32_t step)
{
    for (uint32_t now; (now = atomic_load(&meeting->step)) < step;) {
        ps_os_wait(&meeting->step, now, UINT64_C(100000000));
    }
}

static void prepare(uint32_t mode)
{
    meeting = mmap(NULL, PS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(meeting != MAP_FAILED);
    store = store_open(2 * PAGES);
    guest = guest_prepare(store, PAGES, mode);
    ring = ring_open(PAGES);
}

/* A process that ends with this one. */
static pid_t fork_bound(void)
{
    pid_t parent = getpid();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent);
    }
    return child;
}

static void check_exit(pid_t child, int code)
{
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == code);
}

static void fill_guest(void)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        fill_page(page_at(guest, page), 1 + page);
    }
}

/* What the host reads of the guest's memory: the backing. */
static int backing_is(uint64_t page, uint64_t content)
{
    uint8_t bytes[PS_PAGE_SIZE];
    return pread(guest->backing, bytes, sizeof bytes, (off_t)(page * PS_PAGE_SIZE)) == (ssize_t)sizeof bytes &&
           page_is(bytes, content);
}

/* --- both alive --- */

static void serve_until(uint32_t step)
{
    guest_begin(guest);
    ps_agent *agent = agent_start(guest, ring);
    fill_guest();
    tell(1);
    await_step(step);
    CHECK(ps_agent_stop(agent) == 0);
}

static void a_host_merges_pages_of_another_process(uint32_t mode)
{
    prepare(mode);
    pid_t child = fork_bound();
    if (child == 0) {
        serve_until(2);
        for (uint64_t page = 0; page < PAGES; page++) {
            store_byte(page_at(guest, page), 0xAB);
            CHECK(page_is_except(page_at(guest, page), 1 + page, 0, 0xAB));
        }
        check_all_settled(guest);
        _exit(5);
    }
    await_step(1);
    for (uint32_t frame = 0; frame < PAGES; frame++) {
        CHECK(backing_is(frame, 1 + frame));
        store_write(store, frame, 1 + frame);
    }
    for (uint64_t page = 0; page < PAGES; page += RUN) {
        give_and_check_done(ring, PS_ORDER_MERGE, page, RUN, (uint32_t)page);
        CHECK(state_of(guest, page) == shared_state(mode) && frame_in_word(guest, page + RUN - 1) == page + RUN - 1);
    }
    CHECK(pages_held(guest->backing) == 0);
    CHECK(give_for_result(ring, PS_ORDER_HEALTH, 0, 8, 0) == 8 && ring->header->handler_installed == 1);
    tell(2);
    check_exit(child, 5);
}
IN_BOTH_MODES(a_host_merges_pages_of_another_process)

/* --- the guest is killed at a point inside an order --- */

/* The child parks its agent at the point; the parent kills it there. Returns how many pages share frames then by their
 * words. */
static void kill_guest_at(ps_point point, ps_order_kind kind)
{
    pid_t child = fork_bound();
    if (child == 0) {
        guest_begin(guest);
        fill_guest();
        if (kind == PS_ORDER_BREAK || kind == PS_ORDER_MOVE) {
            merge_all_or_fail(guest, 0, RUN, 0);
        }
        if (kind == PS_ORDER_MOVE) {
            CHECK(ps_region_set_store(guest->region, store->reader, store->view) == 1);
        }
        gate(point, PS_GATE_STOP);
        agent_start(guest, ring);
        tell(1);
        arrive(point, 1);
        tell(2);
        for (;;) {
            pause();
        }
    }
    await_step(1);
    write_order(ring, kind, 0, RUN, kind == PS_ORDER_MOVE ? PAGES : 0);
    uint32_t sequence = ps_ring_post(ring->host);
    await_step(2);
    CHECK(ps_ring_await(ring->host, sequence, SHORT_NS) == -ETIMEDOUT);
    CHECK(kill(child, SIGKILL) == 0);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK(ps_ring_await(ring->host, sequence, SHORT_NS) == -ETIMEDOUT && ps_ring_answer(ring->host, sequence) == NULL);
}

static void write_frames(void)
{
    for (uint32_t frame = 0; frame < PAGES; frame++) {
        store_write(store, frame, 1 + frame);
        store_write(store, PAGES + frame, 1 + frame);
    }
}

/* What the host must find of a guest that died: frames as they were, words that name what the pages showed, and no page
 * that is neither in a frame nor in the backing. */
static void check_what_is_left(void)
{
    for (uint32_t frame = 0; frame < 2 * PAGES; frame++) {
        CHECK(page_is(store->view + (uint64_t)frame * PS_PAGE_SIZE, 1 + frame % PAGES));
    }
    for (uint64_t page = 0; page < PAGES; page++) {
        ps_page_state state = state_of(guest, page);
        int is_own = state == PS_PRIVATE || state == PS_SEALED;
        int names_frame = state == shared_state(guest->mode) || state == PS_BREAKING || state == PS_REMAPPING;
        CHECK(names_frame || is_own);
        CHECK(names_frame ? frame_in_word(guest, page) % PAGES == page : backing_is(page, 1 + page));
    }
}

static void a_guest_killed_inside_an_order_leaves_frames_and_words_true(uint32_t mode)
{
    static const struct {
        ps_point point;
        ps_order_kind kind;
    } deaths[] = {
        {PS_POINT_ORDER_TAKEN, PS_ORDER_MERGE},  {PS_POINT_CLAIMED, PS_ORDER_MERGE},
        {PS_POINT_SEALED, PS_ORDER_MERGE},       {PS_POINT_COMPARED, PS_ORDER_MERGE},
        {PS_POINT_REMAPPED, PS_ORDER_MERGE},     {PS_POINT_PUNCHED, PS_ORDER_MERGE},
        {PS_POINT_ORDER_DONE, PS_ORDER_MERGE},   {PS_POINT_BREAK_CLAIMED, PS_ORDER_BREAK},
        {PS_POINT_BREAK_COPIED, PS_ORDER_BREAK}, {PS_POINT_BREAK_MAPPED, PS_ORDER_BREAK},
        {PS_POINT_ORDER_DONE, PS_ORDER_BREAK},   {PS_POINT_MOVE_CLAIMED, PS_ORDER_MOVE},
        {PS_POINT_MOVE_SEALED, PS_ORDER_MOVE},   {PS_POINT_MOVE_COMPARED, PS_ORDER_MOVE},
        {PS_POINT_MOVE_MAPPED, PS_ORDER_MOVE},   {PS_POINT_ORDER_DONE, PS_ORDER_MOVE},
    };
    for (unsigned i = 0; i < sizeof deaths / sizeof deaths[0]; i++) {
        prepare(mode);
        write_frames();
        kill_guest_at(deaths[i].point, deaths[i].kind);
        check_what_is_left();
    }
}
IN_BOTH_MODES(a_guest_killed_inside_an_order_leaves_frames_and_words_true)

/* --- the host is killed --- */

/* The parent is the guest here: it must live. */
static void be_host_and_post(uint32_t orders)
{
    for (uint32_t i = 0; i < orders; i++) {
        write_order(ring, PS_ORDER_MERGE, i * RUN, RUN, i * RUN);
        ps_ring_post(ring->host);
    }
    tell(1);
    for (;;) {
        pause();
    }
}

static void check_alive_without_host(uint32_t mode, uint32_t orders)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is(page_at(guest, page), 1 + page));
        CHECK(state_of(guest, page) == (page < orders * RUN ? shared_state(mode) : PS_PRIVATE));
    }
    for (uint64_t page = 0; page < PAGES; page++) {
        store_byte(page_at(guest, page) + 9, 0xCD);
        CHECK(page_is_except(page_at(guest, page), 1 + page, 9, 0xCD));
    }
    check_all_settled(guest);
}

static void a_guest_outlives_a_host_that_is_killed_in_the_middle_of_an_order(uint32_t mode)
{
    static const ps_point points[] = {PS_POINT_ORDER_TAKEN, PS_POINT_SEALED,  PS_POINT_COMPARED,
                                      PS_POINT_REMAPPED,    PS_POINT_PUNCHED, PS_POINT_ORDER_DONE};
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++) {
        prepare(mode);
        write_frames();
        pid_t host = fork_bound();
        if (host == 0) {
            be_host_and_post(3);
        }
        await_step(1);
        guest_begin(guest);
        fill_guest();
        gate(points[i], PS_GATE_STOP);
        ps_agent *agent = agent_start(guest, ring);
        arrive(points[i], 1);
        CHECK(kill(host, SIGKILL) == 0 && waitpid(host, NULL, 0) == host);
        gate(points[i], PS_GATE_OFF);
        while (__atomic_load_n(&ring->header->answered, __ATOMIC_ACQUIRE) != 3) { /* it finishes what was posted */
        }
        CHECK(ps_agent_stop(agent) == 0);
        check_alive_without_host(mode, 3);
        guest_free(guest);
    }
}
IN_BOTH_MODES(a_guest_outlives_a_host_that_is_killed_in_the_middle_of_an_order)

/* What a guest's program does when a new host has come: a new store, a new ring, another agent. */
static void follow(struct store *newer, struct ring *second)
{
    CHECK(ps_region_set_store(guest->region, newer->reader, newer->view) == 1);
    CHECK(munmap(store->view, store->frames * PS_PAGE_SIZE) == 0 && close(store->reader) == 0);
    ps_agent *agent = agent_start(guest, second);
    tell(1);
    await_step(2);
    CHECK(ps_agent_stop(agent) == 0);
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is_except(page_at(guest, page), 1 + page, 0, page == 3 ? 0xEF : page_at(guest, page)[0]));
        store_byte(page_at(guest, page) + 9, 0xCD);
    }
    check_all_settled(guest);
}

/* This process is the new host, which knows of the old one's work what the page words say. */
static void a_new_host_takes_over_what_the_old_one_left(uint32_t mode)
{
    prepare(mode);
    write_frames();
    struct store *newer = store_open(PAGES);
    struct ring *second = ring_open(PAGES);
    pid_t child = fork_bound();
    if (child == 0) {
        guest_begin(guest);
        ps_agent *agent = agent_start(guest, ring);
        fill_guest();
        merge_all_or_fail(guest, 0, PAGES, 0);
        store_byte(page_at(guest, 3), 0xEF);
        CHECK(ps_agent_stop(agent) == 0);
        follow(newer, second);
        _exit(5);
    }
    await_step(1);
    for (uint32_t frame = 0; frame < PAGES; frame++) {
        store_write(newer, frame, 1 + frame);
    }
    const ps_ring_order *answer = give(second, PS_ORDER_MOVE, 0, PAGES, 0);
    CHECK(answer->result == 0 && answer->results[3] == (mode == KERNEL_MODE ? PS_MERGE_DIFFERS : PS_MERGE_BUSY));
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page == 3 ? state_of(guest, page) == PS_PRIVATE : generation_of(guest, page) == 1);
        CHECK(page == 3 || answer->results[page] == PS_MERGE_DONE);
    }
    CHECK(pages_held(guest->backing) == 1);
    tell(2);
    check_exit(child, 5);
}
IN_BOTH_MODES(a_new_host_takes_over_what_the_old_one_left)

const struct ps_test ps_tests_agent_processes[] = {
    BOTH_MODES(a_host_merges_pages_of_another_process),
    BOTH_MODES(a_guest_killed_inside_an_order_leaves_frames_and_words_true),
    BOTH_MODES(a_guest_outlives_a_host_that_is_killed_in_the_middle_of_an_order),
    BOTH_MODES(a_new_host_takes_over_what_the_old_one_left),
    {0, 0},
};
