/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that move elements or only rename their shape. */
#include "support/op_run.h"

static void
test_reshape(void)
{
    op_check("Identity", "", "u16[2] 1 2", "u16[2] 1 2");
    op_check("Reshape", "", "f32[2,3] 1 2 3 4 5 6; i64[2] 3 -1", "f32[3,2] 1 2 3 4 5 6");
    op_check("Reshape", "", "f32[2,3,4]; i64[2] 0 -1", "f32[2,12]");
    op_check("Reshape", "", "f32[1]; i64[0]", "f32[]");
    op_check("Reshape", "allowzero=1", "f32[0,3]; i64[2] 3 0", "f32[3,0]");
    op_check("Reshape", "", "f32[2,2,3]; i64[3] 0 1 6", "f32[2,1,6]");
    op_check("Reshape", "", "i64[0,3]; i32[2] 0 7", "i64[0,7]");
    op_check("Flatten", "", "f32[2,3,4]", "f32[2,12]");
    op_check("Flatten", "axis=0", "f32[2,3,4]", "f32[1,24]");
    op_check("Flatten", "axis=3", "f32[2,3,4]", "f32[24,1]");
    op_check("Flatten", "axis=-1", "f32[2,3,4]", "f32[6,4]");
    op_check("Flatten", "axis=0", "f32[]", "f32[1,1]");
    op_check("Squeeze", "", "f32[1,2,1]", "f32[2]");
    op_check("Squeeze", "", "f32[1,2,1]; i64[1] -1", "f32[1,2]");
    op_check("Unsqueeze", "", "f32[2]; i64[2] 0 -1", "f32[1,2,1]");
    op_check("Unsqueeze", "", "f32[]; i64[1] 0", "f32[1]");
}

static void
test_reshape_errors(void)
{
    op_check_error("Reshape", "", "f32[2,3]; i64[2] 4 -1", CONVRNN_ERROR_SHAPE, "2×3");
    op_check_error("Reshape", "", "f32[0,3]; i64[2] 0 -1", CONVRNN_ERROR_SHAPE, "0×3");
    op_check_error("Reshape", "", "f32[2,3]; i64[2] -1 -1", CONVRNN_ERROR_SHAPE, "2×3");
    op_check_error("Reshape", "", "f32[2,3]; i64[3] 2 3 0", CONVRNN_ERROR_SHAPE, "2×3");
    op_check_error("Reshape", "", "f32[2]; i64[2] 4611686018427387904 4", CONVRNN_ERROR_SHAPE, "2");
    op_check_error("Reshape", "", "f32[1]; i64[9] 1", CONVRNN_ERROR_LIMIT, "rank 9");
    op_check_error("Reshape", "", "f32[2]; ~i64[1] 2", CONVRNN_ERROR_UNSUPPORTED, "input 1");
    op_check_error("Reshape", "", "f32[2]; f32[1] 2", CONVRNN_ERROR_SHAPE, "expected int64");
    op_check_error("Reshape", "", "f32[2]; i64[1,1] 2", CONVRNN_ERROR_SHAPE, "rank 2");
    op_check_error("Flatten", "axis=4", "f32[2,3,4]", CONVRNN_ERROR_SHAPE, "axis 4");
    op_check_error("Squeeze", "", "f32[1,2]; i64[1] 1", CONVRNN_ERROR_SHAPE, "dimension 1 is 2");
    op_check_error("Squeeze", "", "f32[1,2]; i64[1] 2", CONVRNN_ERROR_SHAPE, "axis 2");
    op_check_error("Unsqueeze", "", "f32[1,2]; i64[2] 0 0", CONVRNN_ERROR_SHAPE, "twice");
    op_check_error("Unsqueeze", "", "f32[1,2]; i64[7] 0 1 2 3 4 5 6", CONVRNN_ERROR_LIMIT,
                   "rank 9");
    op_check_error("Identity", "", "-", CONVRNN_ERROR_SHAPE, "missing");
}

static void
test_dropout(void)
{
    op_check("Dropout", "", "f32[2] 1 2", "f32[2] 1 2");
    op_check("Dropout", "", "f32[2] 1 2; f32[] 0.5; bool[] 0", "f32[2] 1 2; bool[2] 1 1");
    /* in training a ratio of 0 drops nothing either */
    op_check("Dropout", "", "f32[2] 1 2; f32[] 0; bool[] 1", "f32[2] 1 2; bool[2] 1");
    op_check("Dropout", "", "f32[2] 1 2; f64[] 0; bool[] 1", "f32[2] 1 2");
    op_check_error("Dropout", "", "f32[2]; -; bool[] 1", CONVRNN_ERROR_UNSUPPORTED,
                   "training_mode");
    op_check_error("Dropout", "", "f32[2]; f32[] 0.5; bool[] 1", CONVRNN_ERROR_UNSUPPORTED,
                   "training_mode");
    op_check_error("Dropout", "", "f32[2]; f32[]; ~bool[] 0", CONVRNN_ERROR_UNSUPPORTED, "input 2");
}

static void
test_shape(void)
{
    op_check("Shape", "", "~f32[2,0,4]", "i64[3] 2 0 4");
    op_check("Shape", "", "f32[]", "i64[0]");
    op_check("Shape", "start=1 end=-1", "f32[2,3,4,5]", "i64[2] 3 4");
    op_check("Shape", "start=-9 end=9", "f32[2,3]", "i64[2] 2 3");
    op_check("Shape", "start=2 end=1", "f32[2,3]", "i64[0]");
    op_check("Size", "", "~u8[2,3]", "i64[] 6");
}

static void
test_gather(void)
{
    op_check("Gather", "", "f32[3,2] 1 2 3 4 5 6; i64[2] 2 0", "f32[2,2] 5 6 1 2");
    op_check("Gather", "axis=1", "f32[2,3] 1 2 3 4 5 6; i32[2,1] -1 1", "f32[2,2,1] 3 2 6 5");
    op_check("Gather", "", "i64[4] 1 3 224 224; i64[] 2", "i64[] 224");
    op_check("Gather", "", "u8[2,0]; i64[1] 1", "u8[1,0]");
    op_check("Gather", "axis=-1", "f16[2,2] 1 2 3 4; i64[0]", "f16[2,0]");
    /* what the frame decides cannot be refused: it takes the nearest */
    op_check("Gather", "", "f32[3] 1 2 3; ~i64[4] 7 -9 -1 9223372036854775807", "f32[4] 3 1 3 3");
    op_check_error("Gather", "", "f32[3]; i64[1] 3", CONVRNN_ERROR_SHAPE, "index 3");
    op_check_error("Gather", "", "f32[3]; i64[1] -4", CONVRNN_ERROR_SHAPE, "index -4");
    op_check_error("Gather", "axis=1", "f32[3]; i64[1]", CONVRNN_ERROR_SHAPE, "axis 1");
    op_check_error("Gather", "", "f32[]; i64[1]", CONVRNN_ERROR_SHAPE, "rank 0");
    op_check_error("Gather", "", "f32[3]; u8[1]", CONVRNN_ERROR_SHAPE, "uint8");
    op_check_error("Gather", "", "f32[0,2]; ~i64[1]", CONVRNN_ERROR_SHAPE, "dimension of 0");
    op_check_error("Gather", "", "f32[2,2,2,2,2]; ~i64[1,1,1,1,1]", CONVRNN_ERROR_LIMIT, "rank 9");
}

static void
test_concat(void)
{
    op_check("Concat", "axis=0", "f32[1,2] 1 2; f32[2,2] 3 4 5 6", "f32[3,2] 1 2 3 4 5 6");
    op_check("Concat", "axis=-1", "u8[2,1] 1 4; u8[2,0]; u8[2,2] 2 3 5 6", "u8[2,3] 1 2 3 4 5 6");
    op_check("Concat", "axis=0", "i64[1] 5", "i64[1] 5");
    op_check_error("Concat", "axis=0", "f32[2,2]; f32[2,3]", CONVRNN_ERROR_SHAPE, "2×3");
    op_check_error("Concat", "axis=0", "f32[2]; f64[2]", CONVRNN_ERROR_SHAPE, "float64");
    op_check_error("Concat", "axis=0", "f32[2]; f32[1,2]", CONVRNN_ERROR_SHAPE, "1×2");
    op_check_error("Concat", "axis=0", "f32[]; f32[]", CONVRNN_ERROR_SHAPE, "axis 0");
    op_check_error("Concat", "axis=0", "f32[2]; -", CONVRNN_ERROR_SHAPE, "missing");
}

static void
test_split(void)
{
    op_check("Split", "", "f32[4] 1 2 3 4", "f32[2] 1 2; f32[2] 3 4");
    op_check("Split", "num_outputs=3", "f32[7] 1 2 3 4 5 6 7",
             "f32[3] 1 2 3; f32[3] 4 5 6; f32[1] 7");
    op_check("Split", "num_outputs=4", "f32[5] 1 2 3 4 5",
             "f32[2] 1 2; f32[2] 3 4; f32[1] 5; f32[0]");
    op_check("Split", "axis=1", "i32[2,3] 1 2 3 4 5 6; i64[3] 2 0 1",
             "i32[2,2] 1 2 4 5; i32[2,0]; i32[2,1] 3 6");
    op_check_error("Split", "", "f32[4]; i64[1] 3", CONVRNN_ERROR_SHAPE, "add up");
    op_check_error("Split", "", "f32[4]; i64[2] 2 2", CONVRNN_ERROR_SHAPE, "2 sizes for 1");
    op_check_error("Split", "", "f32[4]; i64[1] -4", CONVRNN_ERROR_SHAPE, "add up");
    op_check_error("Split", "num_outputs=2", "f32[4]", CONVRNN_ERROR_SHAPE, "num_outputs is 2");
    op_check_error("Split", "axis=2", "f32[4]", CONVRNN_ERROR_SHAPE, "axis 2");
}

/* An output that nobody reads has no memory. */
static void
test_split_unused(void)
{
    OpRun *run = op_run_new("Split", "", 2);
    GError *error = NULL;
    float kept[2];

    op_run_inputs(run, "f32[4] 1 2 3 4");
    op_run(run, &error);
    g_assert_no_error(error);
    const CrStep *step = op_run_step(run);
    float source[] = {1, 2, 3, 4};
    void *io[] = {source, NULL, kept};
    for (int i = 0; i < step->n_tiles; i++)
        step->run(step, io, i, NULL);
    g_assert_cmpfloat(kept[0], ==, 3);
    g_assert_cmpfloat(kept[1], ==, 4);
    op_run_free(run);
}

static void
test_slice(void)
{
    const char *x = "f32[2,3] 1 2 3 4 5 6; ";
    const struct {
        const char *rest, *wanted;
    } cases[] = {
        {"i64[2] 0 1; i64[2] 2 3", "f32[2,2] 2 3 5 6"},
        {"i64[1] 0; i64[1] 99; i64[1] 1", "f32[2,3] 1 2 3 4 5 6"},
        {"i64[1] -1; i64[1] -99; i64[1] 1; i64[1] -1", "f32[2,3] 3 2 1 6 5 4"},
        {"i64[1] 99; i64[1] 0; i64[1] -1; i64[1] -2", "f32[2,1] 3 6"},
        {"i64[2] 1 0; i64[2] 2 3; i64[2] 0 1; i64[2] 1 2", "f32[1,2] 4 6"},
        {"i64[1] 2; i64[1] 1; i64[1] 1", "f32[2,0]"},
        {"i32[1] 1; i32[1] 2; i32[1] -1", "f32[2,1] 2 5"},
        {"i64[1] -9223372036854775808; i64[1] 9223372036854775807; i64[1] 1; "
         "i64[1] 9223372036854775807",
         "f32[2,1] 1 4"},
        {"i64[1] 9223372036854775807; i64[1] -9223372036854775808; i64[1] 1; "
         "i64[1] -9223372036854775808",
         "f32[2,1] 3 6"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *inputs = g_strconcat(x, cases[i].rest, NULL);
        op_check("Slice", "", inputs, cases[i].wanted);
    }
    op_check("Slice", "", "u8[0]; i64[1] 0; i64[1] -9; i64[1] 0; i64[1] -1", "u8[0]");
    op_check_error("Slice", "", "f32[4]; i64[1]; i64[1] 2; i64[1] 0; i64[1] 0", CONVRNN_ERROR_SHAPE,
                   "step");
    op_check_error("Slice", "", "f32[4]; i64[1]; i64[2]", CONVRNN_ERROR_SHAPE, "same length");
    op_check_error("Slice", "", "f32[4]; i64[2]; i64[2]", CONVRNN_ERROR_SHAPE, "axis 1");
    op_check_error("Slice", "", "f32[4]; i64[2]; i64[2]; i64[2] 0 -1", CONVRNN_ERROR_SHAPE,
                   "twice");
    op_check_error("Slice", "", "f32[4]; ~i64[1]; i64[1]", CONVRNN_ERROR_UNSUPPORTED, "input 1");
}

static void
test_transpose(void)
{
    op_check("Transpose", "", "f32[2,3] 1 2 3 4 5 6", "f32[3,2] 1 4 2 5 3 6");
    op_check("Transpose", "perm=[0,2,1]", "u8[1,2,2] 1 2 3 4", "u8[1,2,2] 1 3 2 4");
    op_check("Transpose", "perm=[1,0,2]", "i64[2,2,2] 1 2 3 4 5 6 7 8",
             "i64[2,2,2] 1 2 5 6 3 4 7 8");
    op_check("Transpose", "", "f32[] 3", "f32[] 3");
    op_check_error("Transpose", "perm=[0,0]", "f32[2,3]", CONVRNN_ERROR_SHAPE, "once");
    op_check_error("Transpose", "perm=[0,2]", "f32[2,3]", CONVRNN_ERROR_SHAPE, "once");
    op_check_error("Transpose", "perm=[0]", "f32[2,3]", CONVRNN_ERROR_SHAPE, "rank 2");
}

static void
test_expand(void)
{
    op_check("Expand", "", "f32[2,1] 1 2; i64[3] 2 1 2", "f32[2,2,2] 1 1 2 2 1 1 2 2");
    op_check("Expand", "", "f32[3] 1 2 3; i64[1] 1", "f32[3] 1 2 3");
    op_check("Expand", "", "f32[]; i64[1] 0", "f32[0]");
    op_check_error("Expand", "", "f32[3]; i64[1] 2", CONVRNN_ERROR_SHAPE, "expanded to 2");
    op_check_error("Expand", "", "f32[1]; i64[1] -1", CONVRNN_ERROR_SHAPE, "-1");
    op_check_error("Expand", "", "f32[1]; i64[1] 4294967296", CONVRNN_ERROR_LIMIT, "too large");
    op_check_error("Expand", "", "f32[1]; i64[3] 65536 65536 65536", CONVRNN_ERROR_LIMIT,
                   "too large");
    /* an empty tensor may not hide strides that do not fit */
    op_check_error("Expand", "", "f32[1]; i64[4] 0 1073741824 1073741824 1073741824",
                   CONVRNN_ERROR_LIMIT, "too large");
    op_check("Tile", "", "f32[2] 1 2; i64[1] 3", "f32[6] 1 2 1 2 1 2");
    op_check("Tile", "", "i32[2,2] 1 2 3 4; i64[2] 2 0", "i32[4,0]");
    op_check("Tile", "", "i32[1,2] 1 2; i64[2] 2 2", "i32[2,4] 1 2 1 2 1 2 1 2");
    op_check_error("Tile", "", "f32[2]; i64[2]", CONVRNN_ERROR_SHAPE, "rank 1");
    op_check_error("Tile", "", "f32[2]; i64[1] -1", CONVRNN_ERROR_SHAPE, "repeat 0 is -1");
    op_check("ConstantOfShape", "", "i64[2] 1 2", "f32[1,2] 0 0");
    op_check("ConstantOfShape", "value={i64[1] 5}", "i64[0]", "i64[] 5");
    op_check("ConstantOfShape", "value={bool[1] 1}", "i64[1] 3", "bool[3] 1 1 1");
    op_check_error("ConstantOfShape", "", "~i64[1] 1", CONVRNN_ERROR_UNSUPPORTED, "input 0");
    op_check_error("ConstantOfShape", "value={i64[2] 5}", "i64[1] 1", CONVRNN_ERROR_SHAPE, "value");
}

static void
test_pad(void)
{
    op_check("Pad", "", "f32[2] 1 2; i64[2] 1 2", "f32[5] 0 1 2 0 0");
    op_check("Pad", "mode=constant", "i32[2,1] 1 2; i64[4] 0 1 1 0; i32[] 9",
             "i32[3,2] 9 1 9 2 9 9");
    op_check("Pad", "mode=edge", "f32[2] 1 2; i64[2] 2 1", "f32[5] 1 1 1 2 2");
    op_check("Pad", "mode=reflect", "f32[3] 1 2 3; i64[2] 2 3", "f32[8] 3 2 1 2 3 2 1 2");
    op_check("Pad", "mode=reflect", "f32[1] 7; i64[2] 1 1", "f32[3] 7 7 7");
    op_check("Pad", "mode=wrap", "f32[3] 1 2 3; i64[2] 1 4", "f32[8] 3 1 2 3 1 2 3 1");
    op_check("Pad", "", "f32[4] 1 2 3 4; i64[2] -1 -2", "f32[1] 2");
    op_check("Pad", "", "f32[2] 1 2; i64[2] -3 4; ~f32[] 5", "f32[3] 5 5 5");
    op_check("Pad", "", "f32[1,2] 1 2; i64[2] 1 0; -; i64[1] -1", "f32[1,3] 0 1 2");
    op_check("Pad", "", "f32[0]; i64[2] 1 1; f32[] 3", "f32[2] 3 3");
    op_check("Pad", "", "u8[]; i64[0]", "u8[]");
    op_check_error("Pad", "mode=mirror", "f32[2]; i64[2]", CONVRNN_ERROR_UNSUPPORTED, "mirror");
    op_check_error("Pad", "", "f32[2]; i64[3]", CONVRNN_ERROR_SHAPE, "3 pads, expected 2");
    op_check_error("Pad", "", "f32[2]; i64[2] -2 -1", CONVRNN_ERROR_SHAPE, "too small");
    op_check_error("Pad", "", "f32[2]; i64[2] 4611686018427387904 0", CONVRNN_ERROR_SHAPE, "range");
    op_check_error("Pad", "mode=edge", "f32[0]; i64[2] 1 0", CONVRNN_ERROR_SHAPE, "nothing");
    op_check_error("Pad", "", "f32[2]; i64[2]; i32[]", CONVRNN_ERROR_SHAPE, "int32");
    op_check_error("Pad", "", "f32[2]; i64[2]; f32[2]", CONVRNN_ERROR_SHAPE, "one element");
}

static void
test_depth_space(void)
{
    const char *x = "f32[1,8,1,2] 0 1 10 11 20 21 30 31 40 41 50 51 60 61 70 71";

    op_check("DepthToSpace", "blocksize=2", x,
             "f32[1,2,2,4] 0 20 1 21 40 60 41 61 10 30 11 31 50 70 51 71");
    op_check("DepthToSpace", "blocksize=2 mode=CRD", x,
             "f32[1,2,2,4] 0 10 1 11 20 30 21 31 40 50 41 51 60 70 61 71");
    op_check("SpaceToDepth", "blocksize=2",
             "f32[1,2,2,4] 0 20 1 21 40 60 41 61 10 30 11 31 50 70 51 71",
             "f32[1,8,1,2] 0 1 10 11 20 21 30 31 40 41 50 51 60 61 70 71");
    op_check("SpaceToDepth", "blocksize=2", "u8[0,3,2,2]", "u8[0,12,1,1]");
    op_check_error("DepthToSpace", "blocksize=2", "f32[1,6,1,1]", CONVRNN_ERROR_SHAPE, "1×6×1×1");
    op_check_error("DepthToSpace", "blocksize=0", x, CONVRNN_ERROR_SHAPE, "blocksize is 0");
    op_check_error("DepthToSpace", "blocksize=2 mode=X", x, CONVRNN_ERROR_UNSUPPORTED, "\"X\"");
    op_check_error("SpaceToDepth", "blocksize=2", "f32[1,1,3,2]", CONVRNN_ERROR_SHAPE, "1×1×3×2");
    op_check_error("SpaceToDepth", "blocksize=2", "f32[4,4]", CONVRNN_ERROR_SHAPE, "rank 2");
}

static void
test_range(void)
{
    op_check("Range", "", "i64[] 3; i64[] 9; i64[] 3", "i64[2] 3 6");
    op_check("Range", "", "f32[] 1; f32[] 0; f32[] -0.25", "f32[4] 1 0.75 0.5 0.25");
    op_check("Range", "", "i32[] 3; i32[] 1; i32[] 1", "i32[0]");
    op_check_error("Range", "", "i32[] 3; i32[] 1; i32[] 0", CONVRNN_ERROR_SHAPE, "by 0");
    op_check_error("Range", "", "i64[] 0; i64[] 9223372036854775807; i64[] 1", CONVRNN_ERROR_LIMIT,
                   "too large");
    op_check_error("Range", "", "i32[] 3; ~i32[] 1; i32[] 1", CONVRNN_ERROR_UNSUPPORTED, "input 1");
    op_check_error("Range", "", "i32[] 3; i32[2] 1; i32[] 1", CONVRNN_ERROR_SHAPE, "2 elements");
    op_check_error("Range", "", "u8[] 3; u8[] 1; u8[] 1", CONVRNN_ERROR_UNSUPPORTED, "uint8");
}

/* 7 × 301 × 33 numbers that are their own index, as int32. */
enum { A = 7, B = 301, C = 33 };

static ConvRnnTensor *
counting(void)
{
    static const gint64 dims[] = {A, B, C};
    int32_t *data = g_new(int32_t, A * B * C);

    for (int i = 0; i < A * B * C; i++)
        data[i] = i;
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, sizeof(int32_t) * A * B * C);
    return convrnn_tensor_new(CONVRNN_DTYPE_INT32, dims, 3, bytes, NULL);
}

/* Runs op on counting() and the inputs in `rest`; its first output. Free run. */
static const int32_t *
run_counting(const char *op, const char *attrs, const char *rest, int n_out, OpRun **run)
{
    GError *error = NULL;

    *run = op_run_new(op, attrs, n_out);
    op_run_input(*run, counting(), true);
    op_run_inputs(*run, rest);
    op_run(*run, &error);
    g_assert_no_error(error);
    g_assert_cmpint(op_run_step(*run)->n_tiles, >, 1);
    return op_run_output(*run, 0)->data;
}

static void
test_tile_places(void)
{
    OpRun *run;
    const int32_t *y = run_counting("Transpose", "perm=[2,0,1]", "", 1, &run);
    for (int i = 0; i < C * A * B; i++)
        g_assert_cmpint(y[i], ==, i % B * C + i / B % A * B * C + i / (A * B));
    op_run_free(run);

    y = run_counting("Add", "", "i32[7,1,1] 0 100000 200000 300000 400000 500000 600000", 1, &run);
    for (int i = 0; i < A * B * C; i++)
        g_assert_cmpint(y[i], ==, i + i / (B * C) * 100000);
    op_run_free(run);

    y = run_counting("Slice", "", "i64[2] 300 1; i64[2] -400 33; i64[2] 1 2; i64[2] -1 2", 1, &run);
    for (int i = 0; i < A * B * 16; i++)
        g_assert_cmpint(y[i], ==, i / (B * 16) * B * C + (300 - i / 16 % B) * C + 1 + i % 16 * 2);
    op_run_free(run);

    y = run_counting("Split", "axis=1", "i64[3] 1 299 1", 3, &run);
    y = op_run_output(run, 1)->data;
    for (int i = 0; i < A * 299 * C; i++)
        g_assert_cmpint(y[i], ==, i / (299 * C) * B * C + C + i % (299 * C));
    op_run_free(run);

    y = run_counting("Gather", "axis=1", "i64[301] -2", 1, &run);
    for (int i = 0; i < A * B * C; i++)
        g_assert_cmpint(y[i], ==, i / (B * C) * B * C + 299 * C + i % C);
    op_run_free(run);

    y = run_counting("Pad", "mode=reflect", "i64[6] 0 2 0 0 0 1", 1, &run);
    for (int i = 0; i < A * 303 * 34; i++)
        g_assert_cmpint(y[i], ==,
                        i / (303 * 34) * B * C + ABS(i / 34 % 303 - 2) * C +
                            (i % 34 < C ? i % 34 : C - 2));
    op_run_free(run);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/movement/reshape", test_reshape);
    g_test_add_func("/op/movement/reshape-errors", test_reshape_errors);
    g_test_add_func("/op/movement/dropout", test_dropout);
    g_test_add_func("/op/movement/shape", test_shape);
    g_test_add_func("/op/movement/gather", test_gather);
    g_test_add_func("/op/movement/concat", test_concat);
    g_test_add_func("/op/movement/split", test_split);
    g_test_add_func("/op/movement/split-unused", test_split_unused);
    g_test_add_func("/op/movement/slice", test_slice);
    g_test_add_func("/op/movement/transpose", test_transpose);
    g_test_add_func("/op/movement/expand", test_expand);
    g_test_add_func("/op/movement/pad", test_pad);
    g_test_add_func("/op/movement/depth-space", test_depth_space);
    g_test_add_func("/op/movement/range", test_range);
    g_test_add_func("/op/movement/tile-places", test_tile_places);
    return g_test_run();
}
