/*
 * The negative errno values that the shim returns have Linux's numbers on every system, since the managed side reads
 * them. Included before everything else when building for Windows, whose C libraries number some of them otherwise.
 */
#ifndef PS_ERRNO_NUMBERS_H
#define PS_ERRNO_NUMBERS_H

#include <errno.h>

#undef ENOSYS
#undef EOVERFLOW
#undef EOPNOTSUPP
#undef EPROTO
#undef ETIMEDOUT
#undef ECANCELED
#define ENOSYS 38
#define EOVERFLOW 75
#define EPROTO 71
#define EOPNOTSUPP 95
#define ETIMEDOUT 110
#define ECANCELED 125

/* Those that all C libraries agree on. */
_Static_assert(EPERM == 1 && EIO == 5 && EAGAIN == 11 && ENOMEM == 12 && EACCES == 13, "errno numbers");
_Static_assert(ECHILD == 10 && EBUSY == 16 && EINVAL == 22 && ENOSPC == 28 && EPIPE == 32, "errno numbers");

#endif
