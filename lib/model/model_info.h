/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The .modelinfo file beside a model: GStreamer 1.28's format 1.0 and our own keys. */
#pragma once

#include "model/graph.h"

#define CR_MODEL_INFO_GROUP    "modelinfo"
#define CR_MODEL_INFO_MAX_SIZE (256 << 10) /* GKeyFile is not made for hostile keys */

/* Parses the file's contents; `name` begins the message. NULL with FORMAT, UNSUPPORTED (another
 * major version) or LIMIT. */
GKeyFile *cr_model_info_parse(const char *text, size_t length, const char *name, GError **error);

/* Every entry as text, for ConvRnnModel.properties. Empty for NULL. */
GHashTable *cr_model_info_properties(GKeyFile *info);

/* One entry, or NULL. */
const char *cr_model_info_get(const ConvRnnModel *model, const char *tensor, const char *key);

/* An entry of [modelinfo] that is true or false; false when it is absent. FORMAT for anything else.
 */
bool cr_model_info_boolean(const ConvRnnModel *model, const char *key, bool *value, GError **error);

/* The tensor that a property writes as text: one number (a scalar), several with ';' or ',' between
 * them (a vector), or the name of a constant of the model. *tensor stays NULL when the property is
 * absent. FORMAT when it is none of these, or a number does not fit the type. */
bool cr_model_info_tensor(const ConvRnnModel *model, const char *tensor_name, const char *key,
                          ConvRnnDType dtype, ConvRnnTensor **tensor, GError **error);
