/* Passing a test point, and asking whether a call shall fail. See pageshare_test.h. */
#ifndef PS_TEST_POINTS_H
#define PS_TEST_POINTS_H

#include <stdatomic.h>

#include "pageshare_test.h"

extern _Atomic uint32_t ps_gates_armed;       /* bit n: the gate of point n is not OFF */
extern _Atomic uint32_t ps_injections_armed;  /* bit n: call n has an injection */

void ps_point_pass_slowly(ps_point point, uint64_t page);
int ps_injected_slowly(ps_call call);

static inline void ps_point_pass(ps_point point, uint64_t page)
{
    if (__builtin_expect(atomic_load_explicit(&ps_gates_armed, memory_order_relaxed) & (1u << point), 0)) {
        ps_point_pass_slowly(point, page);
    }
}

/* 0, or the errno with which this call shall fail. */
static inline int ps_injected(ps_call call)
{
    if (__builtin_expect(atomic_load_explicit(&ps_injections_armed, memory_order_relaxed) & (1u << call), 0)) {
        return ps_injected_slowly(call);
    }
    return 0;
}

#endif
