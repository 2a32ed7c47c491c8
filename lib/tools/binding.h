/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what stands on the command line ("NAME=VALUE", "WxH") to a session's configuration. */
#pragma once

#include <convrnn/session.h>
#include <stdbool.h>

/* "NAME=VALUE" in two parts, cut at the first '='; option is what the message calls it. */
bool cr_binding_split(const char *text, const char *option, char **name, char **value,
                      GError **error);

/* "1x3x240x320": each dimension ≥ 1. */
bool cr_binding_parse_shape(const char *text, const char *option, gint64 *dims, guint *n_dims,
                            GError **error);

/* The input of that name; NULL with a message that lists all inputs. */
const ConvRnnTensorInfo *cr_binding_find_input(const ConvRnnModel *model, const char *name,
                                               GError **error);
bool cr_binding_has_output(const ConvRnnModel *model, const char *name, GError **error);

/* A tensor of the input's type. n_dims < 0: the shape is the input's own as far as it is known,
 * else [] for one value and [n] for more. */
ConvRnnTensor *cr_binding_tensor(const ConvRnnTensorInfo *input, const double *values, size_t n,
                                 const gint64 *dims, int n_dims, GError **error);

/* "fp32", "bf16x3", "bf16", "auto", "double" or "int8". */
const char *cr_binding_precision_name(ConvRnnPrecision precision);
bool cr_binding_parse_precision(const char *text, ConvRnnPrecision *precision, GError **error);

/* What a .npy file holds, as the input's type. */
ConvRnnTensor *cr_binding_file(const ConvRnnTensorInfo *input, const char *path, GError **error);

/* text is a file that ends with ".npy", or numbers separated by commas. */
ConvRnnTensor *cr_binding_value(const ConvRnnTensorInfo *input, const char *text, GError **error);

/* "NAME=VALUE" of --constant. */
bool cr_binding_constant(ConvRnnSessionConfig *config, const ConvRnnModel *model, const char *text,
                         GError **error);

/* Every output of the model becomes readable, new states included. */
void cr_binding_all_outputs(ConvRnnSessionConfig *config, const ConvRnnModel *model);

#define CR_BINDING_CARRY_HELP                                                                      \
    "Carry the state of RNN, GRU and LSTM nodes that start from a constant"

#define CR_BINDING_NO_FUSE_HELP "Run every node of the model by itself"

#define CR_BINDING_PRECISION_HELP                                                                  \
    "What convolutions compute with: fp32 (default), bf16x3, bf16, auto, double or int8"

/* The options that inspect and bench share. */
typedef struct {
    char *size;
    char **shapes;
    char **constants;
    char *precision;
    gboolean carry;
    gboolean no_fuse;
} CrBindingOptions;

/* The GOptionEntry array for them, ending with an empty entry; valid as long as options. */
void cr_binding_add_options(GOptionContext *context, CrBindingOptions *options);
bool cr_binding_apply(const CrBindingOptions *options, ConvRnnSessionConfig *config,
                      const ConvRnnModel *model, GError **error);
void cr_binding_options_clear(CrBindingOptions *options);
