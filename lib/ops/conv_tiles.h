/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a convolution in blocks runs: some rows of the result at a time, of all output channels or of
 * some panels, and on them the program that it carries. */
#pragma once

#include "ops/conv_rows.h"

typedef struct {
    CrConvRows rows;
    CrRows out;        /* rows of output 0: the domain */
    int out_io;        /* its index in io, when there is no program */
    size_t raw_stride; /* floats of one raw row of one block in scratch */
    int planes;        /* > 0: results are computed in blocks of so many channels in all, and then
                          made planar */

    int panels_per_tile, panel_tiles;
    int rows_per_tile, row_tiles;
    const CrProgramRun *program;
} CrConvTiles;

/* Each is a step's run, whose parameters are a CrConvTiles. */

/* Straight to the output. */
void cr_conv_direct_tile(const CrStep *step, void *const *io, int tile, void *scratch);
/* Without a program: through scratch, to planes, one block of them after the other. */
void cr_conv_planar_tile(const CrStep *step, void *const *io, int tile, void *scratch);
/* Through scratch, from which the program reads. */
void cr_conv_program_tile(const CrStep *step, void *const *io, int tile, void *scratch);
