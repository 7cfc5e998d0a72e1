/*
 * The SIGSEGV handler: one-condition early exits, then the page protocol, then the handler before us.
 *
 * The runtime's own handler needs to run on the alternate stack with its own mask, or a stack overflow dies without a
 * word and a NullReferenceException aborts. So the old action's flags are kept, and its function is called with our
 * arguments and its own mask while we hold nothing: for a NullReferenceException it never returns.
 *
 * While we are at work all signals are blocked: the handler of one may store to guest memory too, and a fault inside
 * a fault kills.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "fault.h"
#include "os.h"
#include "pageshare.h"
#include "region.h"

/* Written once, before the handler is in place; read by the handler. */
static struct sigaction previous;

/* 0 not installed, 1 being installed, 2 installed. */
static _Atomic uint32_t installation;

static int is_store(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (context->uc_mcontext.gregs[REG_ERR] & 2) != 0; /* page-fault error code, W/R */
#elif defined(__aarch64__)
    /* The records behind the general registers; the one with the syndrome has ESR.WnR in bit 6. */
    const uint8_t *record = context->uc_mcontext.__reserved;
    const uint8_t *end = record + sizeof context->uc_mcontext.__reserved;
    while (record + 16 <= end) {
        uint32_t magic, size;
        memcpy(&magic, record, sizeof magic);
        memcpy(&size, record + 4, sizeof size);
        if (magic == 0x45535201u) { /* ESR_MAGIC */
            uint64_t syndrome;
            memcpy(&syndrome, record + 8, sizeof syndrome);
            return (syndrome >> 6 & 1) != 0;
        }
        if (size == 0) {
            return 0;
        }
        record += size;
    }
    return 0;
#else
#error "tell stores from loads on this architecture"
#endif
}

static void reset_to_default(int signal)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, NULL);
}

/*
 * The guest's store cannot be served. SIGBUS is queued while it is blocked, so that it arrives when this handler
 * returns, at the store itself, as the kernel would send it for a page that it cannot provide. Who blocks or ignores
 * it is killed by it, as the kernel does: left alone, the store would run again for ever.
 */
static void raise_bus_error(void *address, ucontext_t *context)
{
    struct sigaction now;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGBUS;
    info.si_code = BUS_ADRERR;
    info.si_addr = address;
    if (sigaction(SIGBUS, NULL, &now) != 0 || now.sa_handler == SIG_IGN ||
        sigismember(&context->uc_sigmask, SIGBUS)) {
        reset_to_default(SIGBUS);
        sigdelset(&context->uc_sigmask, SIGBUS);
    }
    syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), SIGBUS, &info);
}

/* The mask with which the kernel would have called the handler before us. */
static void restore_mask(const ucontext_t *context)
{
    uint64_t interrupted, wanted; /* the kernel's 64 signals; it does not fill the rest of the C library's sets */
    memcpy(&interrupted, &context->uc_sigmask, sizeof interrupted);
    memcpy(&wanted, &previous.sa_mask, sizeof wanted);
    wanted |= interrupted | (previous.sa_flags & SA_NODEFER ? 0 : UINT64_C(1) << (SIGSEGV - 1));
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &wanted, NULL, sizeof wanted);
}

/* 1 if there is a function to call; SA_RESETHAND allows one call of it. */
static int previous_is_callable(void)
{
    static _Atomic uint32_t is_spent;
    if (!(previous.sa_flags & SA_SIGINFO) && (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN)) {
        return 0;
    }
    return !(previous.sa_flags & (int)SA_RESETHAND) || atomic_exchange(&is_spent, 1) == 0;
}

static void forward(int signal, siginfo_t *info, void *context)
{
    int was_sent = info->si_code <= 0; /* by kill and its like, rather than by a fault */
    if (previous_is_callable()) {
        restore_mask(context);
        if (previous.sa_flags & SA_SIGINFO) {
            previous.sa_sigaction(signal, info, context);
        } else {
            previous.sa_handler(signal);
        }
    } else if (!was_sent || previous.sa_handler != SIG_IGN) {
        /* A fault cannot be ignored: the default action meets the store when it runs again. A sent signal does not
         * come back by itself. */
        reset_to_default(signal);
        if (was_sent) {
            syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal);
        }
    }
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    int saved = errno;
    ps_fault_result result = PS_FAULT_FOREIGN;
    if (info->si_code == SEGV_ACCERR && is_store(context)) {
        result = ps_fault_on_store((uintptr_t)info->si_addr);
    }
    if (result == PS_FAULT_NO_MEMORY) {
        raise_bus_error(info->si_addr, context);
    }
    errno = saved;
    if (result == PS_FAULT_FOREIGN) {
        forward(signal, info, context);
    }
}

static int install(void)
{
    int error = pthread_atfork(NULL, NULL, ps_region_leave_to_parent);
    if (error != 0) {
        return -error;
    }
    if (sigaction(SIGSEGV, NULL, &previous) != 0) {
        return -errno;
    }
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = on_fault;
    sigfillset(&ours.sa_mask);
    ours.sa_flags = (previous.sa_flags | SA_SIGINFO | SA_ONSTACK) & ~(SA_NODEFER | (int)SA_RESETHAND);
    return sigaction(SIGSEGV, &ours, NULL) == 0 ? 0 : -errno;
}

int32_t ps_handler_install(void)
{
    uint32_t expected = 0;
    if (atomic_compare_exchange_strong(&installation, &expected, 1)) {
        int error = install();
        atomic_store(&installation, error == 0 ? 2 : 0);
        return error;
    }
    while (atomic_load(&installation) == 1) {
        ps_os_sleep_ns(10000);
    }
    return atomic_load(&installation) == 2 ? 0 : -EAGAIN;
}

int32_t ps_handler_is_installed(void)
{
    struct sigaction now;
    return sigaction(SIGSEGV, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault;
}
