/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An output whose elements are the scores of classes: the best of them by name, in the metadata. */
#pragma once

#include <convrnn/model.h>
#include <gst/convrnn/gstconvrnnmeta.h>

typedef struct _CrClassScores CrClassScores;

/* *scores is NULL when the model's description names no classes for the output (labels=A;B;C);
 * `output` has its exact shape. FALSE with a GST_LIBRARY_ERROR_SETTINGS when the names do not fit
 * the output, or scores= is neither "probabilities" (the default) nor "logits". */
gboolean cr_class_scores_new(CrClassScores **scores, const ConvRnnModel *model,
                             const ConvRnnTensorInfo *output, GError **error);

/* NULL does nothing. */
void cr_class_scores_free(CrClassScores *scores);

/* Describes tensor `index` of the metadata, whose elements are `values`: the best `top` classes,
 * best first. NULL does nothing. */
void cr_class_scores_attach(CrClassScores *scores, GstCustomMeta *meta, guint index,
                            const float *values, guint top);
