/* The process's page table as /proc/self/pagemap shows it, and bitmaps of pages. */
#ifndef PS_PAGEMAP_H
#define PS_PAGEMAP_H

#include <stdint.h>

/* The descriptor, opened at the first call and kept; or -errno. */
int ps_pagemap_open(void);

/* Sets bits [first, first + count): bit i of word i / 64. */
void ps_bits_set(uint64_t *bits, uint64_t first, uint64_t count);

#endif
