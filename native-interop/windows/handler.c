/*
 * The vectored exception handler: one-condition early exits, then the page protocol, then whoever is next.
 *
 * It is put in front of the runtime's own, which would take an access violation in managed code for a
 * NullReferenceException. It sees loads as well as stores: a page that is not mapped for a moment, while its view is
 * being replaced, fails both.
 */
#include <stdatomic.h>

#include "fault.h"
#include "os.h"
#include "pageshare.h"
#include "windows_api.h"

#define ACCESS_LOAD 0
#define ACCESS_STORE 1

#define IN_PAGE_ERROR ((DWORD)0xC0000006) /* STATUS_IN_PAGE_ERROR */
#define NO_MEMORY ((ULONG_PTR)0xC0000017) /* STATUS_NO_MEMORY */

/* 0 not installed, 1 being installed, 2 installed. */
static _Atomic uint32_t installation;

/* What Windows raises when it cannot provide a page of a mapped file: others see that, and not an access violation. */
static void become_in_page_error(EXCEPTION_RECORD *record)
{
    record->ExceptionCode = IN_PAGE_ERROR;
    record->NumberParameters = 3;
    record->ExceptionInformation[2] = NO_MEMORY;
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception)
{
    EXCEPTION_RECORD *record = exception->ExceptionRecord;
    if (record->ExceptionCode != EXCEPTION_ACCESS_VIOLATION || record->NumberParameters < 2) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    ULONG_PTR access = record->ExceptionInformation[0];
    if (access != ACCESS_LOAD && access != ACCESS_STORE) {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    DWORD saved = GetLastError();
    ps_fault_result result = ps_fault_on_access(record->ExceptionInformation[1], access == ACCESS_STORE);
    SetLastError(saved);
    if (result == PS_FAULT_NO_MEMORY) {
        become_in_page_error(record);
    }
    return result == PS_FAULT_RETRY ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

/* The handler stays for the life of the process, and so must its code. */
static int install(void)
{
    HMODULE self;
    int error = ps_windows_is_usable();
    if (error != 0) {
        return error;
    }
    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                            (LPCWSTR)(uintptr_t)on_exception, &self)) {
        return -EAGAIN;
    }
    return AddVectoredExceptionHandler(1, on_exception) != NULL ? 0 : -ENOMEM;
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

/* Vectored handlers form a list, from which only their owner takes them: ours is asked, unless one before it answers
 * for memory that is not its own. Windows has no way to look. */
int32_t ps_handler_is_installed(void)
{
    return atomic_load(&installation) == 2;
}
