/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element's text properties, checked against the model and written into a session config. Each
 * function returns FALSE with a GST_LIBRARY_ERROR_SETTINGS that names the property, what was
 * expected and what was found. `text` may be NULL or empty: then the config keeps its default. */
#pragma once

#include <convrnn/session.h>

/* "h_in=h_out,c_in=c_out", or "none". */
gboolean cr_settings_apply_state_map(ConvRnnSessionConfig *config, const ConvRnnModel *model,
                                     const char *text, GError **error);

/* "ratio=0.4,size=224:224,mask=mask.npy": numbers, with ':' between the elements of one tensor, or
 * a NumPy file. A single number fills a tensor of any size. The names go into `names` (a set of
 * char *). */
gboolean cr_settings_apply_constants(ConvRnnSessionConfig *config, const ConvRnnModel *model,
                                     const char *text, GHashTable *names, GError **error);

/* "pha,fgr". */
gboolean cr_settings_apply_outputs(ConvRnnSessionConfig *config, const ConvRnnModel *model,
                                   const char *text, GError **error);

/* "0.485,0.456,0.406" into `values`: n numbers, or one that is repeated. `what` says in the message
 * whose text it is. */
gboolean cr_settings_parse_numbers(const char *text, const char *what, int n, double *values,
                                   GError **error);
