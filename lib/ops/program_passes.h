/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a program's instructions to the calls of kernels that carry them out. A function whose only
 * reader is a product, and a product whose only reader is a sum, are one call with it: gates spend
 * as much time moving numbers between L1 and registers as on arithmetic. Each result is rounded as
 * if it stood alone, so the bytes are those of the instructions one by one. */
#pragma once

#include "ops/pointwise.h"
#include <limits.h>

#define CR_NO_SOURCE INT_MIN

/* One call. Sources are numbered as in CrInstruction. */
typedef struct {
    CrBinaryFn binary;      /* x ∘ y */
    CrUnaryFn unary;        /* f(x) */
    CrUnaryMulFn unary_mul; /* f(x)·y + z */
    bool mul_add;           /* x·y + z */
    int x, y, z;            /* y of f(x), and z where there is no sum: CR_NO_SOURCE */
    float alpha, beta;
    int result; /* the instruction whose result it computes */
    int output; /* where that goes: an output, or −1 */
    int slot;   /* then a strip of scratch */
} CrPass;

/* Writes them to passes[], which has room for one per instruction; returns how many there are, and
 * in *n_slots how many strips of scratch. */
int cr_program_passes(const CrKernels *kernels, const CrProgram *program, CrPass *passes,
                      int *n_slots);
