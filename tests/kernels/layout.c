/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include "kernels/c/reference.h"

typedef struct {
    int channels, width, blocks;
    ptrdiff_t plane_stride, block_stride;
    size_t in_planes, in_blocks; /* floats */
} Shape;

static Shape
random_shape(int block)
{
    Shape s = {.channels = check_pick(1, 40), .width = check_pick(1, 50)};

    s.blocks = (s.channels + block - 1) / block;
    s.plane_stride = s.width + check_pick(0, 5);
    s.block_stride = (ptrdiff_t)s.width * block;
    s.in_planes = (size_t)(s.plane_stride * (s.channels - 1) + s.width);
    s.in_blocks = (size_t)(s.block_stride * s.blocks);
    return s;
}

static void
pack(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes(); i++) {
        const Shape s = random_shape(kernels->block);
        CheckBuffer planes = check_buffer(s.in_planes, check_pick(0, 15));
        CheckBuffer blocks = check_buffer(s.in_blocks, check_pick(0, 15));
        float *expected = g_new(float, s.in_blocks);

        check_fill(planes.data, s.in_planes, CHECK_SPECIALS);
        kernels->pack_row(blocks.data, s.block_stride, planes.data, s.plane_stride, s.channels,
                          s.width);
        cr_reference_pack_row(expected, s.block_stride, planes.data, s.plane_stride, s.channels,
                              s.width, kernels->block);
        check_equal(blocks.data, expected, s.in_blocks, "pack_row");
        g_free(expected);
        check_buffer_free(&planes);
        check_buffer_free(&blocks);
    }
}

/* What lies between two rows of planes must stay as it was. */
static void
unpack(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes(); i++) {
        const Shape s = random_shape(kernels->block);
        CheckBuffer planes = check_buffer(s.in_planes, check_pick(0, 15));
        CheckBuffer blocks = check_buffer(s.in_blocks, check_pick(0, 15));
        float *expected = g_new(float, s.in_planes);

        check_fill(blocks.data, s.in_blocks, CHECK_SPECIALS);
        check_fill(planes.data, s.in_planes, CHECK_FLOATS);
        for (size_t k = 0; k < s.in_planes; k++)
            expected[k] = planes.data[k];
        kernels->unpack_row(planes.data, s.plane_stride, blocks.data, s.block_stride, s.channels,
                            s.width);
        cr_reference_unpack_row(expected, s.plane_stride, blocks.data, s.block_stride, s.channels,
                                s.width, kernels->block);
        check_equal(planes.data, expected, s.in_planes, "unpack_row");
        g_free(expected);
        check_buffer_free(&planes);
        check_buffer_free(&blocks);
    }
}

static void
fill(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes(); i++) {
        const int lanes = check_pick(0, 1) ? kernels->block : check_pick(1, 33);
        const int width = check_pick(0, 30), step = check_pick(1, 4);
        const size_t n = (size_t)(lanes * width), pixels = (size_t)(kernels->block * width);
        CheckBuffer src = check_buffer((size_t)MAX(lanes, width * step), check_pick(0, 15));
        CheckBuffer y = check_buffer(n, check_pick(0, 15));
        CheckBuffer z = check_buffer(pixels, check_pick(0, 15));
        float *expected = g_new(float, MAX(n, pixels));

        check_fill(src.data, src.n, CHECK_SPECIALS);
        kernels->fill_lanes(y.data, src.data, lanes, n);
        for (size_t k = 0; k < n; k++)
            expected[k] = src.data[k % (size_t)lanes];
        check_equal(y.data, expected, n, "fill_lanes");
        kernels->fill_pixels(z.data, src.data, step, width);
        cr_reference_fill_pixels(expected, src.data, step, width, kernels->block);
        check_equal(z.data, expected, pixels, "fill_pixels");
        g_free(expected);
        check_buffer_free(&src);
        check_buffer_free(&y);
        check_buffer_free(&z);
    }
}

static void
resize(gconstpointer data)
{
    const CrKernels *kernels = data;
    gint32 x0[40], x1[40];
    float fx[40];

    for (int i = 0; i < check_shapes(); i++) {
        const int width = check_pick(1, 40), from = check_pick(1, 30), block = kernels->block;
        const float fy = (float)g_test_rand_double_range(0, 1);
        CheckBuffer r0 = check_buffer((size_t)(from * block), check_pick(0, 15));
        CheckBuffer r1 = check_buffer((size_t)(from * block), check_pick(0, 15));
        CheckBuffer y = check_buffer((size_t)(width * block), check_pick(0, 15));
        float *expected = g_new(float, y.n);

        check_fill(r0.data, r0.n, CHECK_FLOATS);
        check_fill(r1.data, r1.n, CHECK_SPECIALS);
        for (int x = 0; x < width; x++) {
            x0[x] = check_pick(0, from - 1);
            x1[x] = check_pick(x0[x], from - 1);
            fx[x] = check_pick(0, 3) ? (float)g_test_rand_double_range(0, 1) : 0.0f;
        }
        kernels->resize_row(y.data, r0.data, r1.data, fy, x0, x1, fx, width);
        cr_reference_resize_row(expected, r0.data, r1.data, fy, x0, x1, fx, width, block);
        check_equal(y.data, expected, y.n, "resize_row");
        g_free(expected);
        check_buffer_free(&r0);
        check_buffer_free(&r1);
        check_buffer_free(&y);
    }
}

static void
resize_plane(gconstpointer data)
{
    const CrKernels *kernels = data;
    gint32 x0[80], x1[80];
    float fx[80];

    for (int i = 0; i < check_shapes(); i++) {
        const int width = check_pick(1, 80), from = check_pick(1, 60);
        const float f = (float)g_test_rand_double_range(0, 1);
        CheckBuffer src = check_buffer((size_t)from, check_pick(0, 15));
        CheckBuffer sampled = check_buffer((size_t)width, check_pick(0, 15));
        CheckBuffer y = check_buffer((size_t)width, check_pick(0, 15));
        float expected[80], blended[80];

        check_fill(src.data, src.n, i % 2 ? CHECK_FLOATS : CHECK_SPECIALS);
        for (int x = 0; x < width; x++) {
            x0[x] = check_pick(0, from - 1);
            x1[x] = check_pick(x0[x], from - 1);
            fx[x] = check_pick(0, 3) ? (float)g_test_rand_double_range(0, 1) : 0.0f;
        }
        kernels->sample_plane_row(sampled.data, src.data, x0, x1, fx, width);
        cr_c_sample_plane_row(expected, src.data, x0, x1, fx, width);
        check_equal(sampled.data, expected, sampled.n, "sample_plane_row");
        kernels->blend_row(y.data, sampled.data, fx, f, width);
        cr_c_blend_row(blended, expected, fx, f, width);
        check_equal(y.data, blended, y.n, "blend_row");
        /* two steps give what the one in blocks gives; Inf − Inf would be NaN there */
        cr_reference_resize_row(blended, src.data, src.data, f, x0, x1, fx, width, 1);
        if (i % 2)
            check_equal(sampled.data, blended, sampled.n, "blended with itself");
        check_buffer_free(&src);
        check_buffer_free(&sampled);
        check_buffer_free(&y);
    }
}

const CheckTest check_layout_tests[] = {
    {"layout/pack", pack},
    {"layout/unpack", unpack},
    {"layout/fill", fill},
    {"layout/resize", resize},
    {"layout/resize-plane", resize_plane},
    {NULL, NULL},
};
