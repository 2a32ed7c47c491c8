/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chains of element-wise operations as one small program.
 *
 * The optimizer collects neighbouring element-wise nodes into a program; the program runs strip by
 * strip, so that everything between its inputs and its outputs stays in the L1 cache. A convolution
 * can carry one too, run on each row as soon as it is computed: that is where activations, residual
 * sums and the arithmetic of recurrent cells go. */
#pragma once

#include "kernels/kernels.h"
#include "ops/rows.h"

#define CR_PROGRAM_MAX 48 /* instructions, and operands, of one program */

/* Where an instruction reads: the result of an earlier instruction (≥ 0), or an operand (< 0). */
#define CR_OPERAND(i)      (-1 - (i))
#define CR_OPERAND_OF(arg) (-1 - (arg))

typedef struct {
    bool binary;
    int op; /* CrBinary or CrUnary */
    int a, b;
    float alpha, beta;
    int output;           /* stored as this output of the program; -1: not */
    const CrNode *origin; /* the model's node that it comes from */
} CrInstruction;

/* How an operand's elements spread over the domain (N, C, H, W). */
typedef enum {
    CR_SPREAD_FULL,    /* one element each */
    CR_SPREAD_CHANNEL, /* (N or 1, C, 1, 1) */
    CR_SPREAD_PIXEL,   /* (N or 1, 1, H, W) */
    CR_SPREAD_SCALAR,  /* one element */
    CR_SPREAD_NONE,    /* anything else: not for programs */
} CrSpread;

typedef struct {
    int n_instructions, n_operands, n_outputs;
    CrInstruction instruction[CR_PROGRAM_MAX];
    /* operand i is input input[i] of the node, or, when that is negative, part −1−input[i] of what
     * the convolution that carries the program computes */
    int input[CR_PROGRAM_MAX];
} CrProgram;

/* How a tensor of shape `desc` spreads over a domain of shape `domain`. */
CrSpread cr_spread(const CrDesc *desc, const CrDesc *domain);

/* The program of one element-wise node (operand i = input i), if it is one that programs can do,
 * for float32 tensors: false otherwise. */
bool cr_program_from_node(const CrOpSetup *setup, CrProgram *program);

/* Sets the layouts that the program's inputs and outputs need in a domain laid out like `like`:
 * block and parts of setup->in[] and out[]. */
void cr_program_layouts(CrOpSetup *setup, const CrProgram *program, const CrDesc *like);

/* A program made ready for the layouts it meets. */
typedef struct CrProgramRun CrProgramRun;

/* `raw`: the layout of the carrying convolution's result, NULL without one. `domain`: the layout of
 * outputs. Memory is the region's. */
CrProgramRun *cr_program_prepare(CrOpSetup *setup, const CrProgram *program, const CrDesc *raw,
                                 const CrDesc *domain, GError **error);
/* Scratch that a thread needs while it runs. */
size_t cr_program_scratch(const CrProgramRun *run);
/* Runs one row of one channel block. io: as for the node. raw: pixel 0 of the row's first raw
 * block, its blocks raw_stride floats apart. Writes the outputs' rows with their borders. */
void cr_program_row(const CrProgramRun *run, void *const *io, const float *raw, size_t raw_stride,
                    int n, int y, int block, float *scratch);

/* For CrStepRows: false when the program reads the input in another way than the same rows that it
 * writes. *reads: whether it reads it at all. */
bool cr_program_keeps_rows(const CrProgramRun *run, int input, bool *reads);

/* The node that runs a program on its own: `fused` is its CrProgram. Made by the optimizer only. */
extern const CrOp cr_op_pointwise;
