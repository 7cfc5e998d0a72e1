/* What the kernel says of memory, for the checks that must not rest on our own words. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

#define BYTES(pages) ((size_t)(pages) * PS_PAGE_SIZE)

uint64_t pages_held(int descriptor)
{
    struct stat status;
    CHECK(fstat(descriptor, &status) == 0);
    return (uint64_t)status.st_blocks * 512 / PS_PAGE_SIZE;
}

uint64_t frame_number(const uint8_t *address)
{
    uint64_t entry = 0;
    uint8_t touched = *(const volatile uint8_t *)address;
    (void)touched;
    int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    CHECK(pagemap >= 0);
    CHECK(pread(pagemap, &entry, sizeof entry, (off_t)((uintptr_t)address / PS_PAGE_SIZE * sizeof entry)) ==
          (ssize_t)sizeof entry);
    close(pagemap);
    uint64_t number = entry & ((UINT64_C(1) << 55) - 1);
    if (number == 0) {
        SKIP("this user may not see page-frame numbers");
    }
    return number;
}

static int touches(uint64_t start, uint64_t end, const uint8_t *from, uint64_t pages)
{
    return start < (uint64_t)(uintptr_t)from + BYTES(pages) && end > (uint64_t)(uintptr_t)from;
}

uint64_t mappings_in(const uint8_t *from, uint64_t pages)
{
    char line[512];
    uint64_t start, end, count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        count += sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 && touches(start, end, from, pages);
    }
    fclose(maps);
    return count;
}

uint64_t mappings_without_dontfork(const uint8_t *from, uint64_t pages)
{
    char line[512];
    uint64_t start, end, count = 0;
    int inside = 0;
    FILE *maps = fopen("/proc/self/smaps", "re");
    CHECK(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2) {
            inside = touches(start, end, from, pages);
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            count += strstr(line, " dc") == NULL;
        }
    }
    fclose(maps);
    return count;
}
