/*
 * What the shim asks of the kernel that the C library's headers may be too old to know. From the kernel's linux/fs.h
 * (since 6.7), linux/userfaultfd.h and asm-generic/mman-common.h. Whether the running kernel knows it too is found out
 * by asking.
 */
#ifndef PS_KERNEL_API_H
#define PS_KERNEL_API_H

#include <stdint.h>
#include <sys/ioctl.h>

/* Pages of equal category that follow one another. */
struct pagemap_range {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
};

struct pagemap_scan {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end;
    uint64_t ranges;
    uint64_t ranges_length;
    uint64_t max_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_any_mask;
    uint64_t return_mask;
};

#define POPULATE_READ 22 /* madvise, since 5.14 */

#define PAGEMAP_SCAN_REQUEST _IOWR('f', 16, struct pagemap_scan)
#define PAGEMAP_PROTECT_MATCHING (1u << 0) /* flag: write-protect what matches, for userfaultfd */
#define CATEGORY_WRITTEN (1u << 1)         /* not write-protected by userfaultfd */
#define CATEGORY_FILE (1u << 2)
#define CATEGORY_PRESENT (1u << 3)
#define CATEGORY_SWAPPED (1u << 4)
#define CATEGORY_ZERO_PAGE (1u << 5)

struct userfault_api {
    uint64_t api;
    uint64_t features;
    uint64_t ioctls;
};

struct userfault_register {
    uint64_t start;
    uint64_t length;
    uint64_t mode;
    uint64_t ioctls;
};

#define USERFAULT_USER_MODE_ONLY 1
#define USERFAULT_API_VERSION 0xAAull
#define USERFAULT_API_REQUEST _IOWR(0xAA, 0x3F, struct userfault_api)
#define USERFAULT_REGISTER_REQUEST _IOWR(0xAA, 0x00, struct userfault_register)
#define USERFAULT_MODE_WRITE_PROTECT (1ull << 1)
#define USERFAULT_WP_SHARED_MEMORY (1ull << 12)
#define USERFAULT_WP_UNPOPULATED (1ull << 13)
#define USERFAULT_WP_ASYNC (1ull << 15)

#endif
