/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions in bfloat16, where the processor has them. */
#include "check.h"
#include "kernels/bf16.h"
#include "kernels/pack.h"
#include <math.h>
#include <string.h>

typedef struct {
    CrBf16Row row;
    int channels, filters, in_width, in_height;
    int halves; /* blocks of 16 input channels */
    float *x;   /* [half][row][column][16] */
    float *w;   /* [filter][channel][kh][kw] */
    float *bias;
    uint16_t *rounded[2], *packed[2];
    float *y;
} Case;

static Case
make_case(const CrBf16Kernels *kernels, CheckData kind)
{
    Case t = {.channels = check_pick(1, 70), .filters = check_pick(1, 32)};
    CrBf16Row *row = &t.row;

    row->kh = check_pick(1, 5);
    row->kw = check_pick(1, 5);
    row->stride = check_pick(1, 2);
    row->dilation = check_pick(1, 2);
    row->width = check_pick(1, 70);
    row->ky_begin = check_pick(0, row->kh - 1);
    row->ky_end = check_pick(row->ky_begin + 1, row->kh);
    t.halves = (t.channels + 15) / 16;
    row->n_blocks = (t.halves + 1) / 2;
    t.in_height = row->kh;
    t.in_width =
        ((row->width + 15) / 16 * 16 - 1) * row->stride + (row->kw - 1) * row->dilation + 1;

    size_t plane = (size_t)(t.in_height * t.in_width), taps = (size_t)(row->kh * row->kw);
    t.x = g_new(float, (size_t)t.halves *plane * 16);
    t.w = g_new(float, (size_t)(t.filters * t.channels) * taps);
    t.bias = g_new0(float, 32);
    t.y = g_new(float, (size_t)row->width * 32);
    check_fill(t.x, (size_t)t.halves * plane * 16, kind);
    check_fill(t.w, (size_t)(t.filters * t.channels) * taps, kind);
    check_fill(t.bias, (size_t)t.filters, kind);

    int n_out = t.filters > 16 ? 2 : 1;
    CrConvPack pack = {.weights = t.w,
                       .out_channels = t.filters,
                       .groups = 1,
                       .in_per_group = t.channels,
                       .kh = row->kh,
                       .kw = row->kw,
                       .block = 16,
                       .n_segments = 1,
                       .segment = {{.channels = t.channels, .pixel = 16}}};
    for (int p = 0; p < (kernels->terms > 1 ? 2 : 1); p++) {
        t.rounded[p] = g_new0(uint16_t, (size_t)row->n_blocks * plane * CR_BF16_CHANNELS);
        t.packed[p] = g_new0(uint16_t, cr_bf16_pack_size(row->n_blocks, (int)taps, n_out) + 32);
        /* tiles are read by rows of 64 bytes, wherever they begin */
        for (int b = 0; b < n_out; b++)
            cr_bf16_pack_block(t.packed[p], &pack, n_out, b, 16 * b, MIN(16, t.filters - 16 * b),
                               p);
    }
    for (int b = 0; b < row->n_blocks; b++)
        for (int r = 0; r < t.in_height; r++) {
            size_t at = ((size_t)b * plane + (size_t)(r * t.in_width)) * CR_BF16_CHANNELS;
            const float *a = t.x + ((size_t)(2 * b) * plane + (size_t)(r * t.in_width)) * 16;
            uint16_t *to[2] = {t.rounded[0] + at, t.rounded[1] ? t.rounded[1] + at : NULL};
            kernels->split_row(to, a, 2 * b + 1 < t.halves ? a + plane * 16 : NULL, t.in_width);
        }
    for (int p = 0; p < 2; p++) {
        row->x[p] = t.rounded[p];
        row->weights[p] = t.packed[p];
    }
    row->row_stride = (ptrdiff_t)t.in_width * CR_BF16_CHANNELS;
    row->block_stride = (ptrdiff_t)plane * CR_BF16_CHANNELS;
    row->bias = t.bias;
    row->y[0] = t.y;
    row->y[1] = n_out > 1 ? t.y + row->width * 16 : NULL;
    return t;
}

static void
free_case(Case *t)
{
    for (int p = 0; p < 2; p++) {
        g_free(t->rounded[p]);
        g_free(t->packed[p]);
    }
    g_free(t->x);
    g_free(t->w);
    g_free(t->bias);
    g_free(t->y);
}

/* The exact result of one element, and the sum of its products' sizes. */
static double
exact(const Case *t, int filter, int x, double *size)
{
    const CrBf16Row *row = &t->row;
    double sum = (double)t->bias[filter];

    *size = fabs(sum);
    for (int c = 0; c < t->channels; c++)
        for (int ky = row->ky_begin; ky < row->ky_end; ky++)
            for (int kx = 0; kx < row->kw; kx++) {
                int column = x * row->stride + kx * row->dilation;
                size_t at =
                    ((size_t)(c / 16 * t->in_height + ky) * (size_t)t->in_width + (size_t)column) *
                        16 +
                    (size_t)(c % 16);
                double product =
                    (double)t->x[at] *
                    (double)
                        t->w[((size_t)(filter * t->channels + c) * (size_t)row->kh + (size_t)ky) *
                                 (size_t)row->kw +
                             (size_t)kx];
                sum += product;
                *size += fabs(product);
            }
    return sum;
}

/* Small integers come out exactly; other numbers within the rounding of the factors. */
static void
convolutions(const CrBf16Kernels *kernels, CheckData kind, double bound)
{
    for (int i = 0; i < check_shapes() / 5 + 1; i++) {
        Case t = make_case(kernels, kind);
        double worst = 0;

        kernels->conv_row(&t.row);
        for (int o = 0; o < t.filters; o++)
            for (int x = 0; x < t.row.width; x++) {
                double size, expected = exact(&t, o, x, &size);
                double found = (double)t.row.y[o / 16][x * 16 + o % 16];
                g_assert_cmpfloat(fabs(found - expected), <=, bound * size);
                worst = MAX(worst, fabs(found - expected) / size);
            }
        /* else the three terms could be one */
        if (kind == CHECK_FLOATS && kernels->terms == 1 && t.channels * t.row.width > 100)
            g_assert_cmpfloat(worst, >, 0x1p-16);
        free_case(&t);
    }
}

static void
one_term(gconstpointer data)
{
    const CrKernels *kernels = data;
    convolutions(kernels->bf16, CHECK_INTEGERS, 0);
    convolutions(kernels->bf16, CHECK_FLOATS, 0x1p-7);
}

static void
three_terms(gconstpointer data)
{
    const CrKernels *kernels = data;
    convolutions(kernels->bf16, CHECK_INTEGERS, 0);
    convolutions(kernels->bf16, CHECK_FLOATS, 0x1p-15);
}

/* Weights are rounded, x and the sums are not. */
static void
matrix_vector(gconstpointer data)
{
    const CrKernels *kernels = data;
    float y[64], bias[64];

    for (int i = 0; i < check_shapes(); i++) {
        int k = check_pick(1, 100);
        g_autofree float *w = g_new(float, 64 * k), *x = g_new(float, k);
        g_autofree uint16_t *rounded = g_new(uint16_t, 64 * k);
        check_fill(w, 64 * (size_t)k, CHECK_FLOATS);
        check_fill(x, (size_t)k, CHECK_FLOATS);
        check_fill(bias, 64, CHECK_FLOATS);
        cr_bf16_round(rounded, w, 64 * (size_t)k);
        kernels->bf16->gemv_panel(y, rounded, bias, x, k);
        for (int j = 0; j < 64; j++) {
            double sum = (double)bias[j], size = fabs(sum);
            for (int c = 0; c < k; c++) {
                guint32 bits = (guint32)rounded[c * 64 + j] << 16;
                float weight;
                memcpy(&weight, &bits, sizeof weight);
                g_assert_cmpfloat(fabs((double)weight - (double)w[c * 64 + j]), <=,
                                  0x1p-8 * fabs((double)w[c * 64 + j]));
                sum += (double)weight * (double)x[c];
                size += fabs((double)weight * (double)x[c]);
            }
            g_assert_cmpfloat(fabs((double)y[j] - sum), <=, 0x1p-17 * size);
        }
    }
}

/* Sigmoid and tanh: within 1e-5, exact where they saturate, NaN for NaN, nothing beyond the run. */
static void
activations(gconstpointer data)
{
    const CrKernels *kernels = data;
    const float specials[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 1e-30f, 3e38f, -3e38f, 88, -104};

    for (int i = 0; i < check_shapes(); i++) {
        CheckBuffer x = check_buffer((size_t)check_pick(1, 100), check_pick(0, 15));
        CheckBuffer y = check_buffer(x.n, check_pick(0, 15));
        for (size_t k = 0; k < x.n; k++)
            x.data[k] = check_pick(0, 5) ? (float)check_pick(-100000, 100000) * 2e-4f
                                         : specials[check_pick(0, G_N_ELEMENTS(specials) - 1)];
        for (int which = 0; which < 2; which++) {
            kernels->unary[which ? CR_UNARY_TANH : CR_UNARY_SIGMOID](y.data, x.data, x.n, 0, 0);
            for (size_t k = 0; k < x.n; k++) {
                double in = (double)x.data[k], found = (double)y.data[k];
                double expected = which ? tanh(in) : 1 / (1 + exp(-in));
                g_assert_true(isnan(in) == isnan(found));
                if (fabs(in) > 100)
                    g_assert_cmpfloat(fabs(found - expected), <, 1e-37);
                else if (!isnan(in))
                    g_assert_cmpfloat(fabs(found - expected), <, 1e-5);
            }
        }
        check_buffer_free(&x);
        check_buffer_free(&y);
    }
}

static void
skipped(gconstpointer data)
{
    (void)data;
    g_test_skip("this processor has no AMX with bfloat16");
}

void
check_add_bf16(void)
{
    const CrKernels *one = cr_kernels_get(cr_cpu_detect(), CR_BF16);
    const CrKernels *three = cr_kernels_get(cr_cpu_detect(), CR_BF16X3);

    if (!one->bf16) {
        g_test_add_data_func("/kernels/bf16", NULL, skipped);
        return;
    }
    g_assert_cmpint(one->bf16->terms, ==, 1);
    g_assert_cmpint(three->bf16->terms, ==, 3);
    g_assert_null(three->bf16->gemv_panel);
    g_test_add_data_func("/kernels/bf16/one-term", one, one_term);
    g_test_add_data_func("/kernels/bf16/three-terms", three, three_terms);
    g_assert_true(one->unary[CR_UNARY_TANH] != three->unary[CR_UNARY_TANH]);
    g_test_add_data_func("/kernels/bf16/activations", one, activations);
    g_test_add_data_func("/kernels/bf16/matrix-vector", one, matrix_vector);
}
