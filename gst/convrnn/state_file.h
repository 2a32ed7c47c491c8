/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A state snapshot in a file, from one run to the next. */
#pragma once

#include <glib.h>

/* The file's bytes. NULL without error when there is no such file; NULL with error when there is
 * one that cannot be read, or that is no regular file. */
GBytes *cr_state_file_read(const char *path, GError **error);

/* Replaces the file as a whole: a reader, or a crash, sees the old snapshot or the new one. With
 * keep_old, what was in its place goes to "<path>.refused" first. */
gboolean cr_state_file_write(const char *path, GBytes *state, gboolean keep_old, GError **error);
