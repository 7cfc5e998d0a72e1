/*
 * System calls into pinned pages never fail, however much is sealed around them. The readers write the very bytes that
 * the frames hold, so that everything is worth merging at every moment. PS_SOAK makes it that many million reads.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

#define PAGES 64u
#define READERS 2u
#define READS 500000u
#define READS_A_PIN 32u
#define PINNED 3u

static struct guest *guest;
static int source; /* the bytes of all frames */
static uint64_t reads_each;
static _Atomic uint32_t readers_left;
static _Atomic uint64_t busy, done;

/* Pins, reads into what is pinned and its last byte too, unpins: its own pages, and neighbours of the other's. */
static void *read_on(void *argument)
{
    uint64_t first = (uint64_t)(uintptr_t)argument;
    for (uint64_t i = 0; i < reads_each; i++) {
        uint64_t batch = i / READS_A_PIN;
        uint64_t page = (first + batch * 2 * READERS) % (PAGES - PINNED + 1);
        if (i % READS_A_PIN == 0) {
            CHECK(ps_pin(guest->region, page, PINNED) == 0);
        }
        uint64_t at = page * PS_PAGE_SIZE + i * 1031 % ((PINNED - 1) * PS_PAGE_SIZE);
        size_t bytes = 1 + i * 37 % PS_PAGE_SIZE;
        CHECK(pread(source, guest->base + at, bytes, (off_t)at) == (ssize_t)bytes);
        if (i % READS_A_PIN == READS_A_PIN - 1 || i == reads_each - 1) {
            CHECK(ps_unpin(guest->region, page, PINNED) == 0);
        }
    }
    readers_left--;
    return NULL;
}

static void merge_all_around(void)
{
    uint32_t targets[PAGES];
    uint8_t results[PAGES];
    for (uint32_t page = 0; page < PAGES; page++) {
        targets[page] = page;
    }
    while (readers_left > 0) {
        CHECK(ps_merge(guest->region, 0, PAGES, targets, results) == 0);
        for (uint32_t page = 0; page < PAGES; page++) {
            CHECK(results[page] == PS_MERGE_DONE || results[page] == PS_MERGE_BUSY);
            busy += results[page] == PS_MERGE_BUSY;
            done += results[page] == PS_MERGE_DONE;
        }
    }
}

static void reads_into_pinned_pages_never_fail(uint32_t mode)
{
    pthread_t readers[READERS];
    const char *soak = getenv("PS_SOAK");
    reads_each = READS / READERS * (soak != NULL ? strtoull(soak, NULL, 0) : 1);
    struct store *store = store_open(PAGES);
    guest = guest_open(store, PAGES, mode);
    share(guest, 0, PAGES, 0, 1);
    source = store->writer;
    readers_left = READERS;
    for (uintptr_t i = 0; i < READERS; i++) {
        CHECK(pthread_create(&readers[i], NULL, read_on, (void *)(i * 2)) == 0);
    }
    merge_all_around();
    for (unsigned i = 0; i < READERS; i++) {
        CHECK(pthread_join(readers[i], NULL) == 0);
    }
    CHECK(busy > 0 && done > 0);
    for (uint64_t page = 0; page < PAGES; page++) {
        CHECK(page_is(page_at(guest, page), page + 1) && pins_of(guest, page) == 0);
    }
    check_all_settled(guest);
}
IN_BOTH_MODES(reads_into_pinned_pages_never_fail)

const struct ps_test ps_tests_pinned_io[] = {
    BOTH_MODES(reads_into_pinned_pages_never_fail),
    {0, 0},
};
