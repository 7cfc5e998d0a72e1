#define _GNU_SOURCE
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES(pages) ((size_t)(pages) * PS_PAGE_SIZE)
#define AWAIT_MS 20000u
#define BREAK_TIMEOUT_MS 30000u

static int tracks_writes;
static uint32_t break_pages;

static void *map_shared(int descriptor, size_t bytes, int protection)
{
    void *memory = mmap(NULL, bytes, protection, MAP_SHARED, descriptor, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

static int memory_object(const char *name, size_t bytes)
{
    int descriptor = memfd_create(name, MFD_CLOEXEC);
    CHECK(descriptor >= 0 && ftruncate(descriptor, (off_t)bytes) == 0);
    return descriptor;
}

struct store *store_open(uint64_t frames)
{
    char path[64];
    struct store *store = calloc(1, sizeof *store);
    CHECK(store != NULL && ps_handler_install() == 0);
    store->frames = frames;
    store->writer = memory_object("store", BYTES(frames));
    snprintf(path, sizeof path, "/proc/self/fd/%d", store->writer);
    store->reader = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(store->reader >= 0);
    store->view = map_shared(store->reader, BYTES(frames), PROT_READ);
    return store;
}

void store_write(const struct store *store, uint64_t frame, uint64_t content)
{
    uint8_t page[PS_PAGE_SIZE];
    fill_page(page, content);
    CHECK(frame < store->frames);
    CHECK(pwrite(store->writer, page, sizeof page, (off_t)BYTES(frame)) == (ssize_t)sizeof page);
}

/* All but the region itself. */
static struct guest *prepare(struct store *store, uint64_t pages, uint64_t reserved, uint32_t mode)
{
    struct guest *guest = calloc(1, sizeof *guest);
    CHECK(guest != NULL);
    uint8_t *range = mmap(NULL, BYTES(reserved + 2), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(range != MAP_FAILED);
    guest->store = store;
    guest->base = range + PS_PAGE_SIZE;
    guest->pages = pages;
    guest->reserved = reserved;
    guest->mode = mode;
    guest->backing = memory_object("backing", BYTES(reserved));
    int words = memory_object("words", reserved * 8);
    guest->words = map_shared(words, reserved * 8, PROT_READ | PROT_WRITE);
    close(words);
    guest->counters = calloc(1, sizeof *guest->counters);
    CHECK(guest->counters != NULL);
    return guest;
}

void track_writes(void)
{
    int error = ps_tracking_start();
    if (error != 0) {
        SKIP("this kernel cannot track writes");
    }
    CHECK(ps_tracking_start() == 0);
    tracks_writes = 1;
}

void break_ahead(uint32_t pages)
{
    break_pages = pages;
}

static void create_region(struct guest *guest, uint64_t timeout_ms, uint32_t map_now)
{
    int32_t error = -1;
    ps_region_config config = {
        .base = guest->base,
        .pages = guest->pages,
        .reserved_pages = guest->reserved,
        .words = guest->words,
        .counters = guest->counters,
        .store_view = guest->store->view,
        .break_timeout_ns = timeout_ms * 1000000,
        .backing_fd = guest->backing,
        .store_fd = guest->store->reader,
        .store_frames = (uint32_t)guest->store->frames,
        .fault_mode = guest->mode,
        .map_now = map_now,
        .track_writes = (uint32_t)tracks_writes,
        .break_pages = break_pages,
    };
    guest->region = ps_region_create(&config, &error);
    CHECK(guest->region != NULL && error == 0);
}

struct guest *guest_prepare(struct store *store, uint64_t pages, uint32_t mode)
{
    return prepare(store, pages, pages, mode);
}

void guest_begin(struct guest *guest)
{
    create_region(guest, BREAK_TIMEOUT_MS, 1);
}

struct guest *guest_open_with(struct store *store, uint64_t pages, uint64_t reserved, uint32_t mode,
                              uint64_t timeout_ms)
{
    struct guest *guest = prepare(store, pages, reserved, mode);
    create_region(guest, timeout_ms, 1);
    return guest;
}

struct guest *guest_open(struct store *store, uint64_t pages, uint32_t mode)
{
    return guest_open_with(store, pages, pages, mode, BREAK_TIMEOUT_MS);
}

struct guest *guest_open_unadopted(struct store *store, uint64_t pages, uint32_t mode)
{
    struct guest *guest = prepare(store, pages, pages, mode);
    CHECK(mprotect(guest->base, BYTES(pages), PROT_READ | PROT_WRITE) == 0);
    create_region(guest, BREAK_TIMEOUT_MS, 0);
    return guest;
}

void guest_free(struct guest *guest)
{
    ps_region_free(guest->region);
    guest->region = NULL;
}

/* --- contents --- */

/* The word at `index` of a page with this content: one round of a splitmix generator, so that any two pages differ
 * all over. */
static uint64_t content_word(uint64_t content, uint64_t index)
{
    uint64_t x = content * UINT64_C(0x9E3779B97F4A7C15) + index * UINT64_C(0xD1B54A32D192ED03);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    return content == 0 ? 0 : x ^ (x >> 31);
}

void fill_page(uint8_t *page, uint64_t content)
{
    volatile uint64_t *words = (volatile uint64_t *)page;
    for (uint64_t i = 0; i < PS_PAGE_SIZE / 8; i++) {
        words[i] = content_word(content, i);
    }
}

int page_is_except(const uint8_t *page, uint64_t content, uint64_t at, uint8_t value)
{
    uint8_t expected[PS_PAGE_SIZE];
    fill_page(expected, content);
    expected[at] = value;
    return memcmp(page, expected, PS_PAGE_SIZE) == 0;
}

int page_is(const uint8_t *page, uint64_t content)
{
    uint8_t expected[PS_PAGE_SIZE];
    fill_page(expected, content);
    return memcmp(page, expected, PS_PAGE_SIZE) == 0;
}

/* --- words --- */

static uint64_t word_of(const struct guest *guest, uint64_t page)
{
    return __atomic_load_n(&guest->words[page], __ATOMIC_ACQUIRE);
}

ps_page_state state_of(const struct guest *guest, uint64_t page)
{
    return (ps_page_state)(word_of(guest, page) >> PS_STATE_SHIFT);
}

uint32_t frame_in_word(const struct guest *guest, uint64_t page)
{
    return (uint32_t)word_of(guest, page);
}

uint32_t generation_of(const struct guest *guest, uint64_t page)
{
    return (uint32_t)(word_of(guest, page) >> PS_GENERATION_SHIFT) & PS_GENERATION_MAX;
}

uint32_t pins_of(const struct guest *guest, uint64_t page)
{
    return (uint32_t)(word_of(guest, page) >> PS_PINS_SHIFT) & PS_PINS_MAX;
}

/* Also that no word is left with a waiters bit, or with a frame or pins in a state that has none. */
void check_all_settled(const struct guest *guest)
{
    for (uint64_t page = 0; page < guest->pages; page++) {
        ps_page_state state = state_of(guest, page);
        CHECK(state == PS_PRIVATE || state == PS_ZERO || state == shared_state(guest->mode));
        CHECK(state == PS_PRIVATE || pins_of(guest, page) == 0);
        CHECK(state == shared_state(guest->mode) || frame_in_word(guest, page) == 0);
        CHECK((word_of(guest, page) >> PS_WAITERS_BIT & 1) == 0 && word_of(guest, page) << 16 >> 57 == 0);
        CHECK(state == shared_state(guest->mode) || generation_of(guest, page) == 0);
    }
}

ps_page_state shared_state(uint32_t mode)
{
    return mode == KERNEL_MODE ? PS_KERNEL_SHARED : PS_SHARED;
}

/* --- calls --- */

uint8_t merge_one(struct guest *guest, uint64_t page, uint32_t target)
{
    uint8_t result = 0xFF;
    CHECK(ps_merge(guest->region, page, 1, &target, &result) == 0);
    return result;
}

void merge_all_or_fail(struct guest *guest, uint64_t page, uint32_t count, uint32_t frame)
{
    uint32_t targets[PS_ORDER_PAGES] = {0};
    uint8_t results[PS_ORDER_PAGES];
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = frame + i;
    }
    CHECK(ps_merge(guest->region, page, count, targets, results) == 0);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(results[i] == PS_MERGE_DONE);
        CHECK(state_of(guest, page + i) == shared_state(guest->mode) && frame_in_word(guest, page + i) == frame + i);
    }
}

void share(struct guest *guest, uint64_t page, uint32_t count, uint32_t frame, uint64_t content)
{
    for (uint32_t i = 0; i < count; i++) {
        fill_page(page_at(guest, page + i), content + i);
        store_write(guest->store, frame + i, content + i);
    }
    merge_all_or_fail(guest, page, count, frame);
}

static void *run_store(void *argument)
{
    struct storing *storing = argument;
    store_byte(storing->address, storing->value);
    storing->done = 1;
    return NULL;
}

void begin_store(struct storing *storing, uint8_t *address, uint8_t value)
{
    storing->address = address;
    storing->value = value;
    storing->done = 0;
    CHECK(pthread_create(&storing->thread, NULL, run_store, storing) == 0);
}

void end_store(struct storing *storing)
{
    CHECK(pthread_join(storing->thread, NULL) == 0);
    CHECK(storing->done && *(volatile uint8_t *)storing->address == storing->value);
}

/* Or moves it: the two take the same order. */
static int64_t merge_range(struct calling *calling)
{
    ps_region *region = calling->guest->region;
    uint32_t targets[PS_ORDER_PAGES] = {0};
    for (uint32_t i = 0; i < calling->count; i++) {
        targets[i] = calling->frame == PS_TARGET_ZERO ? PS_TARGET_ZERO : calling->frame + i;
    }
    return calling->kind == CALL_MOVE ? ps_move(region, calling->page, calling->count, targets, calling->results)
                                      : ps_merge(region, calling->page, calling->count, targets, calling->results);
}

static int64_t settle_range(struct calling *calling)
{
    uint64_t broken[PS_ORDER_PAGES / 64];
    int64_t found = ps_find_anonymous(calling->guest->region, calling->page, calling->count, broken);
    return found < 0 ? found
                     : ps_settle(calling->guest->region, calling->page, calling->count, broken, &calling->dropped);
}

static void *run_call(void *argument)
{
    struct calling *calling = argument;
    ps_region *region = calling->guest->region;
    switch (calling->kind) {
    case CALL_MERGE:
    case CALL_MOVE:
        calling->result = merge_range(calling);
        break;
    case CALL_BREAK:
        calling->result = ps_break(region, calling->page, calling->count);
        break;
    case CALL_PIN:
        calling->result = ps_pin(region, calling->page, calling->count);
        break;
    case CALL_SETTLE:
        calling->result = settle_range(calling);
        break;
    case CALL_FREE:
        ps_region_free(region);
        calling->result = 0;
        break;
    }
    calling->done = 1;
    return NULL;
}

void begin_call(struct calling *calling, struct guest *guest, call_kind kind, uint64_t page, uint32_t count,
                uint32_t frame)
{
    memset(calling, 0, sizeof *calling);
    calling->guest = guest;
    calling->kind = kind;
    calling->page = page;
    calling->count = count;
    calling->frame = frame;
    CHECK(pthread_create(&calling->thread, NULL, run_call, calling) == 0);
}

void end_call(struct calling *calling)
{
    CHECK(pthread_join(calling->thread, NULL) == 0 && calling->done);
}

void gate(ps_point point, ps_gate_mode mode)
{
    CHECK(ps_gate_set(point, mode, PS_ANY_PAGE) == 0);
}

void arrive(ps_point point, uint32_t arrivals)
{
    CHECK(ps_gate_await(point, arrivals, AWAIT_MS) == 0);
}
