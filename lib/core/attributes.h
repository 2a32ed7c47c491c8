/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tree uses beyond C11, behind names. */
#pragma once

/* Inlined even where the optimiser would not: a kernel's loop bounds become constants. */
#define CR_INLINE   static inline __attribute__((always_inline))
#define CR_NOINLINE __attribute__((noinline))

/* Before a loop with a constant count: unrolled completely, so that arrays become registers.
 * CR_UNROLL_2: two rounds at a time. */
#if defined(__clang__)
#define CR_UNROLL   _Pragma("clang loop unroll(full)")
#define CR_UNROLL_2 _Pragma("clang loop unroll_count(2)")
#else
#define CR_UNROLL   _Pragma("GCC unroll 32")
#define CR_UNROLL_2 _Pragma("GCC unroll 2")
#endif
