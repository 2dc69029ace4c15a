// SPDX-License-Identifier: MIT
#include "wait.h"

#include "core.h"
#include "monotonic.h"

#include <flipbook.h>

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

#define NAME(name, function) name,
static const char *const names[] = {FLIP_WAIT_MODES(NAME) NULL};
#undef NAME

#define FUNCTION(name, function) function,
static flip_wait_function *const functions[] = {FLIP_WAIT_MODES(FUNCTION)};
#undef FUNCTION

const char *const *flip_wait_modes(void)
{
    return names;
}

int flip_waiter_init(struct flip_waiter *waiter, const char *name)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (name == NULL || strcmp(name, names[i]) == 0) {
            *waiter = (struct flip_waiter){.wait = functions[i], .one_core = flip_core_only_one()};
            flip_predict_init(&waiter->predict);
            return 0;
        }
    }
    return -EINVAL;
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

bool flip_waiter_spin(const struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns)
{
    for (;;) {
        /* The clock costs as much as a dozen looks. */
        for (int looks = 0; looks < 32; looks++) {
            if (bell->kind->news(bell))
                return true;
            relax();
        }
        if (flip_now_ns() >= deadline_ns)
            return false;
        if (waiter->one_core)
            sched_yield();
    }
}
