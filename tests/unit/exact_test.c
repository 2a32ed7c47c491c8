/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Precision "double": that its sums are in double precision. That its layers compute the right
 * thing is shown by op_check() in the operators' own tests. */
#include "support/op_run.h"
#include <string.h>

/* Every sum here is 2^26 + 1 − 2^26 (or that times two): 1 in double precision, and 0 or 4 wherever
 * a sum or a product is rounded to float32 on the way. */
static void
test_double(void)
{
    static const struct {
        const char *op, *attrs, *inputs;
        double wanted;
    } cases[] = {
        {"Conv", "", "f32[1,3,1,1] 67108864 1 -67108864; f32[1,3,1,1] 1", 1},
        {"Conv", "", "f32[1,1,1,3] 67108864 1 -67108864; f32[1,1,1,3] 1", 1},
        {"Conv", "", "f32[1,2,1,1] 1 -67108864; f32[1,2,1,1] 1; f32[1] 67108864", 1},
        {"Conv", "", "f32[1,2,1,1] 16777217 -1; f32[1,2,1,1] 3 50331648", 0},
        {"ConvTranspose", "", "f32[1,3,1,1] 67108864 1 -67108864; f32[3,1,1,1] 1", 1},
        {"MatMul", "", "f32[1,3] 67108864 1 -67108864; f32[3,1] 1", 1},
        {"Gemm", "transA=1 transB=1 alpha=2.0 beta=2.0",
         "f32[2,1] 67108864 1; f32[1,2] 1; f32[1] -67108864", 2},
        /* tanh(1), and likewise */
        {"RNN", "hidden_size=1", "f32[1,1,3] 67108864 1 -67108864; f32[1,1,3] 1; f32[1,1,1] 1",
         0.761594156},
        {"RNN", "hidden_size=1",
         "f32[1,1,1] 67108864; f32[1,1,1] 1; f32[1,1,1] 1; f32[1,2] 1 0; -; f32[1,1,1] -67108864",
         0.761594156},
        {"GRU", "hidden_size=1", "f32[1,1,3] 67108864 1 -67108864; f32[1,3,3] 1; f32[1,3,1] 1",
         0.204824215},
        {"LSTM", "hidden_size=1", "f32[1,1,3] 67108864 1 -67108864; f32[1,4,3] 1; f32[1,4,1] 1",
         0.369606353},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bool recurrent = strstr("RNN GRU LSTM", cases[i].op) != NULL;
        OpRun *run = op_run_new(cases[i].op, cases[i].attrs, recurrent ? 2 : 1);
        GError *error = NULL;
        g_test_message("%zu: %s", i, cases[i].op);
        op_run_inputs(run, cases[i].inputs);
        op_run_setup(run)->exact = true;
        op_run(run, &error);
        g_assert_no_error(error);
        const ConvRnnTensor *y = op_run_output(run, recurrent ? 1 : 0);
        g_assert_cmpfloat_with_epsilon(((const float *)convrnn_tensor_get_data(y))[0],
                                       cases[i].wanted, 1e-6);
        g_assert_cmpstr(op_run_step(run)->kernel, ==, "double");
        op_run_free(run);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/exact/double", test_double);
    return g_test_run();
}
