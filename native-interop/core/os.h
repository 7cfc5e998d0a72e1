/*
 * What the page protocol needs of an operating system. Implemented in linux/os.c and windows/os.c; core/ makes no
 * system call itself.
 *
 * Every function may be called inside the fault handler: no allocation, no lock, no stdio. Ranges are pages of the
 * region and were bounds-checked by the caller. Results are 0 or a negative errno.
 */
#ifndef PS_OS_H
#define PS_OS_H

#include <stdatomic.h>
#include <stdint.h>

#include "region.h"

/* Sets up and gives up what the system's side keeps for a region, in region->os. Not for the fault handler. */
int ps_os_region_open(ps_region *region);
void ps_os_region_close(ps_region *region);

/* Maps the pages to their own place in the backing, writable. Replaces what was mapped there. */
int ps_os_map_identity(ps_region *region, uint64_t page, uint64_t count);

/* The same for pages that ps_os_copy_home has just filled: several get their page table entries at once, for which each
 * store would fault else. */
int ps_os_map_copies(ps_region *region, uint64_t page, uint64_t count);

/* Maps the pages to continuing frames of the store, as the region's fault mode says. Replaces what was mapped there. */
int ps_os_map_frames(ps_region *region, uint64_t page, uint64_t count, uint32_t frame);

/* Most pages, from this one on, that one call of ps_os_map_frames may map. */
uint32_t ps_os_longest_view(const ps_region *region, uint64_t page);

/* Frames that the memory object of a store holds now: reading beyond them would fault. -errno where there is no such
 * object. Not for the fault handler. */
int64_t ps_os_store_frames(int32_t store_fd);

/* 1 if views of an old and a new store can live side by side in a region. */
int ps_os_can_change_store(void);

/* Where to read the bytes of a page that is mapped to the backing and that the caller has sealed. */
const uint8_t *ps_os_sealed_bytes(const ps_region *region, uint64_t page);

/* Stops stores to the pages, or admits them again. After ps_os_seal has returned, no store is under way. */
int ps_os_seal(const ps_region *region, uint64_t page, uint64_t count);
int ps_os_unseal(const ps_region *region, uint64_t page, uint64_t count);

/* Copies what the guest reads at these pages into their own place in the backing. -ENOMEM: the system has no memory
 * for it. */
int ps_os_copy_home(const ps_region *region, uint64_t page, uint64_t count);

/* Gives the pages' own memory in the backing back to the system; they read as zero then. */
int ps_os_punch(const ps_region *region, uint64_t page, uint64_t count);

/* Drops the kernel's private copies of KERNEL_SHARED pages, which show their frames again. */
int ps_os_drop_copies(ps_region *region, uint64_t page, uint64_t count);

/* Has the kernel mark stores to pages that were mapped to the backing just now, if the region tracks writes. */
void ps_os_track(ps_region *region, uint64_t page, uint64_t count);

/* Gives up one spare mapping; 0 when there was none. See ps_reserve_fill. */
int ps_os_reserve_spend(void);

/* 1 when half or more of the reserve that the host wanted is gone: what is left is for whole runs. */
int ps_os_reserve_is_short(void);

/* 1 if a load or a store at the address, of the region or of none (NULL), would pass now; nothing is changed, but
 * the page may be made, as by a store. */
int ps_os_is_accessible(const ps_region *region, uintptr_t address, int is_store);

/* Waits until no page of the region is unmapped for the moment that replacing a mapping takes. Pages pinned before
 * stay mapped. */
void ps_os_await_mappings(const ps_region *region);

/* Keeps the thread's asynchronous signals back, and lets them come again. A signal handler that stores to a page
 * which this very thread has claimed would wait for ever. */
uint64_t ps_os_hold_signals(void);
void ps_os_release_signals(uint64_t held);

/* Sleeps while *address == expected, at most timeout_ns (0: for ever). May wake for no reason. Works between
 * processes. */
void ps_os_wait(_Atomic uint32_t *address, uint32_t expected, uint64_t timeout_ns);
void ps_os_wake(_Atomic uint32_t *address);

void ps_os_sleep_ns(uint64_t ns);
uint64_t ps_os_now_ns(void);

/* Private memory of the shim itself, zeroed; not for the fault handler. */
void *ps_os_allocate(uint64_t bytes);
void ps_os_free(void *memory, uint64_t bytes);

/* Turns private memory of the caller into the pages of the region and back; see ps_adopt and ps_disown. */
int ps_os_adopt_range(ps_region *region);
int ps_os_disown_range(ps_region *region);

/* Sets bit i of broken where page + i is the kernel's own copy; returns how many. */
int64_t ps_os_find_anonymous(const uint8_t *address, uint64_t pages, uint64_t *broken);

#endif
