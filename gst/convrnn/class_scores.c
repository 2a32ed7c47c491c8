/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "class_scores.h"
#include <math.h>
#include <string.h>

struct _CrClassScores {
    char **labels;
    guint n;
    gboolean logits;
    double *values; /* n of them, room to work in */
};

static gboolean
refuse(GError **error, const ConvRnnTensorInfo *output, const char *expected, const char *found)
{
    g_set_error(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                "Output \"%s\" in the .modelinfo: found %s, expected %s", output->name, found,
                expected);
    return FALSE;
}

static gboolean
check(const ConvRnnTensorInfo *output, guint n_labels, const char *scores, GError **error)
{
    g_autofree char *expected = NULL, *found = NULL;
    gint64 n = 1;

    for (guint i = 0; i < output->n_dims; i++)
        n *= output->dims[i];
    if (output->dtype != CONVRNN_DTYPE_FLOAT32)
        return refuse(error, output, "labels= for float32 outputs only",
                      convrnn_dtype_get_name(output->dtype));
    if (scores != NULL && strcmp(scores, "logits") != 0 && strcmp(scores, "probabilities") != 0) {
        found = g_strdup_printf("scores=%s", scores);
        return refuse(error, output, "scores=probabilities or scores=logits", found);
    }
    if (n != n_labels) {
        expected = g_strdup_printf("one for each of its %" G_GINT64_FORMAT " elements, with ';' "
                                   "between them",
                                   n);
        found = g_strdup_printf("labels= of %u classes", n_labels);
        return refuse(error, output, expected, found);
    }
    return TRUE;
}

/* A list may end with its separator. */
static char **
split_labels(const char *text)
{
    char **labels = g_strsplit(text, ";", -1);
    guint n = g_strv_length(labels);

    for (guint i = 0; i < n; i++)
        g_strstrip(labels[i]);
    if (n > 1 && *labels[n - 1] == '\0')
        g_clear_pointer(&labels[n - 1], g_free);
    return labels;
}

gboolean
cr_class_scores_new(CrClassScores **scores, const ConvRnnModel *model,
                    const ConvRnnTensorInfo *output, GError **error)
{
    const char *text = convrnn_model_get_property(model, output->name, "labels");
    const char *kind = convrnn_model_get_property(model, output->name, "scores");
    CrClassScores *self;
    char **labels;

    *scores = NULL;
    if (text == NULL || *text == '\0')
        return TRUE;
    labels = split_labels(text);
    if (!check(output, g_strv_length(labels), kind, error)) {
        g_strfreev(labels);
        return FALSE;
    }
    self = g_new0(CrClassScores, 1);
    self->labels = labels;
    self->n = g_strv_length(labels);
    self->logits = g_strcmp0(kind, "logits") == 0;
    self->values = g_new(double, self->n);
    *scores = self;
    return TRUE;
}

void
cr_class_scores_free(CrClassScores *scores)
{
    if (scores == NULL)
        return;
    g_strfreev(scores->labels);
    g_free(scores->values);
    g_free(scores);
}

/* p_i = exp(x_i − max x) / Σ exp(x_j − max x) */
static void
soften(double *values, guint n)
{
    double largest = values[0], sum = 0;

    for (guint i = 1; i < n; i++)
        largest = fmax(largest, values[i]);
    for (guint i = 0; i < n; i++) {
        values[i] = exp(values[i] - largest);
        sum += values[i];
    }
    for (guint i = 0; i < n; i++)
        values[i] /= sum;
}

/* The first of the largest, and that it is taken: NaN, as whatever was NaN before. n: none left. */
static guint
take_best(double *values, guint n, double *score)
{
    guint best = n;

    for (guint i = 0; i < n; i++)
        if (!isnan(values[i]) && (best == n || values[i] > values[best]))
            best = i;
    if (best < n) {
        *score = values[best];
        values[best] = NAN;
    }
    return best;
}

static void
put_class(GstStructure *fields, guint tensor, guint rank, const char *label, guint index,
          double score)
{
    g_autofree char *at = g_strdup_printf("tensor-%u-top-%u", tensor, rank);
    g_autofree char *label_field = g_strconcat(at, "-label", NULL);
    g_autofree char *index_field = g_strconcat(at, "-index", NULL);
    g_autofree char *score_field = g_strconcat(at, "-score", NULL);

    gst_structure_set(fields, label_field, G_TYPE_STRING, label, index_field, G_TYPE_UINT, index,
                      score_field, G_TYPE_DOUBLE, score, NULL);
}

void
cr_class_scores_attach(CrClassScores *scores, GstCustomMeta *meta, guint index, const float *values,
                       guint top)
{
    g_autofree char *count_field = NULL;
    GstStructure *fields;
    guint rank = 0, best;
    double score = 0;

    if (scores == NULL || top == 0)
        return;
    for (guint i = 0; i < scores->n; i++)
        scores->values[i] = values[i];
    if (scores->logits)
        soften(scores->values, scores->n);
    fields = gst_custom_meta_get_structure(meta);
    for (; rank < top; rank++) {
        best = take_best(scores->values, scores->n, &score);
        if (best == scores->n)
            break;
        put_class(fields, index, rank, scores->labels[best], best, score);
    }
    count_field = g_strdup_printf("tensor-%u-top", index);
    gst_structure_set(fields, count_field, G_TYPE_UINT, rank, NULL);
}
