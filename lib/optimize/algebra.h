/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sums of products, in one form each: two expressions that are equal by the laws of addition and
 * multiplication have the same number. What stands for something that these laws know nothing of (a
 * convolution, a sigmoid, a state) is an atom. */
#pragma once

#include "optimize/ir.h"

#define CR_MAX_TERMS   16
#define CR_MAX_FACTORS 4
#define CR_NO_SUM      (-1)

typedef enum {
    CR_ATOM_STATE,    /* old value of state `index`, these channels of it */
    CR_ATOM_NEXT,     /* its new value */
    CR_ATOM_CONSTANT, /* known numbers, spread as `index` (CrSpread) says */
    CR_ATOM_LINEAR,   /* what convolution or matrix product `index` (a node) gives */
    CR_ATOM_UNARY,    /* CrUnary `index` of a sum */
    CR_ATOM_BINARY,   /* CrBinary `index` of two sums */
    CR_ATOM_OPAQUE,   /* what node `index` computes, however; −1: an input */
} CrAtomKind;

typedef struct {
    CrAtomKind kind;
    int index;
    int first, count;  /* channels */
    const void *of;    /* CONSTANT: the tensor */
    int a, b;          /* UNARY, BINARY: the sums; OPAQUE: value and spread */
    float alpha, beta; /* UNARY */
} CrAtom;

/* coefficient · factor[0] · factor[1] · …; factors are atoms in ascending order, −1 behind them */
typedef struct {
    double coefficient;
    int factor[CR_MAX_FACTORS];
} CrTerm;

typedef struct {
    int n_terms;
    CrTerm term[CR_MAX_TERMS]; /* in ascending order of their factors, none of them 0 */
} CrSum;

typedef struct {
    GArray *atoms; /* CrAtom */
    GArray *sums;  /* CrSum */
    GHashTable *atom_numbers, *sum_numbers;
} CrAlgebra;

void cr_algebra_init(CrAlgebra *algebra);
void cr_algebra_clear(CrAlgebra *algebra);

static inline const CrAtom *
cr_algebra_atom(const CrAlgebra *algebra, int atom)
{
    return &g_array_index(algebra->atoms, CrAtom, atom);
}
static inline const CrSum *
cr_algebra_sum(const CrAlgebra *algebra, int sum)
{
    return &g_array_index(algebra->sums, CrSum, sum);
}

/* How many factors a term has. */
int cr_term_degree(const CrTerm *term);

/* Each returns a sum's number. CR_NO_SUM goes through; it comes where a sum would be too large. */
int cr_algebra_number(CrAlgebra *algebra, double value);
int cr_algebra_of_atom(CrAlgebra *algebra, const CrAtom *atom);
/* a + scale · b */
int cr_algebra_add(CrAlgebra *algebra, int a, int b, double scale);
int cr_algebra_multiply(CrAlgebra *algebra, int a, int b);

/* The atom that the sum consists of, or −1. */
int cr_algebra_single_atom(const CrAlgebra *algebra, int sum);
/* Whether the sum is this number. */
bool cr_algebra_is_number(const CrAlgebra *algebra, int sum, double value);
