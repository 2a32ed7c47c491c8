/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rarer activations: Celu, Gelu, Mish, ThresholdedRelu. */
#include "support/op_run.h"

static void
test_celu(void)
{
    op_check("Celu", "", "f32[5] -1 -0.5 0 2 nan", "f32[5] -0.63212056 -0.39346934 0 2 nan");
    op_check("Celu", "alpha=2.0", "f64[4] -1 3 -inf inf", "f64[4] -0.78693868 3 -2 inf");
    op_check_error("Celu", "", "i32[3]", CONVRNN_ERROR_UNSUPPORTED, "int32");
}

static void
test_gelu(void)
{
    op_check("Gelu", "", "f32[5] -1 0 1 3 nan", "f32[5] -0.15865525 0 0.84134475 2.9959502 nan");
    op_check("Gelu", "approximate=none", "f64[1] -2", "f64[1] -0.045500264");
    op_check("Gelu", "approximate=tanh", "f32[4] -1 0 1 3",
             "f32[4] -0.15880801 0 0.84119199 2.9963627");
    op_check_error("Gelu", "approximate=fast", "f32[3]", CONVRNN_ERROR_FORMAT, "fast");
}

static void
test_mish(void)
{
    op_check("Mish", "", "f32[6] -1 0 1 100 -100 nan", "f32[6] -0.30340146 0 0.86509839 100 0 nan");
}

static void
test_thresholded_relu(void)
{
    op_check("ThresholdedRelu", "", "f32[5] -2 1 1.5 inf nan", "f32[5] 0 0 1.5 inf nan");
    op_check("ThresholdedRelu", "alpha=-1.0", "f64[3] -2 -1 -0.5", "f64[3] 0 0 -0.5");
}

static void
test_many_tiles(void)
{
    op_check("Mish", "", "f32[50001] 100", "f32[50001] 100");
    op_check("Celu", "", "f32[0]", "f32[0]");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/activation/celu", test_celu);
    g_test_add_func("/op/activation/gelu", test_gelu);
    g_test_add_func("/op/activation/mish", test_mish);
    g_test_add_func("/op/activation/thresholded-relu", test_thresholded_relu);
    g_test_add_func("/op/activation/many-tiles", test_many_tiles);
    return g_test_run();
}
