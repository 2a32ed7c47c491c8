/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reductions, Softmax and Einsum. */
#include "support/op_run.h"

static void
test_reduce(void)
{
    const char *x = "f32[2,3] 1 2 3 4 5 6; ";
    const struct {
        const char *op, *attrs, *axes, *wanted;
    } cases[] = {
        {"ReduceSum", "", "i64[1] 1", "f32[2,1] 6 15"},
        {"ReduceSum", "keepdims=0", "i64[1] -2", "f32[3] 5 7 9"},
        {"ReduceSum", "keepdims=0", "", "f32[] 21"},
        {"ReduceSum", "", "i64[0]", "f32[1,1] 21"},
        {"ReduceSum", "noop_with_empty_axes=1", "i64[0]", "f32[2,3] 1 2 3 4 5 6"},
        {"ReduceMean", "", "i64[2] 0 1", "f32[1,1] 3.5"},
        {"ReduceMax", "keepdims=0", "i64[1] 1", "f32[2] 3 6"},
        {"ReduceMin", "keepdims=0", "i64[1] 0", "f32[3] 1 2 3"},
        {"ReduceProd", "keepdims=0", "i64[1] 1", "f32[2] 6 120"},
        {"ReduceSumSquare", "keepdims=0", "i64[1] 1", "f32[2] 14 77"},
        {"ReduceL1", "keepdims=0", "i64[1] 1", "f32[2] 6 15"},
        {"ReduceL2", "keepdims=0", "i64[1] 1", "f32[2] 3.7416574 8.7749644"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *inputs = g_strconcat(x, cases[i].axes, NULL);
        op_check(cases[i].op, cases[i].attrs, inputs, cases[i].wanted);
    }
    op_check_error("ReduceSum", "", "f32[2]; i64[1] 1", CONVRNN_ERROR_SHAPE, "axis 1");
    op_check_error("ReduceSum", "", "f32[2]; i64[2] 0 -1", CONVRNN_ERROR_SHAPE, "twice");
    op_check_error("ReduceSum", "", "f32[2]; ~i64[1] 0", CONVRNN_ERROR_UNSUPPORTED, "input 1");
    op_check_error("ReduceSum", "", "bool[2]", CONVRNN_ERROR_UNSUPPORTED, "bool");
}

static void
test_reduce_types(void)
{
    op_check("ReduceMean", "", "i32[3] -1 -2 -4", "i32[1] -2");
    op_check("ReduceMean", "", "u8[2] 255 255", "u8[1] 255");
    op_check("ReduceSum", "", "u8[2] 255 2", "u8[1] 1");
    op_check("ReduceL1", "", "i8[2] -100 -27", "i8[1] 127");
    op_check("ReduceMax", "", "i8[2] -128 -127", "i8[1] -127");
    op_check("ReduceMax", "", "u64[2] 18446744073709551615 1", "u64[1] 18446744073709551615");
    op_check("ReduceMin", "", "i64[2] -9223372036854775808 1", "i64[1] -9223372036854775808");
    op_check("ReduceMax", "", "f32[3] 1 nan 2", "f32[1] nan");
    op_check("ReduceMin", "", "f64[3] 1 nan 2", "f64[1] nan");
    op_check("ReduceMax", "keepdims=0", "bool[2,2] 0 1 0 0; i64[1] 1", "bool[2] 1 0");
    op_check("ReduceMin", "keepdims=0", "bool[2,2] 0 1 1 1; i64[1] 1", "bool[2] 0 1");
    op_check("ReduceMax", "keepdims=0", "bool[2,2] 0 1 0 0; i64[1] 0", "bool[2] 0 1");
    op_check("ReduceMin", "keepdims=0", "bool[0]", "bool[] 1");
    op_check_error("ReduceSum", "", "bool[2]", CONVRNN_ERROR_UNSUPPORTED, "bool");
    /* nothing to reduce */
    op_check("ReduceSum", "keepdims=0", "f32[2,0]; i64[1] 1", "f32[2] 0 0");
    op_check("ReduceProd", "keepdims=0", "f32[2,0]; i64[1] 1", "f32[2] 1 1");
    op_check("ReduceMax", "keepdims=0", "f32[2,0]; i64[1] 1", "f32[2] -inf -inf");
    op_check("ReduceMin", "keepdims=0", "i8[0]", "i8[] 127");
    op_check("ReduceMax", "keepdims=0", "i16[0]", "i16[] -32768");
    op_check("ReduceMean", "keepdims=0", "f32[0]", "f32[] nan");
    op_check("ReduceMean", "keepdims=0", "i32[0]", "i32[] 0");
    op_check("ReduceSum", "", "f32[0,2]; i64[1] 1", "f32[0,1]");
    /* a float sum would stop growing at 2^24 */
    op_check("ReduceSum", "", "f32[3] 16777216 1 1", "f32[1] 16777218");
}

static void
test_softmax(void)
{
    op_check("Softmax", "", "f32[1,3] -1 0 1", "f32[1,3] 0.090030573 0.24472847 0.66524096");
    op_check("Softmax", "axis=0", "f32[2,2] 0 1000 0 1000", "f32[2,2] 0.5");
    op_check("Softmax", "axis=0", "f32[2,2] 1000 0 0 -1000", "f32[2,2] 1 1 0 0");
    op_check("Softmax", "axis=-1", "f64[2] 0 -inf", "f64[2] 1 0");
    op_check("Softmax", "axis=1", "f32[1,2,2] 0 0 0 1", "f32[1,2,2] 0.5 0.26894142 0.5 0.73105858");
    op_check("Softmax", "", "f32[0,3]", "f32[0,3]");
    op_check("Softmax", "", "f32[3,0]", "f32[3,0]");
    op_check("LogSoftmax", "", "f32[3] -1 0 1", "f32[3] -2.4076059 -1.4076059 -0.40760596");
    op_check_error("Softmax", "axis=1", "f32[3]", CONVRNN_ERROR_SHAPE, "axis 1");
    op_check_error("Softmax", "", "i32[3]", CONVRNN_ERROR_UNSUPPORTED, "int32");
}

static void
test_einsum(void)
{
    op_check("Einsum", "equation=ij,jk->ik", "f32[2,2] 1 2 3 4; f32[2,1] 5 6", "f32[2,1] 17 39");
    op_check("Einsum", "equation=ij,jk", "f64[2,2] 1 2 3 4; f64[2,1] 5 6", "f64[2,1] 17 39");
    op_check("Einsum", "equation=bhpn,bn->bhp", "f32[1,1,2,2] 1 2 3 4; f32[1,2] 10 1",
             "f32[1,1,2] 12 34");
    op_check("Einsum", "equation=ij->ji", "f32[2,3] 1 2 3 4 5 6", "f32[3,2] 1 4 2 5 3 6");
    op_check("Einsum", "equation=ba", "f32[2,3] 1 2 3 4 5 6", "f32[3,2] 1 4 2 5 3 6");
    op_check("Einsum", "equation=ii->i", "f32[2,2] 1 2 3 4", "f32[2] 1 4");
    op_check("Einsum", "equation=ii", "f32[2,2] 1 2 3 4", "f32[] 5");
    op_check("Einsum", "equation=...i,...i->...", "f32[2,2] 1 2 3 4; f32[2] 10 1", "f32[2] 12 34");
    op_check("Einsum", "equation=i...->...", "f32[2,2] 1 2 3 4", "f32[2] 4 6");
    op_check("Einsum", "equation=i,j,k->", "f32[2] 1 2; f32[2] 3 4; f32[1] 5", "f32[] 105");
    op_check("Einsum", "equation=i,i->", "f32[0]; f32[0]", "f32[] 0");
    op_check("Einsum", "equation=ij,kj->ik", "f32[300,5] 1; f32[300,5] 2", "f32[300,300] 10");
}

static void
test_einsum_errors(void)
{
    const struct {
        const char *equation, *inputs;
        ConvRnnError code;
        const char *part;
    } cases[] = {
        {"equation=ij,jk->ik", "f32[2,2]; f32[3,2]", CONVRNN_ERROR_SHAPE, "elsewhere"},
        {"equation=ij,jk->ik", "f32[2,2]", CONVRNN_ERROR_UNSUPPORTED, "->"},
        {"equation=ij->ij", "f32[2,2]; f32[2,2]", CONVRNN_ERROR_UNSUPPORTED, "fewer"},
        {"equation=i->i", "f32[2,2]", CONVRNN_ERROR_UNSUPPORTED, "rank"},
        {"equation=i......->i", "f32[2,2]", CONVRNN_ERROR_UNSUPPORTED, "malformed"},
        {"equation=i.->i", "f32[2]", CONVRNN_ERROR_UNSUPPORTED, "malformed"},
        {"equation=i->ii", "f32[2]", CONVRNN_ERROR_UNSUPPORTED, "twice"},
        {"equation=i->j", "f32[2]", CONVRNN_ERROR_UNSUPPORTED, "unknown"},
        {"equation=i->i,", "f32[2]", CONVRNN_ERROR_UNSUPPORTED, "malformed"},
        {"equation=i,", "f32[2]", CONVRNN_ERROR_UNSUPPORTED, "malformed"},
        {"", "f32[2]", CONVRNN_ERROR_UNSUPPORTED, "rank"},
        {"equation=i->i", "i32[2]", CONVRNN_ERROR_UNSUPPORTED, "int32"},
        {"equation=abcdefgh,ijklmnop,qrstuvwx->a",
         "f32[1,1,1,1,1,1,1,1]; f32[1,1,1,1,1,1,1,1]; f32[1,1,1,1,1,1,1,1]", CONVRNN_ERROR_LIMIT,
         "labels"},
        {"equation=i,j,k->", "f32[65536]; f32[65536]; f32[65536]", CONVRNN_ERROR_LIMIT, "products"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        op_check_error("Einsum", cases[i].equation, cases[i].inputs, cases[i].code, cases[i].part);
}

/* Expected numbers from ONNX Runtime. */
static void
test_log_sums(void)
{
    op_check("ReduceLogSum", "",
             "f32[2,3,2] 5 1.75 2.5 4.5 1.25 3.25 4 3.25 5 2.5 2.75 4.25; i64[1] 1",
             "f32[2,1,2] 2.16905379 2.25129175 2.46385336 2.30258512");
    op_check("ReduceLogSum", "keepdims=0",
             "f32[2,3,2] 5 1.75 2.5 4.5 1.25 3.25 4 3.25 5 2.5 2.75 4.25; i64[2] 0 2",
             "f32[3] 2.6390574 2.67414856 2.44234705");
    op_check("ReduceLogSumExp", "keepdims=0",
             "f32[2,3,2] 4.25 -5 0 3.25 -3.75 3 -4 -0.25 3.25 -2 -1.5 -2.25; i64[1] 1",
             "f32[2,2] 4.26449394 3.82608628 3.25931835 0.019347012");
    op_check("ReduceLogSumExp", "", "f32[2,3,2] 4.25 -5 0 3.25 -3.75 3 -4 -0.25 3.25 -2 -1.5 -2.25",
             "f32[1,1,1] 4.97025013");
    op_check("ReduceLogSumExp", "keepdims=0", "f32[2,2] 1000 1001 -1000 -1001; i64[1] 1",
             "f32[2] 1001.31323 -999.686768");
    op_check("ReduceLogSum", "keepdims=0", "f32[2] -1 -2", "f32[] nan");
    op_check("ReduceLogSumExp", "keepdims=0", "f64[3] -inf -inf -inf", "f64[] -inf");
    op_check("ReduceLogSumExp", "keepdims=0", "f32[4] 1 inf 2 inf", "f32[] inf");
    op_check("ReduceLogSumExp", "keepdims=0", "f32[4] 1 inf nan 2", "f32[] nan");
    op_check("ReduceLogSumExp", "keepdims=0", "f32[2,3] -inf 0 0 -inf 0 0; i64[1] 0",
             "f32[3] -inf 0.69314718 0.69314718");
    op_check_error("ReduceLogSumExp", "", "i32[2]", CONVRNN_ERROR_UNSUPPORTED, "int32");
}

/* On both ways through the elements: the innermost axis goes, or it stays. */
static void
test_types(void)
{
    static const struct {
        const char *op, *inner, *outer, *types;
    } cases[] = {
        {"ReduceSum", "T[2] 6 15", "T[3] 5 7 9", OP_NUMBERS},
        {"ReduceProd", "T[2] 6 120", "T[3] 4 10 18", OP_NUMBERS},
        {"ReduceSumSquare", "T[2] 14 77", "T[3] 17 29 45", OP_NUMBERS},
        {"ReduceL1", "T[2] 6 15", "T[3] 5 7 9", OP_NUMBERS},
        {"ReduceMean", "T[2] 2 5", "T[3] 2.5 3.5 4.5", OP_FLOATS},
        {"ReduceMean", "T[2] 2 5", "T[3] 2 3 4", OP_SIGNED " " OP_UNSIGNED},
        {"ReduceMax", "T[2] 3 6", "T[3] 4 5 6", OP_NUMBERS},
        {"ReduceMin", "T[2] 1 4", "T[3] 1 2 3", OP_NUMBERS},
        {"ReduceL2", "T[2] 3.7416574 8.7749644", "T[3] 4.1231056 5.3851648 6.7082039", OP_FLOATS},
        {"ReduceLogSum", "T[2] 1.7917595 2.7080502", "T[3] 1.6094379 1.9459101 2.1972246",
         OP_FLOATS},
        {"ReduceLogSumExp", "T[2] 3.4076059 6.4076059", "T[3] 4.0485874 5.0485874 6.0485874",
         OP_FLOATS},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        op_check_types(cases[i].op, "keepdims=0", "T[2,3] 1 2 3 4 5 6; i64[1] 1", cases[i].inner,
                       cases[i].types);
        op_check_types(cases[i].op, "keepdims=0", "T[2,3] 1 2 3 4 5 6; i64[1] 0", cases[i].outer,
                       cases[i].types);
    }
    op_check_types("ReduceL1", "keepdims=0", "T[3] -1 -2 3", "T[] 6", OP_FLOATS " " OP_SIGNED);
    op_check_types("ReduceMean", "keepdims=0", "T[3] -1 -2 -4", "T[] -2", OP_SIGNED);
    op_check_types("ReduceMax", "keepdims=0", "T[3] -3 -2 -4", "T[] -2", OP_FLOATS " " OP_SIGNED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/reduction/reduce", test_reduce);
    g_test_add_func("/op/reduction/reduce-types", test_reduce_types);
    g_test_add_func("/op/reduction/softmax", test_softmax);
    g_test_add_func("/op/reduction/einsum", test_einsum);
    g_test_add_func("/op/reduction/einsum-errors", test_einsum_errors);
    g_test_add_func("/op/reduction/log-sums", test_log_sums);
    g_test_add_func("/op/reduction/types", test_types);
    return g_test_run();
}
