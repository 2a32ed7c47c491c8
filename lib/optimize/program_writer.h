/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing the program of a node from instructions of others, by the values they compute. */
#pragma once

#include "ops/fused_conv.h"
#include "optimize/ir.h"

typedef struct {
    CrIr *ir;
    CrProgram *program;
    GArray *in;                 /* int: what will be the node's inputs */
    int result[CR_PROGRAM_MAX]; /* the value that each instruction computes, or -1 */
    const int *raw;             /* the values that are parts of the convolution's own result */
    int n_raw;
} CrProgramWriter;

/* The program that a node carries, or NULL. */
const CrProgram *cr_ir_program(const CrIrNode *node);

/* A writer for `node`: the inputs of its convolution, if it is one, stay first. */
CrProgramWriter cr_program_writer(CrIr *ir, const CrIrNode *node, CrProgram *program);

/* What reads `value` in the program: an instruction that computes it, or an operand. */
int cr_program_argument(CrProgramWriter *w, int value);

/* Appends instruction `index` of `from` with everything it needs that is not there yet; where
 * `through` is false, outputs of `from` are read as inputs instead of being computed again. Returns
 * the new instruction's number. */
int cr_program_copy(CrProgramWriter *w, const CrIrNode *from, int index, bool through);

/* Makes the program the node's: results that others read become its outputs. Ends the writer. */
void cr_program_finish(CrProgramWriter *w, int node);
