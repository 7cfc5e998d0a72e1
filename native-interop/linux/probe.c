/* Tries what pageshare_probe.h lists. Each try undoes itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel_api.h"
#include "pageshare_probe.h"

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
        .ranges = (uint64_t)(uintptr_t)results,
        .ranges_length = 1,
        .category_mask = CATEGORY_PRESENT,
        .return_mask = CATEGORY_PRESENT,
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
