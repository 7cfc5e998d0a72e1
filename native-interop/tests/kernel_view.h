/* A guest's memory in fault mode Kernel without the engine around it, and ways to make the kernel refuse. */
#ifndef PS_KERNEL_VIEW_H
#define PS_KERNEL_VIEW_H

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pageshare.h"
#include "ps_test.h"

/* A view of a frame store, as guests in fault mode Kernel have it: private, writable, of a file opened for reading. */
static inline uint8_t *map_view(uint64_t pages)
{
    char path[64];
    int store = memfd_create("store", MFD_CLOEXEC);
    CHECK(store >= 0 && ftruncate(store, (off_t)(pages * PS_PAGE_SIZE)) == 0);
    for (uint64_t page = 0; page < pages; page++) {
        CHECK(pwrite(store, "frame", 5, (off_t)(page * PS_PAGE_SIZE)) == 5);
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", store);
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(reader >= 0);
    uint8_t *view = mmap(NULL, pages * PS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0);
    CHECK(view != MAP_FAILED);
    close(reader);
    close(store);
    return view;
}

static inline uint8_t read_byte(const uint8_t *address)
{
    return *(const volatile uint8_t *)address;
}

static inline void write_byte(uint8_t *address)
{
    *(volatile uint8_t *)address = 'w';
}

/* From now on the system call fails with `error` in this process. */
static inline void deny_system_call(int number, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        SKIP("no seccomp filters here");
    }
}

#endif
