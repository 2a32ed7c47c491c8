/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is laid out by position: Trilu, EyeLike, OneHot, ReverseSequence, NonZero, Compress.
 * Expected numbers from ONNX Runtime, where it has the case. */
#include "support/op_run.h"

static void
test_trilu(void)
{
    op_check("Trilu", "upper=1", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12",
             "i64[3,4] 1 2 3 4 0 6 7 8 0 0 11 12");
    op_check("Trilu", "upper=0", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12",
             "i64[3,4] 1 0 0 0 5 6 0 0 9 10 11 0");
    op_check("Trilu", "upper=1", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] 0",
             "i64[3,4] 1 2 3 4 0 6 7 8 0 0 11 12");
    op_check("Trilu", "upper=0", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] 0",
             "i64[3,4] 1 0 0 0 5 6 0 0 9 10 11 0");
    op_check("Trilu", "upper=1", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] 1",
             "i64[3,4] 0 2 3 4 0 0 7 8 0 0 0 12");
    op_check("Trilu", "upper=0", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] 1",
             "i64[3,4] 1 2 0 0 5 6 7 0 9 10 11 12");
    op_check("Trilu", "upper=1", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] -1",
             "i64[3,4] 1 2 3 4 5 6 7 8 0 10 11 12");
    op_check("Trilu", "upper=0", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] -1",
             "i64[3,4] 0 0 0 0 5 0 0 0 9 10 0 0");
    op_check("Trilu", "upper=1", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] 9",
             "i64[3,4] 0 0 0 0 0 0 0 0 0 0 0 0");
    op_check("Trilu", "upper=0", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] 9",
             "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12");
    op_check("Trilu", "upper=1", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] -9",
             "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12");
    op_check("Trilu", "upper=0", "i64[3,4] 1 2 3 4 5 6 7 8 9 10 11 12; i64[] -9",
             "i64[3,4] 0 0 0 0 0 0 0 0 0 0 0 0");
    op_check("Trilu", "", "f32[2,2,2] 5 -1 1 -0.5 1 -0.5 1.5 0.5",
             "f32[2,2,2] 5 -1 0 -0.5 1 -0.5 0 0.5");
    op_check("Trilu", "", "u8[40001,2] 1 2; i64[1] 40002", "u8[40001,2] 0");
    op_check("Trilu", "upper=0", "f64[2,0]", "f64[2,0]");
    op_check_error("Trilu", "", "f32[3]", CONVRNN_ERROR_SHAPE, "rank 1");
    op_check_error("Trilu", "", "f32[3,3]; i64[2]", CONVRNN_ERROR_SHAPE, "2 elements");
    op_check_error("Trilu", "", "f32[3,3]; ~i64[]", CONVRNN_ERROR_UNSUPPORTED, "input 1");
}

static void
test_eye_like(void)
{
    op_check("EyeLike", "k=1 dtype=6", "f32[2,4] 1.75 4.75 -3.5 0.75 -0.5 -1.5 -2.75 -4.5",
             "i32[2,4] 0 1 0 0 0 0 1 0");
    op_check("EyeLike", "k=-1", "f32[3,2] -1 3.25 -4.25 -1 4.75 4.75", "f32[3,2] 0 0 1 0 0 1");
    op_check("EyeLike", "k=5 dtype=11", "f32[2,2] -3 -5 1.75 -5", "f64[2,2] 0 0 0 0");
    op_check("EyeLike", "dtype=9", "i8[2,2] 5", "bool[2,2] 1 0 0 1");
    op_check_error("EyeLike", "", "f32[3]", CONVRNN_ERROR_SHAPE, "rank 1");
    op_check_error("EyeLike", "dtype=8", "f32[3,3]", CONVRNN_ERROR_UNSUPPORTED, "\"dtype\" is 8");
}

static void
test_one_hot(void)
{
    op_check("OneHot", "", "i64[4] 0 -1 7 2; i64[] 3; f32[2] 2 5",
             "f32[4,3] 5 2 2 2 2 5 2 2 2 2 2 5");
    op_check("OneHot", "axis=0", "i64[2,2] 0 1 2 1; i64[1] 3; i64[2] 0 1",
             "i64[3,2,2] 1 0 0 0 0 1 0 1 0 0 1 0");
    op_check("OneHot", "axis=1", "f32[2,2] 0 1 2 1; f32[1] 3; f32[2] 0 1",
             "f32[2,3,2] 1 0 0 1 0 0 0 0 0 1 1 0");
    op_check("OneHot", "", "u8[] 1; f32[] 2; bool[2] 1 0", "bool[2] 1 0");
    op_check("OneHot", "axis=0", "~i32[20001] 1; i64[] 2; i16[2] 3 3", "i16[2,20001] 3");
    op_check_error("OneHot", "", "i64[2]; ~i64[]; f32[2]", CONVRNN_ERROR_UNSUPPORTED, "input 1");
    op_check_error("OneHot", "", "i64[2]; i64[] 0; f32[2]", CONVRNN_ERROR_SHAPE, "depth is 0");
    op_check_error("OneHot", "", "i64[2]; i64[2] 1; f32[2]", CONVRNN_ERROR_SHAPE, "2 elements");
    op_check_error("OneHot", "", "i64[2]; i64[] 3; f32[3]", CONVRNN_ERROR_SHAPE, "input 2");
    op_check_error("OneHot", "axis=2", "i64[2]; i64[] 3; f32[2]", CONVRNN_ERROR_SHAPE, "axis 2");
    op_check_error("OneHot", "", "bool[2]; i64[] 3; f32[2]", CONVRNN_ERROR_UNSUPPORTED, "bool");
}

static void
test_reverse_sequence(void)
{
    op_check("ReverseSequence", "",
             "f32[4,3] -2 0 3.75 -4.25 1.75 0.25 -3.75 3.5 3.5 -0.25 4.5 1; i64[3] 4 2 1",
             "f32[4,3] -0.25 1.75 3.75 -3.75 0 0.25 -4.25 3.5 3.5 -2 4.5 1");
    op_check("ReverseSequence", "batch_axis=0 time_axis=1",
             "f32[2,3,2] 4.25 4.75 0.75 -2.25 -3.75 0.75 -3.25 2.5 4.5 -2.5 0.5 -4.5; i64[2] 3 2",
             "f32[2,3,2] -3.75 0.75 0.75 -2.25 4.25 4.75 4.5 -2.5 -3.25 2.5 0.5 -4.5");
    /* longer than there is, and negative */
    op_check("ReverseSequence", "", "i8[3,2] 1 2 3 4 5 6; ~i64[2] 9 -1", "i8[3,2] 5 2 3 4 1 6");
    op_check("ReverseSequence", "", "f32[2,20001,3] 4; i64[20001] 2", "f32[2,20001,3] 4");
    op_check_error("ReverseSequence", "", "f32[3]; i64[3]", CONVRNN_ERROR_SHAPE, "rank 1");
    op_check_error("ReverseSequence", "", "f32[3,2]; i64[3]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("ReverseSequence", "", "f32[3,2]; i32[2]", CONVRNN_ERROR_SHAPE, "int32");
    op_check_error("ReverseSequence", "time_axis=1", "f32[3,2]; i64[2]", CONVRNN_ERROR_FORMAT,
                   "time_axis 1");
}

static void
test_non_zero(void)
{
    op_check("NonZero", "", "f32[2,2] 1 0 0.5 -1", "i64[2,3] 0 1 1 0 0 1");
    op_check("NonZero", "", "bool[3] 0 0 1", "i64[1,1] 2");
    op_check("NonZero", "", "i8[] 3", "i64[1,1] 0");
    op_check("NonZero", "", "f64[2] 0", "i64[1,0]");
    op_check("NonZero", "", "u16[2,1,2] 0 1 1 0", "i64[3,2] 0 1 0 0 1 0");
    op_check_error("NonZero", "", "~f32[3]", CONVRNN_ERROR_UNSUPPORTED, "input 0");
}

static void
test_compress(void)
{
    op_check("Compress", "axis=0", "f32[3,2] -3.25 -1.25 4 4.75 1.5 0.75; bool[3] 0 1 1",
             "f32[2,2] 4 4.75 1.5 0.75");
    op_check("Compress", "axis=1", "f32[2,4] 0.75 -4.5 -1.25 5 -1 -3 -2.75 2.25; bool[3] 0 1 1",
             "f32[2,2] -4.5 -1.25 -3 -2.75");
    op_check("Compress", "", "f32[2,3] -4.75 4.75 3.75 0.75 -0.25 2.75; bool[5] 1 0 0 0 1",
             "f32[2] -4.75 -0.25");
    op_check("Compress", "axis=-1", "i64[2,2,1] 1 2 3 4; bool[1] 0", "i64[2,2,0]");
    op_check("Compress", "", "i64[2,2] 1 2 3 4; bool[0]", "i64[0]");
    op_check_error("Compress", "", "f32[3]; ~bool[3]", CONVRNN_ERROR_UNSUPPORTED, "input 1");
    op_check_error("Compress", "axis=0", "f32[3,9]; bool[4]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("Compress", "axis=1", "f32[3]; bool[3]", CONVRNN_ERROR_SHAPE, "axis 1");
    op_check_error("Compress", "", "f32[3]; i64[3]", CONVRNN_ERROR_SHAPE, "int64");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/pattern/trilu", test_trilu);
    g_test_add_func("/op/pattern/eye-like", test_eye_like);
    g_test_add_func("/op/pattern/one-hot", test_one_hot);
    g_test_add_func("/op/pattern/reverse-sequence", test_reverse_sequence);
    g_test_add_func("/op/pattern/non-zero", test_non_zero);
    g_test_add_func("/op/pattern/compress", test_compress);
    return g_test_run();
}
