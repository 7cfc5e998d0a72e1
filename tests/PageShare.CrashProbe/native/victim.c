/*
 * A guest that is no .NET program: it speaks to a host by itself, embeds the shim by its C headers alone, and works in
 * its memory until somebody kills it. It starts in a few milliseconds, so that hundreds can be killed one by one.
 *
 *     victim SOCKET NAME PAGES signal|kernel SEED POINT
 *
 * POINT is a ps_point at which to stop whoever comes there, or -1. Says "attached" once orders may come, then "parked"
 * when somebody stands at the point.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "pageshare_agent.h"
#include "pageshare_test.h"

enum { HELLO = 1, WELCOME = 2, DONE = 4, ALLOCATE = 10, ALLOCATED = 11, ATTACHED = 16 };
enum { MOST_BODY = 4096, DESCRIPTORS = 4, CONTENTS = 96, PARK_MILLISECONDS = 110000 };

typedef struct frame_header {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint32_t length;
    uint32_t descriptors;
} frame_header;

static uint64_t pages;
static uint8_t *memory;
static uint64_t *page_words;
static uint64_t state;

static void fail(const char *what)
{
    fprintf(stderr, "victim: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t next_random(void)
{
    state ^= state << 13; /* xorshift64 (Marsaglia, 2003) */
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void send_frame(int host, uint16_t kind, const char *body)
{
    uint8_t frame[sizeof(frame_header) + MOST_BODY];
    frame_header header = {0x48534750, 1, kind, (uint32_t)strlen(body), 0};
    memcpy(frame, &header, sizeof header);
    memcpy(frame + sizeof header, body, header.length);
    size_t length = sizeof header + header.length;
    if (send(host, frame, length, MSG_NOSIGNAL) != (ssize_t)length)
        fail("sending");
}

static void read_all(int host, char *into, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = recv(host, into + done, length - done, 0);
        if (got <= 0)
            fail("the host has closed");
        done += (size_t)got;
    }
}

static void receive_frame(int host, uint16_t kind, char *body, int *descriptors)
{
    frame_header header;
    char control[CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
    struct iovec part = {&header, sizeof header};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(host, &message, MSG_CMSG_CLOEXEC);
    if (got <= 0)
        fail("the host has closed");
    read_all(host, (char *)&header + got, sizeof header - (size_t)got);
    if (header.length >= MOST_BODY)
        fail("too long an answer");
    read_all(host, body, header.length);
    body[header.length] = 0;
    if (header.kind != kind) {
        fprintf(stderr, "victim: refused: %s\n", body);
        exit(1);
    }
    struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    if (header.descriptors == DESCRIPTORS && first != NULL)
        memcpy(descriptors, CMSG_DATA(first), sizeof(int) * DESCRIPTORS);
}

static uint64_t number_of(const char *body, const char *name)
{
    const char *at = strstr(body, name);
    if (at == NULL)
        fail(name);
    return strtoull(at + strlen(name), NULL, 10);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (host < 0 || connect(host, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connecting");
    return host;
}

static void *map(uint64_t bytes, int protection, int descriptor)
{
    void *view = mmap(NULL, bytes, protection, MAP_SHARED, descriptor, 0);
    if (view == MAP_FAILED)
        fail("mmap");
    return view;
}

/* One of the few contents that other guests of the tests hold too: PageContent.Unique of 1 to CONTENTS. */
static void fill_page(uint64_t page, uint64_t content)
{
    uint64_t *words = (uint64_t *)(memory + page * PS_PAGE_SIZE);
    uint64_t id = content % CONTENTS + 1;
    for (uint64_t i = 0; i < PS_PAGE_SIZE / 8; i++) {
        uint64_t z = id * UINT64_C(0x9E3779B97F4A7C15) + i * UINT64_C(0xD1B54A32D192ED03);
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9); /* SplitMix64 */
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        words[i] = i == 0 ? id : z ^ (z >> 31);
    }
}

/* Stores, mostly to few pages and now and then to any: pages are broken, and become equal to others again. */
static void *write_for_ever(void *unused)
{
    (void)unused;
    for (;;) {
        uint64_t page = next_random() % (next_random() % 256 == 0 ? pages : pages / 8);
        memory[page * PS_PAGE_SIZE + next_random() % PS_PAGE_SIZE] = (uint8_t)next_random();
        if (next_random() % 2 == 0)
            fill_page(page, next_random());
        if (next_random() % 16 == 0)
            usleep(200); /* else it takes a processor for itself, and nothing is ever quiet enough to be shared */
    }
    return NULL;
}

static ps_region *create_region(const char *body, int *fds, int is_kernel)
{
    uint64_t maximum = number_of(body, "\"maximumPages\":");
    uint64_t store_bytes = number_of(body, "\"storeBytes\":");
    uint64_t header = (sizeof(ps_guest_counters) + PS_PAGE_SIZE - 1) / PS_PAGE_SIZE * PS_PAGE_SIZE;
    struct stat table;
    if (fstat(fds[1], &table) != 0)
        fail("fstat");
    uint8_t *words = map((uint64_t)table.st_size, PROT_READ | PROT_WRITE, fds[1]);
    uint8_t *range = mmap(NULL, (maximum + 2) * PS_PAGE_SIZE, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED)
        fail("reserving");
    int tracks = ps_tracking_start() == 0;
    ps_region_config config = {
        .base = range + PS_PAGE_SIZE, .pages = pages, .reserved_pages = maximum,
        .counters = (ps_guest_counters *)words, .words = (uint64_t *)(words + header),
        .store_view = map(store_bytes, PROT_READ, fds[3]), .store_frames = (uint32_t)(store_bytes / PS_PAGE_SIZE),
        .backing_fd = fds[0], .store_fd = fds[3], .break_timeout_ns = UINT64_C(30000000000),
        .fault_mode = is_kernel ? PS_FAULT_MODE_KERNEL : PS_FAULT_MODE_SIGNAL, .map_now = 1, .track_writes = tracks,
    };
    int32_t error;
    ps_region *region = ps_region_create(&config, &error);
    if (region == NULL) {
        errno = -error;
        fail("ps_region_create");
    }
    memory = config.base;
    page_words = config.words;
    return region;
}

static int is_of_the_agent(int point)
{
    return point <= PS_POINT_PUNCHED || point == PS_POINT_ORDER_TAKEN || point == PS_POINT_ORDER_DONE;
}

static int shares_any_page(void)
{
    for (uint64_t page = 0; page < pages; page++) {
        uint64_t page_state = __atomic_load_n(&page_words[page], __ATOMIC_ACQUIRE) >> PS_STATE_SHIFT;
        if (page_state == PS_SHARED || page_state == PS_KERNEL_SHARED)
            return 1;
    }
    return 0;
}

/* Leaves the pages alone until what the point needs is there: nothing is sealed or shared that is written all the time,
 * and how long that is depends on how busy the machine is. */
static void wait_for_the_host(int point)
{
    const struct timespec pause_between = {0, 1000000};
    if (point == PS_POINT_WAITING) {
        ps_gate_await(PS_POINT_SEALED, 1, PARK_MILLISECONDS);
    } else if (is_of_the_agent(point)) {
        ps_gate_await((uint32_t)point, 1, PARK_MILLISECONDS);
    } else {
        while (!shares_any_page())
            nanosleep(&pause_between, NULL);
    }
}

static void start_agent(ps_region *region, int ring)
{
    struct stat size;
    int32_t error;
    if (fstat(ring, &size) != 0)
        fail("fstat");
    void *orders = map((uint64_t)size.st_size, PROT_READ | PROT_WRITE, ring);
    if (ps_agent_start(region, orders, (uint64_t)size.st_size, &error) == NULL) {
        errno = -error;
        fail("ps_agent_start");
    }
}

int main(int count, char **words)
{
    if (count != 7)
        return 2;
    pages = strtoull(words[3], NULL, 10);
    state = strtoull(words[5], NULL, 10) + 1;
    int point = atoi(words[6]);
    if (ps_handler_install() != 0 || ps_reserve_fill(16) < 0)
        fail("installing the handler");

    char body[MOST_BODY];
    int fds[DESCRIPTORS];
    int host = connect_to(words[1]);
    send_frame(host, HELLO, "{\"program\":\"victim\"}");
    receive_frame(host, WELCOME, body, fds);
    snprintf(body, sizeof body,
             "{\"name\":\"%s\",\"bytes\":%" PRIu64 ",\"maximumBytes\":%" PRIu64
             ",\"domain\":null,\"faultMode\":\"%s\",\"sharing\":true}",
             words[2], pages * PS_PAGE_SIZE, pages * PS_PAGE_SIZE, words[4]);
    send_frame(host, ALLOCATE, body);
    receive_frame(host, ALLOCATED, body, fds);
    ps_region *region = create_region(body, fds, strcmp(words[4], "kernel") == 0);
    start_agent(region, fds[2]);
    for (uint64_t page = 0; page < pages; page++)
        fill_page(page, page);
    if (point == PS_POINT_WAITING && ps_gate_set(PS_POINT_SEALED, PS_GATE_STOP, PS_ANY_PAGE) != 0)
        fail("ps_gate_set"); /* somebody must be waited for */
    if (point >= 0 && ps_gate_set((uint32_t)point, PS_GATE_STOP, PS_ANY_PAGE) != 0)
        fail("ps_gate_set");

    snprintf(body, sizeof body, "{\"guestId\":%" PRIu64 "}", number_of(body, "\"guestId\":"));
    send_frame(host, ATTACHED, body);
    receive_frame(host, DONE, body, fds);
    puts("attached");
    fflush(stdout);
    if (point >= 0)
        wait_for_the_host(point);
    pthread_t writer;
    if (pthread_create(&writer, NULL, write_for_ever, NULL) != 0)
        fail("pthread_create");
    if (point >= 0) {
        puts(ps_gate_await((uint32_t)point, 1, PARK_MILLISECONDS) == 0 ? "parked" : "nobody came to the point");
        fflush(stdout);
    }
    for (;;)
        pause();
}
