/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <convrnn/error.h>

G_DEFINE_QUARK(convrnn - error - quark, convrnn_error)
