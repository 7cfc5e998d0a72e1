/*
 * Code of somebody else in the process, on Windows: a vectored exception handler, threads that the runtime does not
 * know. What foreign.c is on Linux. Compiled by tools/windows-tests with: x86_64-w64-mingw32-gcc -shared
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#define PAGE_BYTES 4096
#define EXPORT __declspec(dllexport)

/* Threads that store to all pages of a range until a store is refused, by an exception that comes to `serve`. */
struct writer {
    HANDLE thread;
    uint8_t *first;
    uint64_t pages;
    _Atomic uint64_t stores;
    CONTEXT way_out;
    volatile int is_refused;
};

static uint8_t *trap;
static _Atomic int trapped;
static DWORD writer_slot;

/* Serves faults on one page of its own, ends threads that ask for it, and passes on all else. */
static LONG CALLBACK serve(EXCEPTION_POINTERS *exception)
{
    const EXCEPTION_RECORD *record = exception->ExceptionRecord;
    if (record->ExceptionCode != EXCEPTION_ACCESS_VIOLATION) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    uint8_t *address = (uint8_t *)record->ExceptionInformation[1];
    DWORD before;
    if (trap != NULL && address >= trap && address < trap + PAGE_BYTES) {
        atomic_fetch_add(&trapped, 1);
        VirtualProtect(trap, PAGE_BYTES, PAGE_READWRITE, &before);
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    struct writer *writer = TlsGetValue(writer_slot);
    if (writer != NULL) {
        writer->is_refused = 1;
        *exception->ContextRecord = writer->way_out;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

/* In front of the runtime's handler, as a library does that is loaded before the engine. */
EXPORT int foreign_install(void)
{
    writer_slot = TlsAlloc();
    trap = VirtualAlloc(NULL, PAGE_BYTES, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
    return trap != NULL && AddVectoredExceptionHandler(1, serve) != NULL ? 0 : -1;
}

/* The page, read-only again: the next store to it faults. */
EXPORT uint8_t *foreign_arm(void)
{
    DWORD before;
    VirtualProtect(trap, PAGE_BYTES, PAGE_READONLY, &before);
    return trap;
}

EXPORT int foreign_trapped(void)
{
    return atomic_load(&trapped);
}

static DWORD WINAPI store_until_refused(void *argument)
{
    struct writer *writer = argument;
    RtlCaptureContext(&writer->way_out); /* returns once more when a store was refused */
    if (!writer->is_refused) {
        TlsSetValue(writer_slot, writer);
        for (uint64_t i = 0;; i++) {
            uint64_t page = i * 7 % writer->pages;
            ((volatile uint8_t *)writer->first)[page * PAGE_BYTES + i % PAGE_BYTES] = (uint8_t)i;
            atomic_fetch_add(&writer->stores, 1);
        }
    }
    TlsSetValue(writer_slot, NULL);
    return 0;
}

EXPORT struct writer *foreign_start_writer(uint8_t *first, uint64_t pages)
{
    struct writer *writer = _aligned_malloc(sizeof *writer, 16);
    *writer = (struct writer){.first = first, .pages = pages};
    writer->thread = CreateThread(NULL, 0, store_until_refused, writer, 0, NULL);
    if (writer->thread == NULL) {
        abort();
    }
    return writer;
}

EXPORT uint64_t foreign_stores(struct writer *writer)
{
    return atomic_load(&writer->stores);
}

/* Returns once a store of it was refused. */
EXPORT void foreign_join(struct writer *writer)
{
    WaitForSingleObject(writer->thread, INFINITE);
    CloseHandle(writer->thread);
    _aligned_free(writer);
}
