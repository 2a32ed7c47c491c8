/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs one layer of the public builder, told as one line of text, on numbers that any language can
 * make again: element k of tensor number t is sin(0.37·(k + 1) + t), and the variance of batch norm
 * 1 + half of that. The tensors are numbered
 *     0 x, 1 weights, 2 bias, 3 scale, 4 mean, 5 variance, 6 slope, 7 x2
 *
 *     conv2d x=1,2,6,7 weights=4,2,3,3 bias=4 stride=2,1 pads=1,0,1,0 activation=1
 *
 * gain=8 multiplies x. A word is a key and a list of numbers. Keys are the fields and parameters of
 * the function that begins the line; a tensor's list is its shape. */
#pragma once

#include <convrnn/convrnn.h>

/* The result as text, "[1,4,3,7] 0.25 …", its parts one after the other; to be freed. NULL with the
 * builder's or the session's error. Ends the test when the line is not such a line. */
char *layer_case_run(const char *line, GError **error);
