/* The host's side of a ring: see pageshare_agent.h. */
#include "ring.h"

#include <errno.h>
#include <string.h>

#include "os.h"
#include "test_points.h"

/* A look at the agent's state every so often, for the host that sleeps while an agent stops without answering. */
#define LONGEST_SLEEP_NS UINT64_C(100000000)

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + PS_PAGE_SIZE - 1) / PS_PAGE_SIZE * PS_PAGE_SIZE;
}

struct ps_ring_shape ps_ring_shape_of(uint64_t pages)
{
    uint64_t bitmap = whole_pages((pages + 63) / 64 * sizeof(uint64_t));
    uint64_t written = PS_RING_HEADER_BYTES + (uint64_t)PS_RING_ORDERS * PS_RING_ORDER_BYTES;
    struct ps_ring_shape shape = {pages, written + 2 * bitmap, written, written + bitmap};
    return shape;
}

uint64_t ps_ring_bytes(uint64_t pages)
{
    return pages == 0 || pages > PS_RING_PAGES_MAX ? 0 : ps_ring_shape_of(pages).bytes;
}

int32_t ps_ring_format(void *ring, uint64_t bytes, uint64_t pages)
{
    if ((uintptr_t)ring % PS_PAGE_SIZE != 0 || bytes == 0 || bytes != ps_ring_bytes(pages)) {
        return -EINVAL;
    }
    struct ps_ring_shape shape = ps_ring_shape_of(pages);
    ps_ring_header *header = ring;
    memset(header, 0, sizeof *header);
    header->magic = PS_RING_MAGIC;
    header->version = PS_RING_VERSION;
    header->orders = PS_RING_ORDERS;
    header->pages = pages;
    header->bytes = bytes;
    header->written_offset = shape.written_offset;
    header->copies_offset = shape.copies_offset;
    return 0;
}

ps_ring_host *ps_ring_host_open(void *ring, uint64_t bytes, uint64_t pages, int32_t *error)
{
    ps_ring_host *host = NULL;
    *error = -EINVAL;
    if ((uintptr_t)ring % PS_PAGE_SIZE == 0 && bytes != 0 && bytes == ps_ring_bytes(pages)) {
        host = ps_os_allocate(sizeof *host);
        *error = host == NULL ? -ENOMEM : 0;
    }
    if (host != NULL) {
        host->header = ring;
        host->shape = ps_ring_shape_of(pages);
    }
    return host;
}

void ps_ring_host_close(ps_ring_host *host)
{
    if (host != NULL) {
        ps_os_free(host, sizeof *host);
    }
}

ps_ring_order *ps_ring_next(ps_ring_host *host)
{
    return host->posted - host->awaited < PS_RING_ORDERS ? ps_ring_slot(host->header, host->posted) : NULL;
}

uint32_t ps_ring_post(ps_ring_host *host)
{
    const ps_ring_order *order = ps_ring_next(host);
    if (order == NULL) {
        return host->posted;
    }
    uint32_t kind = order->kind; /* for the points alone: from here on the guest may be writing it */
    ps_point_pass(PS_POINT_ORDER_WRITTEN, kind);
    host->posted++;
    /* Pairs with the agent's load of `posted` before it copies the order, and with its look there between agent_sleeps
     * and its sleep. */
    atomic_store(ps_ring_word(&host->header->posted), host->posted);
    ps_point_pass(PS_POINT_ORDER_POSTED, kind);
    if (atomic_load(ps_ring_word(&host->header->agent_sleeps)) != 0) {
        ps_os_wake(ps_ring_word(&host->header->posted));
    }
    return host->posted;
}

/* Takes over how far the agent says it is. Counts go round at 2^32, so "between" is a matter of differences. */
static int32_t look(ps_ring_host *host)
{
    /* Acquire: pairs with the agent's release after it has written the answer. */
    uint32_t answered = atomic_load_explicit(ps_ring_word(&host->header->answered), memory_order_acquire);
    if (host->is_broken || answered - host->answered > host->posted - host->answered) {
        host->is_broken = 1;
        return -EPROTO;
    }
    host->answered = answered;
    return 0;
}

static int is_posted(const ps_ring_host *host, uint32_t sequence)
{
    return (int32_t)(host->posted - sequence) >= 0;
}

static int is_answered(const ps_ring_host *host, uint32_t sequence)
{
    return (int32_t)(host->answered - sequence) >= 0;
}

/* 0, -EPROTO, -EPIPE, or -EAGAIN while there is something to wait for. The state first: an agent answers before it
 * stops. Orders behind this one may be answered as well, but the caller has not taken those answers yet. */
static int32_t try_await(ps_ring_host *host, uint32_t sequence)
{
    uint32_t state = atomic_load(ps_ring_word(&host->header->agent_state));
    int32_t error = look(host);
    if (error != 0) {
        return error;
    }
    if (!is_answered(host, sequence)) {
        return state == PS_AGENT_STOPPED ? -EPIPE : -EAGAIN;
    }
    if ((int32_t)(sequence - host->awaited) > 0) {
        host->awaited = sequence;
    }
    return 0;
}

/* At once, without looking round for some microseconds first: on two cores with other work that took the agent's
 * processor away, and an order of one page took 32 microseconds instead of 20. */
static void sleep_until_answered(ps_ring_host *host, uint64_t longest_ns)
{
    ps_ring_header *header = host->header;
    /* Pairs with the agent's look at host_waits after it has counted `answered` up: one of us sees the other. */
    atomic_store(ps_ring_word(&header->host_waits), 1);
    if (atomic_load(ps_ring_word(&header->answered)) == host->answered) {
        ps_os_wait(ps_ring_word(&header->answered), host->answered,
                   longest_ns < LONGEST_SLEEP_NS ? longest_ns : LONGEST_SLEEP_NS);
    }
    atomic_store(ps_ring_word(&header->host_waits), 0);
}

int32_t ps_ring_await(ps_ring_host *host, uint32_t sequence, uint64_t timeout_ns)
{
    if (!is_posted(host, sequence)) {
        return -EINVAL;
    }
    int32_t error = try_await(host, sequence);
    uint64_t began = error == -EAGAIN && timeout_ns > 0 ? ps_os_now_ns() : 0;
    uint64_t waited = 0;
    while (error == -EAGAIN && waited < timeout_ns) {
        sleep_until_answered(host, timeout_ns - waited);
        error = try_await(host, sequence);
        waited = ps_os_now_ns() - began;
    }
    if (error == 0) {
        ps_point_pass(PS_POINT_ANSWER_SEEN, ps_ring_slot(host->header, sequence - 1)->kind);
    }
    return error == -EAGAIN ? -ETIMEDOUT : error;
}

const ps_ring_order *ps_ring_answer(const ps_ring_host *host, uint32_t sequence)
{
    int is_kept = is_posted(host, sequence) && host->posted - sequence < PS_RING_ORDERS;
    return is_kept && is_answered(host, sequence) ? ps_ring_slot(host->header, sequence - 1) : NULL;
}
