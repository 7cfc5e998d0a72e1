/*
 * Guests and a frame store as the managed host makes them, threads that can be parked, and what the kernel says about
 * it all. Everything here ends the test when it fails, so callers check only what they are about.
 */
#ifndef PS_FIXTURE_H
#define PS_FIXTURE_H

#include <pthread.h>
#include <stdint.h>

#include "pageshare.h"
#include "pageshare_test.h"
#include "ps_test.h"

#define SIGNAL_MODE PS_FAULT_MODE_SIGNAL
#define KERNEL_MODE PS_FAULT_MODE_KERNEL

/* Makes two tests of one that takes the fault mode, and names both in a table. */
#define IN_BOTH_MODES(test)                                  \
    static void test##__signal_mode(void) { test(SIGNAL_MODE); } \
    static void test##__kernel_mode(void) { test(KERNEL_MODE); }
#define BOTH_MODES(test) {#test "__signal_mode", test##__signal_mode}, {#test "__kernel_mode", test##__kernel_mode}
#define ONE_TEST(test) {#test, test}

struct store {
    int writer;      /* the host's own descriptor */
    int reader;      /* opened anew for reading: what guests map */
    uint64_t frames;
    uint8_t *view;   /* linear and readable */
};

struct guest {
    struct store *store;
    uint8_t *base; /* a guard page lies before it and behind the reserved pages */
    uint64_t pages;
    uint64_t reserved;
    uint32_t mode;
    int backing;
    uint64_t *words;
    ps_guest_counters *counters;
    ps_region *region;
};

/* Installs the fault handler as well. */
struct store *store_open(uint64_t frames);
void store_write(const struct store *store, uint64_t frame, uint64_t content);

struct guest *guest_open(struct store *store, uint64_t pages, uint32_t mode);
struct guest *guest_open_with(struct store *store, uint64_t pages, uint64_t reserved, uint32_t mode,
                              uint64_t timeout_ms);

/* The same in two steps, for a guest in another process: everything but the region, and then the region. */
struct guest *guest_prepare(struct store *store, uint64_t pages, uint32_t mode);
void guest_begin(struct guest *guest);

/* Guests that are opened from now on track writes. Skips the test where the kernel can't. */
void track_writes(void);

/* Guests that are opened from now on break up to so many pages at a store; at the start one. */
void break_ahead(uint32_t pages);

/* A region over private anonymous memory, its words SEALED, for ps_adopt. */
struct guest *guest_open_unadopted(struct store *store, uint64_t pages, uint32_t mode);
void guest_free(struct guest *guest); /* the region alone: mappings and descriptors end with the test */

static inline uint8_t *page_at(const struct guest *guest, uint64_t page)
{
    return guest->base + page * PS_PAGE_SIZE;
}

/* What a page holds, from a number; 0 is all zeros. */
void fill_page(uint8_t *page, uint64_t content);
int page_is(const uint8_t *page, uint64_t content);

/* page_is, but byte `at` is `value`: a page that one store changed. */
int page_is_except(const uint8_t *page, uint64_t content, uint64_t at, uint8_t value);

static inline void store_byte(uint8_t *address, uint8_t value)
{
    *(volatile uint8_t *)address = value;
}

ps_page_state state_of(const struct guest *guest, uint64_t page);
uint32_t frame_in_word(const struct guest *guest, uint64_t page);
uint32_t generation_of(const struct guest *guest, uint64_t page);
uint32_t pins_of(const struct guest *guest, uint64_t page);
void check_all_settled(const struct guest *guest);
ps_page_state shared_state(uint32_t mode);

/* Writes pages [page, page + count) and their frames with contents content, content + 1, ... and merges them: frames
 * continue from `frame`. Every page must come to share. */
void share(struct guest *guest, uint64_t page, uint32_t count, uint32_t frame, uint64_t content);
void merge_all_or_fail(struct guest *guest, uint64_t page, uint32_t count, uint32_t frame);
uint8_t merge_one(struct guest *guest, uint64_t page, uint32_t target); /* a ps_merge_result */

/* A thread that stores one byte. */
struct storing {
    pthread_t thread;
    uint8_t *address;
    uint8_t value;
    _Atomic int done;
};
void begin_store(struct storing *storing, uint8_t *address, uint8_t value);
void end_store(struct storing *storing);

/* A thread that makes one call on a range of a guest: what ps_merge, ps_move, ps_break, ps_pin or ps_settle needs. */
typedef enum call_kind { CALL_MERGE, CALL_MOVE, CALL_BREAK, CALL_PIN, CALL_SETTLE, CALL_FREE } call_kind;
struct calling {
    pthread_t thread;
    struct guest *guest;
    call_kind kind;
    uint64_t page;
    uint32_t count;
    uint32_t frame;                   /* CALL_MERGE, CALL_MOVE: of the first page; PS_TARGET_ZERO: of all */
    uint8_t results[PS_ORDER_PAGES];  /* CALL_MERGE, CALL_MOVE */
    uint64_t dropped;                 /* CALL_SETTLE */
    int64_t result;
    _Atomic int done;
};
void begin_call(struct calling *calling, struct guest *guest, call_kind kind, uint64_t page, uint32_t count,
                uint32_t frame);
void end_call(struct calling *calling);

/* Gates, for any page. */
void gate(ps_point point, ps_gate_mode mode);
void arrive(ps_point point, uint32_t arrivals); /* waits for that many, at most 20 s */

/* The kernel's word: kernel_word.c. */
uint64_t pages_held(int descriptor);                                   /* st_blocks */
uint64_t frame_number(const uint8_t *address);                         /* skips the test where it is hidden */
uint64_t mappings_in(const uint8_t *from, uint64_t pages);
uint64_t mappings_without_dontfork(const uint8_t *from, uint64_t pages);

#endif
