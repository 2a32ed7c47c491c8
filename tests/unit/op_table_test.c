/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds for every operator: the table, tiles, failing allocations. */
#include "support/op_run.h"
#include <string.h>

/* Out of many tiles, each must do its own part and nothing else (the harness checks order and
 * guards). */
static void
test_many_tiles(void)
{
    op_check("Add", "", "f32[5,20011] 1; f32[] 2", "f32[5,20011] 3");
    op_check("Add", "", "f32[20011,5] 1; f32[20011,1] 2", "f32[20011,5] 3");
    op_check("Sub", "", "i16[3,1,20011] 5; i16[3,2,1] 1", "i16[3,2,20011] 4");
    op_check("Transpose", "perm=[1,0]", "f32[2,40001] 1", "f32[40001,2] 1");
    op_check("Concat", "axis=1", "u8[3,50000] 7; u8[3,20000] 7", "u8[3,70000] 7");
    op_check("Cast", "to=6", "u8[70001] 1 2 3", "i32[70001] 1 2 3");
    op_check("ReduceSum", "keepdims=0", "f32[3,40001] 1; i64[1] 0", "f32[40001] 3");
    op_check("ReduceSum", "keepdims=0", "f32[40001,3] 1; i64[1] 1", "f32[40001] 3");
    op_check("Softmax", "axis=1", "f32[2,4,3001] 5", "f32[2,4,3001] 0.25");
    op_check("Pad", "", "f32[300,300] 4; i64[4] 0 0 0 0", "f32[300,300] 4");
    op_check("Range", "", "i32[] 1; i32[] 40001; i32[] 40000", "i32[1] 1");
    op_check("Softmax", "", "f32[9000,4] 5", "f32[9000,4] 0.25");
}

static void
test_table(void)
{
    const CrOp *const *ops = cr_op_list();
    size_t n = 0;

    for (; ops[n]; n++) {
        g_assert_true(cr_op_find("", ops[n]->name) == ops[n]);
        g_assert_true(cr_op_find("ai.onnx", ops[n]->name) == ops[n]);
        g_assert_true(n == 0 || strcmp(ops[n - 1]->name, ops[n]->name) < 0);
        g_assert_nonnull(ops[n]->attrs);
        g_assert_true(!!(ops[n]->flags & CR_OP_CONTROL) == !ops[n]->infer);
        g_assert_true(!!(ops[n]->flags & (CR_OP_ALIAS | CR_OP_CONTROL)) == !ops[n]->prepare);
    }
    g_assert_cmpuint(n, >, 60);
    g_assert_null(cr_op_find("com.microsoft", "Add"));
    g_assert_null(cr_op_find(NULL, "NoSuchOperator"));
}

static void
test_shape_text(void)
{
    static const struct {
        CrDesc desc;
        const char *text;
    } cases[] = {
        {{.n_dims = 3, .dims = {1, -1, 20}}, "1×?×20"},
        {{.n_dims = 1, .dims = {0}}, "0"},
        {{.n_dims = 0}, "scalar"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = cr_desc_to_string(&cases[i].desc);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

/* The fewest that it may have. */
static int
outputs_of(const char *op)
{
    return cr_op_find("", op)->min_out;
}

/* Every allocation of a set-up may fail. */
static void
test_no_memory(void)
{
    static const char *const cases[][3] = {
        {"Add", "", "f32[2]; f32[2]"},
        {"Equal", "", "f32[2]; f32[2]"},
        {"Pow", "", "f32[2]; f32[2]"},
        {"Relu", "", "f32[2]"},
        {"Clip", "", "f32[2]"},
        {"Cast", "to=1", "f32[2]"},
        {"Where", "", "bool[2]; f32[2]; f32[2]"},
        {"Dropout", "", "f32[2]"},
        {"Shape", "", "f32[2]"},
        {"Size", "", "f32[2]"},
        {"Gather", "", "f32[2]; i64[2]"},
        {"Concat", "axis=0", "f32[2]; f32[2]"},
        {"Split", "", "f32[2]"},
        {"Slice", "", "f32[2]; i64[1]; i64[1]"},
        {"Transpose", "", "f32[2]"},
        {"Expand", "", "f32[2]; i64[1] 2"},
        {"Tile", "", "f32[2]; i64[1] 2"},
        {"ConstantOfShape", "", "i64[1] 2"},
        {"Pad", "", "f32[2,2]; i64[4] 1"},
        {"Range", "", "i64[]; i64[] 5; i64[] 1"},
        {"ReduceSum", "", "f32[2]"},
        {"Softmax", "", "f32[2]"},
        {"LogSoftmax", "", "f32[2]"},
        {"Hardmax", "", "f32[2]"},
        {"ArgMax", "", "f32[2]"},
        {"TopK", "", "f32[2]; i64[1] 1"},
        {"CumSum", "", "f32[2]; i64[] 0"},
        {"GatherElements", "", "f32[2]; i64[2]"},
        {"GatherND", "", "f32[2]; i64[1,1]"},
        {"ScatterElements", "", "f32[2]; i64[1]; f32[1]"},
        {"ScatterND", "", "f32[2]; i64[1,1]; f32[1]"},
        {"Trilu", "", "f32[2,2]"},
        {"EyeLike", "", "f32[2,2]"},
        {"OneHot", "", "i64[2]; i64[] 3; f32[2]"},
        {"ReverseSequence", "", "f32[2,2]; i64[2]"},
        {"NonZero", "", "f32[2] 1"},
        {"Compress", "", "f32[2]; bool[2] 1"},
        {"IsNaN", "", "f32[2]"},
        {"IsInf", "", "f32[2]"},
        {"CastLike", "", "f32[2]; i64[1]"},
        {"QuantizeLinear", "", "f32[2]; f32[]"},
        {"DequantizeLinear", "", "u8[2]; f32[]"},
        {"DynamicQuantizeLinear", "", "f32[2]"},
        {"Einsum", "equation=i->i", "f32[2]"},
        {"DepthToSpace", "blocksize=1", "f32[1,1,1,1]"},
        {"SpaceToDepth", "blocksize=1", "f32[1,1,1,1]"},
        {"GridSample", "", "f32[1,1,2,2]; f32[1,1,1,2]"},
        {"Conv", "", "f32[1,1,2,2]; f32[1,1,1,1]"},
        {"ConvTranspose", "", "f32[1,1,2,2]; f32[1,1,1,1]"},
        {"MaxPool", "kernel_shape=[1,1]", "f32[1,1,2,2]"},
        {"AveragePool", "kernel_shape=[1,1]", "f32[1,1,2,2]"},
        {"LpPool", "kernel_shape=[1,1]", "f32[1,1,2,2]"},
        {"GlobalMaxPool", "", "f32[1,1,2,2]"},
        {"GlobalAveragePool", "", "f32[1,1,2,2]"},
        {"GlobalLpPool", "", "f32[1,1,2,2]"},
        {"BatchNormalization", "", "f32[1,1,2]; f32[1]; f32[1]; f32[1]; f32[1]"},
        {"InstanceNormalization", "", "f32[1,1,2]; f32[1]; f32[1]"},
        {"GroupNormalization", "num_groups=1", "f32[1,1,2]; f32[1]; f32[1]"},
        {"LayerNormalization", "", "f32[2]; f32[2]"},
        {"RMSNormalization", "", "f32[2]; f32[2]"},
        {"LRN", "size=1", "f32[1,1,2]"},
        {"LpNormalization", "", "f32[2]"},
        {"Resize", "", "f32[1,1,2,2]; -; f32[4] 1 1 2 2"},
        {"Gemm", "", "f32[2,2]; f32[2,2]"},
        {"MatMul", "", "f32[2,2]; f32[2,2]"},
        {"FusedMatMul", "", "f32[2,2]; f32[2,2]"},
        {"RNN", "hidden_size=1", "f32[1,1,1]; f32[1,1,1]; f32[1,1,1]"},
        {"GRU", "hidden_size=1", "f32[1,1,1]; f32[1,3,1]; f32[1,3,1]"},
        {"LSTM", "hidden_size=1", "f32[1,1,1]; f32[1,4,1]; f32[1,4,1]"},
        {"Celu", "", "f32[2]"},
        {"Gelu", "", "f32[2]"},
        {"Mish", "", "f32[2]"},
        {"ThresholdedRelu", "", "f32[2]"},
        {"Shrink", "", "f32[2]"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned made = 1;
        for (unsigned at = 1; at <= made; at++) {
            OpRun *run = op_run_new(cases[i][0], cases[i][1], outputs_of(cases[i][0]));
            CrOpSetup *setup = op_run_setup(run);
            const CrOp *op = cr_op_find("", cases[i][0]);
            GError *error = NULL;
            CrStep step = {0};

            op_run_inputs(run, cases[i][2]);
            g_assert_true(op->infer(setup, &error));
            cr_mem_fail_at(at, false);
            g_assert_false(op->prepare(setup, &step, &error));
            g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
            g_clear_error(&error);
            cr_mem_fail_at(0, false);
            g_assert_true(op->prepare(setup, &step, &error));
            made = cr_mem_fail_at(0, false);
            op_run_free(run);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/table/many-tiles", test_many_tiles);
    g_test_add_func("/op/table/table", test_table);
    g_test_add_func("/op/table/shape-text", test_shape_text);
    g_test_add_func("/op/table/no-memory", test_no_memory);
    return g_test_run();
}
