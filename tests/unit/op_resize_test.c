/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resize: each mode and coordinate rule by hand, and the tables. */
#include "ops/resize.h"
#include "support/op_run.h"

#define IN4 "f32[1,1,4] 10 20 30 40; -; "

static void
test_nearest(void)
{
    op_check("Resize", "", "f32[1,1,2] 1 2; -; f32[3] 1 1 2", "f32[1,1,4] 1 1 2 2");
    op_check("Resize", "", "f32[2,2] 1 2 3 4; -; f32[2] 2 3",
             "f32[4,6] 1 1 1 2 2 2 1 1 1 2 2 2 3 3 3 4 4 4 3 3 3 4 4 4");
    op_check("Resize", "", "f32[2,2] 1 2 3 4; -; f32[2] 2 1", "f32[4,2] 1 2 1 2 3 4 3 4");
    op_check("Resize", "", IN4 "f32[3] 1 1 0.5", "f32[1,1,2] 10 30");
    op_check("Resize", "", IN4 "-; i64[3] 1 1 2", "f32[1,1,2] 10 30");
    /* half-way positions 0.5 and 2.5 */
    op_check("Resize", "nearest_mode=round_prefer_ceil", IN4 "f32[3] 1 1 0.5", "f32[1,1,2] 20 40");
    op_check("Resize", "nearest_mode=floor", IN4 "f32[3] 1 1 0.5", "f32[1,1,2] 10 30");
    op_check("Resize", "nearest_mode=ceil", IN4 "f32[3] 1 1 0.5", "f32[1,1,2] 20 40");
    op_check("Resize", "coordinate_transformation_mode=asymmetric nearest_mode=floor",
             "f32[3] 1 2 3; -; f32[1] 3", "f32[9] 1 1 1 2 2 2 3 3 3");
    /* 1/3 is not exact in float: 1 / (1/3) must be 3, not just below */
    op_check("Resize", "coordinate_transformation_mode=asymmetric nearest_mode=floor",
             "f32[9] 0 1 2 3 4 5 6 7 8; -; f32[1] 0.33333334", "f32[3] 0 3 6");
    op_check("Resize", "nearest_mode=floor", "f32[9] 0 1 2 3 4 5 6 7 8; -; f32[1] 0.33333334",
             "f32[3] 1 4 7");
    op_check("Resize", "coordinate_transformation_mode=tf_half_pixel_for_nn nearest_mode=floor",
             IN4 "f32[3] 1 1 0.5", "f32[1,1,2] 20 40");
}

static void
test_nearest_types(void)
{
    op_check("Resize", "", "u8[2] 1 255; -; f32[1] 2", "u8[4] 1 1 255 255");
    op_check("Resize", "", "f16[2] 1 65535; -; f32[1] 2", "f16[4] 1 1 65535 65535");
    op_check("Resize", "", "i32[2] 1 -2; -; f32[1] 2", "i32[4] 1 1 -2 -2");
    op_check("Resize", "", "i64[2] 1 -2; -; f32[1] 2", "i64[4] 1 1 -2 -2");
}

static void
test_linear(void)
{
    op_check("Resize", "mode=linear", "f32[1,1,2] 0 8; -; f32[3] 1 1 2", "f32[1,1,4] 0 2 6 8");
    op_check("Resize", "mode=linear", IN4 "f32[3] 1 1 0.5", "f32[1,1,2] 15 35");
    op_check("Resize", "mode=linear coordinate_transformation_mode=align_corners",
             "f32[2] 0 6; -; -; i64[1] 4", "f32[4] 0 2 4 6");
    op_check("Resize", "mode=linear coordinate_transformation_mode=asymmetric",
             "f32[2] 0 8; -; f32[1] 2", "f32[4] 0 4 8 8");
    op_check("Resize", "mode=linear coordinate_transformation_mode=pytorch_half_pixel",
             "f32[1,1,4] 10 20 30 40; -; -; i64[3] 1 1 1", "f32[1,1,1] 10");
    op_check("Resize", "mode=linear", "f32[1,1,4] 10 20 30 40; -; -; i64[3] 1 1 1",
             "f32[1,1,1] 25");
    op_check("Resize", "mode=linear", "f32[2,2] 0 8 16 24; -; f32[2] 2 2",
             "f32[4,4] 0 2 6 8 4 6 10 12 12 14 18 20 16 18 22 24");
    op_check("Resize", "mode=linear", "f32[2,2] 0 8 16 24; -; f32[2] 2 1",
             "f32[4,2] 0 8 4 12 12 20 16 24");
    op_check("Resize", "mode=linear", "f32[2,2] 0 8 16 24; -; f32[2] 1 2",
             "f32[2,4] 0 2 6 8 16 18 22 24");
    op_check("Resize", "mode=linear", "f32[2,2,2] 0 8 16 24 32 40 48 56; -; -; i64[3] 1 1 1",
             "f32[1,1,1] 28");
    /* 4 · 0.7 = 2.8 gives 2 outputs, which are centred: (0.5 + o) / 0.7 − 0.5 + 4/2 · (1 − 2/2.8)
     */
    op_check("Resize", "mode=linear coordinate_transformation_mode=half_pixel_symmetric",
             IN4 "f32[3] 1 1 0.7", "f32[1,1,2] 17.857143 32.142857");
    /* an infinity reaches only what it is blended into */
    op_check("Resize", "mode=linear", "f32[3] 1 2 inf; -; f32[1] 2",
             "f32[6] 1 1.25 1.75 inf inf nan");
}

static void
test_cubic(void)
{
    /* weights at ¾ and ¼ for a = −0.75: −0.10546875 0.87890625 0.26171875 −0.03515625 */
    op_check("Resize", "mode=cubic", "f32[4] 0 0 1 0; -; f32[1] 2",
             "f32[8] 0 -0.03515625 -0.10546875 0.26171875 0.87890625 0.87890625 0.26171875 "
             "-0.10546875");
    op_check("Resize", "mode=cubic cubic_coeff_a=-0.5", "f32[5] 0 0 1 0 0; -; f32[1] 2",
             "f32[10] 0 -0.0234375 -0.0703125 0.2265625 0.8671875 0.8671875 0.2265625 -0.0703125 "
             "-0.0234375 0");
    op_check("Resize", "mode=cubic", "f32[2,3] 7; -; f32[2] 2 2", "f32[4,6] 7");
    op_check("Resize", "mode=cubic exclude_outside=1", "f32[1,3] 7; -; f32[2] 2 2", "f32[2,6] 7");
    /* outputs between whole positions only when the size changes */
    op_check("Resize", "mode=cubic", "f32[1,4] 1 5 2 8; -; f32[2] 2 1", "f32[2,4] 1 5 2 8 1 5 2 8");
}

static void
test_crop(void)
{
    const char *attrs = "mode=linear coordinate_transformation_mode=tf_crop_and_resize "
                        "extrapolation_value=-1.0";
    op_check("Resize", attrs, "f32[5] 0 10 20 30 40; f32[2] 0.25 0.75; -; i64[1] 3",
             "f32[3] 10 20 30");
    op_check("Resize", attrs, "f32[5] 0 10 20 30 40; f32[2] -0.25 1.25; -; i64[1] 7",
             "f32[7] -1 0 10 20 30 40 -1");
    op_check("Resize", attrs, "f32[3] 1 2 4; f32[2] 0.5 1; -; i64[1] 3", "f32[3] 2 3 4");
    op_check("Resize", attrs, "f32[2,2] 1 2 3 4; f32[4] 0 0 2 1; -; i64[2] 3 2",
             "f32[3,2] 1 2 3 4 -1 -1");
    op_check("Resize", "coordinate_transformation_mode=tf_crop_and_resize extrapolation_value=-1.0",
             "f32[3] 1 2 3; f32[2] 1 2; -; i64[1] 2", "f32[2] 3 -1");
}

static void
test_sizes(void)
{
    /* axes in any order, negative ones, the others untouched */
    op_check("Resize", "axes=[-1,0]", "f32[2,1,1] 1 2; -; f32[2] 2 1", "f32[2,1,2] 1 1 2 2");
    op_check("Resize", "axes=[1]", "f32[1,2,1] 1 2; -; -; i64[1] 4", "f32[1,4,1] 1 1 2 2");
    op_check("Resize", "keep_aspect_ratio_policy=not_larger", "f32[2,4] 1; -; -; i64[2] 8 8",
             "f32[4,8] 1");
    op_check("Resize", "keep_aspect_ratio_policy=not_smaller", "f32[2,4] 1; -; -; i64[2] 8 8",
             "f32[8,16] 1");
    op_check("Resize", "", "f32[10] 1; -; f32[1] 0.7", "f32[7] 1");
    op_check("Resize", "", "f32[1,2] 1 2; f32[0]; f32[0]; i64[2] 1 2", "f32[1,2] 1 2");
    op_check("Resize", "mode=linear", "f32[0,2]; -; f32[2] 1 2", "f32[0,4]");
    op_check("Resize", "", "f32[2,2] 1; -; -; i64[2] 0 4", "f32[0,4]");
    op_check("Resize", "mode=linear antialias=1", "f32[2] 0 8; -; f32[1] 2", "f32[4] 0 2 6 8");
}

static void
test_refused(void)
{
    const struct {
        const char *attrs, *inputs;
        ConvRnnError code;
        const char *part;
    } cases[] = {
        {"", "f32[2] 1", CONVRNN_ERROR_FORMAT, "neither"},
        {"", "f32[2] 1; -; f32[1] 2; i64[1] 4", CONVRNN_ERROR_FORMAT, "both"},
        {"", "f32[2] 1; -; ~f32[1] 2", CONVRNN_ERROR_UNSUPPORTED, "input 2"},
        {"", "f32[2] 1; -; -; ~i64[1] 2", CONVRNN_ERROR_UNSUPPORTED, "input 3"},
        {"", "f32[2] 1; -; f32[2] 2", CONVRNN_ERROR_SHAPE, "scales must have 1"},
        {"", "f32[2] 1; -; -; i64[2] 2", CONVRNN_ERROR_SHAPE, "sizes must have 1"},
        {"", "f32[2] 1; -; f32[1] 0", CONVRNN_ERROR_FORMAT, "scales[0] is 0"},
        {"", "f32[2] 1; -; f32[1] nan", CONVRNN_ERROR_FORMAT, "scales[0]"},
        {"", "f32[2] 1; -; f32[1] 3e38", CONVRNN_ERROR_LIMIT, "axis 0"},
        {"", "f32[2] 1; -; -; i64[1] -4", CONVRNN_ERROR_LIMIT, "-4"},
        {"", "f32[2] 1; -; -; i64[1] 9000000000000000000", CONVRNN_ERROR_LIMIT, "axis 0"},
        {"", "f32[0]; -; -; i64[1] 4", CONVRNN_ERROR_SHAPE, "empty"},
        {"", "f32[] 1; -; -; i64[0]", CONVRNN_ERROR_SHAPE, "scalar"},
        {"axes=[0,0]", "f32[2,2] 1; -; f32[2] 2", CONVRNN_ERROR_FORMAT, "twice"},
        {"axes=[2]", "f32[2,2] 1; -; f32[1] 2", CONVRNN_ERROR_SHAPE, "axis 2"},
        {"mode=lanczos", "f32[2] 1; -; f32[1] 2", CONVRNN_ERROR_UNSUPPORTED, "linear"},
        {"nearest_mode=up", "f32[2] 1; -; f32[1] 2", CONVRNN_ERROR_UNSUPPORTED, "ceil"},
        {"coordinate_transformation_mode=x", "f32[2] 1; -; f32[1] 2", CONVRNN_ERROR_UNSUPPORTED,
         "half_pixel"},
        {"keep_aspect_ratio_policy=x", "f32[2] 1; -; -; i64[1] 2", CONVRNN_ERROR_UNSUPPORTED,
         "stretch"},
        {"mode=linear", "u8[2] 1; -; f32[1] 2", CONVRNN_ERROR_UNSUPPORTED, "uint8"},
        {"antialias=1 mode=linear", "f32[4] 1; -; f32[1] 0.5", CONVRNN_ERROR_UNSUPPORTED,
         "antialias"},
        {"coordinate_transformation_mode=tf_crop_and_resize", "f32[2] 1; -; f32[1] 2",
         CONVRNN_ERROR_FORMAT, "roi"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        op_check_error("Resize", cases[i].attrs, cases[i].inputs, cases[i].code, cases[i].part);
}

/* What others build on: which axes are active, and positions within the input. */
static void
test_tables(void)
{
    OpRun *run = op_run_new("Resize", "mode=linear", 1);
    CrResize resize;

    op_run_inputs(run, "f32[1,3,2,2] 1; -; f32[4] 1 1 2 1");
    g_assert_true(cr_resize_parse(op_run_setup(run), &resize, NULL));
    g_assert_true(cr_resize_tabulate(op_run_setup(run), &resize, NULL));
    g_assert_cmpint(resize.mode, ==, CR_RESIZE_LINEAR);
    g_assert_false(resize.extrapolates);
    for (int i = 0; i < 4; i++)
        g_assert_cmpint(resize.axis[i].active, ==, i == 2);
    const CrResizeAxis *axis = &resize.axis[2];
    const int32_t x0[] = {0, 0, 0, 1}, x1[] = {0, 1, 1, 1};
    const float fx[] = {0, 0.25f, 0.75f, 0};
    g_assert_cmpint(axis->out, ==, 4);
    g_assert_cmpmem(axis->x0, sizeof x0, x0, sizeof x0);
    g_assert_cmpmem(axis->x1, sizeof x1, x1, sizeof x1);
    g_assert_cmpmem(axis->fx, sizeof fx, fx, sizeof fx);
    op_run_free(run);
}

/* Several tiles: a ramp stays a ramp inside. */
static void
test_large(void)
{
    OpRun *run = op_run_new("Resize", "mode=linear", 1);
    g_autoptr(GError) error = NULL;

    op_run_inputs(run, "f32[2,5,70,8] 0 8 16 24 32 40 48 56; -; f32[4] 1 1 4 4");
    op_run(run, &error);
    g_assert_no_error(error);
    g_assert_cmpint(op_run_step(run)->n_tiles, >, 1);
    const float *y = op_run_output(run, 0)->data;
    for (int row = 0; row < 2 * 5 * 280; row++)
        for (int x = 0; x < 32; x++)
            g_assert_cmpfloat(y[row * 32 + x], ==, CLAMP(2 * x - 3, 0, 56));
    op_run_free(run);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ops/resize/nearest", test_nearest);
    g_test_add_func("/ops/resize/nearest-types", test_nearest_types);
    g_test_add_func("/ops/resize/linear", test_linear);
    g_test_add_func("/ops/resize/cubic", test_cubic);
    g_test_add_func("/ops/resize/crop", test_crop);
    g_test_add_func("/ops/resize/sizes", test_sizes);
    g_test_add_func("/ops/resize/refused", test_refused);
    g_test_add_func("/ops/resize/tables", test_tables);
    g_test_add_func("/ops/resize/large", test_large);
    return g_test_run();
}
