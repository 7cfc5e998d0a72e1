/* Reading, changing and awaiting page words. The layout is drawn in pageshare.h. */
#ifndef PS_PAGE_WORD_H
#define PS_PAGE_WORD_H

#include <stdatomic.h>
#include <stdint.h>

#include "os.h"
#include "pageshare.h"
#include "region.h"
#include "test_points.h"

#define PS_WAITERS (UINT64_C(1) << PS_WAITERS_BIT)
#define PS_PIN_ONE (UINT64_C(1) << PS_PINS_SHIFT)
#define PS_FRAME_MASK ((UINT64_C(1) << PS_FRAME_BITS) - 1)
#define PS_GENERATION_MASK ((uint64_t)PS_GENERATION_MAX << PS_GENERATION_SHIFT)

/* `shares` is a frame with its generation, as they lie in a word; 0 in states that name none. */
static inline uint64_t ps_word_make(ps_page_state state, uint64_t shares)
{
    return (uint64_t)state << PS_STATE_SHIFT | shares;
}

static inline ps_page_state ps_word_state(uint64_t word)
{
    return (ps_page_state)(word >> PS_STATE_SHIFT);
}

static inline uint32_t ps_word_frame(uint64_t word)
{
    return (uint32_t)word;
}

static inline uint64_t ps_word_generation(uint64_t word)
{
    return (word & PS_GENERATION_MASK) >> PS_GENERATION_SHIFT;
}

static inline uint64_t ps_word_shares(uint64_t word)
{
    return word & (PS_GENERATION_MASK | PS_FRAME_MASK);
}

static inline uint32_t ps_word_pins(uint64_t word)
{
    return (uint32_t)(word >> PS_PINS_SHIFT) & PS_PINS_MAX;
}

static inline int ps_word_is_transient(uint64_t word)
{
    ps_page_state state = ps_word_state(word);
    return state == PS_SEALED || state == PS_REMAPPING || state == PS_BREAKING;
}

static inline int ps_word_is_shared(uint64_t word)
{
    return ps_word_state(word) == PS_SHARED || ps_word_state(word) == PS_KERNEL_SHARED;
}

static inline _Atomic uint64_t *ps_word_at(const ps_region *region, uint64_t page)
{
    return (_Atomic uint64_t *)&region->config.words[page];
}

/* Acquire: pairs with the release in ps_word_finish: who sees a settled state also sees the mapping that it names. */
static inline uint64_t ps_word_read(const ps_region *region, uint64_t page)
{
    return atomic_load_explicit(ps_word_at(region, page), memory_order_acquire);
}

/* Moves a settled word into a transient state, which makes the caller its owner. */
static inline int ps_word_try_claim(const ps_region *region, uint64_t page, uint64_t expected, uint64_t desired)
{
    return atomic_compare_exchange_strong_explicit(ps_word_at(region, page), &expected, desired, memory_order_acq_rel,
                                                   memory_order_acquire);
}

/* The half of the word that holds state and waiters bit, on which one sleeps. */
static inline _Atomic uint32_t *ps_word_futex(const ps_region *region, uint64_t page)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (_Atomic uint32_t *)ps_word_at(region, page) + 1;
#else
    return (_Atomic uint32_t *)ps_word_at(region, page);
#endif
}

/* The owner's own steps between transient states: keeps the waiters bit that others may set meanwhile. */
static inline void ps_word_advance(const ps_region *region, uint64_t page, uint64_t desired)
{
    uint64_t seen = ps_word_read(region, page);
    while (!atomic_compare_exchange_weak(ps_word_at(region, page), &seen, desired | (seen & PS_WAITERS))) {
    }
}

/* The owner's last step, out of a transient state: wakes whoever waited for it. */
static inline void ps_word_finish(const ps_region *region, uint64_t page, uint64_t settled)
{
    uint64_t before = atomic_exchange_explicit(ps_word_at(region, page), settled, memory_order_acq_rel);
    if (before & PS_WAITERS) {
        ps_os_wake(ps_word_futex(region, page));
    }
}

/* Sleeps until the word has left its transient state or the region closes; returns the word last seen. */
static inline uint64_t ps_word_await(const ps_region *region, uint64_t page)
{
    uint64_t word = ps_word_read(region, page);
    while (ps_word_is_transient(word) && !atomic_load(&region->closing)) {
        if (!(word & PS_WAITERS) &&
            !atomic_compare_exchange_strong(ps_word_at(region, page), &word, word | PS_WAITERS)) {
            continue; /* the word changed, and CAS has read it anew */
        }
        ps_point_pass(PS_POINT_WAITING, page);
        /* The time limit is for a region that closes: nobody wakes its waiters word by word. */
        ps_os_wait(ps_word_futex(region, page), (uint32_t)((word | PS_WAITERS) >> 32), UINT64_C(100000000));
        word = ps_word_read(region, page);
    }
    return word;
}

#endif
