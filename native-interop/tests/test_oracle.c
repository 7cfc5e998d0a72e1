/*
 * Random work of all kinds at once against a byte-for-byte oracle. Writers own pages and know each byte of them;
 * scanners merge what looks equal (now and then what does not), settle, break, and write new contents into frames
 * that no word names. PS_SEED repeats a run as far as the scheduler lets it, PS_SOAK makes it that many times as
 * long.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "ps_random.h"

#define GUESTS 3u
#define PAGES 48u
#define WRITERS 3u
#define SCANNERS 2u
#define FRAMES 64u
#define CONTENTS 7u /* and 0, all zeros */
#define STEPS 60000u

static uint64_t seed;
static uint64_t steps;
static struct store *store;
static struct guest *guests[GUESTS];
static uint8_t oracle[GUESTS][PAGES][PS_PAGE_SIZE]; /* of the writer that owns the page: page % WRITERS */
static uint64_t frame_contents[FRAMES];             /* of the scanner that owns the frame: frame % SCANNERS */
static uint8_t samples[CONTENTS + 1][PS_PAGE_SIZE];
static int source;                                  /* a file with page `content` at offset content */
static _Atomic uint32_t writers_left;

/* --- writers --- */

/* A system call stores for us: right only while the page is pinned, in either mode. */
static void read_into(struct guest *guest, uint64_t page, uint8_t *shadow, struct random *random)
{
    uint64_t content = below(random, CONTENTS + 1);
    uint64_t at = below(random, PS_PAGE_SIZE);
    size_t bytes = (size_t)(1 + below(random, PS_PAGE_SIZE - at));
    uint64_t pinned = 1 + below(random, PAGES - page < 4 ? PAGES - page : 4);
    CHECK(ps_pin(guest->region, page, pinned) == 0);
    off_t from = (off_t)(content * PS_PAGE_SIZE + at);
    CHECK(pread(source, page_at(guest, page) + at, bytes, from) == (ssize_t)bytes);
    CHECK(pread(source, shadow + at, bytes, from) == (ssize_t)bytes);
    CHECK(ps_unpin(guest->region, page, pinned) == 0);
}

static void write_step(struct random *random, uint64_t writer)
{
    uint64_t g = below(random, GUESTS);
    uint64_t page = below(random, PAGES / WRITERS) * WRITERS + writer;
    uint8_t *memory = page_at(guests[g], page);
    uint8_t *shadow = oracle[g][page];
    uint64_t at = below(random, PS_PAGE_SIZE - 8);
    uint64_t value = next(random);
    switch (below(random, 10)) {
    case 0:
    case 1:
        store_byte(memory + at, (uint8_t)value);
        shadow[at] = (uint8_t)value;
        break;
    case 2:
        memcpy(memory + at, &value, 8);
        memcpy(shadow + at, &value, 8);
        break;
    case 3: /* the same byte again: breaks, and stays equal */
        store_byte(memory + at, shadow[at]);
        break;
    case 4:
    case 5:
    case 6:
        fill_page(memory, value % (CONTENTS + 1));
        fill_page(shadow, value % (CONTENTS + 1));
        break;
    case 7:
        read_into(guests[g], page, shadow, random);
        break;
    case 8:
        CHECK(ps_break(guests[g]->region, page, 1 + below(random, PAGES - page)) >= 0);
        break;
    default:
        break;
    }
    CHECK(memcmp(memory, shadow, PS_PAGE_SIZE) == 0);
}

static void *write_on(void *argument)
{
    uint64_t writer = (uint64_t)(uintptr_t)argument;
    struct random random = {seed + writer};
    for (uint64_t i = 0; i < steps; i++) {
        write_step(&random, writer);
    }
    writers_left--;
    return NULL;
}

/* --- scanners --- */

/* What a page looks like by two of its words, which is no proof. UINT64_MAX: none of ours. */
static uint64_t guess_content(const uint8_t *page)
{
    for (uint64_t content = 0; content <= CONTENTS; content++) {
        if (memcmp(page, samples[content], 8) == 0 && memcmp(page + 2048, samples[content] + 2048, 8) == 0) {
            return content;
        }
    }
    return UINT64_MAX;
}

static uint32_t choose_target(const uint8_t *page, uint64_t scanner, uint32_t before, struct random *random)
{
    uint64_t content = below(random, 50) == 0 ? below(random, CONTENTS + 1) : guess_content(page);
    if (content == UINT64_MAX) {
        return PS_TARGET_NONE;
    }
    if (content == 0) {
        return PS_TARGET_ZERO;
    }
    uint32_t continued = before + 1;
    if (before < FRAMES - 1 && continued % SCANNERS == scanner && frame_contents[continued] == content) {
        return continued;
    }
    uint32_t first = (uint32_t)below(random, FRAMES);
    for (uint32_t i = 0; i < FRAMES; i++) {
        uint32_t frame = (first + i) % FRAMES;
        if (frame % SCANNERS == scanner && frame_contents[frame] == content) {
            return frame;
        }
    }
    return PS_TARGET_NONE;
}

static void merge_step(struct guest *guest, uint64_t scanner, struct random *random)
{
    uint32_t targets[PAGES];
    uint8_t results[PAGES];
    uint64_t page = below(random, PAGES);
    uint32_t count = (uint32_t)(1 + below(random, PAGES - page));
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = choose_target(page_at(guest, page + i), scanner, i == 0 ? FRAMES : targets[i - 1], random);
    }
    CHECK(ps_merge(guest->region, page, count, targets, results) == 0);
    for (uint32_t i = 0; i < count; i++) {
        CHECK((results[i] == PS_MERGE_SKIPPED) == (targets[i] == PS_TARGET_NONE));
        CHECK(results[i] != PS_MERGE_NO_MAPPING);
    }
}

static void settle_step(struct guest *guest)
{
    uint64_t broken[1], dropped;
    if (guest->mode == KERNEL_MODE) {
        CHECK(ps_find_anonymous(guest->region, 0, PAGES, broken) >= 0);
        CHECK(ps_settle(guest->region, 0, PAGES, broken, &dropped) >= 0);
    }
}

static int is_named(uint32_t frame)
{
    for (unsigned g = 0; g < GUESTS; g++) {
        for (uint64_t page = 0; page < PAGES; page++) {
            if (frame_in_word(guests[g], page) == frame && state_of(guests[g], page) != PS_PRIVATE) {
                return 1;
            }
        }
    }
    return 0;
}

/* Reuses frames that are free. Nobody but this scanner makes new users of them. */
static void reuse_step(uint64_t scanner, struct random *random)
{
    for (uint32_t frame = (uint32_t)scanner; frame < FRAMES; frame += SCANNERS) {
        if (!is_named(frame)) {
            frame_contents[frame] = 1 + below(random, CONTENTS);
            store_write(store, frame, frame_contents[frame]);
        }
    }
}

static void *scan_on(void *argument)
{
    uint64_t scanner = (uint64_t)(uintptr_t)argument;
    struct random random = {seed + 1000 + scanner};
    while (writers_left > 0) {
        struct guest *guest = guests[below(&random, GUESTS)];
        merge_step(guest, scanner, &random);
        switch (below(&random, 8)) {
        case 0:
            settle_step(guest);
            break;
        case 1:
            reuse_step(scanner, &random);
            break;
        default:
            break;
        }
    }
    return NULL;
}

/* --- the run --- */

static uint64_t number_in(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL && *text != 0 ? strtoull(text, NULL, 0) : otherwise;
}

static void prepare(const uint32_t *modes)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    seed = number_in("PS_SEED", (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    steps = STEPS * number_in("PS_SOAK", 1);
    fprintf(stderr, "  PS_SEED=%llu\n", (unsigned long long)seed);
    store = store_open(FRAMES);
    for (uint32_t frame = 0; frame < FRAMES; frame++) {
        frame_contents[frame] = 1 + frame % CONTENTS;
        store_write(store, frame, frame_contents[frame]);
    }
    source = memfd_create("source", MFD_CLOEXEC);
    for (uint64_t content = 0; content <= CONTENTS; content++) {
        fill_page(samples[content], content);
    }
    CHECK(write(source, samples, sizeof samples) == (ssize_t)sizeof samples);
    for (unsigned g = 0; g < GUESTS; g++) {
        guests[g] = guest_open(store, PAGES, modes[g]);
    }
}

static void run(const uint32_t *modes)
{
    pthread_t writers[WRITERS], scanners[SCANNERS];
    prepare(modes);
    writers_left = WRITERS;
    for (uintptr_t i = 0; i < WRITERS; i++) {
        CHECK(pthread_create(&writers[i], NULL, write_on, (void *)i) == 0);
    }
    for (uintptr_t i = 0; i < SCANNERS; i++) {
        CHECK(pthread_create(&scanners[i], NULL, scan_on, (void *)i) == 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        CHECK(pthread_join(writers[i], NULL) == 0);
    }
    for (unsigned i = 0; i < SCANNERS; i++) {
        CHECK(pthread_join(scanners[i], NULL) == 0);
    }
    for (unsigned g = 0; g < GUESTS; g++) {
        CHECK(memcmp(guests[g]->base, oracle[g], sizeof oracle[g]) == 0);
        check_all_settled(guests[g]);
        CHECK(guests[g]->counters->pages_broken > 0 && guests[g]->counters->breaks_stalled == 0);
        CHECK(mappings_without_dontfork(guests[g]->base, PAGES) == 0);
        CHECK(ps_break(guests[g]->region, 0, PAGES) >= 0 && mappings_in(guests[g]->base, PAGES) == 1);
        CHECK(memcmp(guests[g]->base, oracle[g], sizeof oracle[g]) == 0);
    }
}

static void random_work_equals_the_oracle_in_signal_mode(void)
{
    run((const uint32_t[]){SIGNAL_MODE, SIGNAL_MODE, SIGNAL_MODE});
}

static void random_work_equals_the_oracle_in_kernel_mode(void)
{
    run((const uint32_t[]){KERNEL_MODE, KERNEL_MODE, KERNEL_MODE});
}

static void random_work_equals_the_oracle_in_mixed_modes(void)
{
    run((const uint32_t[]){SIGNAL_MODE, KERNEL_MODE, SIGNAL_MODE});
}

/* In so small a guest random stores meet each other's streams all the time. */
static void random_work_equals_the_oracle_with_breaks_ahead(void)
{
    break_ahead(16);
    run((const uint32_t[]){SIGNAL_MODE, SIGNAL_MODE, SIGNAL_MODE});
    for (unsigned g = 0; g < GUESTS; g++) {
        CHECK(guests[g]->counters->pages_broken_ahead > 0);
    }
}

static void random_work_equals_the_oracle_in_mixed_modes_with_breaks_ahead(void)
{
    break_ahead(5);
    run((const uint32_t[]){SIGNAL_MODE, KERNEL_MODE, SIGNAL_MODE});
    CHECK(guests[1]->counters->pages_broken_ahead == 0);
}

const struct ps_test ps_tests_oracle[] = {
    ONE_TEST(random_work_equals_the_oracle_in_signal_mode),
    ONE_TEST(random_work_equals_the_oracle_in_kernel_mode),
    ONE_TEST(random_work_equals_the_oracle_in_mixed_modes),
    ONE_TEST(random_work_equals_the_oracle_with_breaks_ahead),
    ONE_TEST(random_work_equals_the_oracle_in_mixed_modes_with_breaks_ahead),
    {0, 0},
};
