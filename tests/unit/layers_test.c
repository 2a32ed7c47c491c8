/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the builder's layers compute: stored results of PyTorch, one case a line. The same cases and
 * many more: tests/oracle/test_layers.py. */
#include "support/layer_case.h"
#include <math.h>
#include <string.h>

#define TOLERANCE 2e-5 /* of single precision, whatever the order of summation */

/* Word by word: shapes are the same, numbers are close. */
static void
compare(const char *line, const char *found, const char *wanted)
{
    g_auto(GStrv) a = g_strsplit_set(found, " ", -1), b = g_strsplit_set(wanted, " ", -1);
    guint i;

    for (i = 0; a[i] && b[i] && *a[i] && *b[i]; i++) {
        double x = g_ascii_strtod(a[i], NULL), y = g_ascii_strtod(b[i], NULL);
        if (*b[i] == '[' ? strcmp(a[i], b[i]) != 0 : !(fabs(x - y) <= TOLERANCE * fmax(1, fabs(y))))
            g_error("%s: word %u is %s, expected %s", line, i, a[i], b[i]);
    }
    if ((a[i] && *a[i]) || (b[i] && *b[i]))
        g_error("%s: the result ends at word %u: %s", line, i, found);
}

static void
test_stored(void)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    const char *path = g_getenv("CONVRNN_LAYER_CASES");
    guint n = 0;

    if (!path)
        path = "tests/unit/layer_cases.txt";
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        char *result = strstr(*line, " = ");
        if (**line == '#' || !result)
            continue;
        *result = '\0';
        g_autofree char *found = layer_case_run(*line, &error);
        if (!found)
            g_error("%s: %s", *line, error->message);
        compare(*line, found, result + 3);
        n++;
    }
    g_assert_cmpuint(n, >, 150);
}

/* An option that does not fit is named, with what would. */
static void
test_refused(void)
{
    static const struct {
        const char *line;
        ConvRnnError code;
        const char *message;
    } cases[] = {
        {"conv2d x=1,4,5,5 weights=6,4,3", CONVRNN_ERROR_SHAPE,
         "layer: conv2d: weights has another type or shape, expected float32 ?×?×?×?"},
        {"conv2d x=1,4,5,5 weights=6,4,3,3 bias=5", CONVRNN_ERROR_SHAPE,
         "layer: conv2d: bias has another type or shape, expected float32 6"},
        {"conv2d x=1,4,5,5 weights=6,1,3,3 groups=4", CONVRNN_ERROR_SHAPE,
         "layer: conv2d: weights has 6 rows, which cannot be divided into 4 groups"},
        {"conv2d x=1,4,5,5 weights=6,4,3,3 padding=1 pads=0,1,0,1", CONVRNN_ERROR_FORMAT,
         "layer: conv2d: padding is SAME_UPPER, and pads[1] is 1; leave one of them out"},
        {"conv2d x=1,4,5,5 weights=6,4,3,3 padding=3", CONVRNN_ERROR_UNSUPPORTED,
         "layer: conv2d: padding is 3, expected 0 … 2 (ConvRnnPadding)"},
        {"conv2d x=1,4,5,5 weights=6,4,3,3 activation=20", CONVRNN_ERROR_UNSUPPORTED,
         "layer: 20 is no activation, expected 0 … 19 (ConvRnnActivation)"},
        {"conv1d x=1,4,5 weights=6,4,3,3", CONVRNN_ERROR_SHAPE,
         "layer: conv1d: weights has another type or shape, expected float32 ?×?×?"},
        {"conv1d x=1,4,5 bias=3", CONVRNN_ERROR_SHAPE,
         "layer: conv1d: weights is missing, expected float32 ?×?×?"},
        {"conv1d x=1,4,5 weights=6,4,3 padding=2 pads=1", CONVRNN_ERROR_FORMAT,
         "layer: conv1d: padding is SAME_LOWER, and pads[0] is 1; leave one of them out"},
        {"conv_transpose2d x=1,4,5,5 weights=4,3,3,3 groups=2 bias=3", CONVRNN_ERROR_SHAPE,
         "layer: conv_transpose2d: bias has another type or shape, expected float32 6"},
        {"conv_transpose2d x=1,4,5,5 weights=4,3,3,3 groups=3", CONVRNN_ERROR_SHAPE,
         "layer: conv_transpose2d: weights has 4 rows, which cannot be divided into 3 groups"},
        {"max_pool2d x=1,2,5,5 kernel=2", CONVRNN_ERROR_SHAPE,
         "layer: max_pool2d: kernel[1] is 0, expected at least 1"},
        {"average_pool1d x=1,2,5", CONVRNN_ERROR_SHAPE,
         "layer: average_pool1d: kernel[0] is 0, expected at least 1"},
        {"average_pool2d x=1,2,5,5 kernel=2,2 padding=-1", CONVRNN_ERROR_UNSUPPORTED,
         "layer: average_pool2d: padding is -1, expected 0 … 2 (ConvRnnPadding)"},
        {"max_pool1d x=1,2,5 kernel=2 padding=1 pads=0,1", CONVRNN_ERROR_FORMAT,
         "layer: max_pool1d: padding is SAME_UPPER, and pads[1] is 1; leave one of them out"},
        {"dense x=1,4 weights=3,4 bias=4", CONVRNN_ERROR_SHAPE,
         "layer: dense: bias has another type or shape, expected float32 3"},
        {"batch_norm x=1,4 mean=4", CONVRNN_ERROR_SHAPE,
         "layer: batch_norm: variance is missing, expected float32 4"},
        {"batch_norm x=1,4 mean=4 variance=4 scale=3", CONVRNN_ERROR_SHAPE,
         "layer: batch_norm: scale has another type or shape, expected float32 4"},
        {"instance_norm x=1,4,5 scale=4 bias=3", CONVRNN_ERROR_SHAPE,
         "layer: instance_norm: bias has another type or shape, expected float32 4"},
        {"instance_norm x=1,4,5 bias=4 epsilon=-1", CONVRNN_ERROR_FORMAT,
         "layer: instance_norm: epsilon is -1, expected at least 0"},
        {"group_norm x=1,4,5 scale=4", CONVRNN_ERROR_SHAPE,
         "layer: group_norm: groups is 0, expected at least 1"},
        {"group_norm x=1,4,5 scale=4,1 groups=2", CONVRNN_ERROR_SHAPE,
         "layer: group_norm: scale has another type or shape, expected float32 ?"},
        {"layer_norm x=1,4,5 scale=5 n_dims=2", CONVRNN_ERROR_SHAPE,
         "layer: layer_norm: scale has another type or shape, expected float32 ?×?"},
        {"activation x=2 activation=11 alpha=0", CONVRNN_ERROR_FORMAT,
         "layer: activation Celu: alpha is 0, which x is divided by"},
        {"activation x=2 activation=19 alpha=nan", CONVRNN_ERROR_FORMAT,
         "layer: activation Clip: alpha is nan and beta 0, expected numbers"},
        {"activation x=2 activation=-1", CONVRNN_ERROR_UNSUPPORTED,
         "layer: -1 is no activation, expected 0 … 19 (ConvRnnActivation)"},
        {"prelu x=2,3", CONVRNN_ERROR_SHAPE, "layer: prelu: slope is missing, expected float32"},
        {"split x=2,3", CONVRNN_ERROR_LIMIT, "layer: split: 0 parts, expected 1 … 4096"},
        {"slice x=2,3 step=0", CONVRNN_ERROR_FORMAT, "layer: slice: step is 0"},
        {"pad x=2,3 before=1,1 after=1,1 mode=4", CONVRNN_ERROR_UNSUPPORTED,
         "layer: pad: mode is 4, expected 0 … 3 (ConvRnnPadMode)"},
        {"pad x=2 before=1,1,1,1,1,1,1,1,1 after=1,1,1,1,1,1,1,1,1", CONVRNN_ERROR_LIMIT,
         "layer: pad: 9 dimensions, at most 8 are supported"},
        {"resize2d x=1,1,2,2 size=3,3 scale=2,2", CONVRNN_ERROR_FORMAT,
         "layer: resize2d: size is 3×3 and scale 2×2, expected one of them above 0"},
        {"resize2d x=1,1,2,2 size=3", CONVRNN_ERROR_FORMAT,
         "layer: resize2d: size is 3×0 and scale 0×0, expected one of them above 0"},
        {"resize2d x=1,1,2,2 size=3,3 mode=7", CONVRNN_ERROR_UNSUPPORTED,
         "layer: resize2d: mode is 7, expected 0 … 2 (ConvRnnResizeMode)"},
        {"resize2d x=1,1,2,2 size=3,3 align_corners=1", CONVRNN_ERROR_FORMAT,
         "layer: resize2d: align_corners means nothing with CONVRNN_RESIZE_NEAREST"},
        {"reshape x=4 dims=1,1,1,1,1,1,1,1,4", CONVRNN_ERROR_LIMIT,
         "layer: reshape: 9 dimensions, at most 8 are supported"},
        {"transpose x=4 order=0,1,2,3,4,5,6,7,8", CONVRNN_ERROR_LIMIT,
         "layer: transpose: 9 dimensions, at most 8 are supported"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(layer_case_run(cases[i].line, &error));
        g_assert_cmpstr(error->message, ==, cases[i].message);
        g_assert_error(error, CONVRNN_ERROR, (int)cases[i].code);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layers/stored", test_stored);
    g_test_add_func("/layers/refused", test_refused);
    return g_test_run();
}
