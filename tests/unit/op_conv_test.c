/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conv and BatchNormalization: cases by hand, and Conv on random shapes against the definition.
 * The data are small integers, so that every sum is exact. */
#include "ops/conv.h"
#include "support/op_run.h"

static void
test_by_hand(void)
{
    op_check("Conv", "", "f32[1,1,5] 1 2 3 4 5; f32[1,1,3] 1 10 100", "f32[1,1,3] 321 432 543");
    op_check("Conv", "pads=[1,2]", "f32[1,1,3] 1 2 3; f32[1,1,3] 1 10 100; f32[1] 1000",
             "f32[1,1,4] 1210 1321 1032 1003");
    op_check("Conv", "strides=[2]", "f32[1,1,5] 1 2 3 4 5; f32[1,1,1] 2", "f32[1,1,3] 2 6 10");
    op_check("Conv", "dilations=[2]", "f32[1,1,5] 1 2 3 4 5; f32[1,1,2] 1 10",
             "f32[1,1,3] 31 42 53");
    op_check("Conv", "group=2", "f32[1,2,2] 1 2 3 4; f32[2,1,1] 10 100",
             "f32[1,2,2] 10 20 300 400");
    op_check("Conv", "kernel_shape=[2,2]", "f32[1,1,2,3] 1 2 3 4 5 6; f32[1,1,2,2] 1 10 100 1000",
             "f32[1,1,1,2] 5421 6532");
    op_check("Conv", "", "f32[1,1,2,1,2] 1 2 3 4; f32[1,1,2,1,1] 1 10", "f32[1,1,1,1,2] 31 42");
}

static void
test_auto_pad(void)
{
    const char *in = "f32[1,1,4] 1 2 3 4; f32[1,1,2] 1 10";
    op_check("Conv", "auto_pad=SAME_UPPER", in, "f32[1,1,4] 21 32 43 4");
    op_check("Conv", "auto_pad=SAME_LOWER", in, "f32[1,1,4] 10 21 32 43");
    op_check("Conv", "auto_pad=VALID pads=[1,1]", in, "f32[1,1,3] 21 32 43");
    op_check("Conv", "auto_pad=SAME_UPPER strides=[3]", in, "f32[1,1,2] 21 4");
    /* strides longer than the window never make negative padding */
    op_check("Conv", "auto_pad=SAME_LOWER strides=[3]", "f32[1,1,5] 1 2 3 4 5; f32[1,1,1] 1",
             "f32[1,1,2] 1 4");
}

static void
test_nothing(void)
{
    op_check("Conv", "", "f32[0,1,5]; f32[1,1,3] 1", "f32[0,1,3]");
    op_check("Conv", "", "f32[1,1,5] 1; f32[0,1,3]", "f32[1,0,3]");
    op_check("Conv", "", "f32[1,0,2]; f32[2,0,1]; f32[2] 7 8", "f32[1,2,2] 7 7 8 8");
    op_check("Conv", "pads=[1,1]", "f32[1,1,0]; f32[1,1,2] 1; f32[1] 3", "f32[1,1,1] 3");
    op_check("Conv", "", "f32[1,1,0]; f32[1,1,2] 1; f32[1] 3", "f32[1,1,0]");
}

static void
test_refused(void)
{
    const struct {
        const char *attrs, *inputs;
        ConvRnnError code;
        const char *part;
    } cases[] = {
        {"", "f32[1,32,4,4] 1; f32[8,64,3,3] 1", CONVRNN_ERROR_SHAPE,
         "weight expects 64 input channels, input has 32"},
        {"group=2", "f32[1,4,4] 1; f32[3,2,3] 1", CONVRNN_ERROR_SHAPE, "2 groups"},
        {"group=0", "f32[1,4,4] 1; f32[3,2,3] 1", CONVRNN_ERROR_FORMAT, "group is 0"},
        {"", "f32[1,1,4,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "4 dimensions, the weight 3"},
        {"", "f32[1,1] 1; f32[1,1] 1", CONVRNN_ERROR_SHAPE, "3 to 5 dimensions"},
        {"", "f32[1,1,1,1,1,1] 1; f32[1,1,1,1,1,1] 1", CONVRNN_ERROR_SHAPE, "3 to 5 dimensions"},
        {"", "f64[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "float64"},
        {"", "f32[1,1,4] 1; f32[1,1,3] 1; f32[2] 1", CONVRNN_ERROR_SHAPE, "bias"},
        {"", "f32[1,1,2] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "larger input"},
        {"kernel_shape=[2]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "kernel_shape"},
        {"strides=[0]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "strides[0] is 0"},
        {"strides=[1,1]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "strides"},
        {"dilations=[4294967297]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "dilations"},
        {"dilations=[1000000000]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "covers"},
        {"pads=[-1,0]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "pads[0] is -1"},
        {"pads=[1073741824,1073741824]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_LIMIT, "out"},
        {"auto_pad=SAME_UPPER dilations=[1073741824]", "f32[1,1,4] 1; f32[1,1,3] 1",
         CONVRNN_ERROR_LIMIT, "padding"},
        {"auto_pad=same", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "auto_pad"},
        {"", "f32[1,1,4] 1; f32[1,1,0]", CONVRNN_ERROR_SHAPE, "empty"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        op_check_error("Conv", cases[i].attrs, cases[i].inputs, cases[i].code, cases[i].part);
}

/* --- random shapes --- */

static ConvRnnTensor *
random_tensor(const int64_t *dims, int n_dims)
{
    size_t n = 1;
    for (int i = 0; i < n_dims; i++)
        n *= (size_t)dims[i];
    float *data = g_new(float, n + 1);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)g_test_rand_int_range(-8, 9);
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, n * sizeof(float));
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, (const gint64 *)dims, (guint)n_dims, bytes,
                              NULL);
}

/* y[f][p] by definition: all taps, those outside the picture skipped one by one. */
static double
conv_at(const CrConv *c, const float *x, const float *w, int f, const int *p)
{
    const CrWindow *win = &c->window;
    int per_group = c->channels / c->group, first = f / (c->filters / c->group) * per_group;
    double sum = 0;

    for (int ch = 0; ch < per_group; ch++)
        for (int a = 0; a < win->kernel[0]; a++)
            for (int b = 0; b < win->kernel[1]; b++)
                for (int d = 0; d < win->kernel[2]; d++) {
                    int k[3] = {a, b, d};
                    int64_t at = first + ch, tap = (int64_t)f * per_group + ch;
                    bool inside = true;
                    for (int i = 0; i < 3; i++) {
                        int64_t q = (int64_t)p[i] * win->stride[i] + k[i] * win->dilation[i] -
                                    win->pad_begin[i];
                        inside = inside && q >= 0 && q < win->in[i];
                        at = at * win->in[i] + q;
                        tap = tap * win->kernel[i] + k[i];
                    }
                    if (inside)
                        sum += (double)x[at] * (double)w[tap];
                }
    return sum;
}

static void
check_against_definition(const CrConv *c, const ConvRnnTensor *x, const ConvRnnTensor *w,
                         const float *bias, const float *y)
{
    const int *out = c->window.out;
    size_t i = 0;

    for (int n = 0; n < c->batch; n++)
        for (int f = 0; f < c->filters; f++)
            for (int a = 0; a < out[0]; a++)
                for (int b = 0; b < out[1]; b++)
                    for (int d = 0; d < out[2]; d++, i++) {
                        size_t image = x->n_elements / (size_t)c->batch * (size_t)n;
                        double wanted = conv_at(c, (const float *)x->data + image, w->data, f,
                                                (int[]){a, b, d});
                        wanted += bias ? (double)bias[f] : 0;
                        g_assert_cmpfloat((double)y[i], ==, wanted);
                    }
}

/* "name=[a,b,…]" with n random numbers. */
static char *
random_list(const char *name, int n, int low, int high)
{
    GString *text = g_string_new(name);
    for (int i = 0; i < n; i++)
        g_string_append_printf(text, "%s%d", i ? "," : "=[", g_test_rand_int_range(low, high + 1));
    g_string_append(text, "] ");
    return g_string_free(text, FALSE);
}

static void
check_random(int size)
{
    int n = g_test_rand_int_range(1, 4), group = g_test_rand_int_range(1, 4);
    int64_t x[5] = {g_test_rand_int_range(1, 3), group * g_test_rand_int_range(1, 4)};
    int64_t w[5] = {group * g_test_rand_int_range(1, 4), x[1] / group};
    g_autofree char *strides = random_list("strides", n, 1, 3);
    g_autofree char *dilations = random_list("dilations", n, 1, 2);
    g_autofree char *pads = random_list("pads", 2 * n, 0, 4);
    g_autofree char *attrs = g_strdup_printf("%s%s%sgroup=%d", strides, dilations, pads, group);
    g_autoptr(GError) error = NULL;
    CrConv conv;

    for (int i = 2; i < n + 2; i++) {
        w[i] = g_test_rand_int_range(1, 4);
        x[i] = 5 + g_test_rand_int_range(0, n == 1 ? size * size : size);
    }
    OpRun *run = op_run_new("Conv", attrs, 1);
    ConvRnnTensor *tx = random_tensor(x, n + 2), *tw = random_tensor(w, n + 2);
    ConvRnnTensor *tb = g_test_rand_bit() ? random_tensor(w, 1) : NULL;
    op_run_input(run, tx, false);
    op_run_input(run, tw, g_test_rand_bit());
    op_run_input(run, tb, true);
    op_run(run, &error);
    g_assert_no_error(error);
    g_assert_true(cr_conv_parse(op_run_setup(run), &conv, NULL));
    cr_window_to_3d(&conv.window);
    check_against_definition(&conv, tx, tw, tb ? tb->data : NULL, op_run_output(run, 0)->data);
    op_run_free(run);
}

static void
test_random(void)
{
    for (int i = 0; i < 150; i++)
        check_random(8);
    for (int i = 0; i < 5; i++)
        check_random(60); /* many tiles */
}

static void
test_macs(void)
{
    OpRun *run = op_run_new("Conv", "group=2 pads=[1,1,1,1] strides=[2,2]", 1);
    op_run_inputs(run, "f32[3,4,8,6] 1; f32[10,2,3,3] 1");
    g_assert_true(op_run(run, NULL));
    g_assert_cmpuint(op_run_step(run)->macs, ==, 3 * 10 * (4 * 3) * 2 * 9);
    op_run_free(run);
}

static void
test_batch_norm(void)
{
    op_check("BatchNormalization", "epsilon=0.0",
             "f32[1,2,3] 1 2 3 4 5 6; f32[2] 2 10; f32[2] 1 -1; f32[2] 1 5; f32[2] 4 0.25",
             "f32[1,2,3] 1 2 3 -21 -1 19");
    op_check("BatchNormalization", "epsilon=3.0",
             "f32[2,1] 1 5; ~f32[1] 1; ~f32[1] 0; ~f32[1] 1; ~f32[1] 1", "f32[2,1] 0 2");
    op_check("BatchNormalization", "", "f32[2] 3 4; f32[1] 1; f32[1] 0; f32[1] 3; f32[1] 1",
             "f32[2] 0 0.999995");
    op_check("BatchNormalization", "", "f32[0,1,2]; f32[1] 1; f32[1] 0; f32[1] 3; f32[1] 1",
             "f32[0,1,2]");
    op_check_error("BatchNormalization", "training_mode=1",
                   "f32[1,1] 1; f32[1] 1; f32[1] 0; f32[1] 3; f32[1] 1", CONVRNN_ERROR_UNSUPPORTED,
                   "evaluation mode");
    op_check_error("BatchNormalization", "", "f32[1,2] 1; f32[2] 1; f32[2] 0; f32[1] 3; f32[2] 1",
                   CONVRNN_ERROR_SHAPE, "mean must have 2 elements");
    op_check_error("BatchNormalization", "", "f64[1,2] 1; f32[2] 1; f32[2] 0; f32[2] 3; f32[2] 1",
                   CONVRNN_ERROR_SHAPE, "float64");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ops/conv/by-hand", test_by_hand);
    g_test_add_func("/ops/conv/auto-pad", test_auto_pad);
    g_test_add_func("/ops/conv/nothing", test_nothing);
    g_test_add_func("/ops/conv/refused", test_refused);
    g_test_add_func("/ops/conv/random", test_random);
    g_test_add_func("/ops/conv/macs", test_macs);
    g_test_add_func("/ops/batch-norm", test_batch_norm);
    return g_test_run();
}
