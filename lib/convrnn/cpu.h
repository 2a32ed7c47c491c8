/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <convrnn/error.h>

G_BEGIN_DECLS

/**
 * convrnn_cpu_get_level:
 *
 * Returns: (transfer none): the instruction set that new sessions use: "c", "avx2", "avx512",
 *   "amx" or "neon". It is the best that the processor has, unless the environment variable
 * `CONVRNN_CPU` or convrnn_cpu_set_level() asked for less.
 *
 * Thread-safety: always safe.
 */
CONVRNN_API const gchar *convrnn_cpu_get_level(void);

/**
 * convrnn_cpu_set_level:
 * @level: (nullable): one of the names above; %NULL for the one that `CONVRNN_CPU` names, or else
 * the best there is
 *
 * Chooses the kernels of sessions made from now on. For tests and comparisons.
 *
 * Returns: %TRUE, or %FALSE with %CONVRNN_ERROR_CPU (the message lists what there is) and nothing
 *   changed.
 *
 * Thread-safety: always safe.
 */
CONVRNN_API gboolean convrnn_cpu_set_level(const gchar *level, GError **error);

G_END_DECLS
