/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs one operator on its own: infer, prepare, every tile, with guarded outputs.
 *
 * Tensors are written as text: "f32[2,3] 1 2 3 4 5 6", "i64[] 7", "u8[0]". Types: f16 (as bits),
 * f32, f64, i8 … i64, u8 … u64, bool. When there are fewer numbers than elements, they are
 * repeated. */
#pragma once

#include "ops/op.h"

/* A tensor from text; ends the test when the text is wrong. */
ConvRnnTensor *op_tensor(const char *text);

/* One operator with its inputs. */
typedef struct OpRun OpRun;

/* attrs: "axis=1 alpha=0.5 mode=reflect perm=[1,0] value={f32[1] 3}", or "". The number of outputs
 * is n_out. Ends the test when there is no such operator or attribute. */
OpRun *op_run_new(const char *op, const char *attrs, int n_out);
void op_run_free(OpRun *run);

/* Appends an input; NULL leaves it out. known: its value is there at set-up. Takes over tensor. */
void op_run_input(OpRun *run, ConvRnnTensor *tensor, bool known);
/* Appends inputs from text, separated by ';'. "-" leaves one out, "~" before a tensor makes it
 * known only when the operator runs. */
void op_run_inputs(OpRun *run, const char *text);

/* To call before op_run(): the set-up that infer() and prepare() will see. */
CrOpSetup *op_run_setup(OpRun *run);

/* Infers, prepares, and runs all tiles, twice, in opposite orders; ends the test when the two
 * differ or something is written beside the outputs. False with the operator's error. */
bool op_run(OpRun *run, GError **error);
/* After op_run(): output i, which belongs to run. */
const ConvRnnTensor *op_run_output(const OpRun *run, int i);
const CrStep *op_run_step(const OpRun *run);

/* Type, shape and elements are the same: exactly for integers, within `relative` of the wanted
 * number (plus 1e-6) for floating point; NaN equals NaN. Ends the test when not. */
void op_tensor_assert_equal(const ConvRnnTensor *found, const ConvRnnTensor *wanted,
                            double relative);

/* Runs op on inputs, by its own code and as precision "double" does, and compares the outputs with
 * `wanted`, a list like inputs. */
void op_check(const char *op, const char *attrs, const char *inputs, const char *wanted);
/* The same in several types: each word of `types` takes the place of "T" in the tensors. */
void op_check_types(const char *op, const char *attrs, const char *inputs, const char *wanted,
                    const char *types);
#define OP_FLOATS   "f32 f64"
#define OP_SIGNED   "i8 i16 i32 i64"
#define OP_UNSIGNED "u8 u16 u32 u64"
#define OP_NUMBERS  OP_FLOATS " " OP_SIGNED " " OP_UNSIGNED
/* Wants this error, with a message that contains `part`. */
void op_check_error(const char *op, const char *attrs, const char *inputs, ConvRnnError code,
                    const char *part);
