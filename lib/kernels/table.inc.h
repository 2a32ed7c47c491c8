/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of one instruction set. */

#include "kernels/tables.h"

#ifndef V_TABLE
#define V_TABLE V_ISA(kernels)
#define V_BF16  NULL
#endif
#ifndef V_INT8
#define V_INT8 NULL
#endif
#ifndef V_INT8_ORDER
#define V_INT8_ORDER CR_INT8_PAIRS
#endif
#ifndef V_SIGMOID
#define V_SIGMOID     V_ISA(sigmoid)
#define V_SIGMOID_MUL V_ISA(sigmoid_mul)
#define V_TANH        V_ISA(tanh)
#define V_TANH_MUL    V_ISA(tanh_mul)
#endif

const CrKernels V_TABLE = {
    .level = V_LEVEL,
    .name = V_NAME,
    .block = V_LANES,
    .bf16 = V_BF16,
    .conv_row = V_ISA(conv_row),
    .conv_plane_row = V_ISA(conv_plane_row),
    .depthwise_row = V_ISA(depthwise_row),
    .depthwise_plane_row = V_ISA(depthwise_plane_row),
    .max_pool_row = V_ISA(max_pool_row),
    .average_pool_row = V_ISA(average_pool_row),
    .max_pool_plane_row = V_ISA(max_pool_plane_row),
    .average_pool_plane_row = V_ISA(average_pool_plane_row),
    .winograd_input = V_ISA(winograd_input),
    .winograd_products = V_ISA(winograd_products),
    .winograd_output = V_ISA(winograd_output),
    .binary =
        {
            [CR_BINARY_ADD] = V_ISA(add),
            [CR_BINARY_SUB] = V_ISA(sub),
            [CR_BINARY_MUL] = V_ISA(mul),
            [CR_BINARY_DIV] = V_ISA(div),
            [CR_BINARY_MAX] = V_ISA(max),
            [CR_BINARY_MIN] = V_ISA(min),
        },
    .unary =
        {
            [CR_UNARY_CLIP] = V_ISA(clip),
            [CR_UNARY_LEAKY_RELU] = V_ISA(leaky_relu),
            [CR_UNARY_SIGMOID] = V_SIGMOID,
            [CR_UNARY_TANH] = V_TANH,
            [CR_UNARY_HARD_SIGMOID] = V_ISA(hard_sigmoid),
            [CR_UNARY_HARD_SWISH] = V_ISA(hard_swish),
            [CR_UNARY_AFFINE] = V_ISA(affine),
            [CR_UNARY_EXP] = V_ISA(exp),
            [CR_UNARY_SQRT] = V_ISA(sqrt),
            [CR_UNARY_ABS] = V_ISA(abs),
        },
    .unary_mul =
        {
            [CR_UNARY_CLIP] = V_ISA(clip_mul),
            [CR_UNARY_LEAKY_RELU] = V_ISA(leaky_relu_mul),
            [CR_UNARY_SIGMOID] = V_SIGMOID_MUL,
            [CR_UNARY_TANH] = V_TANH_MUL,
            [CR_UNARY_HARD_SIGMOID] = V_ISA(hard_sigmoid_mul),
            [CR_UNARY_HARD_SWISH] = V_ISA(hard_swish_mul),
            [CR_UNARY_AFFINE] = V_ISA(affine_mul),
            [CR_UNARY_EXP] = V_ISA(exp_mul),
            [CR_UNARY_SQRT] = V_ISA(sqrt_mul),
            [CR_UNARY_ABS] = V_ISA(abs_mul),
        },
    .mul_add = V_ISA(mul_add),
    .fill_lanes = V_ISA(fill_lanes),
    .fill_pixels = V_ISA(fill_pixels),
    .pack_row = V_ISA(pack_row),
    .unpack_row = V_ISA(unpack_row),
    .resize_row = V_ISA(resize_row),
    .sample_plane_row = V_ISA(sample_plane_row),
    .blend_row = V_ISA(blend_row),
    .sum_row = V_ISA(sum_row),
    .gemv_panel = V_ISA(gemv_panel),
    .gemv_int8_panel = V_INT8,
    .int8_order = V_INT8_ORDER,
    .has_non_finite = V_ISA(has_non_finite),
};
