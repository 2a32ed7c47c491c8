/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "result_tensor.h"
#include <string.h>

void
cr_result_tensor_clear(CrResultTensor *result)
{
    g_clear_pointer(&result->held, g_bytes_unref);
}

static void
hold(CrResultTensor *result, const GstConvRnnTensorView *view, const CrTensorPicture *picture,
     const GstConvRnnMetaInfo *info)
{
    GBytes *bytes = g_bytes_ref(view->bytes);

    cr_result_tensor_clear(result);
    result->held = bytes;
    result->picture = *picture;
    result->info = *info;
    result->info.model = result->info.element = NULL;
}

/* How well an unnamed tensor suits: 0 not at all. */
static int
suitability(const GstConvRnnTensorView *view, int channels, CrTensorPicture *picture)
{
    if (!cr_tensor_picture_init(picture, view))
        return 0;
    return picture->channels == channels ? 2 : 1;
}

static gboolean
choose(GstCustomMeta *meta, const char *tensor, int channels, GstConvRnnTensorView *chosen,
       CrTensorPicture *picture)
{
    int best = 0;

    for (guint i = 0; i < gst_convrnn_meta_get_n_tensors(meta); i++) {
        GstConvRnnTensorView view;
        CrTensorPicture candidate;
        int suits;

        if (!gst_convrnn_meta_get_tensor(meta, i, &view) ||
            (tensor != NULL && strcmp(view.name, tensor) != 0) ||
            (suits = suitability(&view, channels, &candidate)) <= best)
            continue;
        best = suits;
        *chosen = view;
        *picture = candidate;
    }
    return best > 0;
}

static void
append_tensors(GString *text, GstCustomMeta *meta)
{
    for (guint i = 0; i < gst_convrnn_meta_get_n_tensors(meta); i++) {
        GstConvRnnTensorView view;

        if (!gst_convrnn_meta_get_tensor(meta, i, &view))
            continue;
        g_string_append_printf(text, "%s%s %s[", text->len ? ", " : "", view.name, view.dtype);
        for (guint d = 0; d < view.n_dims; d++)
            g_string_append_printf(text, "%s%" G_GINT64_FORMAT, d ? "," : "", view.dims[d]);
        g_string_append_c(text, ']');
    }
}

static char *
explain(guint n_results, const GString *tensors, const char *element, const char *tensor)
{
    if (n_results == 0 && element != NULL)
        return g_strdup_printf("The buffer carries no result of an element \"%s\"", element);
    if (n_results == 0)
        return g_strdup("The buffer carries no result of a network. Put the element convrnn before "
                        "convrnnvideo");
    if (tensor != NULL)
        return g_strdup_printf("No tensor \"%s\" that can be a picture, expected [H,W], [C,H,W] "
                               "or [1,C,H,W], found: %s",
                               tensor, tensors->str);
    return g_strdup_printf("No tensor can be a picture, expected [H,W], [C,H,W] or [1,C,H,W], "
                           "found: %s",
                           tensors->str);
}

CrResultStatus
cr_result_tensor_find(CrResultTensor *result, GstBuffer *buffer, const char *element,
                      const char *tensor, int channels, char **why)
{
    g_autoptr(GString) tensors = g_string_new(NULL);
    gboolean skipped = FALSE;
    gpointer state = NULL;
    guint n_results = 0;
    GstCustomMeta *meta;

    while ((meta = gst_convrnn_meta_iterate(buffer, &state)) != NULL) {
        GstConvRnnTensorView view;
        CrTensorPicture picture;
        GstConvRnnMetaInfo info;

        if (!gst_convrnn_meta_get_info(meta, &info) ||
            (element != NULL && strcmp(element, info.element) != 0))
            continue;
        n_results++;
        skipped = skipped || (info.flags & GST_CONVRNN_META_SKIPPED);
        append_tensors(tensors, meta);
        if (choose(meta, tensor, channels, &view, &picture)) {
            hold(result, &view, &picture, &info);
            return CR_RESULT_FOUND;
        }
    }
    if (skipped)
        return result->held ? CR_RESULT_FOUND : CR_RESULT_SKIPPED;
    cr_result_tensor_clear(result);
    *why = explain(n_results, tensors, element, tensor);
    return CR_RESULT_MISSING;
}
