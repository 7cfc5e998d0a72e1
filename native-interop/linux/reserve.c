/*
 * The reserve: mappings that exist to be given up. At the kernel's limit a break can fail for want of a mapping;
 * unmapping a spare one always works and makes room for another.
 *
 * Spares are single pages of a file that nobody touches, with gaps between their offsets, so that no two ever join.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os.h"
#include "pageshare.h"

#define MOST_SPARES 1024u

static _Atomic(void *) spares[MOST_SPARES]; /* NULL: spent or never filled. Taken and filled by exchange, so no lock */
static _Atomic int file = -1;
static _Atomic uint32_t wanted; /* what the host asked for last */
static _Atomic int32_t held;    /* spares in the table; for a moment less, below zero even, while one is put there */

int ps_os_reserve_spend(void)
{
    for (uint32_t i = 0; i < MOST_SPARES; i++) {
        void *spare = atomic_load_explicit(&spares[i], memory_order_relaxed);
        if (spare != NULL && (spare = atomic_exchange(&spares[i], NULL)) != NULL) {
            atomic_fetch_sub(&held, 1);
            return munmap(spare, PS_PAGE_SIZE) == 0;
        }
    }
    return 0;
}

int ps_os_reserve_is_short(void)
{
    uint32_t all = atomic_load(&wanted);
    return all > 0 && atomic_load(&held) <= (int32_t)(all / 2);
}

/* The file behind the spares, made by whoever comes first. */
static int spare_file(void)
{
    int fd = atomic_load(&file);
    if (fd >= 0) {
        return fd;
    }
    int fresh = memfd_create("pageshare-reserve", MFD_CLOEXEC);
    if (fresh < 0) {
        return -errno;
    }
    if (!atomic_compare_exchange_strong(&file, &fd, fresh)) {
        close(fresh);
        return fd;
    }
    return fresh;
}

/* Fills one slot if it is empty; 0 when the kernel has no mapping to give. */
static int hold(uint32_t slot, int fd)
{
    if (atomic_load(&spares[slot]) != NULL) {
        return 1;
    }
    off_t offset = (off_t)slot * 2 * PS_PAGE_SIZE;
    void *spare = mmap(NULL, PS_PAGE_SIZE, PROT_NONE, MAP_SHARED, fd, offset);
    if (spare == MAP_FAILED) {
        return 0;
    }
    void *empty = NULL;
    if (atomic_compare_exchange_strong(&spares[slot], &empty, spare)) {
        atomic_fetch_add(&held, 1);
    } else {
        munmap(spare, PS_PAGE_SIZE);
    }
    return 1;
}

int32_t ps_reserve_fill(uint32_t mappings)
{
    int fd = spare_file();
    if (fd < 0) {
        return fd;
    }
    uint32_t most = mappings < MOST_SPARES ? mappings : MOST_SPARES;
    atomic_store(&wanted, most);
    uint32_t filled = 0;
    while (filled < most && hold(filled, fd)) {
        filled++;
    }
    return (int32_t)filled;
}
