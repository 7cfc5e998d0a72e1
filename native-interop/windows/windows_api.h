/*
 * The calls that not every Windows has, found when the library is loaded: placeholders came with Windows 10 1803.
 * Linked to by name, the library could not even be loaded elsewhere, to say what is missing.
 */
#ifndef PS_WINDOWS_API_H
#define PS_WINDOWS_API_H

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdint.h>

/* Defined here, since import headers may be older. From memoryapi.h and winnt.h. */
#ifndef MEM_COALESCE_PLACEHOLDERS
#define MEM_COALESCE_PLACEHOLDERS 0x00000001
#endif
#ifndef MEM_PRESERVE_PLACEHOLDER
#define MEM_PRESERVE_PLACEHOLDER 0x00000002
#endif
#ifndef MEM_REPLACE_PLACEHOLDER
#define MEM_REPLACE_PLACEHOLDER 0x00004000
#endif

struct ps_windows_api {
    PVOID(WINAPI *map_view)(HANDLE section, HANDLE process, PVOID base, ULONG64 offset, SIZE_T bytes, ULONG type,
                            ULONG protection, void *parameters, ULONG parameter_count);
    BOOL(WINAPI *unmap_view)(HANDLE process, PVOID base, ULONG flags);
    DWORD(WINAPI *discard)(PVOID address, SIZE_T bytes); /* NULL where there is none */
    BOOL(WINAPI *wait_on_address)(volatile VOID *address, PVOID compare, SIZE_T bytes, DWORD milliseconds);
    VOID(WINAPI *wake_by_address_all)(PVOID address);
    uint64_t ticks_per_second; /* of the performance counter */
};

/* Filled while the library is loaded, immutable afterwards. */
extern struct ps_windows_api ps_windows;

/* 0, or -ENOSYS where Windows is too old. */
int ps_windows_is_usable(void);

#endif
