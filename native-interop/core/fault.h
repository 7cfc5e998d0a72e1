/* What to do with a fault. */
#ifndef PS_FAULT_H
#define PS_FAULT_H

#include <stdint.h>

typedef enum ps_fault_result {
    PS_FAULT_RETRY,   /* dealt with: run the store again */
    PS_FAULT_FOREIGN, /* not ours: hand it to the handler before us */
    PS_FAULT_NO_MEMORY /* ours, but there was no memory for a copy: the guest gets SIGBUS */
} ps_fault_result;

/* An access to `address` was refused. Called inside the fault handler. Loads are refused only where a view must be
 * unmapped before another can take its place: see windows/views.h. */
ps_fault_result ps_fault_on_access(uintptr_t address, int is_store);

static inline ps_fault_result ps_fault_on_store(uintptr_t address)
{
    return ps_fault_on_access(address, 1);
}

#endif
