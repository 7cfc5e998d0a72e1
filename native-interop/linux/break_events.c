/*
 * Break events: the minor page faults of every thread of this process, recorded by the kernel.
 *
 * Why so many events: a thread that is created later is covered only by inheritance from its creator, and the kernel
 * lends no ring to an inherited event that follows its thread over all CPUs. Bound to one CPU each it does. So there
 * is one event for each thread that exists now and each CPU, and one ring for each CPU into which all events of that
 * CPU write, the inherited ones too. Threads that end leave their event behind, idle, until the source is closed.
 *
 * A thread may be born while we look for threads, to one that is not covered yet. Hence we look until a look finds no
 * thread that is new; one covered twice by that records its faults twice, which does no harm: see pageshare_events.h.
 *
 * Sample period 1 records each fault and is exempt from the kernel's throttling of sampling events.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pageshare_events.h"

#define RING_BYTES_MOST (512u << 10) /* with its control page what the kernel lets anybody lock for each CPU */
#define RING_BYTES_LEAST (32u << 10)
#define LOOKS_MOST 16

/* inherit_thread (Linux 5.13) by its place among the flags, since older headers have no name for it. */
#define ATTRIBUTE_FLAG_INHERIT_THREAD (1ull << 35)

struct ring {
    struct perf_event_mmap_page *control; /* the ring's bytes follow one system page later */
    uint64_t bytes;                       /* a power of two */
    int descriptor;                       /* of the event that owns the ring; closed with the others */
    int cpu;
};

struct ps_break_events {
    struct perf_event_attr attribute;
    int *descriptors; /* all events */
    uint64_t descriptor_count;
    uint64_t descriptor_capacity;
    uint64_t descriptors_most;
    pid_t *threads; /* covered so far; needed while opening only */
    uint64_t thread_count;
    uint64_t thread_capacity;
    uint64_t system_page;
    uint64_t next_ring;    /* where the next drain begins, so that no ring starves; of the draining thread */
    _Atomic uint64_t lost; /* written by the draining thread */
    uint64_t ring_count;
    struct ring rings[];
};

static int open_event(struct perf_event_attr *attribute, pid_t thread, int cpu)
{
    long descriptor = syscall(SYS_perf_event_open, attribute, thread, cpu, -1, (unsigned long)PERF_FLAG_FD_CLOEXEC);
    return descriptor < 0 ? -errno : (int)descriptor;
}

/* The flags follow read_format as one 64-bit field of bits. */
static void set_inherit_thread(struct perf_event_attr *attribute)
{
    uint64_t flags;
    char *place = (char *)attribute + offsetof(struct perf_event_attr, read_format) + sizeof attribute->read_format;
    memcpy(&flags, place, sizeof flags);
    flags |= ATTRIBUTE_FLAG_INHERIT_THREAD;
    memcpy(place, &flags, sizeof flags);
}

/* Finds the best event that this kernel grants us: system calls included, child processes excluded, if possible. */
static int choose_attribute(struct perf_event_attr *attribute)
{
    int error = 0;
    for (int attempt = 0; attempt < 4; attempt++) {
        int without_kernel = attempt & 1;
        int with_children = attempt >> 1;
        memset(attribute, 0, sizeof *attribute);
        attribute->size = sizeof *attribute;
        attribute->type = PERF_TYPE_SOFTWARE;
        attribute->config = PERF_COUNT_SW_PAGE_FAULTS_MIN;
        attribute->sample_period = 1;
        attribute->sample_type = PERF_SAMPLE_ADDR;
        attribute->inherit = 1;
        attribute->exclude_kernel = without_kernel ? 1 : 0;
        if (!with_children) {
            set_inherit_thread(attribute);
        }
        int descriptor = open_event(attribute, 0, -1);
        if (descriptor >= 0) {
            close(descriptor);
            return 0;
        }
        error = descriptor;
        if (error != -EACCES && error != -EPERM && error != -EINVAL && error != -E2BIG) {
            break;
        }
    }
    return error;
}

/* Makes room for one more element. */
static int reserve(void **array, uint64_t *capacity, uint64_t count, size_t element)
{
    if (count < *capacity) {
        return 0;
    }
    uint64_t larger = *capacity == 0 ? 64 : *capacity * 2;
    void *moved = realloc(*array, larger * element);
    if (moved == NULL) {
        return -ENOMEM;
    }
    *array = moved;
    *capacity = larger;
    return 0;
}

/* Opens and keeps one event; returns its descriptor. */
static int add_event(ps_break_events *events, pid_t thread, int cpu)
{
    if (events->descriptor_count >= events->descriptors_most) {
        return -EMFILE;
    }
    void **array = (void **)&events->descriptors;
    int error = reserve(array, &events->descriptor_capacity, events->descriptor_count, sizeof(int));
    if (error != 0) {
        return error;
    }
    int descriptor = open_event(&events->attribute, thread, cpu);
    if (descriptor >= 0) {
        events->descriptors[events->descriptor_count++] = descriptor;
    }
    return descriptor;
}

/* Gives a CPU its ring, owned by this thread's event; smaller if no more may be locked. None for a CPU offline. */
static int add_ring(ps_break_events *events, int cpu, uint64_t bytes)
{
    int descriptor = add_event(events, 0, cpu);
    if (descriptor == -EINVAL || descriptor == -ENODEV) {
        return 0;
    }
    if (descriptor < 0) {
        return descriptor;
    }
    for (; bytes >= RING_BYTES_LEAST; bytes /= 2) {
        void *control = mmap(NULL, events->system_page + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (control != MAP_FAILED) {
            events->rings[events->ring_count++] = (struct ring){control, bytes, descriptor, cpu};
            return 0;
        }
        if (errno != EPERM && errno != ENOMEM) {
            return -errno;
        }
    }
    return -ENOMEM;
}

static int add_rings(ps_break_events *events, int cpus, uint64_t memory_bytes)
{
    uint64_t bytes = RING_BYTES_MOST;
    while (bytes >= RING_BYTES_LEAST && bytes * (uint64_t)cpus > memory_bytes) {
        bytes /= 2;
    }
    if (bytes < RING_BYTES_LEAST) {
        return -ENOMEM;
    }
    for (int cpu = 0; cpu < cpus; cpu++) {
        int error = add_ring(events, cpu, bytes);
        if (error < 0) {
            return error;
        }
    }
    return events->ring_count > 0 ? 0 : -ENODEV;
}

static int is_covered(const ps_break_events *events, pid_t thread)
{
    for (uint64_t i = 0; i < events->thread_count; i++) {
        if (events->threads[i] == thread) {
            return 1;
        }
    }
    return 0;
}

static int remember_thread(ps_break_events *events, pid_t thread)
{
    int error = reserve((void **)&events->threads, &events->thread_capacity, events->thread_count, sizeof(pid_t));
    if (error == 0) {
        events->threads[events->thread_count++] = thread;
    }
    return error;
}

static int cover_thread(ps_break_events *events, pid_t thread)
{
    int error = remember_thread(events, thread);
    for (uint64_t i = 0; i < events->ring_count && error == 0; i++) {
        int descriptor = add_event(events, thread, events->rings[i].cpu);
        if (descriptor == -ESRCH) {
            return 0; /* it has ended */
        }
        if (descriptor < 0) {
            return descriptor;
        }
        if (ioctl(descriptor, PERF_EVENT_IOC_SET_OUTPUT, events->rings[i].descriptor) != 0) {
            error = -errno;
        }
    }
    return error;
}

/* Covers the threads that are not covered yet; returns how many it found. */
static int cover_new_threads(ps_break_events *events)
{
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) {
        return -errno;
    }
    int found = 0;
    int error = 0;
    for (struct dirent *entry; error == 0 && (entry = readdir(tasks)) != NULL;) {
        pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        if (thread > 0 && !is_covered(events, thread)) {
            error = cover_thread(events, thread);
            found++;
        }
    }
    closedir(tasks);
    return error != 0 ? error : found;
}

static int start(ps_break_events *events, int cpus, uint64_t memory_bytes)
{
    int error = choose_attribute(&events->attribute);
    if (error == 0) {
        error = add_rings(events, cpus, memory_bytes);
    }
    if (error == 0) {
        error = remember_thread(events, (pid_t)syscall(SYS_gettid)); /* it owns the rings */
    }
    for (int look = 0, found = 1; look < LOOKS_MOST && found > 0 && error == 0; look++) {
        found = cover_new_threads(events);
        error = found < 0 ? found : 0;
    }
    free(events->threads);
    events->threads = NULL;
    return error;
}

ps_break_events *ps_break_events_open(uint64_t memory_bytes, int32_t *error)
{
    struct rlimit limit;
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    long system_page = sysconf(_SC_PAGESIZE);
    if (cpus < 1 || cpus > 1 << 16 || system_page < 1 || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        *error = -ENOSYS;
        return NULL;
    }
    ps_break_events *events = calloc(1, sizeof *events + (size_t)cpus * sizeof(struct ring));
    if (events == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    events->system_page = (uint64_t)system_page;
    events->descriptors_most = limit.rlim_cur / 4;
    *error = start(events, (int)cpus, memory_bytes);
    if (*error != 0) {
        ps_break_events_close(events);
        return NULL;
    }
    return events;
}

/* Takes records out of one ring. Returns how many addresses; *all is 0 if some records are left for want of room. */
static uint64_t drain_ring(ps_break_events *events, struct ring *ring, uint64_t *addresses, uint64_t room, int *all)
{
    const char *data = (const char *)ring->control + events->system_page;
    uint64_t mask = ring->bytes - 1;
    /* Acquire pairs with the kernel's barrier after a record: what lies before the head is complete. */
    uint64_t head = __atomic_load_n(&ring->control->data_head, __ATOMIC_ACQUIRE);
    uint64_t tail = ring->control->data_tail;
    uint64_t taken = 0;
    while (tail != head && taken < room) {
        /* Records are whole 64-bit words, so a word never wraps around the ring's end, though a record may. */
        struct perf_event_header header;
        memcpy(&header, data + (tail & mask), sizeof header);
        if (header.size < sizeof header) {
            tail = head; /* can't be; never loop on it */
            break;
        }
        if (header.type == PERF_RECORD_SAMPLE) {
            uint64_t address;
            memcpy(&address, data + ((tail + 8) & mask), sizeof address);
            addresses[taken++] = address & ~(uint64_t)(PS_PAGE_SIZE - 1);
        } else if (header.type == PERF_RECORD_LOST) {
            uint64_t lost;
            memcpy(&lost, data + ((tail + 16) & mask), sizeof lost);
            atomic_fetch_add_explicit(&events->lost, lost, memory_order_relaxed);
        }
        tail += header.size;
    }
    *all = tail == head;
    /* Release: the kernel may write over these records only after we have read them. */
    __atomic_store_n(&ring->control->data_tail, tail, __ATOMIC_RELEASE);
    return taken;
}

int64_t ps_break_events_drain(ps_break_events *events, uint64_t *addresses, uint64_t capacity)
{
    uint64_t taken = 0;
    for (uint64_t i = 0; i < events->ring_count; i++) {
        int all;
        taken += drain_ring(events, &events->rings[events->next_ring], addresses + taken, capacity - taken, &all);
        if (!all) {
            break;
        }
        events->next_ring = (events->next_ring + 1) % events->ring_count;
    }
    return (int64_t)taken;
}

uint64_t ps_break_events_lost(const ps_break_events *events)
{
    return atomic_load_explicit(&events->lost, memory_order_relaxed);
}

int32_t ps_break_events_see_system_calls(const ps_break_events *events)
{
    return events->attribute.exclude_kernel ? 0 : 1;
}

uint64_t ps_break_events_ring_bytes(const ps_break_events *events)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < events->ring_count; i++) {
        bytes += events->system_page + events->rings[i].bytes;
    }
    return bytes;
}

void ps_break_events_close(ps_break_events *events)
{
    if (events == NULL) {
        return;
    }
    for (uint64_t i = 0; i < events->ring_count; i++) {
        munmap(events->rings[i].control, events->system_page + events->rings[i].bytes);
    }
    for (uint64_t i = 0; i < events->descriptor_count; i++) {
        close(events->descriptors[i]);
    }
    free(events->threads);
    free(events->descriptors);
    free(events);
}
