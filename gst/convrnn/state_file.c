/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state_file.h"
#include <errno.h>
#include <glib/gstdio.h>

GBytes *
cr_state_file_read(const char *path, GError **error)
{
    g_autoptr(GError) cause = NULL;
    char *data;
    gsize size;

    /* A pipe would block, a device might never end. */
    if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "it is no regular file");
        return NULL;
    }
    if (g_file_get_contents(path, &data, &size, &cause))
        return g_bytes_new_take(data, size);
    if (!g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_propagate_error(error, g_steal_pointer(&cause));
    return NULL;
}

static gboolean
set_aside(const char *path, GError **error)
{
    g_autofree char *other = g_strconcat(path, ".refused", NULL);
    int saved;

    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR) || g_rename(path, other) == 0)
        return TRUE;
    saved = errno;
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(saved), "cannot move it to \"%s\": %s",
                other, g_strerror(saved));
    return FALSE;
}

gboolean
cr_state_file_write(const char *path, GBytes *state, gboolean keep_old, GError **error)
{
    gsize size;
    const char *data = g_bytes_get_data(state, &size);

    return (!keep_old || set_aside(path, error)) &&
           g_file_set_contents(path, data, (gssize)size, error);
}
