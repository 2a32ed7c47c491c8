/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What searches, sums and gathers along an axis: ArgMax, ArgMin, TopK, CumSum, GatherElements,
 * GatherND. */
#include "support/op_run.h"

static void
test_arg(void)
{
    const char *x = "f32[2,3] 1 5 5 4 2 2";

    op_check("ArgMax", "axis=1", x, "i64[2,1] 1 0");
    op_check("ArgMax", "axis=-1 keepdims=0", x, "i64[2] 1 0");
    op_check("ArgMax", "keepdims=0", x, "i64[3] 1 0 0");
    op_check("ArgMin", "axis=1 keepdims=0", x, "i64[2] 0 1");
    op_check("ArgMax", "axis=1 keepdims=0 select_last_index=1", x, "i64[2] 2 0");
    op_check("ArgMin", "axis=1 keepdims=0 select_last_index=1", x, "i64[2] 0 2");
    op_check("ArgMax", "axis=0", "f32[4] 1 nan nan 9", "i64[1] 1");
    op_check("ArgMin", "axis=0 select_last_index=1", "f64[4] 1 nan nan 0", "i64[1] 2");
    op_check("ArgMax", "axis=0", "i8[3] -128 -1 -2", "i64[1] 1");
    op_check("ArgMax", "axis=0", "u64[2] 18446744073709551614 18446744073709551615", "i64[1] 1");
    op_check("ArgMax", "axis=0 keepdims=0", "f32[2,40001] 1 1 1", "i64[40001] 0");
    op_check("ArgMax", "axis=1", "f32[0,3]", "i64[0,1]");
    op_check_error("ArgMax", "axis=1", "f32[2,0]", CONVRNN_ERROR_SHAPE, "axis 1 is empty");
    op_check_error("ArgMin", "axis=2", x, CONVRNN_ERROR_SHAPE, "axis 2");
    op_check_error("ArgMin", "", "f32[]", CONVRNN_ERROR_SHAPE, "axis 0");
    op_check_error("ArgMin", "", "bool[3]", CONVRNN_ERROR_UNSUPPORTED, "bool");
}

static void
test_top_k(void)
{
    op_check("TopK", "", "f32[2,4] 3 1 4 1 5 9 2 6; i64[1] 3",
             "f32[2,3] 4 3 1 9 6 5; i64[2,3] 2 "
             "0 1 1 3 0");
    op_check("TopK", "largest=0 sorted=0", "i32[5] 3 1 4 1 5; i64[1] 4",
             "i32[4] 1 1 3 4; i64[4] 1 3 0 2");
    op_check("TopK", "axis=0", "f32[3,2] 1 6 2 5 3 4; i64[1] 2",
             "f32[2,2] 3 6 2 5; i64[2,2] 2 0 1 "
             "1");
    /* of equal ones, the first */
    op_check("TopK", "", "u8[6] 7; i64[1] 5", "u8[5] 7; i64[5] 0 1 2 3 4");
    op_check("TopK", "", "f32[4] 1 nan inf nan; i64[1] 3", "f32[3] nan nan inf; i64[3] 1 3 2");
    op_check("TopK", "largest=0", "f32[4] nan 1 -inf nan; i64[1] 3",
             "f32[3] -inf 1 nan; i64[3] 2 1 0");
    op_check("TopK", "", "f32[9] 8 3 5 1 9 2 7 4 6; i64[1] 9",
             "f32[9] 9 8 7 6 5 4 3 2 1; i64[9] 4 0 6 8 2 7 1 5 3");
    op_check("TopK", "", "f32[2,3] 1; i64[1] 0", "f32[2,0]; i64[2,0]");
    op_check("TopK", "", "f32[0,3]; i64[1] 2", "f32[0,2]; i64[0,2]");
    op_check("TopK", "axis=0", "f32[2,40001] 5; i64[1] 1", "f32[1,40001] 5; i64[1,40001] 0");
    op_check_error("TopK", "", "f32[3]; i64[1] 4", CONVRNN_ERROR_SHAPE, "k is 4");
    op_check_error("TopK", "", "f32[3]; i64[1] -1", CONVRNN_ERROR_SHAPE, "k is -1");
    op_check_error("TopK", "", "f32[3]; i64[2] 1", CONVRNN_ERROR_SHAPE, "2 elements");
    op_check_error("TopK", "", "f32[3]; ~i64[1] 1", CONVRNN_ERROR_UNSUPPORTED, "input 1");
    op_check_error("TopK", "axis=1", "f32[3]; i64[1] 1", CONVRNN_ERROR_SHAPE, "axis 1");
    op_check_error("TopK", "", "bool[3]; i64[1] 1", CONVRNN_ERROR_UNSUPPORTED, "bool");
}

static void
test_cum_sum(void)
{
    const char *x = "f32[2,3] 1 2 3 4 5 6; i64[] 1";

    op_check("CumSum", "", x, "f32[2,3] 1 3 6 4 9 15");
    op_check("CumSum", "exclusive=1", x, "f32[2,3] 0 1 3 0 4 9");
    op_check("CumSum", "reverse=1", x, "f32[2,3] 6 5 3 15 11 6");
    op_check("CumSum", "reverse=1 exclusive=1", x, "f32[2,3] 5 3 0 11 6 0");
    op_check("CumSum", "", "f32[2,3] 1 2 3 4 5 6; i32[1] -2", "f32[2,3] 1 2 3 5 7 9");
    op_check("CumSum", "", "i8[3] 127 1 1; i64[] 0", "i8[3] 127 -128 -127");
    op_check("CumSum", "", "i64[2] 9223372036854775807 1; i64[] 0",
             "i64[2] 9223372036854775807 -9223372036854775808");
    /* a float sum would stop growing at 2^24 */
    op_check("CumSum", "", "f32[3] 16777216 1 1; i64[] 0", "f32[3] 16777216 16777216 16777218");
    op_check("CumSum", "", "f32[2,0]; i64[] 1", "f32[2,0]");
    op_check("CumSum", "exclusive=1", "f32[40001,1] 5; i64[] 1", "f32[40001,1] 0");
    op_check_error("CumSum", "", "f32[3]; i64[] 1", CONVRNN_ERROR_SHAPE, "axis 1");
    op_check_error("CumSum", "", "f32[3]; i64[2] 0", CONVRNN_ERROR_SHAPE, "2 elements");
    op_check_error("CumSum", "", "f32[3]; ~i64[] 0", CONVRNN_ERROR_UNSUPPORTED, "input 1");
    op_check_error("CumSum", "", "bool[3]; i64[] 0", CONVRNN_ERROR_UNSUPPORTED, "bool");
}

static void
test_gather_elements(void)
{
    op_check("GatherElements", "axis=1", "f32[2,2] 1 2 3 4; i64[2,2] 0 0 1 0", "f32[2,2] 1 1 4 3");
    op_check("GatherElements", "", "u8[3,2] 1 2 3 4 5 6; i32[2,2] 1 -1 0 2", "u8[2,2] 3 6 1 6");
    /* fewer rows than x has */
    op_check("GatherElements", "axis=1", "i16[3,2] 1 2 3 4 5 6; i64[2,3] 1 0 1 0 1 0",
             "i16[2,3] 2 1 2 3 4 3");
    /* those outside take the nearest */
    op_check("GatherElements", "", "f64[3] 1 2 3; ~i64[3] 9 -9 9223372036854775807",
             "f64[3] 3 1 3");
    op_check("GatherElements", "", "f32[2,50001] 3; i64[1,50001] 1", "f32[1,50001] 3");
    op_check("GatherElements", "", "f32[0,2]; i64[0,2]", "f32[0,2]");
    op_check_error("GatherElements", "", "f32[0,2]; i64[1,2]", CONVRNN_ERROR_SHAPE, "nothing");
    op_check_error("GatherElements", "", "f32[2,2]; i64[2]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("GatherElements", "", "f32[2,2]; i64[2,3]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("GatherElements", "axis=-3", "f32[2,2]; i64[2,2]", CONVRNN_ERROR_SHAPE,
                   "axis -3");
    op_check_error("GatherElements", "", "f32[2]; f32[2]", CONVRNN_ERROR_SHAPE, "float32");
}

static void
test_gather_nd(void)
{
    op_check("GatherND", "", "f32[2,2] 1 2 3 4; i64[2,2] 0 0 1 -1", "f32[2] 1 4");
    op_check("GatherND", "", "i8[2,2] 1 2 3 4; i64[2,1] 1 0", "i8[2,2] 3 4 1 2");
    op_check("GatherND", "", "f32[2,2,2] 1 2 3 4 5 6 7 8; i64[2,1,2] 0 1 1 0",
             "f32[2,1,2] 3 4 5 6");
    op_check("GatherND", "batch_dims=1", "f32[2,2,2] 1 2 3 4 5 6 7 8; i64[2,1] 1 0",
             "f32[2,2] 3 4 5 6");
    op_check("GatherND", "batch_dims=1", "f32[2,3] 1 2 3 4 5 6; i64[2,2,1] 0 2 1 1",
             "f32[2,2] 1 3 5 5");
    op_check("GatherND", "", "f32[2,2] 1 2 3 4; ~i64[2,2] 9 -9 -9 9", "f32[2] 3 2");
    op_check("GatherND", "", "f32[2,2] 1; i64[0,2]", "f32[0]");
    op_check("GatherND", "", "f32[2,0]; i64[3,1] 1", "f32[3,0]");
    op_check("GatherND", "", "f32[2,9] 2; i64[40001,1] 1", "f32[40001,9] 2");
    op_check_error("GatherND", "", "f32[0,2]; i64[1,1]", CONVRNN_ERROR_SHAPE, "nothing");
    op_check_error("GatherND", "", "f32[2]; i64[1,2]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("GatherND", "", "f32[2]; i64[1,0]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("GatherND", "", "f32[2]; i64[]", CONVRNN_ERROR_SHAPE, "batch_dims is 0");
    op_check_error("GatherND", "batch_dims=1", "f32[2]; i64[2,1]", CONVRNN_ERROR_SHAPE,
                   "batch_dims is 1");
    op_check_error("GatherND", "batch_dims=-1", "f32[2]; i64[2,1]", CONVRNN_ERROR_SHAPE,
                   "batch_dims is -1");
    op_check_error("GatherND", "batch_dims=1", "f32[2,2]; i64[3,1]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("GatherND", "", "f32[2]; i32[2,1]", CONVRNN_ERROR_SHAPE, "int32");
}

/* Expected numbers from ONNX Runtime. */
static void
test_hardmax(void)
{
    op_check("Hardmax", "", "f32[2,4] 1 5 5 2 4 0 -1 4", "f32[2,4] 0 1 0 0 1 0 0 0");
    op_check("Hardmax", "axis=0", "f32[2,4] 1 5 5 2 4 0 5 4", "f32[2,4] 0 1 1 0 1 0 0 1");
    op_check("Hardmax", "", "f64[1,3] 1 nan 9", "f64[1,3] 0 1 0");
    op_check_error("Hardmax", "axis=2", "f32[2,2]", CONVRNN_ERROR_SHAPE, "axis 2");
    op_check_error("Hardmax", "", "i32[2,2]", CONVRNN_ERROR_UNSUPPORTED, "int32");
}

/* Expected numbers from ONNX Runtime. */
static void
test_scatter(void)
{
    op_check("ScatterElements", "axis=1 reduction=none",
             "f32[2,4] 0.5 -0.25 -1.75 -0.5 2.5 -4.5 -4.75 2.25; i64[2,3] 1 1 -1 0 3 2; f32[2,3] "
             "-1.25 3 -4.75 4.25 -3.75 -0.75",
             "f32[2,4] 0.5 3 -1.75 -4.75 4.25 -4.5 -0.75 -3.75");
    op_check("ScatterND", "reduction=none",
             "f32[3,2] 4.75 -4 1.5 2.25 -0.75 -4.25; i64[3,1] 2 0 2; f32[3,2] 0.25 -0.75 3.75 1.75 "
             "-1.5 -4.5",
             "f32[3,2] 3.75 1.75 1.5 2.25 -1.5 -4.5");
    op_check("ScatterElements", "axis=1 reduction=add",
             "f32[2,4] 1 -2.25 2 3.75 -1.5 4.25 0.25 0.25; i64[2,3] 1 1 -1 0 3 2; f32[2,3] 2.75 3 "
             "4.25 5 -3.5 -1",
             "f32[2,4] 1 3.5 2 8 3.5 4.25 -0.75 -3.25");
    op_check(
        "ScatterND", "reduction=add",
        "f32[3,2] 4.5 -2 -5 0.75 2.5 2.5; i64[3,1] 2 0 2; f32[3,2] 3.25 1.5 -3.75 3.5 -0.75 3.5",
        "f32[3,2] 0.75 1.5 -5 0.75 5 7.5");
    op_check("ScatterElements", "axis=1 reduction=mul",
             "f32[2,4] 3.25 4.75 -5 3.75 1.25 -0.25 3 4.75; i64[2,3] 1 1 -1 0 3 2; f32[2,3] 0.25 "
             "-4.25 2.25 -2.75 -2.75 -3.25",
             "f32[2,4] 3.25 -5.046875 -5 8.4375 -3.4375 -0.25 -9.75 -13.0625");
    op_check("ScatterND", "reduction=mul",
             "f32[3,2] -3 4.25 -1.5 -4 -3.25 -1; i64[3,1] 2 0 2; f32[3,2] -1.5 -2 4.5 3.75 0.75 5",
             "f32[3,2] -13.5 15.9375 -1.5 -4 3.65625 10");
    op_check("ScatterElements", "axis=1 reduction=max",
             "f32[2,4] -1.75 -3.75 -2.25 -4.25 4.75 -3 -0.5 -3; i64[2,3] 1 1 -1 0 3 2; f32[2,3] 5 "
             "-3.5 0.25 4.5 0.25 4",
             "f32[2,4] -1.75 5 -2.25 0.25 4.75 -3 4 0.25");
    op_check(
        "ScatterND", "reduction=max",
        "f32[3,2] 4 2.75 2.5 0.75 0.75 3.5; i64[3,1] 2 0 2; f32[3,2] -0.75 4.5 4 -1.25 -1 2.25",
        "f32[3,2] 4 2.75 2.5 0.75 0.75 4.5");
    op_check("ScatterElements", "axis=1 reduction=min",
             "f32[2,4] 4.25 -4.25 -4.5 -2.5 -0.75 -3.5 0.25 0.5; i64[2,3] 1 1 -1 0 3 2; f32[2,3] "
             "4.5 2.5 -2.5 3 3.25 1.75",
             "f32[2,4] 4.25 -4.25 -4.5 -2.5 -0.75 -3.5 0.25 0.5");
    op_check("ScatterND", "reduction=min",
             "f32[3,2] 1.75 -2 2.25 -3.75 1.25 4.25; i64[3,1] 2 0 2; f32[3,2] 4.75 -2 -1.75 1.25 "
             "-1 2.25",
             "f32[3,2] -1.75 -2 2.25 -3.75 -1 -2");
    op_check("ScatterElements", "axis=0", "i64[3,2] 0 1 2 3 4 5; i32[1,2] 2 0; i64[1,2] 70 80",
             "i64[3,2] 0 80 2 3 70 5");
    op_check(
        "ScatterND", "",
        "f32[2,2,2] -3 -3.5 -4.5 -0.25 -3 -2 4.25 3.25; i64[2,2] 0 1 1 -2; f32[2,2] 3.5 1 -4 2.5",
        "f32[2,2,2] -3 -3.5 3.5 1 -4 2.5 4.25 3.25");
    op_check("ScatterElements", "reduction=add", "u8[3] 250; i64[2] 1 1; u8[2] 4 5",
             "u8[3] 250 3 250");
    op_check("ScatterElements", "reduction=max", "f32[2] 1 nan; i64[2] 0 1; f32[2] nan 3",
             "f32[2] nan nan");
    /* those outside are left out */
    op_check("ScatterElements", "", "f32[3] 1 2 3; ~i64[3] 3 -4 2; f32[3] 7 8 9", "f32[3] 1 2 9");
    op_check("ScatterND", "", "f32[2,2] 1 2 3 4; ~i64[2,2] 0 2 1 1; f32[2] 8 9",
             "f32[2,2] 1 2 3 9");
    op_check("ScatterND", "", "bool[2,2] 0; i64[1,1] 1; bool[1,2] 1", "bool[2,2] 0 0 1 1");
    op_check("ScatterND", "", "f32[2]; i64[0,1]; f32[0]", "f32[2] 0");
    op_check_error("ScatterND", "reduction=add", "bool[2]; i64[1,1]; bool[1]",
                   CONVRNN_ERROR_UNSUPPORTED, "bool");
    op_check_error("ScatterND", "", "f32[2]; i64[1,2]; f32[1]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("ScatterND", "", "f32[2,2]; i64[1,1]; f32[1,3]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("ScatterND", "", "f32[2]; i64[]; f32[]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("ScatterND", "reduction=mean", "f32[2]; i64[1,1]; f32[1]", CONVRNN_ERROR_FORMAT,
                   "mean");
    op_check_error("ScatterElements", "", "f32[2]; i64[1]; i64[1]", CONVRNN_ERROR_SHAPE, "int64");
    op_check_error("ScatterElements", "", "f32[2]; i64[1]; f32[2]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("ScatterElements", "", "f32[2,2]; i64[1,3]; f32[1,3]", CONVRNN_ERROR_SHAPE,
                   "fit");
    op_check_error("ScatterElements", "", "f32[2]; f32[1]; f32[1]", CONVRNN_ERROR_SHAPE, "float32");
    op_check_error("ScatterElements", "axis=1", "f32[2]; i64[1]; f32[1]", CONVRNN_ERROR_SHAPE,
                   "axis 1");
}

static void
test_types(void)
{
    op_check_types("TopK", "", "T[4] 3 1 4 2; i64[1] 2", "T[2] 4 3; i64[2] 2 0", OP_NUMBERS);
    op_check_types("TopK", "largest=0", "T[4] 3 1 4 2; i64[1] 3", "T[3] 1 2 3; i64[3] 1 3 0",
                   OP_NUMBERS);
    op_check_types("ArgMax", "", "T[4] 3 1 4 2", "i64[1] 2", OP_NUMBERS);
    op_check_types("ArgMin", "", "T[4] 3 1 4 2", "i64[1] 1", OP_NUMBERS);
    op_check_types("CumSum", "", "T[3] 1 2 3; i64[] 0", "T[3] 1 3 6", OP_NUMBERS);
    op_check_types("Hardmax", "", "T[3] 1 3 2", "T[3] 0 1 0", OP_FLOATS);
    op_check_types("ScatterElements", "reduction=add", "T[2] 1 2; i64[2] 1 1; T[2] 3 4", "T[2] 1 9",
                   OP_NUMBERS);
    op_check_types("ScatterElements", "reduction=mul", "T[2] 1 2; i64[2] 1 1; T[2] 3 4",
                   "T[2] 1 24", OP_NUMBERS);
    op_check_types("ScatterElements", "reduction=max", "T[2] 1 2; i64[2] 0 1; T[2] 3 1", "T[2] 3 2",
                   OP_NUMBERS);
    op_check_types("ScatterND", "reduction=min", "T[2] 5 2; i64[2,1] 0 1; T[2] 3 4", "T[2] 3 2",
                   OP_NUMBERS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/axis/arg", test_arg);
    g_test_add_func("/op/axis/top-k", test_top_k);
    g_test_add_func("/op/axis/cum-sum", test_cum_sum);
    g_test_add_func("/op/axis/gather-elements", test_gather_elements);
    g_test_add_func("/op/axis/gather-nd", test_gather_nd);
    g_test_add_func("/op/axis/hardmax", test_hardmax);
    g_test_add_func("/op/axis/scatter", test_scatter);
    g_test_add_func("/op/axis/types", test_types);
    return g_test_run();
}
