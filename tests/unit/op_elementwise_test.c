/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that compute each element on its own: values from the ONNX operator pages, odd cases,
 * and one error of each kind. */
#include "support/op_run.h"

static void
test_arithmetic(void)
{
    op_check("Add", "", "f32[2] 1 2; f32[] 3", "f32[2] 4 5");
    op_check("Add", "", "f32[2,3] 1 2 3 4 5 6; f32[2,1] 10 20", "f32[2,3] 11 12 13 24 25 26");
    op_check("Add", "", "f32[1]; f32[2,1,3] 1 2 3 4 5 6", "f32[2,1,3] 1 2 3 4 5 6");
    op_check("Sub", "", "f32[2,2] 1 2 3 4; f32[2] 1 1", "f32[2,2] 0 1 2 3");
    op_check("Sub", "", "f32[] 1; f32[3] 1 2 3", "f32[3] 0 -1 -2");
    op_check("Mul", "", "f64[2] 3 4; f64[2] -1 0.5", "f64[2] -3 2");
    op_check("Div", "", "f32[3] 1 -1 0; f32[3] 2 0 0", "f32[3] 0.5 -inf nan");
    op_check("Add", "", "f32[0,3]; f32[3] 1 2 3", "f32[0,3]");
}

static void
test_integer_arithmetic(void)
{
    op_check("Add", "", "u8[2] 200 1; u8[2] 100 2", "u8[2] 44 3");
    op_check("Sub", "", "u32[1] 0; u32[1] 1", "u32[1] 4294967295");
    op_check("Mul", "", "u16[1] 65535; u16[1] 65535", "u16[1] 1");
    op_check("Mul", "", "i64[1] 0x4000000000000000; i64[1] 4", "i64[1] 0");
    op_check("Add", "", "i64[1] 9223372036854775807; i64[] 1", "i64[1] -9223372036854775808");
    op_check("Div", "", "i32[4] 7 -7 5 -2147483648; i32[4] 2 2 0 -1", "i32[4] 3 -3 0 -2147483648");
    op_check("Div", "", "u64[2] 18446744073709551615 1; u64[2] 5 0",
             "u64[2] 3689348814741910323 0");
}

static void
test_mod(void)
{
    op_check("Mod", "", "i32[5] 7 -7 7 -7 5; i32[5] 3 3 -3 -3 0", "i32[5] 1 2 -2 -1 0");
    op_check("Mod", "fmod=1", "i64[4] 7 -7 7 -9223372036854775808; i64[4] 3 3 -3 -1",
             "i64[4] 1 -1 1 0");
    op_check("Mod", "", "u8[2] 250 7; u8[2] 100 0", "u8[2] 50 0");
    op_check("Mod", "fmod=1", "f32[2] -4.5 4.5; f32[] 2", "f32[2] -0.5 0.5");
    op_check("Mod", "", "f64[2] -4.5 4.5; f64[] 2", "f64[2] 1.5 0.5");
}

static void
test_prelu(void)
{
    op_check("PRelu", "", "f32[2,2] -1 2 -3 4; f32[2,1] 0.5 0.25", "f32[2,2] -0.5 2 -0.75 4");
    op_check("PRelu", "", "i32[2] -3 4; i32[] 2", "i32[2] -6 4");
}

static void
test_variadic(void)
{
    op_check("Max", "", "f32[3] 1 -2 3; f32[3] 0 5 1; f32[] 2", "f32[3] 2 5 3");
    op_check("Min", "", "i8[2] -128 4; i8[2] 127 3", "i8[2] -128 3");
    op_check("Max", "", "u64[1] 18446744073709551615; u64[1] 1", "u64[1] 18446744073709551615");
    op_check("Max", "", "f64[2] nan 1; f64[2] 1 nan", "f64[2] nan nan");
    op_check("Min", "", "f32[2] nan 1; f32[2] 1 nan", "f32[2] nan nan");
    op_check("Max", "", "f32[2] 1 2", "f32[2] 1 2");
    op_check("Sum", "", "f32[2,1] 1 2; f32[2] 10 20; f32[1] 100", "f32[2,2] 111 121 112 122");
    op_check("Mean", "", "f32[2] 1 2; f32[2] 2 4; f32[2] 6 9", "f32[2] 3 5");
    op_check("Mean", "", "f64[1] 1; f64[1] 2", "f64[1] 1.5");
}

static void
test_compare(void)
{
    op_check("Equal", "", "i64[3] 1 2 3; i64[3] 1 0 3", "bool[3] 1 0 1");
    op_check("Equal", "", "f32[2] nan 0; f32[2] nan -0", "bool[2] 0 1");
    op_check("Equal", "", "bool[2] 1 0; bool[2] 1 1", "bool[2] 1 0");
    op_check("Greater", "", "f32[2,1] 1 2; f32[1,2] 1 1.5", "bool[2,2] 0 0 1 1");
    op_check("Less", "", "u8[2] 255 1; u8[2] 1 255", "bool[2] 0 1");
    op_check("GreaterOrEqual", "", "i32[3] 1 2 3; i32[] 2", "bool[3] 0 1 1");
    op_check("LessOrEqual", "", "f64[3] 1 2 3; f64[] 2", "bool[3] 1 1 0");
    op_check("And", "", "bool[4] 0 0 1 1; bool[4] 0 1 0 1", "bool[4] 0 0 0 1");
    op_check("Or", "", "bool[4] 0 0 1 1; bool[4] 0 1 0 1", "bool[4] 0 1 1 1");
    op_check("Xor", "", "bool[4] 0 0 1 1; bool[4] 0 1 0 1", "bool[4] 0 1 1 0");
    op_check("Not", "", "bool[2] 0 1", "bool[2] 1 0");
    op_check("Where", "", "bool[2,1] 1 0; f32[2] 1 2; f32[] 9", "f32[2,2] 1 2 9 9");
    op_check("Where", "", "bool[2] 1 0; u8[2] 1 2; u8[2] 3 4", "u8[2] 1 4");
    op_check("Where", "", "bool[2] 1 0; f16[] 7; f16[] 8", "f16[2] 7 8");
    op_check("Where", "", "bool[1] 0; i64[2] 1 2; i64[2] 3 4", "i64[2] 3 4");
}

static void
test_power(void)
{
    op_check("Pow", "", "f32[3] 1 -2 3; f32[] 2", "f32[3] 1 4 9");
    op_check("Pow", "", "f32[3] 1 4 9; f32[3] 0.5 0.5 -1", "f32[3] 1 2 0.1111111111");
    op_check("Pow", "", "f32[2] 2 3; i64[2] 3 2", "f32[2] 8 9");
    op_check("Pow", "", "i32[2] 2 -3; f32[2] 10 3", "i32[2] 1024 -27");
    op_check("Pow", "", "i64[4] 3 1 -1 2; i64[4] 39 -5 -3 -1", "i64[4] 4052555153018976267 1 -1 0");
    op_check("Pow", "", "i32[1] 9; f32[1] 0.5", "i32[1] 3");
    op_check("Pow", "", "f64[2,1] 2 3; f64[2] 1 2", "f64[2,2] 2 4 3 9");
    op_check("Pow", "", "u8[1] 3; u8[1] 6", "u8[1] 217");
}

static void
test_activations(void)
{
    op_check("Relu", "", "f32[4] -1 0 2 nan", "f32[4] 0 0 2 nan");
    op_check("Relu", "", "i32[2] -1 2", "i32[2] 0 2");
    op_check("LeakyRelu", "", "f32[2] -1 2", "f32[2] -0.01 2");
    op_check("LeakyRelu", "alpha=0.5", "f64[2] -1 2", "f64[2] -0.5 2");
    op_check("Sigmoid", "", "f32[3] 0 100 -100", "f32[3] 0.5 1 0");
    op_check("Sigmoid", "", "f64[1] 1", "f64[1] 0.7310585786");
    op_check("Tanh", "", "f32[3] 0 0.5 -inf", "f32[3] 0 0.46211716 -1");
    op_check("HardSigmoid", "", "f32[3] -9 0 1", "f32[3] 0 0.5 0.7");
    op_check("HardSigmoid", "alpha=0.5 beta=0.6", "f64[3] -9 0 9", "f64[3] 0 0.6 1");
    op_check("HardSwish", "", "f32[4] -4 -1 1 4", "f32[4] 0 -0.33333333 0.66666667 4");
    op_check("HardSwish", "", "f64[2] -4 4", "f64[2] 0 4");
    op_check("Elu", "alpha=2.0", "f32[2] -1 1", "f32[2] -1.2642411 1");
    op_check("Selu", "", "f32[2] -1 1", "f32[2] -1.1113307 1.0507010");
    op_check("Selu", "alpha=2.0 gamma=3.0", "f32[2] -1 1", "f32[2] -3.7927234 3");
    op_check("Softplus", "", "f32[3] -1 0 200", "f32[3] 0.31326168 0.69314718 200");
    op_check("Softsign", "", "f32[2] -1 3", "f32[2] -0.5 0.75");
}

static void
test_functions(void)
{
    op_check("Neg", "", "f32[2] 1 -2", "f32[2] -1 2");
    op_check("Neg", "", "i8[2] 1 -128", "i8[2] -1 -128");
    op_check("Abs", "", "f32[2] -1.5 2", "f32[2] 1.5 2");
    op_check("Abs", "", "i64[2] -9223372036854775808 -3", "i64[2] -9223372036854775808 3");
    op_check("Sign", "", "f32[3] -2 0 5", "f32[3] -1 0 1");
    op_check("Sign", "", "u8[2] 0 5", "u8[2] 0 1");
    op_check("Exp", "", "f32[2] 0 1", "f32[2] 1 2.7182818");
    op_check("Log", "", "f32[2] 1 2.7182818", "f32[2] 0 1");
    op_check("Sqrt", "", "f32[2] 4 -1", "f32[2] 2 nan");
    op_check("Reciprocal", "", "f32[2] 4 -0.5", "f32[2] 0.25 -2");
    op_check("Floor", "", "f32[2] 1.5 -1.5", "f32[2] 1 -2");
    op_check("Ceil", "", "f32[2] 1.5 -1.5", "f32[2] 2 -1");
    op_check("Round", "", "f32[4] 0.5 1.5 -0.5 2.4", "f32[4] 0 2 0 2");
    op_check("Erf", "", "f32[2] 0 1", "f32[2] 0 0.84270079");
    op_check("Sin", "", "f32[1] 1", "f32[1] 0.84147098");
    op_check("Cos", "", "f64[1] 1", "f64[1] 0.5403023");
}

static void
test_clip(void)
{
    op_check("Clip", "", "f32[3] -2 0 2; f32[] -1; f32[] 1", "f32[3] -1 0 1");
    op_check("Clip", "", "f32[3] -2 0 2; -; ~f32[] 1", "f32[3] -2 0 1");
    op_check("Clip", "", "f32[3] -2 0 nan; f32[] -1", "f32[3] -1 0 nan");
    op_check("Clip", "", "f32[2] -2 inf", "f32[2] -2 inf");
    op_check("Clip", "", "f32[2] 0 5; f32[] 3; f32[] 1", "f32[2] 1 1");
    op_check("Clip", "", "i8[3] -100 0 100; i8[] -1; i8[] 5", "i8[3] -1 0 5");
    op_check("Clip", "", "u64[2] 18446744073709551615 0; -; u64[] 7", "u64[2] 7 0");
    op_check_error("Clip", "", "f32[2]; f32[2]", CONVRNN_ERROR_SHAPE, "2 elements");
    op_check_error("Clip", "", "f32[2]; f64[]", CONVRNN_ERROR_SHAPE, "expected float32");
}

static void
test_cast(void)
{
    op_check("Cast", "to=7", "f32[5] 1.9 -1.9 nan inf -1e30",
             "i64[5] 1 -1 0 9223372036854775807 -9223372036854775808");
    op_check("Cast", "to=2", "f32[4] 300 -1 3.9 255", "u8[4] 255 0 3 255");
    op_check("Cast", "to=3", "i64[2] 300 -129", "i8[2] 44 127");
    op_check("Cast", "to=13", "f64[3] 1e30 -1 5", "u64[3] 18446744073709551615 0 5");
    op_check("Cast", "to=9", "f32[4] 0 -0 0.1 nan", "bool[4] 0 0 1 1");
    op_check("Cast", "to=1", "bool[3] 0 1 5", "f32[3] 0 1 1");
    op_check("Cast", "to=1", "u8[3] 0 1 255", "f32[3] 0 1 255");
    op_check("Cast", "to=11", "u64[1] 18446744073709551615", "f64[1] 18446744073709551615");
    op_check("Cast", "to=1", "i64[1] -16777217", "f32[1] -16777216");
    op_check("Cast", "to=6", "i32[300] 7 8 9", "i32[300] 7 8 9");
    op_check_error("Cast", "to=8", "f32[1]", CONVRNN_ERROR_UNSUPPORTED, "\"to\" is 8");
    op_check_error("Cast", "", "f32[1]", CONVRNN_ERROR_UNSUPPORTED, "\"to\" is 0");
}

/* Zeros, subnormals, ties to even, the largest, overflow, infinities and NaN. */
static void
test_cast_half(void)
{
    op_check("Cast", "to=10", "f32[8] 0 -0 1 65504 65519 65520 -inf nan",
             "f16[8] 0 0x8000 0x3c00 0x7bff 0x7bff 0x7c00 0xfc00 0x7e00");
    op_check("Cast", "to=10", "f64[6] 2048 2049 2051 5.960464477539063e-08 2.98e-08 2.981e-08",
             "f16[6] 0x6800 0x6800 0x6802 1 0 1");
    op_check("Cast", "to=10", "f64[3] 6.103515625e-05 6.1005353927612305e-05 6.0976e-05",
             "f16[3] 0x400 0x400 0x3ff");
    op_check("Cast", "to=1", "f16[6] 0x3c00 0x0001 0x0400 0xfbff 0x7c00 0x7e01",
             "f32[6] 1 5.9604645e-8 6.1035156e-5 -65504 inf nan");
    op_check("Cast", "to=10", "i32[2] 3 -100000", "f16[2] 0x4200 0xfc00");
}

static void
test_errors(void)
{
    op_check_error("Add", "", "f32[2]; f32[3]", CONVRNN_ERROR_SHAPE, "shapes 2 (input 0) and 3");
    op_check_error("Add", "", "f32[2]; f64[2]", CONVRNN_ERROR_SHAPE, "float64, expected float32");
    op_check_error("Add", "", "f16[2]; f16[2]", CONVRNN_ERROR_UNSUPPORTED, "float16");
    op_check_error("Add", "", "f32[2]; -", CONVRNN_ERROR_SHAPE, "input 1 is missing");
    op_check_error("Max", "", "f32[2]; f32[1,2]; f32[3]", CONVRNN_ERROR_SHAPE, "3 (input 2)");
    op_check_error("Mul", "", "f32[65536,1]; f32[1,65536]", CONVRNN_ERROR_LIMIT, "too large");
    op_check_error("Relu", "", "u8[2]", CONVRNN_ERROR_UNSUPPORTED, "uint8");
    op_check_error("Relu", "", "-", CONVRNN_ERROR_UNSUPPORTED, "undefined");
    op_check_error("Less", "", "bool[2]; bool[2]", CONVRNN_ERROR_UNSUPPORTED, "bool");
    op_check_error("And", "", "f32[2]; f32[2]", CONVRNN_ERROR_UNSUPPORTED, "float32");
    op_check_error("Equal", "", "f32[2]; f32[3]", CONVRNN_ERROR_SHAPE, "do not fit");
    op_check_error("Pow", "", "f32[2]; f32[3]", CONVRNN_ERROR_SHAPE, "do not fit");
    op_check_error("Pow", "", "f32[2]; bool[2]", CONVRNN_ERROR_UNSUPPORTED, "input 1");
    op_check_error("Where", "", "f32[2]; f32[2]; f32[2]", CONVRNN_ERROR_SHAPE, "expected bool");
    op_check_error("Where", "", "bool[2]; f32[3]; f32[2]", CONVRNN_ERROR_SHAPE, "do not fit");
    op_check_error("Where", "", "bool[2]; f32[2]; f64[2]", CONVRNN_ERROR_SHAPE, "float64");
}

/* Expected numbers from ONNX Runtime. */
static void
test_rarer_functions(void)
{
    op_check("Tan", "", "f32[4] -0.75 0 0.25 1", "f32[4] -0.931596458 0 0.255341917 1.55740774");
    op_check("Asin", "", "f32[4] -0.75 0 0.25 1", "f32[4] -0.848062158 0 0.252680272 1.57079637");
    op_check("Acos", "", "f32[4] -0.75 0 0.25 1", "f32[4] 2.41885853 1.57079637 1.31811595 0");
    op_check("Atan", "", "f32[4] -0.75 0 0.25 1", "f32[4] -0.643501163 0 0.244978681 0.785398126");
    op_check("Sinh", "", "f32[4] -0.75 0 0.25 1", "f32[4] -0.822316706 0 0.252612323 1.17520118");
    op_check("Cosh", "", "f32[4] -0.75 0 0.25 1", "f32[4] 1.29468334 1 1.03141308 1.54308057");
    op_check("Asinh", "", "f32[4] -0.75 0 0.25 1", "f32[4] -0.693147182 0 0.247466475 0.881373584");
    op_check("Acosh", "", "f32[3] 1 1.5 40", "f32[3] 0 0.962423682 4.38187027");
    op_check("Atanh", "", "f32[3] -0.75 0 0.25", "f32[3] -0.972955108 0 0.255412817");
    op_check("Shrink", "", "f32[6] -2 -0.5 -0.25 0 0.5 0.75", "f32[6] -2 0 0 0 0 0.75");
    op_check("Shrink", "lambd=1.5 bias=1.5", "f32[5] -2 -1 0 1 2", "f32[5] -0.5 0 0 0 0.5");
    op_check("Asin", "", "f32[3] 2 nan -inf", "f32[3] nan nan nan");
    op_check("Atanh", "", "f64[3] 1 -1 2", "f64[3] inf -inf nan");
    op_check("Shrink", "lambd=2.0 bias=1.0", "i8[5] -3 -2 0 2 3", "i8[5] -2 0 0 0 2");
    op_check_error("Tan", "", "i32[2]", CONVRNN_ERROR_UNSUPPORTED, "int32");
}

static void
test_classify(void)
{
    const char *x = "f32[5] 0 inf -inf nan 3e38";

    op_check("IsNaN", "", x, "bool[5] 0 0 0 1 0");
    op_check("IsInf", "", x, "bool[5] 0 1 1 0 0");
    op_check("IsInf", "detect_negative=0", x, "bool[5] 0 1 0 0 0");
    op_check("IsInf", "detect_positive=0", x, "bool[5] 0 0 1 0 0");
    op_check("IsNaN", "", "f64[2,0]", "bool[2,0]");
    op_check("IsInf", "", "f64[40001] inf", "bool[40001] 1");
    op_check_error("IsNaN", "", "i32[2]", CONVRNN_ERROR_UNSUPPORTED, "int32");
}

static void
test_cast_like(void)
{
    op_check("CastLike", "", "f32[3] -1.5 2 300; u8[1] 9", "u8[3] 0 2 255");
    op_check("CastLike", "", "i64[2] 7 -7; ~f64[]", "f64[2] 7 -7");
    op_check_error("CastLike", "", "f32[2]; -", CONVRNN_ERROR_SHAPE, "input 1 is missing");
}

/* The numbers that the 16-bit types have; references from NumPy's float16 and PyTorch's bfloat16.
 */
static void
test_cast_via(void)
{
    op_check("Cast", "to=1 via=10",
             "f32[14] 1.0009765625 1.00048828125 1.00146484375 0.1 65504 65519 65520 -1e9 6e-8 "
             "-2.9e-8 6.1e-5 nan inf -0",
             "f32[14] 1.0009765625 1 1.001953125 0.0999755859375 65504 65504 inf -inf "
             "5.9604644775390625e-08 -0 6.0975551605224609e-05 nan inf -0");
    op_check("Cast", "to=1 via=16", "f32[7] 1.00390625 1.01171875 0.1 -3.4e38 nan inf 1e-40",
             "f32[7] 1 1.015625 0.10009765625 -inf nan inf 1.00136e-40");
    op_check("Cast", "to=1 via=10", "f64[2] 0.1 1e6", "f32[2] 0.0999755859375 inf");
    op_check("Cast", "to=1 via=16", "i32[2] 257 -3", "f32[2] 256 -3");
}

static void
test_types(void)
{
    static const struct {
        const char *op, *wanted, *types;
    } pairs[] = {/* of 7 2 3 and 2 2 5 */
                 {"Add", "T[3] 9 4 8", OP_NUMBERS},
                 {"Sub", "T[3] 5 0 -2", OP_FLOATS " " OP_SIGNED},
                 {"Mul", "T[3] 14 4 15", OP_NUMBERS},
                 {"Div", "T[3] 3.5 1 0.6", OP_FLOATS},
                 {"Div", "T[3] 3 1 0", OP_SIGNED " " OP_UNSIGNED},
                 {"Mod", "T[3] 1 0 3", OP_SIGNED " " OP_UNSIGNED},
                 {"Min", "T[3] 2 2 3", OP_NUMBERS},
                 {"Max", "T[3] 7 2 5", OP_NUMBERS},
                 {"Equal", "bool[3] 0 1 0", OP_NUMBERS},
                 {"Greater", "bool[3] 1 0 0", OP_NUMBERS},
                 {"Less", "bool[3] 0 0 1", OP_NUMBERS},
                 {"GreaterOrEqual", "bool[3] 1 1 0", OP_NUMBERS},
                 {"LessOrEqual", "bool[3] 0 1 1", OP_NUMBERS},
                 {"Pow", "T[3] 49 4 243", OP_FLOATS " i32 i64"}};
    static const struct {
        const char *op, *wanted, *types;
    } single[] = {/* of -2 0 1 */
                  {"Relu", "T[3] 0 0 1", OP_FLOATS " " OP_SIGNED},
                  {"Neg", "T[3] 2 0 -1", OP_FLOATS " " OP_SIGNED},
                  {"Abs", "T[3] 2 0 1", OP_FLOATS " " OP_SIGNED},
                  {"Sign", "T[3] -1 0 1", OP_FLOATS " " OP_SIGNED},
                  {"Shrink", "T[3] -2 0 1", OP_FLOATS " " OP_SIGNED},
                  {"LeakyRelu", "T[3] -0.02 0 1", OP_FLOATS},
                  {"Sigmoid", "T[3] 0.11920292 0.5 0.73105858", OP_FLOATS},
                  {"Tanh", "T[3] -0.96402758 0 0.76159416", OP_FLOATS},
                  {"HardSigmoid", "T[3] 0.1 0.5 0.7", OP_FLOATS},
                  {"HardSwish", "T[3] -0.33333333 0 0.66666667", OP_FLOATS},
                  {"Elu", "T[3] -0.86466472 0 1", OP_FLOATS},
                  {"Selu", "T[3] -1.5201665 0 1.050701", OP_FLOATS},
                  {"Softplus", "T[3] 0.12692801 0.69314718 1.3132617", OP_FLOATS},
                  {"Softsign", "T[3] -0.66666667 0 0.5", OP_FLOATS},
                  {"Exp", "T[3] 0.13533528 1 2.7182818", OP_FLOATS},
                  {"Erf", "T[3] -0.99532227 0 0.84270079", OP_FLOATS},
                  {"Sin", "T[3] -0.90929743 0 0.84147098", OP_FLOATS},
                  {"Cos", "T[3] -0.41614684 1 0.54030231", OP_FLOATS},
                  {"Floor", "T[3] -2 0 1", OP_FLOATS},
                  {"Ceil", "T[3] -2 0 1", OP_FLOATS},
                  {"Round", "T[3] -2 0 1", OP_FLOATS},
                  {"Reciprocal", "T[3] -0.5 inf 1", OP_FLOATS}};

    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++)
        op_check_types(pairs[i].op, "", "T[3] 7 2 3; T[3] 2 2 5", pairs[i].wanted, pairs[i].types);
    for (guint i = 0; i < G_N_ELEMENTS(single); i++)
        op_check_types(single[i].op, "", "T[3] -2 0 1", single[i].wanted, single[i].types);
    op_check_types("Abs", "", "T[2] 0 5", "T[2] 0 5", OP_UNSIGNED);
    op_check_types("Sign", "", "T[2] 0 5", "T[2] 0 1", OP_UNSIGNED);
    op_check_types("Log", "", "T[2] 1 10", "T[2] 0 2.3025851", OP_FLOATS);
    op_check_types("Sqrt", "", "T[2] 4 2", "T[2] 2 1.4142136", OP_FLOATS);
    op_check_types("Clip", "", "T[3] 1 5 9; T[] 2; T[] 7", "T[3] 2 5 7", OP_NUMBERS);
    op_check_types("Cast", "to=1", "T[3] 0 1 100", "f32[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=11", "T[3] 0 1 100", "f64[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=9", "T[3] 0 1 100", "bool[3] 0 1 1", OP_NUMBERS);
    op_check_types("Cast", "to=3", "T[3] 0 1 100", "i8[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=5", "T[3] 0 1 100", "i16[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=6", "T[3] 0 1 100", "i32[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=7", "T[3] 0 1 100", "i64[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=2", "T[3] 0 1 100", "u8[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=4", "T[3] 0 1 100", "u16[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=12", "T[3] 0 1 100", "u32[3] 0 1 100", OP_NUMBERS);
    op_check_types("Cast", "to=13", "T[3] 0 1 100", "u64[3] 0 1 100", OP_NUMBERS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/elementwise/arithmetic", test_arithmetic);
    g_test_add_func("/op/elementwise/integer-arithmetic", test_integer_arithmetic);
    g_test_add_func("/op/elementwise/mod", test_mod);
    g_test_add_func("/op/elementwise/prelu", test_prelu);
    g_test_add_func("/op/elementwise/variadic", test_variadic);
    g_test_add_func("/op/elementwise/compare", test_compare);
    g_test_add_func("/op/elementwise/power", test_power);
    g_test_add_func("/op/elementwise/activations", test_activations);
    g_test_add_func("/op/elementwise/functions", test_functions);
    g_test_add_func("/op/elementwise/clip", test_clip);
    g_test_add_func("/op/elementwise/cast", test_cast);
    g_test_add_func("/op/elementwise/cast-half", test_cast_half);
    g_test_add_func("/op/elementwise/errors", test_errors);
    g_test_add_func("/op/elementwise/rarer-functions", test_rarer_functions);
    g_test_add_func("/op/elementwise/classify", test_classify);
    g_test_add_func("/op/elementwise/cast-like", test_cast_like);
    g_test_add_func("/op/elementwise/cast-via", test_cast_via);
    g_test_add_func("/op/elementwise/types", test_types);
    return g_test_run();
}
