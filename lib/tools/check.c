/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/check.h"
#include "tools/command.h"
#include "tools/compare.h"
#include "npy/npy.h"

#include <stdio.h>
#include <string.h>

/* What is known about one output, over all steps. */
typedef struct {
    char *name;
    guint compared;
    guint mismatches;
    guint worst_step;
    CrDifference worst;
    double limit;
    char *shapes; /* of the first reference whose shape or type was another one, else NULL */
} Line;

struct CrCheck {
    const CrSpec *spec;
    double limit;
    GArray *lines;     /* Line */
    GHashTable *files; /* base names compared */
};

char *
cr_check_file_name(const char *folder, guint step, const char *output)
{
    char *safe = g_strdup(output);
    for (char *p = safe; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("_.-", *p))
            *p = '_';
    char *base = g_strdup_printf("%03u_%s.npy", step, safe);
    char *path = g_build_filename(folder, base, NULL);
    g_free(safe);
    g_free(base);
    return path;
}

static void
line_clear(void *data)
{
    Line *line = data;
    g_free(line->name);
    g_free(line->shapes);
}

CrCheck *
cr_check_new(const CrSpec *spec, double limit)
{
    CrCheck *check = g_new0(CrCheck, 1);
    check->spec = spec;
    check->limit = limit;
    check->lines = g_array_new(FALSE, TRUE, sizeof(Line));
    g_array_set_clear_func(check->lines, line_clear);
    check->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return check;
}

void
cr_check_free(CrCheck *check)
{
    if (!check)
        return;
    g_array_unref(check->lines);
    g_hash_table_unref(check->files);
    g_free(check);
}

static Line *
find_line(CrCheck *check, const char *name)
{
    for (guint i = 0; i < check->lines->len; i++) {
        Line *line = &g_array_index(check->lines, Line, i);
        if (strcmp(line->name, name) == 0)
            return line;
    }
    Line line = {.name = g_strdup(name), .limit = cr_spec_limit(check->spec, name, check->limit)};
    g_array_append_val(check->lines, line);
    return &g_array_index(check->lines, Line, check->lines->len - 1);
}

static bool
same_shape(const ConvRnnTensorInfo *info, const ConvRnnTensor *tensor)
{
    guint n;
    const gint64 *dims = convrnn_tensor_get_dims(tensor, &n);
    return n == info->n_dims && (n == 0 || memcmp(dims, info->dims, n * sizeof *dims) == 0);
}

static char *
describe_shapes(const ConvRnnTensorInfo *output, const ConvRnnTensor *reference)
{
    ConvRnnTensorInfo info = {.dtype = convrnn_tensor_get_dtype(reference)};
    const gint64 *dims = convrnn_tensor_get_dims(reference, &info.n_dims);
    for (guint i = 0; i < info.n_dims; i++)
        info.dims[i] = dims[i];
    char *expected = cr_command_shape(&info), *found = cr_command_shape(output);
    char *text = g_strdup_printf("expected %s %s, found %s %s", convrnn_dtype_get_name(info.dtype),
                                 expected, convrnn_dtype_get_name(output->dtype), found);
    g_free(expected);
    g_free(found);
    return text;
}

static void
compare_output(Line *line, guint step, const ConvRnnTensorInfo *output, const void *data,
               const ConvRnnTensor *reference)
{
    CrDifference difference;
    line->compared++;
    if (!same_shape(output, reference) || convrnn_tensor_get_dtype(reference) != output->dtype ||
        !cr_compare(output->dtype, data, convrnn_tensor_get_data(reference),
                    convrnn_tensor_get_n_elements(reference), &difference)) {
        line->mismatches++;
        if (!line->shapes)
            line->shapes = describe_shapes(output, reference);
        return;
    }
    line->mismatches += !cr_difference_agrees(&difference, line->limit);
    if (line->compared == 1 ||
        cr_difference_ratio(&difference) > cr_difference_ratio(&line->worst)) {
        line->worst = difference;
        line->worst_step = step;
    }
}

bool
cr_check_output(CrCheck *check, guint step, const ConvRnnTensorInfo *output, const void *data,
                GError **error)
{
    char *path = cr_check_file_name(check->spec->out, step, output->name);
    bool good = true;
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        ConvRnnTensor *reference = cr_npy_read(path, error);
        good = reference != NULL;
        if (good)
            compare_output(find_line(check, output->name), step, output, data, reference);
        convrnn_tensor_unref(reference);
        g_hash_table_add(check->files, g_path_get_basename(path));
    }
    g_free(path);
    return good;
}

static bool
every_file_used(const CrCheck *check, GError **error)
{
    GError *cause = NULL;
    GDir *folder = g_dir_open(check->spec->out, 0, &cause);
    if (!folder) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO, "%s", cause->message);
        g_error_free(cause);
        return false;
    }
    bool good = true;
    for (const char *name; good && (name = g_dir_read_name(folder));) {
        if (!g_str_has_suffix(name, ".npy") || g_hash_table_contains(check->files, name))
            continue;
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "%s/%s: no step has an output of that name", check->spec->out, name);
        good = false;
    }
    g_dir_close(folder);
    return good;
}

static void
print_line(const Line *line)
{
    const CrDifference *d = &line->worst;
    if (line->shapes) {
        printf("%s: MISMATCH, %s\n", line->name, line->shapes);
        return;
    }
    printf("%s: %s, %u compared, largest difference %.3g of %.3g, rms %.3g of %.3g, in step %u; "
           "limit %g\n",
           line->name, line->mismatches ? "MISMATCH" : "ok", line->compared, d->largest,
           d->reference_max, d->rms, d->reference_rms, line->worst_step, line->limit);
}

bool
cr_check_finish(CrCheck *check, bool *agrees, GError **error)
{
    *agrees = true;
    for (guint i = 0; i < check->lines->len; i++) {
        const Line *line = &g_array_index(check->lines, Line, i);
        print_line(line);
        *agrees = *agrees && line->mismatches == 0;
    }
    if (!every_file_used(check, error))
        return false;
    if (check->lines->len > 0)
        return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO, "%s: no reference file to compare with",
                check->spec->out);
    return false;
}
