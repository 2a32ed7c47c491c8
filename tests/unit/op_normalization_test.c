/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers that normalize by their own input: InstanceNormalization, GroupNormalization,
 * LayerNormalization, LRN, LpNormalization. An epsilon of 0 makes round numbers. */
#include "support/op_run.h"

static void
test_instance(void)
{
    op_check("InstanceNormalization", "epsilon=0.0",
             "f32[1,2,4] 1 1 3 3 10 10 10 30; f32[2] 1 3; f32[2] 0 5",
             "f32[1,2,4] -1 -1 1 1 3.2679492 3.2679492 3.2679492 10.196152");
    op_check("InstanceNormalization", "epsilon=3.0", "f32[2,1,2] 1 3 0 2; f32[1] 2; f32[1] 1",
             "f32[2,1,2] 0 2 0 2");
    /* by default ε = 1e-5; a large mean does not swallow the variance */
    op_check("InstanceNormalization", "", "f32[1,1,2] 4096 4098; f32[1] 1; f32[1] 0",
             "f32[1,1,2] -0.999995 0.999995");
    op_check("InstanceNormalization", "", "f32[1,1,3] 7; f32[1] 1; f32[1] 4", "f32[1,1,3] 4");
    op_check("InstanceNormalization", "", "f32[1,0,3]; f32[0]; f32[0]", "f32[1,0,3]");
    op_check("InstanceNormalization", "", "f32[2,1,0]; f32[1]; f32[1]", "f32[2,1,0]");
    op_check_error("InstanceNormalization", "", "f32[3]; f32[1]; f32[1]", CONVRNN_ERROR_SHAPE,
                   "at least 2 dimensions");
    op_check_error("InstanceNormalization", "", "f32[1,2,3]; f32[2]; f32[3]", CONVRNN_ERROR_SHAPE,
                   "input 2 must have 2");
    op_check_error("InstanceNormalization", "", "f64[1,2,3]; f64[2]; f64[2]", CONVRNN_ERROR_SHAPE,
                   "float64");
}

static void
test_group(void)
{
    const char *x = "f32[1,4,2] 1 1 3 3 0 4 4 8; ";
    const struct {
        const char *factors, *wanted;
    } cases[] = {
        {"f32[4] 1 2 1 10; f32[4] 0 0 5 0", "f32[1,4,2] -1 -1 2 2 3.5857864 5 0 14.142136"},
        /* as opset 18 wrote them: one factor per group */
        {"f32[2] 1 2; f32[2] 0 1", "f32[1,4,2] -1 -1 1 1 -1.8284271 1 1 3.8284271"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *inputs = g_strconcat(x, cases[i].factors, NULL);
        op_check("GroupNormalization", "num_groups=2 epsilon=0.0", inputs, cases[i].wanted);
    }
    op_check("GroupNormalization", "num_groups=1 epsilon=0.0",
             "f32[2,2,1] 1 3 4 8; f32[2] 1 1; f32[2] 0 0", "f32[2,2,1] -1 1 -1 1");
    op_check_error("GroupNormalization", "", "f32[1,2,3]; f32[2]; f32[2]", CONVRNN_ERROR_FORMAT,
                   "num_groups is 0");
    op_check_error("GroupNormalization", "num_groups=-1", "f32[1,2,3]; f32[2]; f32[2]",
                   CONVRNN_ERROR_FORMAT, "num_groups is -1");
    op_check_error("GroupNormalization", "num_groups=2", "f32[1,3,3]; f32[3]; f32[3]",
                   CONVRNN_ERROR_SHAPE, "2 groups");
    op_check_error("GroupNormalization", "num_groups=2", "f32[1,4,3]; f32[3]; f32[4]",
                   CONVRNN_ERROR_SHAPE, "input 1 must have 4");
}

static void
test_layer(void)
{
    const char *x = "f32[2,2] 1 3 10 30; f32[2] 1 10; f32[2] 0 5";

    op_check("LayerNormalization", "epsilon=0.0", x, "f32[2,2] -1 15 -1 15");
    op_check("LayerNormalization", "epsilon=0.0", x,
             "f32[2,2] -1 15 -1 15; f32[2,1] 2 20; f32[2,1] 1 0.1");
    op_check("LayerNormalization", "axis=0 epsilon=0.0",
             "f32[2,2] 1 3 1 3; f32[2,2] 1 2 3 4; f32[2,2] 0 0 0 1",
             "f32[2,2] -1 2 -3 5; f32[1,1] 2");
    op_check("LayerNormalization", "axis=-2 epsilon=0.0", "f32[1,2,2] 1 3 1 3; f32[1,2,2] 1 2 3 4",
             "f32[1,2,2] -1 2 -3 4");
    op_check("LayerNormalization", "epsilon=0.0", "f32[2,2] 1 3 10 30; f32[1] 2; f32[] 1",
             "f32[2,2] -1 3 -1 3");
    op_check("LayerNormalization", "", "f32[0,2]; f32[2]", "f32[0,2]; f32[0,1]");
    op_check("LayerNormalization", "", "f32[2,0]; f32[0]", "f32[2,0]; f32[2,1] nan");
    op_check_error("LayerNormalization", "axis=2", "f32[2,2]; f32[2]", CONVRNN_ERROR_SHAPE,
                   "axis 2");
    op_check_error("LayerNormalization", "", "f32[2,3]; f32[2]", CONVRNN_ERROR_SHAPE,
                   "do not fit together");
    op_check_error("LayerNormalization", "", "f32[2,3]; f32[2,3]", CONVRNN_ERROR_SHAPE,
                   "do not fit together");
    op_check_error("LayerNormalization", "axis=0", "f32[2,3]; f32[2,3]; f32[3]",
                   CONVRNN_ERROR_SHAPE, "input 2");
    op_check_error("LayerNormalization", "", "f32[]; f32[]", CONVRNN_ERROR_SHAPE, "axis -1");
}

static void
test_lrn(void)
{
    /* size 2: the channel itself and the next one */
    op_check("LRN", "size=2 alpha=2.0 beta=1.0 bias=0.0", "f32[1,3,1] 1 2 4",
             "f32[1,3,1] 0.2 0.1 0.25");
    op_check("LRN", "size=3 alpha=3.0 beta=0.5", "f32[2,2,1] 2 2 1 0",
             "f32[2,2,1] 0.6666667 0.6666667 0.70710678 0");
    op_check("LRN", "size=9223372036854775807", "f32[1,2,1] 2 2", "f32[1,2,1] 2");
    op_check("LRN", "size=1 alpha=1.0 beta=1.0", "f32[1,1,300] 1", "f32[1,1,300] 0.5");
    op_check("LRN", "size=1", "f32[1,0,3]", "f32[1,0,3]");
    op_check_error("LRN", "", "f32[1,2,3]", CONVRNN_ERROR_FORMAT, "size is 0");
    op_check_error("LRN", "size=3", "f32[3]", CONVRNN_ERROR_SHAPE, "at least 2 dimensions");
    op_check_error("LRN", "size=3", "i32[1,2,3]", CONVRNN_ERROR_SHAPE, "int32");
}

static void
test_lp(void)
{
    op_check("LpNormalization", "", "f32[2,2] 3 -4 0 0", "f32[2,2] 0.6 -0.8 0 0");
    op_check("LpNormalization", "axis=0 p=1", "f64[2,2] 1 2 -3 2", "f64[2,2] 0.25 0.5 -0.75 0.5");
    op_check("LpNormalization", "", "f32[2,0]", "f32[2,0]");
    op_check_error("LpNormalization", "p=3", "f32[2]", CONVRNN_ERROR_FORMAT, "p is 3");
    op_check_error("LpNormalization", "axis=1", "f32[2]", CONVRNN_ERROR_SHAPE, "axis 1");
    op_check_error("LpNormalization", "", "i8[2]", CONVRNN_ERROR_UNSUPPORTED, "int8");
}

/* Out of many tiles, each must do its own part. */
static void
test_tiles(void)
{
    op_check("InstanceNormalization", "", "f32[40,3,5001] 2; f32[3] 1; f32[3] 4",
             "f32[40,3,5001] 4");
    op_check("LayerNormalization", "", "f32[5001,40] 2; f32[40] 1; f32[40] 4",
             "f32[5001,40] 4; f32[5001,1] 2");
    op_check("LRN", "size=1 beta=1.0 alpha=1.0", "f32[7,9,5001] 1", "f32[7,9,5001] 0.5");
    op_check("LpNormalization", "axis=1 p=1", "f32[9,4,5001] 3", "f32[9,4,5001] 0.25");
}

/* Expected numbers from ONNX Runtime. */
static void
test_rms(void)
{
    op_check("RMSNormalization", "", "f32[2,3] -4.75 2.5 -0.25 -4.25 -2.5 0.5; f32[3] 2.25 0 1.25",
             "f32[2,3] -3.44489169 0 -0.100727826 -3.34191608 -0 0.21842587");
    op_check(
        "RMSNormalization", "axis=1 epsilon=0.5",
        "f32[2,2,3] 3.75 2 -1.5 1.5 1 -4 -4.5 1.75 -1.25 1 -1.75 -2.75; f32[2,3] -3.5 -1.25 3.25 "
        "-1 -1.25 0.75",
        "f32[2,2,3] -4.92789412 -0.938646495 -1.83036065 -0.563187897 -0.469323248 -1.12637579 "
        "6.13843489 -0.852560401 -1.58332646 -0.389741898 0.852560401 -0.803842664");
    op_check("RMSNormalization", "", "f32[20001,2] 3 4; f32[1] 5",
             "f32[20001,2] 4.2426386 5.6568515");
    op_check_error("RMSNormalization", "", "f32[2,3]; f32[2]", CONVRNN_ERROR_SHAPE, "fit");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/normalization/instance", test_instance);
    g_test_add_func("/op/normalization/group", test_group);
    g_test_add_func("/op/normalization/layer", test_layer);
    g_test_add_func("/op/normalization/lrn", test_lrn);
    g_test_add_func("/op/normalization/lp", test_lp);
    g_test_add_func("/op/normalization/tiles", test_tiles);
    g_test_add_func("/op/normalization/rms", test_rms);
    return g_test_run();
}
