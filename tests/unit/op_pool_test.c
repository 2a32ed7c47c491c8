/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MaxPool, AveragePool and the global poolings: cases by hand, and random shapes against the
 * definition. */
#include "ops/pool.h"
#include "support/op_run.h"
#include <math.h>

static void
test_max(void)
{
    op_check("MaxPool", "kernel_shape=[2]", "f32[1,1,4] 1 3 2 4", "f32[1,1,3] 3 3 4");
    op_check("MaxPool", "kernel_shape=[2,2] strides=[2,2]", "f32[1,1,2,4] 1 2 3 4 5 6 7 -8",
             "f32[1,1,1,2] 6 7");
    op_check("MaxPool", "kernel_shape=[2] pads=[1,0]", "f32[1,1,3] -3 -2 -1",
             "f32[1,1,3] -3 -2 -1");
    op_check("MaxPool", "kernel_shape=[2] dilations=[2]", "f32[1,1,4] 9 1 2 3", "f32[1,1,2] 9 3");
    op_check("MaxPool", "kernel_shape=[2]", "u8[1,1,3] 1 255 2", "u8[1,1,2] 255 255");
    op_check("MaxPool", "kernel_shape=[2]", "i8[1,1,3] -1 -128 -2", "i8[1,1,2] -1 -2");
    op_check("MaxPool", "kernel_shape=[2]", "f32[1,1,4] 1 nan 2 3", "f32[1,1,3] nan nan 3");
    op_check("MaxPool", "kernel_shape=[2]", "f32[1,1,2] -inf -inf", "f32[1,1,1] -inf");
    op_check("MaxPool", "kernel_shape=[1]", "f32[0,2,3]", "f32[0,2,3]");
    /* a window wholly in the padding */
    op_check("MaxPool", "kernel_shape=[1] pads=[1,0]", "f32[1,1,1] 5", "f32[1,1,2] -inf 5");
}

static void
test_indices(void)
{
    const char *in = "f32[1,2,2,3] 1 5 2 4 3 6 9 8 7 7 8 9";
    op_check("MaxPool", "kernel_shape=[2,2]", in, "f32[1,2,1,2] 5 6 9 9; i64[1,2,1,2] 1 5 6 11");
    op_check("MaxPool", "kernel_shape=[2,2] storage_order=1", in,
             "f32[1,2,1,2] 5 6 9 9; i64[1,2,1,2] 2 5 6 11");
    /* the first of equal ones */
    op_check("MaxPool", "kernel_shape=[3]", "f32[1,1,3] 4 4 4", "f32[1,1,1] 4; i64[1,1,1] 0");
}

static void
test_average(void)
{
    op_check("AveragePool", "kernel_shape=[2]", "f32[1,1,3] 1 3 5", "f32[1,1,2] 2 4");
    op_check("AveragePool", "kernel_shape=[2] pads=[1,1]", "f32[1,1,2] 2 4", "f32[1,1,3] 2 3 4");
    op_check("AveragePool", "kernel_shape=[2] pads=[1,1] count_include_pad=1", "f32[1,1,2] 2 4",
             "f32[1,1,3] 1 3 2");
    op_check("AveragePool", "kernel_shape=[2] dilations=[2]", "f32[1,1,4] 1 2 3 6",
             "f32[1,1,2] 2 4");
    op_check("AveragePool", "kernel_shape=[2,1,2]", "f32[1,1,2,1,2] 1 2 3 10", "f32[1,1,1,1,1] 4");
    /* nothing to average */
    op_check("AveragePool", "kernel_shape=[1] pads=[1,0]", "f32[1,1,1] 5", "f32[1,1,2] 0 5");
}

static void
test_ceil_mode(void)
{
    op_check("MaxPool", "kernel_shape=[2] strides=[2]", "f32[1,1,5] 1 2 3 4 5", "f32[1,1,2] 2 4");
    op_check("MaxPool", "kernel_shape=[2] strides=[2] ceil_mode=1", "f32[1,1,5] 1 2 3 4 5",
             "f32[1,1,3] 2 4 5");
    op_check("MaxPool", "kernel_shape=[3] strides=[2] ceil_mode=1", "f32[1,1,2] 1 2",
             "f32[1,1,1] 2");
    op_check_error("MaxPool", "kernel_shape=[4] strides=[2] ceil_mode=1", "f32[1,1,2] 1 2",
                   CONVRNN_ERROR_SHAPE, "covers 4");
    /* no window begins in the padding on the right */
    op_check("MaxPool", "kernel_shape=[1] strides=[2] ceil_mode=1", "f32[1,1,2] 1 2",
             "f32[1,1,1] 1");
    op_check("AveragePool", "kernel_shape=[3] strides=[3] pads=[1,1] ceil_mode=1",
             "f32[1,1,5] 1 2 3 4 8", "f32[1,1,2] 1.5 5");
    /* what reaches beyond the padding does not count, the padding itself does */
    op_check("AveragePool",
             "kernel_shape=[3] strides=[2] pads=[0,1] ceil_mode=1 count_include_pad=1",
             "f32[1,1,5] 1 2 3 4 8", "f32[1,1,3] 2 5 4");
}

static void
test_global(void)
{
    op_check("GlobalAveragePool", "", "f32[1,2,1,3] 1 2 6 4 4 7", "f32[1,2,1,1] 3 5");
    op_check("GlobalMaxPool", "", "f32[1,2,3] 1 2 6 -4 -4 -7", "f32[1,2,1] 6 -4");
    op_check("GlobalMaxPool", "", "f32[1,1,3] 1 nan 6", "f32[1,1,1] nan");
    op_check("GlobalAveragePool", "", "f32[2,1] 3 4", "f32[2,1] 3 4");
    op_check("GlobalAveragePool", "", "f32[0,2,3]", "f32[0,2,1]");
    op_check("GlobalAveragePool", "", "f32[1,1,2000,30] 16777216 1", "f32[1,1,1,1] 8388608.5");
    op_check_error("GlobalAveragePool", "", "f32[1,2,0]", CONVRNN_ERROR_SHAPE, "empty");
    op_check_error("GlobalMaxPool", "", "f32[3] 1", CONVRNN_ERROR_SHAPE, "at least 2");
    op_check_error("GlobalMaxPool", "", "i32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "int32");
}

static void
test_refused(void)
{
    op_check_error("MaxPool", "", "f32[1,1,3] 1", CONVRNN_ERROR_FORMAT, "kernel_shape");
    op_check_error("MaxPool", "kernel_shape=[2,2]", "f32[1,1,3] 1", CONVRNN_ERROR_FORMAT,
                   "kernel_shape");
    op_check_error("MaxPool", "kernel_shape=[0]", "f32[1,1,3] 1", CONVRNN_ERROR_FORMAT,
                   "kernel_shape[0] is 0");
    op_check_error("MaxPool", "kernel_shape=[4]", "f32[1,1,3] 1", CONVRNN_ERROR_SHAPE, "covers 4");
    op_check_error("MaxPool", "kernel_shape=[1]", "f64[1,1,3] 1", CONVRNN_ERROR_SHAPE, "float64");
    op_check_error("AveragePool", "kernel_shape=[1]", "u8[1,1,3] 1", CONVRNN_ERROR_SHAPE, "uint8");
    op_check_error("AveragePool", "kernel_shape=[1]", "f32[1,3] 1", CONVRNN_ERROR_SHAPE, "3 to 5");
    op_check_error("AveragePool", "kernel_shape=[1] pads=[1]", "f32[1,1,3] 1", CONVRNN_ERROR_FORMAT,
                   "pads needs 2");
}

/* Kernels and pads as large as a file may ask for take no time: only taps inside are visited. */
static void
test_huge_window(void)
{
    op_check("MaxPool", "kernel_shape=[1073741824] pads=[1073741824,0]", "f32[1,1,2] 3 2",
             "f32[1,1,3] -inf 3 3");
    op_check("AveragePool",
             "kernel_shape=[1073741824] pads=[1073741822,1073741824] strides=[1073741823]",
             "f32[1,1,2] 3 5", "f32[1,1,2] 4 5");
}

/* --- random shapes --- */

typedef struct {
    double max, sum;
    int inside, counted;
} Definition;

/* Visits every tap of one window of a 2-D pooling. */
static Definition
pool_at(const CrWindow *win, const float *x, int oy, int ox)
{
    Definition d = {.max = -INFINITY};

    for (int a = 0; a < win->kernel[0]; a++)
        for (int b = 0; b < win->kernel[1]; b++) {
            int y = oy * win->stride[0] + a * win->dilation[0] - win->pad_begin[0];
            int c = ox * win->stride[1] + b * win->dilation[1] - win->pad_begin[1];
            d.counted += y < win->in[0] + win->pad_end[0] && c < win->in[1] + win->pad_end[1];
            if (y < 0 || c < 0 || y >= win->in[0] || c >= win->in[1])
                continue;
            d.inside++;
            d.sum += (double)x[y * win->in[1] + c];
            d.max = fmax(d.max, (double)x[y * win->in[1] + c]);
        }
    return d;
}

static void
check_random(const char *op)
{
    int k[2] = {g_test_rand_int_range(1, 4), g_test_rand_int_range(1, 4)};
    int pads[4];
    bool average = op[0] == 'A', include = average && g_test_rand_bit();
    int64_t dims[4] = {2, 3, g_test_rand_int_range(5, 30), g_test_rand_int_range(5, 30)};
    g_autoptr(GError) error = NULL;
    CrPool pool;

    for (int i = 0; i < 4; i++)
        pads[i] = g_test_rand_int_range(0, k[i % 2]);
    g_autofree char *attrs = g_strdup_printf(
        "kernel_shape=[%d,%d] strides=[%d,%d] dilations=[%d,%d] pads=[%d,%d,%d,%d] ceil_mode=%d%s",
        k[0], k[1], g_test_rand_int_range(1, 4), g_test_rand_int_range(1, 4),
        g_test_rand_int_range(1, 3), g_test_rand_int_range(1, 3), pads[0], pads[1], pads[2],
        pads[3], g_test_rand_bit(), include ? " count_include_pad=1" : "");
    size_t n = (size_t)(dims[0] * dims[1] * dims[2] * dims[3]);
    float *data = g_new(float, n);
    for (size_t i = 0; i < n; i++)
        data[i] = (float)g_test_rand_int_range(-99, 99);
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, n * sizeof *data);
    OpRun *run = op_run_new(op, attrs, 1);
    op_run_input(run, convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, (gint64 *)dims, 4, bytes, NULL),
                 false);
    op_run(run, &error);
    g_assert_no_error(error);
    g_assert_true(cr_pool_parse(op_run_setup(run), &pool, NULL));

    const float *y = op_run_output(run, 0)->data;
    for (int map = 0; map < 6; map++)
        for (int oy = 0; oy < pool.window.out[0]; oy++)
            for (int ox = 0; ox < pool.window.out[1]; ox++, y++) {
                Definition d = pool_at(&pool.window, data + map * dims[2] * dims[3], oy, ox);
                int divisor = include ? d.counted : d.inside;
                double mean = divisor ? d.sum / divisor : 0;
                g_assert_cmpfloat(*y, ==, average ? (float)mean : (float)d.max);
            }
    op_run_free(run);
}

static void
test_random(void)
{
    for (int i = 0; i < 100; i++) {
        check_random("MaxPool");
        check_random("AveragePool");
    }
}

/* Expected numbers from ONNX Runtime. */
static void
test_norm(void)
{
    op_check("LpPool", "kernel_shape=[2,3]",
             "f32[1,2,4,5] 2.25 -2.5 5 -0.5 -0.25 0 0.75 0.5 0 5 3.25 3 2 1.25 -1.75 5 -0.25 -3 "
             "3.5 -3.5 3.75 1.25 -4 -4.75 -0.5 -4.75 -3.75 0.25 4.75 -0.25 3.25 4.25 3.25 1.25 "
             "-0.5 0.25 -2.5 0 -1.25 -2.5",
             "f32[1,2,3,3] 6.09302902 5.68440866 7.11073112 4.93710423 3.9210968 5.82022333 "
             "7.59111309 5.98957443 6.49037743 8.26513767 8.76427364 7.8421936 8.71062565 "
             "8.17771339 5.92135954 6.74536896 6.16441393 4.4930501");
    op_check("LpPool", "kernel_shape=[3,3] p=1 pads=[1,1,1,1] strides=[2,2]",
             "f32[1,2,4,5] 2.25 -2.5 5 -0.5 -0.25 0 0.75 0.5 0 5 3.25 3 2 1.25 -1.75 5 -0.25 -3 "
             "3.5 -3.5 3.75 1.25 -4 -4.75 -0.5 -4.75 -3.75 0.25 4.75 -0.25 3.25 4.25 3.25 1.25 "
             "-0.5 0.25 -2.5 0 -1.25 -2.5",
             "f32[1,2,2,3] 5.5 9.25 5.75 12.25 14.25 15 13.5 18.75 10.25 18.75 21.25 10.5");
    op_check("LpPool", "kernel_shape=[2,2] p=3 dilations=[2,1] ceil_mode=1 strides=[1,2]",
             "f32[1,2,4,5] 2.25 -2.5 5 -0.5 -0.25 0 0.75 0.5 0 5 3.25 3 2 1.25 -1.75 5 -0.25 -3 "
             "3.5 -3.5 3.75 1.25 -4 -4.75 -0.5 -4.75 -3.75 0.25 4.75 -0.25 3.25 4.25 3.25 1.25 "
             "-0.5 0.25 -2.5 0 -1.25 -2.5",
             "f32[1,2,2,3] 4.45374441 5.13091755 1.75169909 5.00582695 4.12128544 5.51647997 "
             "5.49344969 5.91979504 0.629960537 5.59926558 4.77890968 2.50083303");
    op_check("LpPool", "kernel_shape=[3]", "f32[1,1,6] 5 -5 -4.25 -3.25 4.75 2",
             "f32[1,1,4] 8.25 7.32290936 7.15454388 6.09302902");
    op_check("LpPool", "kernel_shape=[2,2,2]",
             "f32[1,1,2,3,2] 4 -3 2.25 -1.25 0 -5 1.25 3.5 1.75 -3.5 0.25 -2.5",
             "f32[1,1,1,2,1] 7.79422855 7.29725981");
    op_check("GlobalLpPool", "",
             "f32[1,2,4,5] 2.25 -2.5 5 -0.5 -0.25 0 0.75 0.5 0 5 3.25 3 2 1.25 -1.75 5 -0.25 -3 "
             "3.5 -3.5 3.75 1.25 -4 -4.75 -0.5 -4.75 -3.75 0.25 4.75 -0.25 3.25 4.25 3.25 1.25 "
             "-0.5 0.25 -2.5 0 -1.25 -2.5",
             "f32[1,2,1,1] 12.2142334 12.9951916");
    op_check("GlobalLpPool", "p=1",
             "f32[1,2,4,5] 2.25 -2.5 5 -0.5 -0.25 0 0.75 0.5 0 5 3.25 3 2 1.25 -1.75 5 -0.25 -3 "
             "3.5 -3.5 3.75 1.25 -4 -4.75 -0.5 -4.75 -3.75 0.25 4.75 -0.25 3.25 4.25 3.25 1.25 "
             "-0.5 0.25 -2.5 0 -1.25 -2.5",
             "f32[1,2,1,1] 43.25 47");
    op_check("GlobalLpPool", "p=3", "f32[2,1,4] 4.75 4 -3.25 0 4.5 3.5 2.25 1.5",
             "f32[2,1,1] 5.90115881 5.2986784");
    /* a window that lies in the padding */
    op_check("LpPool", "kernel_shape=[1] pads=[1,0] strides=[4]", "f32[1,1,3] 5 6 7",
             "f32[1,1,1] 0");
    op_check("GlobalLpPool", "", "f32[0,2,3]", "f32[0,2,1]");
    op_check_error("LpPool", "kernel_shape=[1] p=0", "f32[1,1,3]", CONVRNN_ERROR_FORMAT, "p is 0");
    op_check_error("GlobalLpPool", "p=-1", "f32[1,1,3]", CONVRNN_ERROR_FORMAT, "p is -1");
    op_check_error("LpPool", "", "f32[1,1,3]", CONVRNN_ERROR_FORMAT, "kernel_shape");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ops/pool/max", test_max);
    g_test_add_func("/ops/pool/indices", test_indices);
    g_test_add_func("/ops/pool/average", test_average);
    g_test_add_func("/ops/pool/ceil-mode", test_ceil_mode);
    g_test_add_func("/ops/pool/global", test_global);
    g_test_add_func("/ops/pool/refused", test_refused);
    g_test_add_func("/ops/pool/huge-window", test_huge_window);
    g_test_add_func("/ops/pool/random", test_random);
    g_test_add_func("/ops/pool/norm", test_norm);
    return g_test_run();
}
