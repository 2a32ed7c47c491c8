/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear. Expected numbers from ONNX Runtime,
 * where it has the case. */
#include "support/op_run.h"

static void
test_quantize(void)
{
    op_check("QuantizeLinear", "", "f32[6] -3 -0.25 0.25 0.75 1.25 300; f32[] 0.5; u8[] 128",
             "u8[6] 122 128 128 130 130 255");
    op_check("QuantizeLinear", "", "f32[6] -3 -0.25 0.25 0.75 1.25 300; f32[] 0.5; i8[] -5",
             "i8[6] -11 -5 -5 -3 -3 127");
    op_check("QuantizeLinear", "", "f32[6] -3 -0.25 0.25 0.75 1.25 300; f32[] 0.5; u16[] 1000",
             "u16[6] 994 1000 1000 1002 1002 1600");
    op_check("QuantizeLinear", "", "f32[6] -3 -0.25 0.25 0.75 1.25 300; f32[] 0.5; i16[] -7",
             "i16[6] -13 -7 -7 -5 -5 593");
    op_check("QuantizeLinear", "", "f32[6] -3 -0.25 0.25 0.75 1.25 300; f32[] 0.5",
             "u8[6] 0 0 0 2 2 255");
    op_check("QuantizeLinear", "axis=0",
             "f32[2,3] 1 4.25 -0.25 -3.25 1 -0.5; f32[2] 0.25 0.5; u8[2] 3 128",
             "u8[2,3] 7 20 2 122 130 127");
    op_check("QuantizeLinear", "axis=-1",
             "f32[2,3] 1.75 -1.25 -2 -3.75 4.75 2.5; f32[3] 0.25 0.5 2; i8[3] 3 0 -1",
             "i8[2,3] 10 -2 -2 -12 10 0");
    op_check("QuantizeLinear", "axis=1 block_size=2",
             "f32[2,3] -0.25 -2.75 1.25 -1 1.5 -4.25; f32[2,2] 0.25 0.5 1 2; u8[2,2] 1 2 3 4",
             "u8[2,3] 0 0 4 2 5 2");
    op_check("QuantizeLinear", "axis=0 block_size=2 output_dtype=5",
             "f32[3,2] -3.25 2.5 -4.5 1.75 -1 -5; f32[2,2] 0.25 0.5 1 2",
             "i16[3,2] -13 5 -18 4 -1 -2");
    op_check("QuantizeLinear", "", "f32[4] nan inf -inf 1e30; f32[] 1; i8[] 3",
             "i8[4] -128 127 -128 127");
    op_check("QuantizeLinear", "", "f32[40001] 1 2 3; f32[] 0.5; u8[1] 1", "u8[40001] 3 5 7");
    op_check("QuantizeLinear", "axis=1", "f32[2,3,7000] 1; f32[3] 0.5; u8[3] 1", "u8[2,3,7000] 3");
    op_check("QuantizeLinear", "", "f32[0]; f32[] 1", "u8[0]");
    op_check("QuantizeLinear", "", "i32[6] -3 -2 2 5 70 -2000000000; f32[] 4; i8[] 1",
             "i8[6] 0 1 1 2 19 -128");
    op_check("QuantizeLinear", "axis=0", "i32[2,2] 10 -10 100 70000; f32[2] 4 1; u16[2] 3 5",
             "u16[2,2] 5 1 105 65535");
    op_check_error("QuantizeLinear", "", "i64[2]; f32[]", CONVRNN_ERROR_SHAPE, "int64");
    op_check_error("QuantizeLinear", "", "f32[2]; f64[]", CONVRNN_ERROR_SHAPE, "float64");
    op_check_error("QuantizeLinear", "", "f32[2]; f32[]; i32[]", CONVRNN_ERROR_UNSUPPORTED,
                   "int32");
    op_check_error("QuantizeLinear", "output_dtype=21", "f32[2]; f32[]", CONVRNN_ERROR_UNSUPPORTED,
                   "no type to quantize to");
    op_check_error("QuantizeLinear", "axis=0", "f32[2]; f32[3]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("QuantizeLinear", "axis=0", "f32[2]; f32[2]; u8[3]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("QuantizeLinear", "axis=3", "f32[2]; f32[2]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("QuantizeLinear", "axis=0 block_size=2", "f32[4,2]; f32[2,1]",
                   CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("QuantizeLinear", "block_size=-1", "f32[4,2]; f32[2]", CONVRNN_ERROR_FORMAT,
                   "block_size is -1");
}

static void
test_dequantize(void)
{
    op_check("DequantizeLinear", "", "u8[4] 0 3 100 7; f32[] 0.25; u8[] 4",
             "f32[4] -1 -0.25 24 0.75");
    op_check("DequantizeLinear", "", "i8[4] 0 3 100 7; f32[] 0.25; i8[] 4",
             "f32[4] -1 -0.25 24 0.75");
    op_check("DequantizeLinear", "", "u16[4] 0 3 100 7; f32[] 0.25; u16[] 4",
             "f32[4] -1 -0.25 24 0.75");
    op_check("DequantizeLinear", "", "i16[4] 0 3 100 7; f32[] 0.25; i16[] 4",
             "f32[4] -1 -0.25 24 0.75");
    op_check("DequantizeLinear", "", "i32[4] 0 3 100 7; f32[] 0.25", "f32[4] 0 0.75 25 1.75");
    op_check("DequantizeLinear", "axis=1", "i8[1,3,2] 0 1 2 3 4 5; f32[3] 0.5 1 2; i8[3] 1 0 -1",
             "f32[1,3,2] -0.5 0 2 3 10 12");
    op_check("DequantizeLinear", "axis=0 block_size=2",
             "u8[3,2] 0 1 2 3 4 5; f32[2,2] 0.5 1 2 4; u8[2,2] 1 0 2 3",
             "f32[3,2] -0.5 1 0.5 3 4 8");
    op_check("DequantizeLinear", "", "i32[2] 2147483647 -2147483648; f32[] 1; i32[] -1",
             "f32[2] 2147483648 -2147483647");
    op_check("DequantizeLinear", "axis=0 block_size=3", "i8[4,1] 1 2 3 4; f32[2,1] 1 10",
             "f32[4,1] 1 2 3 40");
    op_check_error("DequantizeLinear", "", "f32[2]; f32[]", CONVRNN_ERROR_UNSUPPORTED, "float32");
    op_check_error("DequantizeLinear", "", "i8[2]; f32[]; u8[]", CONVRNN_ERROR_SHAPE, "uint8");
}

static void
test_dynamic(void)
{
    op_check("DynamicQuantizeLinear", "", "f32[2,3] -1.5 0 2 3 0.25 -0.699999988",
             "u8[2,3] 0 85 198 255 99 45; f32[] 0.0176470596; u8[] 85");
    op_check("DynamicQuantizeLinear", "", "f32[3] 1 2 4",
             "u8[3] 64 127 255; f32[] 0.0156862754; u8[] 0");
    op_check("DynamicQuantizeLinear", "", "f32[2] -4 -1",
             "u8[2] 0 191; f32[] 0.0156862754; u8[] 255");
    op_check("DynamicQuantizeLinear", "", "f32[3] 0", "u8[3] 0; f32[] 1; u8[] 0");
    op_check_error("DynamicQuantizeLinear", "", "i8[2]", CONVRNN_ERROR_SHAPE, "int8");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/quantize/quantize", test_quantize);
    g_test_add_func("/op/quantize/dequantize", test_dequantize);
    g_test_add_func("/op/quantize/dynamic", test_dynamic);
    return g_test_run();
}
