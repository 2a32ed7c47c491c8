/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ConvTranspose: cases by hand, and random shapes against the definition. The data are small
 * integers, so that every sum is exact. */
#include "support/op_run.h"

static void
test_by_hand(void)
{
    op_check("ConvTranspose", "", "f32[1,1,2] 1 2; f32[1,1,3] 1 10 100", "f32[1,1,4] 1 12 120 200");
    op_check("ConvTranspose", "strides=[2]", "f32[1,1,2] 1 2; f32[1,1,3] 1 10 100; f32[1] 1000",
             "f32[1,1,5] 1001 1010 1102 1020 1200");
    op_check("ConvTranspose", "strides=[3]", "f32[1,1,2] 1 2; f32[1,1,2] 1 10",
             "f32[1,1,5] 1 10 0 2 20");
    op_check("ConvTranspose", "dilations=[2]", "f32[1,1,2] 1 2; f32[1,1,2] 1 10",
             "f32[1,1,4] 1 2 10 20");
    op_check("ConvTranspose", "pads=[1,2]", "f32[1,1,3] 1 2 3; f32[1,1,3] 1 10 100",
             "f32[1,1,2] 12 123");
    op_check("ConvTranspose", "group=2", "f32[1,2,2] 1 2 3 4; f32[2,1,1] 10 100",
             "f32[1,2,2] 10 20 300 400");
    op_check("ConvTranspose", "", "f32[1,2,1] 1 2; f32[2,3,1] 1 2 3 10 20 30",
             "f32[1,3,1] 21 42 63");
    op_check("ConvTranspose", "kernel_shape=[2,2]", "f32[1,1,1,2] 1 2; f32[1,1,2,2] 1 10 100 1000",
             "f32[1,1,2,3] 1 12 20 100 1200 2000");
    op_check("ConvTranspose", "", "f32[1,1,2,1,2] 1 2 3 4; f32[1,1,2,1,1] 1 10",
             "f32[1,1,3,1,2] 1 2 13 24 30 40");
}

static void
test_output_size(void)
{
    const char *in = "f32[1,1,2] 1 2; f32[1,1,3] 1 10 100";

    op_check("ConvTranspose", "strides=[2] output_padding=[1]", in, "f32[1,1,6] 1 10 102 20 200 0");
    op_check("ConvTranspose", "strides=[2] auto_pad=SAME_UPPER", in, "f32[1,1,4] 1 10 102 20");
    op_check("ConvTranspose", "strides=[2] auto_pad=SAME_LOWER", in, "f32[1,1,4] 10 102 20 200");
    op_check("ConvTranspose", "strides=[2] auto_pad=VALID pads=[1,1]", in,
             "f32[1,1,5] 1 10 102 20 200");
    /* output_shape decides the pads; the larger half comes first */
    op_check("ConvTranspose", "strides=[2] output_shape=[4] pads=[2,2]", in,
             "f32[1,1,4] 10 102 20 200");
    op_check("ConvTranspose", "strides=[2] output_shape=[3]", in, "f32[1,1,3] 10 102 20");
    op_check("ConvTranspose", "strides=[2] output_shape=[7]", in, "f32[1,1,7] 1 10 102 20 200 0 0");
    /* pads that swallow everything */
    op_check("ConvTranspose", "pads=[2,2]", in, "f32[1,1,0]");
}

static void
test_nothing(void)
{
    op_check("ConvTranspose", "", "f32[0,1,5]; f32[1,1,3] 1", "f32[0,1,7]");
    op_check("ConvTranspose", "", "f32[1,1,5] 1; f32[1,0,3]", "f32[1,0,7]");
    op_check("ConvTranspose", "", "f32[1,0,2]; f32[0,2,1]; f32[2] 7 8", "f32[1,2,2] 7 7 8 8");
    op_check("ConvTranspose", "", "f32[1,1,0]; f32[1,1,3] 1", "f32[1,1,0]");
    op_check("ConvTranspose", "output_shape=[2]", "f32[1,1,0]; f32[1,1,3] 1; f32[1] 4",
             "f32[1,1,2] 4");
}

static void
test_refused(void)
{
    const struct {
        const char *attrs, *inputs;
        ConvRnnError code;
        const char *part;
    } cases[] = {
        {"", "f32[1,32,4,4] 1; f32[64,8,3,3] 1", CONVRNN_ERROR_SHAPE,
         "weight expects 64 input channels, input has 32"},
        {"group=2", "f32[1,3,4] 1; f32[3,2,3] 1", CONVRNN_ERROR_SHAPE, "2 groups"},
        {"group=0", "f32[1,4,4] 1; f32[4,2,3] 1", CONVRNN_ERROR_FORMAT, "group is 0"},
        {"", "f32[1,1,4,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "4 dimensions, the weight 3"},
        {"", "f32[1,1] 1; f32[1,1] 1", CONVRNN_ERROR_SHAPE, "3 to 5 dimensions"},
        {"", "f64[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "float64"},
        {"", "f32[1,1,4] 1; f32[1,1,3] 1; f32[2] 1", CONVRNN_ERROR_SHAPE, "bias"},
        {"kernel_shape=[2]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "kernel_shape"},
        {"strides=[0]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "strides[0] is 0"},
        {"pads=[-1,0]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "pads[0] is -1"},
        {"pads=[9,9]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "pads on axis 2"},
        {"auto_pad=same", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "auto_pad"},
        {"output_padding=[-1]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT,
         "output_padding[0] is -1"},
        {"output_padding=[1,1]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT,
         "output_padding needs 1"},
        {"output_shape=[4294967297]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_FORMAT,
         "output_shape[0]"},
        {"strides=[1073741824]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_LIMIT, "at most"},
        {"dilations=[1073741824]", "f32[1,1,4] 1; f32[1,1,3] 1", CONVRNN_ERROR_LIMIT, "at most"},
        {"dilations=[1073741824] output_shape=[4]", "f32[1,1,4] 1; f32[1,1,9] 1",
         CONVRNN_ERROR_LIMIT, "padding"},
        {"auto_pad=SAME_UPPER strides=[1073741824]", "f32[1,1,4] 1; f32[1,1,3] 1",
         CONVRNN_ERROR_LIMIT, "at most"},
        {"", "f32[1,1,4] 1; f32[1,1,0]", CONVRNN_ERROR_SHAPE, "empty"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        op_check_error("ConvTranspose", cases[i].attrs, cases[i].inputs, cases[i].code,
                       cases[i].part);
}

/* --- random shapes --- */

typedef struct {
    int batch, group, in_group, out_group; /* channels of a group */
    int in[2], kernel[2], stride[2], dilation[2], pad[2], end[2], adjust[2], out[2];
} Shape;

static ConvRnnTensor *
random_tensor(gint64 a, gint64 b, gint64 c, gint64 d)
{
    gint64 dims[] = {a, b, c, d};
    size_t n = (size_t)(a * b * c * d);
    float *data = g_new(float, n + 1);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)g_test_rand_int_range(-8, 9);
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, n * sizeof(float));
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 4, bytes, NULL);
}

static Shape
random_shape(void)
{
    Shape s = {.batch = g_test_rand_int_range(1, 3),
               .group = g_test_rand_int_range(1, 4),
               .in_group = g_test_rand_int_range(1, 4),
               .out_group = g_test_rand_int_range(1, 4)};
    for (int i = 0; i < 2; i++) {
        s.in[i] = g_test_rand_int_range(1, 8);
        s.kernel[i] = g_test_rand_int_range(1, 5);
        s.stride[i] = g_test_rand_int_range(1, 4);
        s.dilation[i] = g_test_rand_int_range(1, 4);
        s.adjust[i] = g_test_rand_int_range(0, s.stride[i]);
        s.pad[i] = g_test_rand_int_range(0, 3);
        s.end[i] = g_test_rand_int_range(0, 3);
        s.out[i] = (s.in[i] - 1) * s.stride[i] + (s.kernel[i] - 1) * s.dilation[i] + 1 +
                   s.adjust[i] - s.pad[i] - s.end[i];
    }
    return s;
}

/* Every input element is added to all outputs it reaches, one by one. */
static void
scatter(const Shape *s, float *y, const float *x, const float *w, int picture, int channel, int f)
{
    int group = channel / s->in_group, filter = group * s->out_group + f;
    float *plane = y + (picture * s->group * s->out_group + filter) * s->out[0] * s->out[1];

    x += (picture * s->group * s->in_group + channel) * s->in[0] * s->in[1];
    w += (channel * s->out_group + f) * s->kernel[0] * s->kernel[1];
    for (int i = 0; i < s->in[0] * s->in[1]; i++)
        for (int k = 0; k < s->kernel[0] * s->kernel[1]; k++) {
            int row = i / s->in[1] * s->stride[0] + k / s->kernel[1] * s->dilation[0] - s->pad[0];
            int col = i % s->in[1] * s->stride[1] + k % s->kernel[1] * s->dilation[1] - s->pad[1];
            if (row >= 0 && row < s->out[0] && col >= 0 && col < s->out[1])
                plane[row * s->out[1] + col] += x[i] * w[k];
        }
}

static ConvRnnTensor *
by_definition(const Shape *s, const ConvRnnTensor *x, const ConvRnnTensor *w)
{
    gint64 dims[] = {s->batch, s->group * s->out_group, s->out[0], s->out[1]};
    size_t n = (size_t)(dims[0] * dims[1] * dims[2] * dims[3]);
    float *y = g_new0(float, n + 1);

    for (int picture = 0; picture < s->batch; picture++)
        for (int channel = 0; channel < s->group * s->in_group; channel++)
            for (int f = 0; f < s->out_group; f++)
                scatter(s, y, x->data, w->data, picture, channel, f);
    g_autoptr(GBytes) bytes = g_bytes_new_take(y, n * sizeof(float));
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 4, bytes, NULL);
}

static void
test_random(void)
{
    for (int round = 0; round < 300; round++) {
        Shape s = random_shape();
        if (s.out[0] < 0 || s.out[1] < 0)
            continue;
        g_autofree char *attrs = g_strdup_printf(
            "group=%d strides=[%d,%d] dilations=[%d,%d] pads=[%d,%d,%d,%d] output_padding=[%d,%d]",
            s.group, s.stride[0], s.stride[1], s.dilation[0], s.dilation[1], s.pad[0], s.pad[1],
            s.end[0], s.end[1], s.adjust[0], s.adjust[1]);
        ConvRnnTensor *x = random_tensor(s.batch, s.group * s.in_group, s.in[0], s.in[1]);
        ConvRnnTensor *w =
            random_tensor(s.group * s.in_group, s.out_group, s.kernel[0], s.kernel[1]);
        ConvRnnTensor *wanted = by_definition(&s, x, w);
        OpRun *run = op_run_new("ConvTranspose", attrs, 1);
        GError *error = NULL;

        op_run_input(run, x, false);
        op_run_input(run, w, true);
        op_run(run, &error);
        g_assert_no_error(error);
        op_tensor_assert_equal(op_run_output(run, 0), wanted, 0);
        g_assert_cmpuint(op_run_step(run)->macs, ==,
                         (guint64)x->n_elements * s.out_group * s.kernel[0] * s.kernel[1]);
        convrnn_tensor_unref(wanted);
        op_run_free(run);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/conv-transpose/by-hand", test_by_hand);
    g_test_add_func("/op/conv-transpose/output-size", test_output_size);
    g_test_add_func("/op/conv-transpose/nothing", test_nothing);
    g_test_add_func("/op/conv-transpose/refused", test_refused);
    g_test_add_func("/op/conv-transpose/random", test_random);
    return g_test_run();
}
