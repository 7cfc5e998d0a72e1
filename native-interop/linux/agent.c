/*
 * The agent: one thread that does what the ring says. Protocol and trust are described in pageshare_agent.h, what an
 * order means in core/orders.c.
 *
 * The thread never touches guest memory by a store, and takes no signals, so it can't end up in the fault handler or in
 * a signal handler that waits for a page which the agent has sealed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "orders.h"
#include "os.h"
#include "ring.h"
#include "test_points.h"

/* The deepest call needs 8 KiB. The C library takes thread-local storage out of the stack too, of all libraries that
 * the program has; where that is too much, creating the thread gives EINVAL, and twice the size is tried. */
#define STACK_BYTES (64u << 10)
#define STACK_BYTES_MOST (4u << 20)

#define STOP_PAUSE_NS UINT64_C(1000000)
#define MAPS_BYTES (16u << 10)

struct ps_agent {
    ps_region *region;          /* this and what follows: immutable after the start */
    ps_ring_header *header;
    struct ps_ring_shape shape; /* by the region, not by the ring */
    pthread_t thread;
    pid_t process;
    _Atomic uint32_t stopping;  /* set by ps_agent_stop */
    _Atomic uint32_t ended;     /* a futex; set by the thread when it is done with all this */
    uint32_t done;              /* orders answered. Guard: the thread, and who starts it; so for the rest */
    int32_t error;              /* read by ps_agent_stop after the end */
    uint64_t refused;
    ps_ring_order order;        /* the order under way */
    char maps[MAPS_BYTES];
};

/* --- what the agent says of itself --- */

/* One line a mapping. 0 where the file cannot be read. */
static uint64_t count_mappings(ps_agent *agent)
{
    uint64_t lines = 0;
    ssize_t bytes;
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return 0;
    }
    while ((bytes = read(file, agent->maps, sizeof agent->maps)) > 0 || (bytes < 0 && errno == EINTR)) {
        for (ssize_t i = 0; i < bytes; i++) {
            lines += agent->maps[i] == '\n';
        }
    }
    close(file);
    return lines;
}

static uint32_t read_mappings_limit(void)
{
    char text[32] = {0};
    int file = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    ssize_t bytes = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0) {
        close(file);
    }
    return bytes <= 0 ? 0 : (uint32_t)strtoul(text, NULL, 10);
}

static int64_t check_health(ps_agent *agent, uint32_t reserve)
{
    ps_ring_header *header = agent->header;
    int64_t held = ps_reserve_fill(reserve);
    header->handler_installed = (uint32_t)ps_handler_is_installed();
    header->tracking = agent->region->config.track_writes != 0;
    header->mappings_limit = read_mappings_limit();
    header->mappings_used = count_mappings(agent);
    return held;
}

/* --- the thread --- */

static uint64_t *bitmap_at(const ps_agent *agent, uint64_t offset)
{
    return (uint64_t *)((uint8_t *)agent->header + offset);
}

static void do_next(ps_agent *agent)
{
    ps_ring_header *header = agent->header;
    ps_ring_order *slot = ps_ring_slot(header, agent->done);
    ps_ring_order *order = &agent->order;
    ps_order_take(slot, order);
    ps_point_pass(PS_POINT_ORDER_TAKEN, order->page);
    if (order->kind == PS_ORDER_HEALTH) {
        order->result = check_health(agent, order->count);
    } else {
        ps_order_do(agent->region, order, bitmap_at(agent, agent->shape.written_offset),
                    bitmap_at(agent, agent->shape.copies_offset));
    }
    ps_point_pass(PS_POINT_ORDER_DONE, order->page);
    ps_order_answer(order, slot);
    agent->refused += order->result == -EINVAL || order->result == -EOPNOTSUPP;
    header->orders_refused = agent->refused;
    header->cpu_ns = (uint64_t)ps_thread_cpu_ns();
    agent->done++;
    /* Pairs with the host's load of `answered` before it reads the answer, and with its look there between host_waits
     * and its sleep. */
    atomic_store(ps_ring_word(&header->answered), agent->done);
    if (atomic_load(ps_ring_word(&header->host_waits)) != 0) {
        ps_os_wake(ps_ring_word(&header->answered));
    }
}

/* Acquire: pairs with the host's release of an order that it has filled in. */
static uint32_t count_posted(const ps_agent *agent)
{
    return atomic_load(ps_ring_word(&agent->header->posted)) - agent->done;
}

/* Also wakes when ps_agent_stop says so, which does not count as a change of `posted`: hence it says so repeatedly. */
static void sleep_until_posted(ps_agent *agent)
{
    ps_ring_header *header = agent->header;
    /* Pairs with the host's look at agent_sleeps after it has counted `posted` up: one of us sees the other. */
    atomic_store(ps_ring_word(&header->agent_sleeps), 1);
    if (count_posted(agent) == 0 && !atomic_load(&agent->stopping)) {
        ps_os_wait(ps_ring_word(&header->posted), agent->done, 0);
    }
    atomic_store(ps_ring_word(&header->agent_sleeps), 0);
}

static void serve(ps_agent *agent)
{
    while (!atomic_load(&agent->stopping)) {
        uint32_t posted = count_posted(agent);
        if (posted > PS_RING_ORDERS) {
            agent->error = -EPROTO;
            return;
        }
        if (posted == 0) {
            sleep_until_posted(agent);
        } else {
            do_next(agent);
        }
    }
}

static void *run(void *argument)
{
    ps_agent *agent = argument;
    ps_ring_header *header = agent->header;
    prctl(PR_SET_NAME, "pageshare-agent");
    serve(agent);
    header->agent_error = agent->error;
    atomic_store(ps_ring_word(&header->agent_state), PS_AGENT_STOPPED);
    ps_os_wake(ps_ring_word(&header->answered));
    atomic_store(&agent->ended, 1);
    ps_os_wake(&agent->ended);
    return NULL;
}

/* --- starting and stopping --- */

/* The ring must be of the shape that this region has; nothing in it is used but to be refused. */
static int check_ring(const ps_agent *agent, uint64_t bytes)
{
    const ps_ring_header *header = agent->header;
    const struct ps_ring_shape *shape = &agent->shape;
    if (bytes != shape->bytes || header->magic != PS_RING_MAGIC || header->version != PS_RING_VERSION ||
        header->orders != PS_RING_ORDERS || header->pages != shape->pages || header->bytes != shape->bytes ||
        header->written_offset != shape->written_offset || header->copies_offset != shape->copies_offset) {
        return -EINVAL;
    }
    if (header->agent_state == PS_AGENT_RUNS) {
        return -EBUSY;
    }
    return count_posted(agent) > PS_RING_ORDERS ? -EPROTO : 0;
}

static int create_thread(ps_agent *agent)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        return -error;
    }
    long least = sysconf(_SC_THREAD_STACK_MIN);
    size_t bytes = STACK_BYTES + (least > 0 ? (size_t)least : PTHREAD_STACK_MIN);
    uint64_t signals = ps_os_hold_signals(); /* the thread begins with the mask of who creates it */
    do {
        error = pthread_attr_setstacksize(&attributes, bytes);
        if (error == 0) {
            error = pthread_create(&agent->thread, &attributes, run, agent);
        }
        bytes *= 2;
    } while (error == EINVAL && bytes <= STACK_BYTES_MOST);
    ps_os_release_signals(signals);
    pthread_attr_destroy(&attributes);
    return -error;
}

static int start(ps_agent *agent, uint64_t bytes)
{
    ps_ring_header *header = agent->header;
    agent->done = atomic_load(ps_ring_word(&header->answered));
    int error = check_ring(agent, bytes);
    if (error != 0) {
        return error;
    }
    madvise(header, bytes, MADV_DONTFORK); /* a child has no agent, and no business here */
    header->agent_error = 0;
    header->tracking = agent->region->config.track_writes != 0;
    header->handler_installed = (uint32_t)ps_handler_is_installed();
    header->mappings_limit = read_mappings_limit();
    uint32_t before = atomic_exchange(ps_ring_word(&header->agent_state), PS_AGENT_RUNS);
    error = create_thread(agent);
    if (error != 0) {
        atomic_store(ps_ring_word(&header->agent_state), before);
    }
    return error;
}

ps_agent *ps_agent_start(ps_region *region, void *ring, uint64_t bytes, int32_t *error)
{
    *error = -EINVAL;
    if ((uintptr_t)ring % PS_PAGE_SIZE != 0 || bytes == 0 || bytes != ps_ring_bytes(region->config.reserved_pages)) {
        return NULL;
    }
    ps_agent *agent = ps_os_allocate(sizeof *agent);
    if (agent == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    agent->region = region;
    agent->header = ring;
    agent->shape = ps_ring_shape_of(region->config.reserved_pages);
    agent->process = getpid();
    *error = start(agent, bytes);
    if (*error != 0) {
        ps_os_free(agent, sizeof *agent);
        return NULL;
    }
    return agent;
}

int32_t ps_agent_stop(ps_agent *agent)
{
    int32_t error = -ECHILD;
    if (agent->process == getpid()) {
        atomic_store(&agent->stopping, 1);
        while (!atomic_load(&agent->ended)) {
            ps_os_wake(ps_ring_word(&agent->header->posted));
            ps_os_wait(&agent->ended, 0, STOP_PAUSE_NS);
        }
        pthread_join(agent->thread, NULL);
        error = agent->error;
    }
    ps_os_free(agent, sizeof *agent);
    return error;
}
