/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One thread's speed of every kernel, on the shapes that networks have. */
#include "check.h"
#include "core/float_env.h"
#include "core/memory.h"
#include "kernels/c/reference.h"
#include <math.h>
#include <string.h>

#define ROUNDS 7

/* One layer: a picture of padded rows in blocks or planes, and its packed weights. */
typedef struct {
    const CrKernels *kernels;
    int in_channels, out_channels, kernel, stride, dilation, height, width;
    bool planar;
    float *in, *weights, *bias, *out;
    size_t pixel, block_stride, row_stride;
} Layer;

typedef void (*Run)(void *layer);

static double
now(void)
{
    return (double)g_get_monotonic_time() * 1e-6;
}

/* The best of some rounds, each of at least 20 ms. */
static double
seconds(Run run, void *layer)
{
    double best = INFINITY;

    for (int round = 0; round < ROUNDS; round++) {
        double begin = now(), end;
        int n = 0;
        do {
            run(layer);
            n++;
        } while ((end = now()) - begin < 0.02);
        best = MIN(best, (end - begin) / n);
    }
    return best;
}

static float *
random_floats(size_t n)
{
    float *data = cr_mem_alloc(n, sizeof *data, "bench", NULL);

    for (size_t i = 0; i < n; i++)
        data[i] = (float)(i * 2654435761u % 1009) / 504.5f - 1.0f;
    return data;
}

static Layer
make_layer(const CrKernels *kernels, int in, int out, int kernel, int stride, int height, int width,
           bool planar)
{
    Layer l = {kernels, in, out, kernel, stride, 1, height, width, planar};
    const int block = kernels->block, pixels = (width - 1) * stride + kernel;
    const int n_blocks = planar ? in : (in + block - 1) / block;
    const size_t out_lanes = (size_t)((out + block - 1) / block * block);

    l.pixel = planar ? 1 : (size_t)block;
    l.block_stride = (size_t)pixels * l.pixel;
    l.row_stride = l.block_stride * (size_t)n_blocks;
    l.in = random_floats(l.row_stride * (size_t)((height - 1) * stride + kernel));
    l.weights = random_floats(out_lanes * (size_t)(in * kernel * kernel));
    l.bias = random_floats(out_lanes);
    l.out = random_floats(out_lanes * (size_t)(width * height));
    return l;
}

static void
free_layer(Layer *l)
{
    cr_mem_free(l->in);
    cr_mem_free(l->weights);
    cr_mem_free(l->bias);
    cr_mem_free(l->out);
}

/* Four rows for one panel of weights, then the next panel. */
static void
run_conv(void *data)
{
    const Layer *l = data;
    const int block = l->kernels->block, n_out = (l->out_channels + block - 1) / block;
    const size_t taps = (size_t)(l->in_channels * l->kernel * l->kernel);
    const size_t out_row = (size_t)(l->width * block);
    CrConvRow row = {.n_segments = 1, .kh = l->kernel, .kw = l->kernel, .ky_end = l->kernel};

    row.segment[0].row_stride = (ptrdiff_t)l->row_stride;
    row.segment[0].block_stride = (ptrdiff_t)l->block_stride;
    row.segment[0].channels = l->in_channels;
    row.segment[0].pixel = (int)l->pixel;
    row.stride = l->stride;
    row.dilation = l->dilation;
    row.width = l->width;
    row.low = 0;
    row.high = INFINITY;
    for (int y0 = 0; y0 < l->height; y0 += 4) {
        for (int o = 0; o < n_out; o += 2) {
            row.weights = l->weights + (size_t)(o * block) * taps;
            row.bias = l->bias + o * block;
            for (int y = y0; y < MIN(y0 + 4, l->height); y++) {
                row.segment[0].x = l->in + (size_t)(y * l->stride) * l->row_stride;
                row.y[0] = l->out + (size_t)(y * n_out + o) * out_row;
                row.y[1] = o + 1 < n_out ? row.y[0] + out_row : NULL;
                l->kernels->conv_row(&row);
            }
        }
    }
}

/* From planes to planes, as many outputs at a time as the registers hold. */
static void
run_planes(void *data)
{
    const Layer *l = data;
    const int group = l->kernels->block / 2;
    const size_t taps = (size_t)(l->in_channels * l->kernel * l->kernel);
    const size_t plane = (size_t)(l->width * l->height);
    CrConvRow row = {.n_segments = 1, .kh = l->kernel, .kw = l->kernel, .ky_end = l->kernel};

    row.segment[0].row_stride = (ptrdiff_t)l->row_stride;
    row.segment[0].block_stride = (ptrdiff_t)l->block_stride;
    row.segment[0].channels = l->in_channels;
    row.segment[0].pixel = 1;
    row.stride = 1;
    row.dilation = 1;
    row.width = l->width;
    row.low = 0;
    row.high = INFINITY;
    for (int y = 0; y < l->height; y++) {
        row.segment[0].x = l->in + (size_t)y * l->row_stride;
        for (int o = 0; o < l->out_channels; o += group) {
            row.weights = l->weights + (size_t)o * taps;
            row.bias = l->bias + o;
            row.y[0] = l->out + (size_t)o * plane + (size_t)(y * l->width);
            l->kernels->conv_plane_row(&row, (ptrdiff_t)plane, MIN(group, l->out_channels - o));
        }
    }
}

static void
run_depthwise(void *data)
{
    const Layer *l = data;
    const int block = l->kernels->block, n_blocks = l->in_channels / block;
    CrDepthwiseRow row = {.row_stride = (ptrdiff_t)l->row_stride, .kh = l->kernel, .kw = l->kernel};

    row.ky_end = l->kernel;
    row.stride = l->stride;
    row.dilation = l->dilation;
    row.width = l->width;
    row.low = 0;
    row.high = 6;
    for (int y = 0; y < l->height; y++) {
        for (int b = 0; b < n_blocks; b++) {
            row.x = l->in + (size_t)(y * l->stride) * l->row_stride + (size_t)b * l->block_stride;
            row.weights = l->weights + b * l->kernel * l->kernel * block;
            row.bias = l->bias + b * block;
            row.y = l->out + (size_t)((y * n_blocks + b) * l->width * block);
            l->kernels->depthwise_row(&row);
        }
    }
}

static void
bench_conv(const CrKernels *kernels)
{
    static const struct {
        int in, out, kernel, stride, height, width;
        bool planar;
    } shapes[] = {
        {64, 64, 3, 1, 112, 112, false}, {32, 64, 3, 1, 224, 224, false},
        {16, 16, 3, 1, 240, 320, false}, {32, 32, 3, 1, 240, 320, false},
        {16, 16, 3, 2, 240, 320, false}, {5, 16, 3, 1, 240, 320, true},
        {3, 32, 3, 2, 112, 112, true},   {3, 16, 3, 1, 224, 224, true},
        {64, 64, 5, 1, 56, 56, false},   {64, 64, 3, 2, 56, 56, false},
        {16, 64, 1, 1, 56, 56, false},   {64, 128, 1, 1, 28, 28, false},
        {256, 256, 1, 1, 28, 28, false}, {256, 256, 1, 1, 14, 14, false},
        {256, 256, 1, 1, 8, 8, false},   {128, 128, 3, 1, 7, 7, false},
        {64, 64, 3, 1, 17, 17, false},   {20, 24, 3, 1, 45, 45, false},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(shapes); i++) {
        Layer l = make_layer(kernels, shapes[i].in, shapes[i].out, shapes[i].kernel,
                             shapes[i].stride, shapes[i].height, shapes[i].width, shapes[i].planar);
        double time = seconds(run_conv, &l);
        double flops =
            2.0 * l.in_channels * l.out_channels * l.kernel * l.kernel * l.height * l.width;
        g_print("%-7s conv %dx%d s%d %d->%d %s at %dx%d: %.1f GFLOP/s (%.3f ms)\n", kernels->name,
                l.kernel, l.kernel, l.stride, l.in_channels, l.out_channels,
                l.planar ? "planar" : "blocked", l.height, l.width, flops / time * 1e-9,
                time * 1e3);
        free_layer(&l);
    }
}

static void
bench_planes(const CrKernels *kernels)
{
    static const struct {
        int in, out, kernel, height, width;
    } shapes[] = {
        {3, 8, 3, 16, 320},
        {4, 4, 1, 16, 320},
        {8, 4, 5, 16, 77},
        {256, 256, 1, 16, 48},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(shapes); i++) {
        Layer l = make_layer(kernels, shapes[i].in, shapes[i].out, shapes[i].kernel, 1,
                             shapes[i].height, shapes[i].width, true);
        double time = seconds(run_planes, &l);
        double flops = 2.0 * l.in_channels * l.out_channels * l.kernel * l.kernel * l.height;
        g_print("%-7s conv %dx%d %d->%d planes at %dx%d: %.1f GFLOP/s (%.3f ms)\n", kernels->name,
                l.kernel, l.kernel, l.in_channels, l.out_channels, l.height, l.width,
                flops * l.width / time * 1e-9, time * 1e3);
        free_layer(&l);
    }
}

static void
bench_depthwise(const CrKernels *kernels)
{
    static const struct {
        int channels, kernel, stride, dilation, side;
    } shapes[] = {
        {128, 3, 1, 1, 56}, {128, 3, 2, 1, 28}, {128, 5, 1, 1, 28},
        {128, 5, 2, 1, 14}, {128, 3, 1, 2, 28}, {128, 3, 1, 1, 7},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(shapes); i++) {
        const int reach = (shapes[i].kernel - 1) * shapes[i].dilation + 1;
        Layer l = make_layer(kernels, shapes[i].channels, shapes[i].channels, reach,
                             shapes[i].stride, shapes[i].side, shapes[i].side, false);
        double time, flops;

        l.kernel = shapes[i].kernel;
        l.dilation = shapes[i].dilation;
        time = seconds(run_depthwise, &l);
        flops = 2.0 * l.in_channels * l.kernel * l.kernel * l.height * l.width;
        g_print("%-7s depthwise %dx%d s%d d%d %d at %dx%d: %.1f GFLOP/s (%.3f ms)\n", kernels->name,
                l.kernel, l.kernel, l.stride, l.dilation, l.in_channels, l.height, l.width,
                flops / time * 1e-9, time * 1e3);
        free_layer(&l);
    }
}

/* --- runs of floats --- */

#define RUN 4096 /* floats, in the first-level cache */

typedef struct {
    const CrKernels *kernels;
    int op;
    float *x, *y;
    gint32 *index;
} Vector;

static void
run_unary(void *data)
{
    const Vector *v = data;
    v->kernels->unary[v->op](v->y, v->x, RUN, 0.25f, 1.0f);
}

static void
run_binary(void *data)
{
    const Vector *v = data;
    v->kernels->binary[v->op](v->y, v->x, v->y, RUN);
}

static void
run_pack(void *data)
{
    const Vector *v = data;
    v->kernels->pack_row(v->y, RUN / 2, v->x, RUN / 32, 32, RUN / 32);
}

static void
run_unpack(void *data)
{
    const Vector *v = data;
    v->kernels->unpack_row(v->y, RUN / 32, v->x, RUN / 32 * v->kernels->block, 32, RUN / 32);
}

static void
run_sum(void *data)
{
    const Vector *v = data;
    v->kernels->sum_row(v->y, v->x, RUN / v->kernels->block);
}

static void
run_non_finite(void *data)
{
    const Vector *v = data;
    if (v->kernels->has_non_finite(v->x, RUN))
        v->y[0] = 0;
}

static void
run_resize(void *data)
{
    const Vector *v = data;
    const int width = RUN / v->kernels->block;
    v->kernels->resize_row(v->y, v->x, v->x, 0.5f, v->index, v->index, v->x, width);
}

static void
run_max_pool(void *data)
{
    const Vector *v = data;
    const int width = RUN / 2 / v->kernels->block;
    CrPoolRow row = {.x = v->x, .row_stride = RUN / 2, .kw = 2, .ky_end = 2, .stride = 2};

    row.dilation = 1;
    row.in_width = width;
    row.y = v->y;
    row.width = width / 2;
    v->kernels->max_pool_row(&row);
}

static void
print_rate(const Vector *v, const char *name, Run run)
{
    double time = seconds(run, (void *)v);
    g_print("%-7s %s: %.2f Gfloat/s\n", v->kernels->name, name, RUN / time * 1e-9);
}

static void
bench_vectors(const CrKernels *kernels)
{
    static const char *const unary[CR_N_UNARY] = {"clip",         "leaky relu", "sigmoid", "tanh",
                                                  "hard sigmoid", "hard swish", "affine",  "exp",
                                                  "sqrt",         "abs"};
    static const char *const binary[CR_N_BINARY] = {"add", "sub", "mul", "div", "max", "min"};
    Vector v = {kernels, 0, random_floats(RUN), random_floats(2 * RUN), NULL};

    v.index = cr_mem_alloc(RUN, sizeof *v.index, "bench", NULL);
    for (int i = 0; i < RUN / kernels->block; i++)
        v.index[i] = i;
    for (v.op = 0; v.op < CR_N_UNARY; v.op++)
        print_rate(&v, unary[v.op], run_unary);
    for (v.op = 0; v.op < CR_N_BINARY; v.op++)
        print_rate(&v, binary[v.op], run_binary);
    print_rate(&v, "pack 32 channels", run_pack);
    print_rate(&v, "unpack 32 channels", run_unpack);
    print_rate(&v, "sum", run_sum);
    print_rate(&v, "non-finite", run_non_finite);
    print_rate(&v, "resize", run_resize);
    print_rate(&v, "max pool 2x2 s2", run_max_pool);
    cr_mem_free(v.x);
    cr_mem_free(v.y);
    cr_mem_free(v.index);
}

/* --- matrices --- */

typedef struct {
    const CrKernels *kernels;
    int m, n, k, trans_b;
    float *a, *b, *c;
} Product;

static void
run_gemv(void *data)
{
    const Product *p = data;
    const int panel = 4 * p->kernels->block;

    for (int j = 0; j < p->n / panel; j++)
        p->kernels->gemv_panel(p->c + j * panel, p->b + (size_t)(j * panel) * (size_t)p->k, p->c,
                               p->a, p->k);
}

static void
run_gemm(void *data)
{
    const Product *p = data;
    cr_gemm(0, p->trans_b, p->m, p->n, p->k, 1, p->a, p->k, p->b, p->trans_b ? p->k : p->n, 0, p->c,
            p->n);
}

static void
bench_product(const CrKernels *kernels, int m, int n, int k, int trans_b)
{
    Product p = {kernels, m, n, k, trans_b};
    double time;

    p.a = random_floats((size_t)(m * k));
    p.b = random_floats((size_t)(k * n));
    p.c = random_floats((size_t)(m * n));
    time = seconds(kernels ? run_gemv : run_gemm, &p);
    g_print("%-7s %s %dx%dx%d%s: %.1f GFLOP/s (%.3f ms)\n", kernels ? kernels->name : "blas",
            kernels ? "gemv" : "gemm", m, n, k, trans_b ? " (B transposed)" : "",
            2.0 * m * n * k / time * 1e-9, time * 1e3);
    cr_mem_free(p.a);
    cr_mem_free(p.b);
    cr_mem_free(p.c);
}

void
check_bench(void)
{
    const CrFloatEnv before = cr_float_env_enter();

    for (int level = CR_CPU_AVX512; level >= CR_CPU_C; level--) {
        const CrKernels *kernels = cr_kernels_get((CrCpuLevel)level, CR_FLOAT32);
        if ((int)kernels->level != level)
            continue;
        bench_conv(kernels);
        bench_planes(kernels);
        bench_depthwise(kernels);
        bench_vectors(kernels);
        bench_product(kernels, 1, 2048, 1024, 0);
        bench_product(kernels, 1, 512, 512, 0);
    }
    for (int trans_b = 0; trans_b < 2; trans_b++) {
        bench_product(NULL, 256, 256, 256, trans_b);
        bench_product(NULL, 196, 512, 512, trans_b);
        bench_product(NULL, 1, 1000, 512, trans_b);
    }
    cr_float_env_leave(before);
}
