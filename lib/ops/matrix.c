/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/matrix.h"
#include "core/size.h"
#include "ops/panels.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <string.h>

/* Tiles of the general case: large enough for OpenBLAS, small enough to share among threads. */
#define TILE_ROWS    128
#define TILE_COLUMNS 256

typedef struct {
    CrMatrixProduct product;
    const CrKernels *kernels;
    int row_tiles, column_tiles; /* of one batch */
    CrPanels panels;
    int64_t panels_per_tile;
} MatrixParams;

/* y += beta · c for some columns of a row. */
static void
add_row(const CrMatrixProduct *p, const float *c, int row, int column, int columns, float *y)
{
    c += row * p->c_row + column * p->c_column;
    for (int j = 0; j < columns; j++)
        y[j] += p->beta * c[j * p->c_column];
}

/* Where batch `batch` of a and b begins. */
static void
locate_batch(const CrMatrixProduct *p, int64_t batch, int64_t *a, int64_t *b)
{
    *a = *b = 0;
    for (int i = p->n_batch_dims - 1; i >= 0; i--) {
        int64_t at = batch % p->batch_dims[i];
        batch /= p->batch_dims[i];
        *a += at * p->a_stride[i];
        *b += at * p->b_stride[i];
    }
}

/* One tile of one batch. */
static void
gemm_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const MatrixParams *params = step->params;
    const CrMatrixProduct *p = &params->product;
    int tiles = params->row_tiles * params->column_tiles;
    int row = tile % tiles / params->column_tiles * TILE_ROWS;
    int column = tile % tiles % params->column_tiles * TILE_COLUMNS;
    int rows = MIN(TILE_ROWS, p->m - row), columns = MIN(TILE_COLUMNS, p->n - column);
    int64_t batch = tile / tiles, a_at, b_at;

    locate_batch(p, batch, &a_at, &b_at);
    const float *a = (const float *)io[0] + a_at + (p->trans_a ? row : (int64_t)row * p->k);
    const float *b = (const float *)io[1] + b_at + (p->trans_b ? (int64_t)column * p->k : column);
    float *y = (float *)io[step->n_in] + (batch * p->m + row) * p->n + column;

    for (int i = 0; i < rows; i++)
        memset(y + (int64_t)i * p->n, 0, sizeof *y * (size_t)columns);
    if (p->k > 0)
        cr_gemm(p->trans_a, p->trans_b, rows, columns, p->k, p->alpha, a, p->trans_a ? p->m : p->k,
                b, p->trans_b ? p->k : p->n, 1.0f, y, p->n);
    for (int i = 0; p->has_c && i < rows; i++)
        add_row(p, io[2], row + i, column, columns, y + (int64_t)i * p->n);
}

/* The same for one row, in double precision. */
static void
exact_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CrMatrixProduct *p = &((const MatrixParams *)step->params)->product;
    int64_t row = tile % p->m, a_at, b_at;
    double *sums = scratch;
    float *y = (float *)io[step->n_in] + (int64_t)tile * p->n;

    locate_batch(p, tile / p->m, &a_at, &b_at);
    memset(sums, 0, sizeof *sums * (size_t)p->n);
    for (int64_t k = 0; k < p->k; k++) {
        double a = ((const float *)io[0])[a_at + (p->trans_a ? k * p->m + row : row * p->k + k)];
        const float *b = (const float *)io[1] + b_at + (p->trans_b ? k : k * p->n);
        for (int64_t j = 0; j < p->n; j++)
            sums[j] += a * b[p->trans_b ? j * p->k : j];
    }
    for (int64_t j = 0; j < p->n; j++) {
        double c = p->has_c ? ((const float *)io[2])[row * p->c_row + j * p->c_column] : 0.0f;
        y[j] = (float)(p->alpha * sums[j] + p->beta * c);
    }
}

/* Some panels of the packed matrix, for all rows. */
static void
panels_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const MatrixParams *params = step->params;
    const CrMatrixProduct *p = &params->product;
    int width = params->panels.panel;
    float *zeros = scratch, *sums = zeros + CR_PANEL_MAX;
    int end = (int)cr_tile_end(tile, params->panels_per_tile, params->panels.n_panels);

    memset(zeros, 0, sizeof *zeros * (size_t)width);
    for (int panel = (int)(tile * params->panels_per_tile); panel < end; panel++) {
        int first = panel * width, columns = MIN(width, p->n - first);
        for (int row = 0; row < p->m; row++) {
            const float *x = (const float *)io[0] + (int64_t)row * p->k;
            float *y = (float *)io[step->n_in] + (int64_t)row * p->n + first;
            cr_panels_run_one(&params->panels, params->kernels, panel, zeros, x, sums);
            memcpy(y, sums, sizeof *y * (size_t)columns);
            if (p->has_c)
                add_row(p, io[2], row, first, columns, y);
        }
    }
}

/* Few rows, one after the other in memory, times one known matrix. */
static bool
suits_panels(const CrOpSetup *setup, const CrMatrixProduct *p)
{
    return setup->value[1] && p->m <= CR_PANELS_MAX_ROWS && p->n_batch_dims == 0 &&
           (!p->trans_a || p->m == 1 || p->k == 1);
}

static bool
prepare_panels(CrOpSetup *setup, MatrixParams *params, CrStep *step, GError **error)
{
    const CrMatrixProduct *p = &params->product;
    CrPanelSource b = {setup->value[1]->data, p->trans_b ? 1 : p->n, p->trans_b ? p->k : 1};

    if (!cr_panels_pack(setup, &params->panels, b, p->k, p->n, p->alpha, error))
        return false;
    step->n_tiles =
        cr_tile_cut(params->panels.n_panels, (int64_t)p->k * params->panels.panel * MAX(p->m, 1),
                    &params->panels_per_tile);
    step->scratch = 2 * CR_PANEL_MAX * sizeof(float);
    step->run = panels_run;
    step->kernel = params->panels.int8 ? "matrix-vector int8" : "matrix-vector";
    return true;
}

bool
cr_matrix_prepare(CrOpSetup *setup, const CrMatrixProduct *product, CrStep *step, GError **error)
{
    MatrixParams *params = cr_op_params(setup, step, MatrixParams, error);
    int64_t batches = 1;

    if (!params)
        return false;
    params->product = *product;
    params->product.has_c = product->has_c && product->beta != 0;
    params->kernels = setup->kernels;
    for (int i = 0; i < product->n_batch_dims; i++)
        batches *= product->batch_dims[i];
    if (cr_desc_elements(&setup->out[0]) == 0)
        batches = 0;
    step->macs = (uint64_t)cr_desc_elements(&setup->out[0]) * (uint64_t)product->k;
    if (batches && !setup->exact && suits_panels(setup, product))
        return prepare_panels(setup, params, step, error);

    params->row_tiles = setup->exact ? product->m : cr_div_up(product->m, TILE_ROWS);
    params->column_tiles = setup->exact ? 1 : cr_div_up(product->n, TILE_COLUMNS);
    int64_t tiles = batches * params->row_tiles * params->column_tiles;
    if (tiles > G_MAXINT)
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "%" G_GINT64_FORMAT " products are more than one node may have",
                           batches);
    step->n_tiles = (int)tiles;
    step->run = setup->exact ? exact_run : gemm_run;
    step->kernel = setup->exact ? "double" : "gemm";
    step->scratch = setup->exact ? sizeof(double) * (size_t)product->n : 0;
    return true;
}
