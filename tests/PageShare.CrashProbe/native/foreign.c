/*
 * Code of somebody else in the process: signal handlers, a fork, threads that the runtime does not know. Managed code
 * can be none of these. Compiled by the tests with: cc -shared -fPIC -pthread
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define EXIT_OTHER_HANDLER 77

/* A handler that serves faults on one page of its own, ends threads that ask for it, and passes on all else. */

static struct sigaction before;
static uint8_t *trap;
static _Atomic int trapped;
static __thread sigjmp_buf *way_out;

static void serve(int signal, siginfo_t *info, void *context)
{
    uint8_t *address = info->si_addr;
    if (trap != NULL && address >= trap && address < trap + PAGE_BYTES) {
        atomic_fetch_add(&trapped, 1);
        mprotect(trap, PAGE_BYTES, PROT_READ | PROT_WRITE);
        return;
    }
    if (way_out != NULL) {
        siglongjmp(*way_out, 1);
    }
    before.sa_sigaction(signal, info, context);
}

/* In front of the runtime's handler, as a library does that is loaded before the engine. */
int foreign_install(void)
{
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    if (sigaction(SIGSEGV, NULL, &before) != 0) {
        return -errno;
    }
    ours.sa_sigaction = serve;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    ours.sa_mask = before.sa_mask;
    trap = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return sigaction(SIGSEGV, &ours, NULL) == 0 && trap != MAP_FAILED ? 0 : -errno;
}

/* The page, read-only again: the next store to it faults. */
uint8_t *foreign_arm(void)
{
    mprotect(trap, PAGE_BYTES, PROT_READ);
    return trap;
}

int foreign_trapped(void)
{
    return atomic_load(&trapped);
}

/* A handler that passes on nothing: whatever faults from now on ends the process in a way that can be told apart. */

static void give_up(int signal)
{
    (void)signal;
    _exit(EXIT_OTHER_HANDLER);
}

int foreign_replace(void)
{
    struct sigaction other;
    memset(&other, 0, sizeof other);
    other.sa_handler = give_up;
    other.sa_flags = SA_ONSTACK;
    return sigaction(SIGSEGV, &other, NULL) == 0 ? 0 : -errno;
}

/* Forks, and has the child say whether it has a page of the ranges mapped: 0 or 1. Else a negative errno
 * or signal of the child. */
int foreign_fork_and_look(const uint64_t *ranges, int count)
{
    pid_t child = fork();
    if (child < 0) {
        return -errno;
    }
    if (child == 0) {
        int found = 0;
        for (int i = 0; i < count; i++) {
            for (uint64_t at = ranges[2 * i]; at < ranges[2 * i + 1]; at += PAGE_BYTES) {
                unsigned char resident;
                found |= mincore((void *)(uintptr_t)at, PAGE_BYTES, &resident) == 0 || errno != ENOMEM;
            }
        }
        _exit(found);
    }
    int status;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Threads that store to all pages of a range until a store is refused, by a signal that comes to `serve`. */

struct writer {
    pthread_t thread;
    uint8_t *first;
    uint64_t pages;
    _Atomic uint64_t stores;
};

static void *store_until_refused(void *argument)
{
    struct writer *writer = argument;
    sigjmp_buf refused;
    if (sigsetjmp(refused, 1) == 0) {
        way_out = &refused;
        for (uint64_t i = 0;; i++) {
            uint64_t page = i * 7 % writer->pages;
            ((volatile uint8_t *)writer->first)[page * PAGE_BYTES + i % PAGE_BYTES] = (uint8_t)i;
            atomic_fetch_add(&writer->stores, 1);
        }
    }
    way_out = NULL;
    return NULL;
}

struct writer *foreign_start_writer(uint8_t *first, uint64_t pages)
{
    struct writer *writer = calloc(1, sizeof *writer);
    writer->first = first;
    writer->pages = pages;
    if (pthread_create(&writer->thread, NULL, store_until_refused, writer) != 0) {
        abort();
    }
    return writer;
}

uint64_t foreign_stores(struct writer *writer)
{
    return atomic_load(&writer->stores);
}

/* Returns once a store of it was refused. */
void foreign_join(struct writer *writer)
{
    pthread_join(writer->thread, NULL);
    free(writer);
}
