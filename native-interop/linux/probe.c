/* Tries what pageshare_probe.h lists. Each try undoes itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pageshare_probe.h"

/* Defined here, since the C library's headers may be older than the kernel. From linux/userfaultfd.h and linux/fs.h. */
struct userfault_api {
    uint64_t api;
    uint64_t features;
    uint64_t ioctls;
};

#define USERFAULT_USER_MODE_ONLY 1
#define USERFAULT_API_VERSION 0xAAull
#define USERFAULT_WP_SHARED_MEMORY (1ull << 12)
#define USERFAULT_WP_ASYNC (1ull << 15)
#define USERFAULT_API_REQUEST _IOWR(0xAA, 0x3F, struct userfault_api)

struct pagemap_scan {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end;
    uint64_t results;
    uint64_t result_count;
    uint64_t most_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_anyof_mask;
    uint64_t return_mask;
};

#define PAGEMAP_SCAN_REQUEST _IOWR('f', 16, struct pagemap_scan)
#define PAGEMAP_IS_PRESENT (1ull << 3)

PS_API int32_t ps_probe_userfaultfd(void)
{
    const uint64_t needed = USERFAULT_WP_SHARED_MEMORY | USERFAULT_WP_ASYNC;
    struct userfault_api answer = {.api = USERFAULT_API_VERSION};
    int32_t result = 0;
    int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | USERFAULT_USER_MODE_ONLY);

    if (descriptor < 0)
        return -errno;
    if (ioctl(descriptor, USERFAULT_API_REQUEST, &answer) < 0)
        result = -errno;
    else if ((answer.features & needed) != needed)
        result = -EOPNOTSUPP;
    close(descriptor);
    return result;
}

PS_API int32_t ps_probe_pagemap_scan(void)
{
    /* Any page does that is certainly there: the one with this array. */
    uint64_t results[3];
    uint64_t page = (uint64_t)(uintptr_t)results & ~(uint64_t)(PS_PAGE_SIZE - 1);
    struct pagemap_scan request = {
        .size = sizeof request,
        .start = page,
        .end = page + PS_PAGE_SIZE,
        .results = (uint64_t)(uintptr_t)results,
        .result_count = 1,
        .category_mask = PAGEMAP_IS_PRESENT,
        .return_mask = PAGEMAP_IS_PRESENT,
    };
    int32_t result = 0;
    int descriptor = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    if (descriptor < 0)
        return -errno;
    memset(results, 0, sizeof results);
    if (ioctl(descriptor, PAGEMAP_SCAN_REQUEST, &request) < 0)
        result = -errno;
    close(descriptor);
    return result;
}

PS_API int32_t ps_probe_page_fault_events(void)
{
    struct perf_event_attr attribute = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof attribute,
        .config = PERF_COUNT_SW_PAGE_FAULTS_MIN,
        .sample_period = 1,
        .sample_type = PERF_SAMPLE_ADDR,
        .disabled = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    int descriptor = (int)syscall(SYS_perf_event_open, &attribute, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

    if (descriptor < 0)
        return -errno;
    close(descriptor);
    return 0;
}
