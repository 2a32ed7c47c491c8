/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A GHashFunc for names that a file chose: SipHash with a key drawn at random for each process.
 * g_str_hash() is known to everybody, so that a file full of names with one hash could make a load
 * take time quadratic in its size. */
guint cr_name_hash(gconstpointer name);
