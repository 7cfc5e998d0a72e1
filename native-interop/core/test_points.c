/* Gates and injected failures. Everything here is safe inside the fault handler. */
#include "test_points.h"

#include <errno.h>

#include "os.h"

struct gate {
    _Atomic uint32_t mode;     /* a futex: changes wake whoever stands at the gate */
    _Atomic uint32_t arrivals; /* a futex: grows while the gate is armed */
    _Atomic uint64_t page;
};

struct injection {
    _Atomic uint32_t skip;
    _Atomic uint32_t times;
    _Atomic int32_t error;
};

_Atomic uint32_t ps_gates_armed;
_Atomic uint32_t ps_injections_armed;
static struct gate gates[PS_POINT_COUNT];
static struct injection injections[PS_CALL_COUNT];

int32_t ps_gate_set(uint32_t point, uint32_t mode, uint64_t page)
{
    if (point >= PS_POINT_COUNT || mode > PS_GATE_STOP) {
        return -EINVAL;
    }
    struct gate *gate = &gates[point];
    uint32_t before = atomic_load(&gate->mode);
    atomic_store(&gate->page, page);
    if (!(before == PS_GATE_STOP && mode == PS_GATE_WATCH)) {
        atomic_store(&gate->arrivals, 0);
    }
    atomic_store(&gate->mode, mode);
    if (mode == PS_GATE_OFF) {
        atomic_fetch_and(&ps_gates_armed, ~(1u << point));
    } else {
        atomic_fetch_or(&ps_gates_armed, 1u << point);
    }
    ps_os_wake(&gate->mode);
    return 0;
}

int32_t ps_gate_await(uint32_t point, uint32_t arrivals, uint32_t timeout_ms)
{
    if (point >= PS_POINT_COUNT) {
        return -EINVAL;
    }
    struct gate *gate = &gates[point];
    uint64_t deadline = ps_os_now_ns() + timeout_ms * UINT64_C(1000000);
    uint32_t seen;
    while ((seen = atomic_load(&gate->arrivals)) < arrivals) {
        if (ps_os_now_ns() >= deadline) {
            return -ETIMEDOUT;
        }
        ps_os_wait(&gate->arrivals, seen, UINT64_C(100000000));
    }
    return 0;
}

void ps_point_pass_slowly(ps_point point, uint64_t page)
{
    struct gate *gate = &gates[point];
    uint64_t wanted = atomic_load(&gate->page);
    if (wanted != PS_ANY_PAGE && wanted != page) {
        return;
    }
    atomic_fetch_add(&gate->arrivals, 1);
    ps_os_wake(&gate->arrivals);
    while (atomic_load(&gate->mode) == PS_GATE_STOP) {
        ps_os_wait(&gate->mode, PS_GATE_STOP, 0);
    }
}

int32_t ps_inject_failure(uint32_t call, uint32_t skip, uint32_t times, int32_t error)
{
    if (call >= PS_CALL_COUNT || error < 0) {
        return -EINVAL;
    }
    atomic_fetch_and(&ps_injections_armed, ~(1u << call));
    atomic_store(&injections[call].skip, skip);
    atomic_store(&injections[call].times, times);
    atomic_store(&injections[call].error, error);
    if (times > 0) {
        atomic_fetch_or(&ps_injections_armed, 1u << call);
    }
    return 0;
}

/* Takes one from a counter that several threads count down; 0 when there was none left. UINT32_MAX never ends. */
static int take_one(_Atomic uint32_t *counter)
{
    uint32_t value = atomic_load(counter);
    while (value > 0) {
        if (value == UINT32_MAX || atomic_compare_exchange_weak(counter, &value, value - 1)) {
            return 1;
        }
    }
    return 0;
}

int ps_injected_slowly(ps_call call)
{
    struct injection *injection = &injections[call];
    if (take_one(&injection->skip)) {
        return 0;
    }
    return take_one(&injection->times) ? atomic_load(&injection->error) : 0;
}
