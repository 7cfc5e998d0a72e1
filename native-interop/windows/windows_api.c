/* Finds the calls of windows_api.h. */
#include "windows_api.h"

struct ps_windows_api ps_windows;

/* A function pointer of whichever type its user says. */
static void find(HMODULE library, const char *name, void *target)
{
    FARPROC found = GetProcAddress(library, name);
    *(FARPROC *)target = found;
}

/* Only looks up names in a library that every process has loaded: allowed under the loader's lock. */
BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved)
{
    (void)library;
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        HMODULE base = GetModuleHandleW(L"kernelbase.dll");
        LARGE_INTEGER frequency;
        find(base, "MapViewOfFile3", &ps_windows.map_view);
        find(base, "UnmapViewOfFile2", &ps_windows.unmap_view);
        find(base, "DiscardVirtualMemory", &ps_windows.discard);
        find(base, "WaitOnAddress", &ps_windows.wait_on_address);
        find(base, "WakeByAddressAll", &ps_windows.wake_by_address_all);
        QueryPerformanceFrequency(&frequency);
        ps_windows.ticks_per_second = (uint64_t)frequency.QuadPart;
    }
    return TRUE;
}

int ps_windows_is_usable(void)
{
    int is_complete = ps_windows.map_view != NULL && ps_windows.unmap_view != NULL &&
                      ps_windows.wait_on_address != NULL && ps_windows.wake_by_address_all != NULL;
    return is_complete ? 0 : -ENOSYS;
}
