/* Pinning single pages; see pin.c. */
#ifndef PS_PIN_H
#define PS_PIN_H

#include <stdint.h>

#include "region.h"

/* Pins a page whose word, private or zero, was read as `word`. 0, -EAGAIN when it has moved on, -EOVERFLOW. */
int ps_pin_try(const ps_region *region, uint64_t page, uint64_t word);
void ps_pin_drop(const ps_region *region, uint64_t page);

#endif
