/* What to do with a write fault. */
#ifndef PS_FAULT_H
#define PS_FAULT_H

#include <stdint.h>

typedef enum ps_fault_result {
    PS_FAULT_RETRY,   /* dealt with: run the store again */
    PS_FAULT_FOREIGN, /* not ours: hand it to the handler before us */
    PS_FAULT_NO_MEMORY /* ours, but there was no memory for a copy: the guest gets SIGBUS */
} ps_fault_result;

/* A store to `address` was refused. Called inside the fault handler. */
ps_fault_result ps_fault_on_store(uintptr_t address);

#endif
