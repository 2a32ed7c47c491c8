/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions in bfloat16, where the processor has them. */
#include "check.h"
#include "kernels/bf16.h"
#include "kernels/pack.h"
#include <math.h>
#include <string.h>

#define BLOCKS    4
#define MARGIN    3 /* floats behind each row of the result */
#define UNTOUCHED 1e9f

/* A block of the input, from planes or from pixels of 16. */
typedef struct {
    int channels, first;
    float *pixels[2]; /* [row][column][16], NULL: from planes */
} Part;

typedef struct {
    CrBf16Rows rows;
    CrBf16Block block[BLOCKS];
    Part part[BLOCKS];
    int kw, stride, dilation, down;
    int shift[2], first[2]; /* of each output: pixels that its taps begin later, its first filter */
    int channels, filters, in_width, in_height;
    float *x; /* [channel][row][column] */
    float *w; /* [filter][channel][kh][kw] */
    float *bias;
    uint16_t *rounded[2], *packed[2];
    float *y;
} Case;

static float *
random_floats(size_t n, CheckData kind)
{
    float *data = g_new(float, n);
    check_fill(data, n, kind);
    return data;
}

/* Pixels of 16 floats of the channels first, first + 1 … that are below end; others zero. */
static float *
make_pixels(const Case *t, int first, int end)
{
    size_t plane = (size_t)(t->in_height * t->in_width);
    float *pixels = g_new0(float, plane * 16);

    for (int c = first; c < MIN(end, first + 16); c++)
        for (size_t i = 0; i < plane; i++)
            pixels[i * 16 + (size_t)(c - first)] = t->x[(size_t)c * plane + i];
    return pixels;
}

/* Blocks of all sizes, or of one in phases, together `channels` input channels. */
static void
make_blocks(Case *t)
{
    bool phases = check_pick(0, 1);
    int size = check_pick(0, 2);

    t->rows.n_blocks = check_pick(1, BLOCKS);
    if (phases) {
        t->stride = 8 >> size;
        t->dilation = 1;
        t->shift[1] = check_pick(0, t->stride - 1);
        t->shift[0] = check_pick(0, t->shift[1]);
    }
    for (int b = 0; b < t->rows.n_blocks; b++) {
        CrBf16Block *block = &t->block[b];
        block->pixel = 4 << (phases ? size : check_pick(0, 3));
        if (phases)
            cr_bf16_block_init_phase(block, t->kw, t->shift[1]);
        else
            cr_bf16_block_init(block, t->kw, t->stride, t->dilation);
        t->part[b].channels = check_pick(1, block->pixel);
        t->part[b].first = t->channels;
        for (int c = 0; c < CR_BF16_DEPTH; c++)
            block->channel[c] = c < t->part[b].channels ? t->channels + c : -1;
        t->channels += t->part[b].channels;
    }
}

/* Rounds all rows of a block to where its rows begin, with what may be read behind them. */
static void
round_block(const CrBf16Kernels *kernels, Case *t, int b, size_t row_size)
{
    const CrBf16Block *block = &t->block[b];
    const Part *part = &t->part[b];
    size_t plane = (size_t)(t->in_height * t->in_width);

    for (int r = 0; r < t->in_height; r++) {
        size_t at = row_size * (size_t)r + (size_t)block->offset;
        size_t row = (size_t)(r * t->in_width);
        uint16_t *to[2] = {t->rounded[0] + at, t->rounded[1] ? t->rounded[1] + at : NULL};
        const float *from[8];

        if (part->pixels[0]) {
            kernels->split_row(to, block->pixel, part->pixels[0] + row * 16,
                               part->pixels[1] ? part->pixels[1] + row * 16 : NULL, t->in_width);
            continue;
        }
        for (int c = 0; c < part->channels; c++)
            from[c] = t->x + (size_t)(part->first + c) * plane + row;
        kernels->split_planes(to, block->pixel, from, part->channels, t->in_width);
    }
}

static void
make_input(const CrBf16Kernels *kernels, Case *t, CheckData kind)
{
    size_t row_size = 0;

    t->x = random_floats((size_t)(t->channels * t->in_height * t->in_width), kind);
    for (int b = 0; b < t->rows.n_blocks; b++) {
        const Part *part = &t->part[b];
        bool planes = t->block[b].pixel <= 8 && check_pick(0, 1);
        size_t pixels = (size_t)(t->in_width + (planes ? 15 : 0)) / (planes ? 16 : 1);
        size_t written = pixels * (planes ? 16 : 1) * (size_t)t->block[b].pixel;

        t->block[b].offset = (ptrdiff_t)row_size;
        row_size += MAX(written, cr_bf16_row_size(&t->block[b], t->rows.width[0]));
        if (!planes) {
            int end = part->first + part->channels;
            t->part[b].pixels[0] = make_pixels(t, part->first, end);
            t->part[b].pixels[1] =
                part->channels > 16 ? make_pixels(t, part->first + 16, end) : NULL;
        }
    }
    for (int p = 0; p < (kernels->terms > 1 ? 2 : 1); p++)
        t->rounded[p] = g_new0(uint16_t, row_size * (size_t)t->in_height);
    for (int b = 0; b < t->rows.n_blocks; b++)
        round_block(kernels, t, b, row_size);
    t->rows.tap_stride = (ptrdiff_t)row_size;
    t->rows.row_stride = (ptrdiff_t)row_size * t->down;
}

static void
make_weights(const CrBf16Kernels *kernels, Case *t, CheckData kind, int n_out)
{
    size_t size = 0;

    t->w = random_floats((size_t)(t->filters * t->channels * t->rows.kh * t->kw), kind);
    CrConvPack pack = {.weights = t->w,
                       .out_channels = t->filters,
                       .groups = 1,
                       .in_per_group = t->channels,
                       .kh = t->rows.kh,
                       .kw = t->kw,
                       .block = 16};
    for (int b = 0; b < t->rows.n_blocks; b++)
        size += cr_bf16_pack_size(&t->block[b], pack.kh, n_out);
    for (int p = 0; p < (kernels->terms > 1 ? 2 : 1); p++) {
        uint16_t *to = t->packed[p] = g_new0(uint16_t, size);
        for (int b = 0; b < t->rows.n_blocks; b++) {
            for (int o = 0; o < n_out; o++)
                cr_bf16_pack_block(to, &pack, &t->block[b], t->shift[o], n_out, o, t->first[o],
                                   MIN(16, t->filters - t->first[o]), p);
            to += cr_bf16_pack_size(&t->block[b], pack.kh, n_out);
        }
    }
}

static void
make_case(const CrBf16Kernels *kernels, CheckData kind, Case *t)
{
    CrBf16Rows *rows = &t->rows;

    *t = (Case){.filters = check_pick(1, 32), .kw = check_pick(1, 9)};
    t->stride = check_pick(1, 2);
    t->dilation = check_pick(1, 2);
    t->down = check_pick(1, 2);
    rows->kh = check_pick(1, 5);
    rows->width[0] = check_pick(1, 70);
    rows->width[1] = check_pick(0, rows->width[0]);
    rows->n_rows = check_pick(1, 5);
    rows->ky_begin = check_pick(0, rows->kh - 1);
    rows->ky_end = check_pick(rows->ky_begin + 1, rows->kh);
    rows->low = check_pick(0, 1) ? -INFINITY : 0;
    rows->high = check_pick(0, 1) ? INFINITY : 6;
    make_blocks(t);
    t->in_height = (rows->n_rows - 1) * t->down + rows->kh;
    t->in_width = (rows->width[0] - 1) * t->stride + (t->kw - 1) * t->dilation + 1 + t->shift[1];

    int n_out = check_pick(1, 2);
    t->first[1] = t->filters > 16 ? 16 : 0;
    make_input(kernels, t, kind);
    make_weights(kernels, t, kind, n_out);
    t->bias = g_new0(float, 32);
    check_fill(t->bias, (size_t)t->filters, kind);
    rows->y_step = (size_t)check_pick(1, 3) * 16;
    rows->y_stride = (size_t)rows->width[0] * rows->y_step + MARGIN;
    t->y = g_new(float, rows->y_stride *(size_t)rows->n_rows * 2);
    for (size_t i = 0; i < rows->y_stride * (size_t)rows->n_rows * 2; i++)
        t->y[i] = UNTOUCHED;
    for (int p = 0; p < 2; p++) {
        rows->x[p] = t->rounded[p];
        rows->weights[p] = t->packed[p];
        rows->bias[p] = t->bias + t->first[p];
    }
    rows->block = t->block;
    rows->y[0] = t->y;
    rows->y[1] = n_out > 1 ? t->y + rows->y_stride * (size_t)rows->n_rows : NULL;
}

static void
free_case(Case *t)
{
    for (int p = 0; p < 2; p++) {
        g_free(t->rounded[p]);
        g_free(t->packed[p]);
    }
    for (int b = 0; b < t->rows.n_blocks; b++) {
        g_free(t->part[b].pixels[0]);
        g_free(t->part[b].pixels[1]);
    }
    g_free(t->x);
    g_free(t->w);
    g_free(t->bias);
    g_free(t->y);
}

/* The exact result of one element, and the sum of its products' sizes. */
static double
exact(const Case *t, int filter, int row, int x, int shift, double *size)
{
    const CrBf16Rows *rows = &t->rows;
    double sum = (double)t->bias[filter];

    *size = fabs(sum);
    for (int c = 0; c < t->channels; c++)
        for (int ky = rows->ky_begin; ky < rows->ky_end; ky++)
            for (int kx = 0; kx < t->kw; kx++) {
                int line = c * t->in_height + row * t->down + ky;
                int column = x * t->stride + kx * t->dilation + shift;
                int at = ((filter * t->channels + c) * rows->kh + ky) * t->kw + kx;
                double product = (double)t->x[line * t->in_width + column] * (double)t->w[at];
                sum += product;
                *size += fabs(product);
            }
    return CLAMP(sum, (double)rows->low, (double)rows->high);
}

/* Row r of an output: every element, and none between and behind them touched. Returns the worst
 * error by the sum of the products' sizes. */
static double
check_row(const Case *t, int o, int r, double bound)
{
    const CrBf16Rows *rows = &t->rows;
    const float *y = rows->y[o] + (size_t)r * rows->y_stride;
    double worst = 0;

    for (int i = 0; i < (int)rows->y_stride; i++) {
        int x = i / (int)rows->y_step, lane = i % (int)rows->y_step;
        if (lane >= 16 || x >= rows->width[o]) {
            g_assert_cmpfloat(y[i], ==, UNTOUCHED);
        } else if (t->first[o] + lane < t->filters) {
            double size, expected = exact(t, t->first[o] + lane, r, x, t->shift[o], &size);
            double d = fabs((double)y[i] - expected);
            g_assert_cmpfloat(d, <=, bound * size);
            worst = MAX(worst, size > 0 ? d / size : 0);
        }
    }
    return worst;
}

/* Small integers come out exactly; other numbers within the rounding of the factors. */
static void
convolutions(const CrBf16Kernels *kernels, CheckData kind, double bound)
{
    double worst = 0;

    for (int i = 0; i < check_shapes() / 5 + 1; i++) {
        Case t;
        make_case(kernels, kind, &t);
        kernels->conv_rows(&t.rows);
        for (int o = 0; o < 2 && t.rows.y[o]; o++)
            for (int r = 0; r < t.rows.n_rows; r++)
                worst = MAX(worst, check_row(&t, o, r, bound));
        free_case(&t);
    }
    /* else the three terms could be one */
    if (kind == CHECK_FLOATS && kernels->terms == 1)
        g_assert_cmpfloat(worst, >, 0x1p-16);
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
        CheckBuffer y = check_buffer(x.n, check_pick(0, 15)), one_by_one = check_buffer(x.n, 0);
        for (size_t k = 0; k < x.n; k++)
            x.data[k] = check_pick(0, 5) ? (float)check_pick(-100000, 100000) * 2e-4f
                                         : specials[check_pick(0, G_N_ELEMENTS(specials) - 1)];
        for (int which = 0; which < 2; which++) {
            const int op = which ? CR_UNARY_TANH : CR_UNARY_SIGMOID;
            for (int sum = 0; sum < 2; sum++) { /* with a product, and a sum, the same bits */
                kernels->unary[op](one_by_one.data, x.data, x.n, 0, 0);
                for (size_t k = 0; k < x.n; k++) {
                    one_by_one.data[k] *= x.data[k];
                    if (sum)
                        one_by_one.data[k] += x.data[k];
                }
                kernels->unary_mul[op](y.data, x.data, x.data, sum ? x.data : NULL, x.n, 0, 0);
                check_equal(y.data, one_by_one.data, x.n, "function, product and sum");
            }
            kernels->unary[op](y.data, x.data, x.n, 0, 0);
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
        check_buffer_free(&one_by_one);
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
