/*
 * Pins: I/O into guest memory goes past the fault handler (a system call that writes to a shared page gets EFAULT,
 * and a device holds the physical page), so pages under I/O are kept private. The count is in the page word: sealing
 * needs a word without pins, so one compare-and-swap decides between the two.
 */
#include <errno.h>

#include "breaking.h"
#include "page_word.h"

/* Pins one page that is private or zero. 0, -EAGAIN when the word has moved on, -EOVERFLOW. */
static int try_pin(const ps_region *region, uint64_t page, uint64_t word)
{
    if (ps_word_pins(word) == PS_PINS_MAX) {
        return -EOVERFLOW;
    }
    uint64_t pinned = ps_word_state(word) == PS_ZERO ? ps_word_make(PS_PRIVATE, 0) + PS_PIN_ONE : word + PS_PIN_ONE;
    return ps_word_try_claim(region, page, word, pinned) ? 0 : -EAGAIN;
}

static int pin(ps_region *region, uint64_t page)
{
    while (!atomic_load(&region->closing)) {
        uint64_t word = ps_word_await(region, page);
        if (ps_word_is_shared(word)) {
            int64_t broken = ps_break_stretch(region, page, 1, PS_BREAK_AND_WAIT);
            if (broken < 0) {
                return (int)broken;
            }
        } else if (!ps_word_is_transient(word)) {
            int error = try_pin(region, page, word);
            if (error != -EAGAIN) {
                return error;
            }
        }
    }
    return -ECANCELED;
}

int32_t ps_unpin(ps_region *region, uint64_t page, uint64_t count)
{
    if (!ps_range_is_inside(region, page, count)) {
        return -EINVAL;
    }
    for (uint64_t i = 0; i < count; i++) {
        if (ps_word_pins(ps_word_read(region, page + i)) == 0) {
            return -EINVAL; /* a pin of somebody else would go */
        }
        atomic_fetch_sub(ps_word_at(region, page + i), PS_PIN_ONE);
    }
    return 0;
}

int32_t ps_pin(ps_region *region, uint64_t page, uint64_t count)
{
    int64_t broken = ps_break(region, page, count); /* in stretches, which is cheaper than page by page */
    if (broken < 0) {
        return (int32_t)broken;
    }
    for (uint64_t i = 0; i < count; i++) {
        int error = pin(region, page + i);
        if (error != 0) {
            ps_unpin(region, page, i);
            return error;
        }
    }
    ps_os_await_mappings(region);
    return 0;
}
