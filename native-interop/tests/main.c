/*
 * Runs the native self-tests: all, or those whose names contain the first argument. One line a test, then a summary;
 * exit code 1 if one failed or none matched.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ps_test.h"

#define TEST_SECONDS 60 /* then the kernel ends a test that hangs */
#define EXIT_FAILED 1
#define EXIT_SKIPPED 77
#define REASON_BYTES 512

extern const struct ps_test ps_tests_break_events[];
extern const struct ps_test ps_tests_pagemap[];
extern const struct ps_test ps_tests_merge[];
extern const struct ps_test ps_tests_break_races[];
extern const struct ps_test ps_tests_break_ahead[];
extern const struct ps_test ps_tests_merge_races[];
extern const struct ps_test ps_tests_seal_batches[];
extern const struct ps_test ps_tests_failures[];
extern const struct ps_test ps_tests_bus_errors[];
extern const struct ps_test ps_tests_foreign_faults[];
extern const struct ps_test ps_tests_exhaustion[];
extern const struct ps_test ps_tests_signals[];
extern const struct ps_test ps_tests_regions[];
extern const struct ps_test ps_tests_oracle[];
extern const struct ps_test ps_tests_pinned_io[];
extern const struct ps_test ps_tests_tracking[];
extern const struct ps_test ps_tests_agent[];
extern const struct ps_test ps_tests_ring[];
extern const struct ps_test ps_tests_agent_garbage[];
extern const struct ps_test ps_tests_agent_processes[];
extern const struct ps_test ps_tests_vandals[];
extern const struct ps_test ps_tests_move[];
extern const struct ps_test ps_tests_move_races[];
extern const struct ps_test ps_tests_move_failures[];
extern const struct ps_test ps_tests_move_oracle[];

static const struct ps_test *const tables[] = {
    ps_tests_break_events,
    ps_tests_pagemap,
    ps_tests_merge,
    ps_tests_break_races,
    ps_tests_break_ahead,
    ps_tests_merge_races,
    ps_tests_seal_batches,
    ps_tests_failures,
    ps_tests_bus_errors,
    ps_tests_foreign_faults,
    ps_tests_exhaustion,
    ps_tests_signals,
    ps_tests_regions,
    ps_tests_oracle,
    ps_tests_pinned_io,
    ps_tests_tracking,
    ps_tests_agent,
    ps_tests_ring,
    ps_tests_agent_garbage,
    ps_tests_agent_processes,
    ps_tests_vandals,
    ps_tests_move,
    ps_tests_move_races,
    ps_tests_move_failures,
    ps_tests_move_oracle,
};

/* Shared with the children: why a test was skipped. */
static char *skip_reason;

_Noreturn void ps_test_fail(const char *file, int line, const char *condition)
{
    char message[REASON_BYTES];
    int length = snprintf(message, sizeof message, "  %s:%d: not true: %s\n", file, line, condition);
    size_t bytes = length < (int)sizeof message ? (size_t)length : sizeof message - 1;
    if (write(STDERR_FILENO, message, bytes) < 0) {
        _exit(EXIT_FAILED);
    }
    _exit(EXIT_FAILED);
}

_Noreturn void ps_test_skip(const char *reason)
{
    snprintf(skip_reason, REASON_BYTES, "%s", reason);
    _exit(EXIT_SKIPPED);
}

/* Not alarm: a thread that hangs inside a call of ours holds all signals back but this one. */
void ps_test_limit(unsigned seconds)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec at = {.it_value = {.tv_sec = (time_t)seconds}};
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &at, NULL) != 0) {
        ps_test_fail(__FILE__, __LINE__, "a timer");
    }
}

static int run_in_child(const struct ps_test *test)
{
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(EXIT_FAILED);
    }
    if (child == 0) {
        const char *soak = getenv("PS_SOAK"); /* that many times as long, see test_oracle.c */
        ps_test_limit(TEST_SECONDS * (soak != NULL ? (unsigned)atoi(soak) : 1));
        test->run();
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, 0) != child) {
    }
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "  ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : "";
    int passed = 0, failed = 0, skipped = 0;
    skip_reason = mmap(NULL, REASON_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (skip_reason == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILED;
    }
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct ps_test *test = tables[t]; test->name != NULL; test++) {
            if (strstr(test->name, filter) == NULL) {
                continue;
            }
            int code = run_in_child(test);
            if (code == 0) {
                passed++;
                printf("ok %s\n", test->name);
            } else if (code == EXIT_SKIPPED) {
                skipped++;
                printf("skipped %s: %s\n", test->name, skip_reason);
            } else {
                failed++;
                printf("FAILED %s\n", test->name);
            }
        }
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0 || passed + skipped == 0 ? EXIT_FAILED : 0;
}
