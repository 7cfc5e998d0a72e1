/* The table of legal moves: the diagram in pageshare.h, once more, for tests and checks. */
#include "pageshare.h"

#define TO(state) (1u << (state))

static const uint16_t legal_moves[PS_STATE_COUNT] = {
    [PS_PRIVATE] = TO(PS_SEALED),
    [PS_SEALED] = TO(PS_PRIVATE) | TO(PS_REMAPPING) | TO(PS_ZERO),
    [PS_REMAPPING] = TO(PS_SHARED) | TO(PS_KERNEL_SHARED) | TO(PS_PRIVATE),
    [PS_SHARED] = TO(PS_BREAKING),
    [PS_KERNEL_SHARED] = TO(PS_BREAKING),
    [PS_BREAKING] = TO(PS_PRIVATE) | TO(PS_SHARED) | TO(PS_KERNEL_SHARED),
    [PS_ZERO] = TO(PS_SEALED) | TO(PS_PRIVATE),
};

int32_t ps_transition_is_legal(uint32_t from, uint32_t to)
{
    return from < PS_STATE_COUNT && to < PS_STATE_COUNT && (legal_moves[from] & TO(to)) != 0;
}
