/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Flush-to-zero and denormals-are-zero, per thread. A decaying state would otherwise end in
 * denormals, which cost over a hundred times a normal number. */
#pragma once

#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <fenv.h>
#endif

typedef uint64_t CrFloatEnv;

/* Default rounding, flush to zero, exceptions masked; returns what was set before. */
static inline CrFloatEnv
cr_float_env_enter(void)
{
#if defined(__x86_64__) || defined(__i386__)
    CrFloatEnv old = _mm_getcsr();
    _mm_setcsr(0x1f80 | 0x8040); /* all exceptions masked | FTZ | DAZ */
    return old;
#elif defined(__aarch64__)
    CrFloatEnv old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" : : "r"((CrFloatEnv)1 << 24));
    return old;
#else
    return 0;
#endif
}

static inline void
cr_float_env_leave(CrFloatEnv old)
{
#if defined(__x86_64__) || defined(__i386__)
    _mm_setcsr((unsigned)old);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(old));
#else
    (void)old;
#endif
}
