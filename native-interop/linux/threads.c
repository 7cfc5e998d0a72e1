/* Of a thread of the process: its signals, its waits, and its clocks. Linux. */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os.h"

/* Signals that a fault raises are not held: blocked, they kill. */
uint64_t ps_os_hold_signals(void)
{
    static const int synchronous[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    uint64_t held;
    uint64_t mask = UINT64_MAX;
    for (unsigned i = 0; i < sizeof synchronous / sizeof synchronous[0]; i++) {
        mask &= ~(UINT64_C(1) << (synchronous[i] - 1));
    }
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, &held, sizeof mask);
    return held;
}

void ps_os_release_signals(uint64_t held)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &held, NULL, sizeof held);
}

/* Not the private kind of futex: page words are shared between processes. */
void ps_os_wait(_Atomic uint32_t *address, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    syscall(SYS_futex, address, FUTEX_WAIT, expected, timeout_ns == 0 ? NULL : &timeout, NULL, 0);
}

void ps_os_wake(_Atomic uint32_t *address)
{
    syscall(SYS_futex, address, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void ps_os_sleep_ns(uint64_t ns)
{
    struct timespec time = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    nanosleep(&time, NULL);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t ps_os_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t ps_thread_cpu_ns(void)
{
    return (int64_t)clock_ns(CLOCK_THREAD_CPUTIME_ID);
}
