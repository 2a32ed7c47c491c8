/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model's tensors in words, for messages. */
#pragma once

#include <convrnn/model.h>

/* "src float32[1,3,?,?]", to be freed. */
char *cr_describe_tensor(const ConvRnnTensorInfo *info);

/* All inputs or all outputs of a model (the first dozen, when there are more), comma-separated, to
 * be freed. */
char *cr_describe_inputs(const ConvRnnModel *model);
char *cr_describe_outputs(const ConvRnnModel *model);

/* The input or output called `name`, NULL when there is none. */
const ConvRnnTensorInfo *cr_find_input(const ConvRnnModel *model, const char *name);
const ConvRnnTensorInfo *cr_find_output(const ConvRnnModel *model, const char *name);
