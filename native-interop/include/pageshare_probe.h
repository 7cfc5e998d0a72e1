/*
 * What this machine's kernel offers, found by trying: version numbers and settings say what should work, and a
 * container's seccomp profile has the last word.
 */
#ifndef PAGESHARE_PROBE_H
#define PAGESHARE_PROBE_H

#include "pageshare.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * userfaultfd for user-mode faults, with asynchronous write-protection of shared memory: what tracking written pages
 * needs. 0, or -ENOSYS or -EPERM where there is no userfaultfd for us, or -EOPNOTSUPP where there is one without that
 * feature.
 */
PS_API int32_t ps_probe_userfaultfd(void);

/* The PAGEMAP_SCAN request: 0, or -ENOTTY on kernels before 6.7, or what opening /proc/self/pagemap gave. */
PS_API int32_t ps_probe_pagemap_scan(void);

/* A perf event on our own minor faults, as ps_break_events_open makes them: 0, or -errno as there. */
PS_API int32_t ps_probe_page_fault_events(void);

#ifdef __cplusplus
}
#endif
#endif
