/*
 * The native self-tests' few tools. A test file has one table, `const struct ps_test ps_tests_<file>[]`, ended by {0,
 * 0} and listed in main.c. Each test runs in a child process of its own, so it may crash, change its limits or leave
 * threads behind without touching the others.
 */
#ifndef PS_TEST_H
#define PS_TEST_H

struct ps_test {
    const char *name;
    void (*run)(void);
};

/* Ends the test, and its process, at once. Any thread. */
_Noreturn void ps_test_fail(const char *file, int line, const char *condition);
_Noreturn void ps_test_skip(const char *reason);

/* Lets the kernel end this process after so many seconds, by SIGKILL. Of several limits the earliest counts. */
void ps_test_limit(unsigned seconds);

#define CHECK(condition)                                \
    do {                                                \
        if (!(condition)) {                             \
            ps_test_fail(__FILE__, __LINE__, #condition); \
        }                                               \
    } while (0)

#define SKIP(reason) ps_test_skip(reason)

#endif
