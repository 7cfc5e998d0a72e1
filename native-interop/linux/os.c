/* The page protocol's operating system: Linux. */
#define _GNU_SOURCE
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel_api.h"
#include "test_points.h"

#define BYTES(pages) ((size_t)(pages) * PS_PAGE_SIZE)
#define OFFSET(page) ((off_t)((page) * PS_PAGE_SIZE))
#define FAULT_WINDOW_BYTES ((uintptr_t)16 * PS_PAGE_SIZE) /* fault_around_bytes of most kernels */

static int result_of(int call_result)
{
    return call_result == 0 ? 0 : -errno;
}

/*
 * A new mapping begins without what the old one was told. A forked child must not have guest mappings: it would share
 * the page words, and its breaks would be taken for the parent's.
 *
 * Two neighbours that are mapped at one time join before either is told, and telling one of them then takes a split,
 * which at the limit of mappings fails for as long as it lasts. So the whole region is told instead: that splits
 * nothing. What remains is want of kernel memory, which passes.
 */
static void keep_from_children(const ps_region *region, uint64_t page, uint64_t count)
{
    while (madvise(ps_page_address(region, page), BYTES(count), MADV_DONTFORK) != 0 && errno == EAGAIN) {
        uint64_t pages = atomic_load(&region->pages); /* fewer than are mapped while the region grows */
        count = page + count > pages ? page + count : pages;
        page = 0;
    }
}

/*
 * A refused mmap leaves the old mapping as it was; but a kernel that runs out of its own memory half-way (Linux 6.12
 * and later) may have taken it away already. There is no way back then, and nothing better to do than to try for as
 * long as a break may wait: the bytes are where the new mapping will show them.
 */
static int has_gap(uint8_t *address, size_t bytes)
{
    unsigned char resident[256];
    while (bytes > 0) {
        size_t part = bytes < BYTES(sizeof resident) ? bytes : BYTES(sizeof resident);
        if (mincore(address, part, resident) != 0 && errno == ENOMEM) {
            return 1;
        }
        address += part;
        bytes -= part;
    }
    return 0;
}

static int map(const ps_region *region, uint64_t page, uint64_t count, int protection, int flags, int fd, off_t offset)
{
    uint8_t *address = ps_page_address(region, page);
    uint64_t refused_at = 0;
    while (mmap(address, BYTES(count), protection, flags | MAP_FIXED, fd, offset) == MAP_FAILED) {
        int error = errno;
        if (!has_gap(address, BYTES(count))) {
            return -error;
        }
        uint64_t now = ps_os_now_ns();
        refused_at = refused_at == 0 ? now : refused_at;
        if (now - refused_at >= region->config.break_timeout_ns || atomic_load(&region->closing)) {
            return -error;
        }
        ps_os_sleep_ns(UINT64_C(100000));
    }
    keep_from_children(region, page, count);
    return 0;
}

/* The kernel knows all there is to know of a mapping. */
int ps_os_region_open(ps_region *region)
{
    region->os = NULL;
    return 0;
}

void ps_os_region_close(ps_region *region)
{
    (void)region;
}

/* mmap replaces a mapping in one step. */
void ps_os_await_mappings(const ps_region *region)
{
    (void)region;
}

const uint8_t *ps_os_sealed_bytes(const ps_region *region, uint64_t page)
{
    return ps_page_address(region, page);
}

static int map_backing(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_MAP_IDENTITY);
    return error != 0 ? -error
                      : map(region, page, count, PROT_READ | PROT_WRITE, MAP_SHARED, region->config.backing_fd,
                            OFFSET(page));
}

int ps_os_map_identity(ps_region *region, uint64_t page, uint64_t count)
{
    int error = map_backing(region, page, count);
    if (error == 0) {
        ps_os_track(region, page, count);
    }
    return error;
}

/*
 * A read that faults fills the page table for the page's whole window (16 pages unless set otherwise), writable where
 * no tracking is registered yet, hence before that. One page is left to its store's own fault, which is no dearer.
 * Kernels before 5.14 refuse, and then every store faults.
 */
static void fill_page_table(const ps_region *region, uint64_t page, uint64_t count)
{
    uintptr_t address = (uintptr_t)ps_page_address(region, page);
    uintptr_t end = address + BYTES(count);
    for (; address < end; address = (address | (FAULT_WINDOW_BYTES - 1)) + 1) {
        madvise((void *)address, PS_PAGE_SIZE, POPULATE_READ);
    }
}

int ps_os_map_copies(ps_region *region, uint64_t page, uint64_t count)
{
    int error = map_backing(region, page, count);
    if (error == 0) {
        if (count > 1) {
            fill_page_table(region, page, count);
        }
        ps_os_track(region, page, count);
    }
    return error;
}

int64_t ps_os_store_frames(int32_t store_fd)
{
    struct stat status;
    return fstat(store_fd, &status) == 0 ? (int64_t)(status.st_size / PS_PAGE_SIZE) : -errno;
}

/* A mapping knows its own file. */
int ps_os_can_change_store(void)
{
    return 1;
}

uint32_t ps_os_longest_view(const ps_region *region, uint64_t page)
{
    (void)region, (void)page;
    return PS_ORDER_PAGES;
}

int ps_os_map_frames(ps_region *region, uint64_t page, uint64_t count, uint32_t frame)
{
    int error = ps_injected(PS_CALL_MAP_FRAMES);
    if (error != 0) {
        return -error;
    }
    int is_kernel_mode = region->config.fault_mode == PS_FAULT_MODE_KERNEL;
    /* NORESERVE: private copies are made by stores that would have taken memory without us just the same. */
    return map(region, page, count, is_kernel_mode ? PROT_READ | PROT_WRITE : PROT_READ,
               is_kernel_mode ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED, region->config.store_fd,
               OFFSET((uint64_t)frame));
}

int ps_os_seal(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_SEAL);
    if (error != 0) {
        return -error;
    }
    return result_of(mprotect(ps_page_address(region, page), BYTES(count), PROT_READ));
}

int ps_os_unseal(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_UNSEAL);
    if (error != 0) {
        return -error;
    }
    return result_of(mprotect(ps_page_address(region, page), BYTES(count), PROT_READ | PROT_WRITE));
}

/* The whole range, however often the kernel stops in the middle. */
static int write_all(int fd, const uint8_t *from, size_t bytes, off_t offset)
{
    while (bytes > 0) {
        ssize_t written = pwrite(fd, from, bytes, offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return written < 0 ? -errno : -ENOSPC;
        }
        from += written;
        bytes -= (size_t)written;
        offset += written;
    }
    return 0;
}

int ps_os_copy_home(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_COPY_HOME);
    if (error != 0) {
        return -error;
    }
    /* A write from the guest's own view: what cannot be read becomes an error here, where memcpy would fault again. */
    error = write_all(region->config.backing_fd, ps_page_address(region, page), BYTES(count), OFFSET(page));
    return error == -ENOSPC ? -ENOMEM : error;
}

int ps_os_punch(const ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_PUNCH);
    if (error != 0) {
        return -error;
    }
    int result;
    do {
        result = fallocate(region->config.backing_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, OFFSET(page),
                           (off_t)BYTES(count));
    } while (result != 0 && errno == EINTR);
    return result_of(result);
}

int ps_os_drop_copies(ps_region *region, uint64_t page, uint64_t count)
{
    int error = ps_injected(PS_CALL_DROP);
    if (error != 0) {
        return -error;
    }
    return result_of(madvise(ps_page_address(region, page), BYTES(count), MADV_DONTNEED));
}

static int is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, PS_PAGE_SIZE - 1) == 0;
}

/* Copies the stretches of pages that are not all zero; the others stay holes. */
static int copy_what_is_not_zero(const ps_region *region)
{
    uint64_t pages = atomic_load(&region->pages);
    for (uint64_t page = 0, end; page < pages; page = end) {
        end = page + 1;
        if (is_zero(ps_page_address(region, page))) {
            continue;
        }
        while (end < pages && end - page < PS_ORDER_PAGES && !is_zero(ps_page_address(region, end))) {
            end++;
        }
        int error = ps_os_copy_home(region, page, end - page);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

#define UNSEAL_ATTEMPTS 100

int ps_os_adopt_range(ps_region *region)
{
    uint64_t pages = atomic_load(&region->pages);
    int error = ps_os_seal(region, 0, pages);
    if (error == 0) {
        error = copy_what_is_not_zero(region);
    }
    if (error == 0) {
        error = ps_os_map_identity(region, 0, pages);
    }
    /* Where a part of the range is not mapped at all, no number of attempts lifts the seal of "all" of it. */
    for (int attempt = 0; error != 0 && attempt < UNSEAL_ATTEMPTS && ps_os_unseal(region, 0, pages) != 0; attempt++) {
        ps_os_sleep_ns(UINT64_C(100000));
    }
    return error;
}

/* Pages that leave at a time: bounds the memory that is there twice. */
#define LEAVING_PAGES UINT64_C(16384)

/* Fills fresh anonymous memory with the pages' bytes and moves it into their place, which is one step for the guest. */
static int leave(const ps_region *region, uint64_t page, uint64_t count)
{
    uint8_t *guest = ps_page_address(region, page);
    uint8_t *fresh = mmap(NULL, BYTES(count), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED) {
        return -errno;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (!is_zero(guest + BYTES(i))) {
            memcpy(fresh + BYTES(i), guest + BYTES(i), PS_PAGE_SIZE);
        }
    }
    if (mremap(fresh, BYTES(count), BYTES(count), MREMAP_MAYMOVE | MREMAP_FIXED, guest) == MAP_FAILED) {
        int error = -errno;
        munmap(fresh, BYTES(count));
        return error;
    }
    ps_os_punch(region, page, count); /* nobody reads the backing any more; what stays goes with the descriptor */
    return 0;
}

int ps_os_disown_range(ps_region *region)
{
    uint64_t pages = atomic_load(&region->pages);
    uint64_t left = 0; /* pages that are ordinary memory already; a second try begins again there, harmlessly */
    int error = ps_os_seal(region, 0, pages);
    while (error == 0 && left < pages) {
        uint64_t count = pages - left < LEAVING_PAGES ? pages - left : LEAVING_PAGES;
        error = leave(region, left, count);
        left += error == 0 ? count : 0;
    }
    /* The bytes of what is left are in the backing still, so mapping that anew admits stores as well. */
    while (left < pages && ps_os_unseal(region, left, pages - left) != 0 &&
           ps_os_map_identity(region, left, pages - left) != 0) {
        ps_os_sleep_ns(UINT64_C(100000));
    }
    return error;
}

/* Adds nothing to the word at the address, inside the kernel: the one access for writing that neither changes a byte
 * nor loses a store of somebody else's, and that answers with an error instead of a signal. Wakes nobody. */
int ps_os_is_accessible(const ps_region *region, uintptr_t address, int is_store)
{
    (void)region;
    (void)is_store; /* nobody asks about loads here: mappings are replaced in one step */
    uint32_t nobody = 0;
    int add_nothing = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0);
    uintptr_t word = address & ~(uintptr_t)3;
    return syscall(SYS_futex, &nobody, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, word, add_nothing) >= 0;
}

void *ps_os_allocate(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void ps_os_free(void *memory, uint64_t bytes)
{
    munmap(memory, bytes);
}
