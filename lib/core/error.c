/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <convrnn/error.h>

/* the formatter would put spaces into the name */
/* clang-format off */
G_DEFINE_QUARK(convrnn-error-quark, convrnn_error)
/* clang-format on */
