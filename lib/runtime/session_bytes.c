/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session for languages other than C: a type that counts who holds it, and inputs and outputs
 * without pointers. */
#include "core/memory.h"
#include "runtime/session.h"
#include <convrnn/session.h>
#include <string.h>

static ConvRnnSession *
hold(ConvRnnSession *s)
{
    g_atomic_int_inc(&s->more_holders);
    return s;
}

G_DEFINE_BOXED_TYPE(ConvRnnSession, convrnn_session, hold, convrnn_session_free)

static size_t
count_bytes(const ConvRnnTensorInfo *info)
{
    size_t bytes = convrnn_dtype_get_size(info->dtype);

    for (guint i = 0; i < info->n_dims; i++)
        bytes *= (size_t)info->dims[i];
    return bytes;
}

/* Copies a tensor between dense rows and rows that lie where the strides say. */
static void
copy_rows(const ConvRnnTensorInfo *info, char *strided, const gint64 *strides, char *dense,
          bool to_dense)
{
    size_t size = convrnn_dtype_get_size(info->dtype), total = count_bytes(info);
    size_t row = info->n_dims > 0 ? size * (size_t)info->dims[info->n_dims - 1] : size;
    gint64 place[CONVRNN_MAX_RANK] = {0};

    for (size_t done = 0; done < total; done += row) {
        gint64 offset = 0;
        for (guint i = 0; i + 1 < info->n_dims; i++)
            offset += place[i] * strides[i];
        char *x = strided + offset * (gint64)size;
        memcpy(to_dense ? dense + done : x, to_dense ? x : dense + done, row);
        for (int i = (int)info->n_dims - 2; i >= 0 && ++place[i] == info->dims[i]; i--)
            place[i] = 0;
    }
}

static bool
check_index(const char *what, guint index, guint n, GError **error)
{
    if (index < n)
        return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                "there is no %s %u: the session has %u, numbered from 0", what, index, n);
    return false;
}

gboolean
convrnn_session_set_input(ConvRnnSession *session, guint index, GBytes *data, GError **error)
{
    gsize size;
    const char *bytes = g_bytes_get_data(data, &size);

    if (!check_index("input", index, convrnn_session_get_n_inputs(session), error))
        return FALSE;
    const ConvRnnTensorInfo *info = convrnn_session_get_input(session, index);
    if (size != count_bytes(info)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                    "input '%s': it takes %" G_GSIZE_FORMAT " bytes of %s, found %" G_GSIZE_FORMAT,
                    info->name, count_bytes(info), convrnn_dtype_get_name(info->dtype), size);
        return FALSE;
    }
    copy_rows(info, convrnn_session_get_input_data(session, index),
              convrnn_session_get_input_strides(session, index), (char *)bytes, false);
    return TRUE;
}

GBytes *
convrnn_session_dup_output(const ConvRnnSession *session, guint index, GError **error)
{
    if (!check_index("output", index, convrnn_session_get_n_outputs(session), error))
        return NULL;
    const ConvRnnTensorInfo *info = convrnn_session_get_output(session, index);
    size_t bytes = count_bytes(info);
    char *copy = cr_mem_alloc(1, bytes, "a copy of an output", error);
    if (!copy)
        return NULL;
    copy_rows(info, (char *)convrnn_session_get_output_data(session, index),
              convrnn_session_get_output_strides(session, index), copy, true);
    return g_bytes_new_with_free_func(copy, bytes, cr_mem_free, copy);
}
