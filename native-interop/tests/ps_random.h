/* Pseudo-random numbers that a seed repeats: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, 2014). */
#ifndef PS_RANDOM_H
#define PS_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t next(struct random *random)
{
    uint64_t x = random->state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static inline uint64_t below(struct random *random, uint64_t limit)
{
    return next(random) % limit;
}

#endif
