/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LpNormalization (onnx.ai/onnx/operators/onnx__LpNormalization.html): y = x / ‖x‖ along an axis,
 * with the norm of order p = 1 or 2. Where the norm is 0, y is 0. */
#include "ops/lines.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include <math.h>

/* n elements, `stride` apart. */
typedef void (*NormFn)(void *y, const void *x, size_t n, size_t stride, bool squares);

#define NORM(NAME, T, op)                                                                          \
    static void op##_##NAME(void *dst, const void *src, size_t n, size_t stride, bool squares)     \
    {                                                                                              \
        const T *x = src;                                                                          \
        T *y = dst;                                                                                \
        double sum = 0;                                                                            \
        for (size_t i = 0; i < n; i++) {                                                           \
            double v = (double)x[i * stride];                                                      \
            sum += squares ? v * v : fabs(v);                                                      \
        }                                                                                          \
        if (squares)                                                                               \
            sum = sqrt(sum);                                                                       \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i * stride] = sum == 0 ? 0 : (T)((double)x[i * stride] / sum);                       \
    }
CR_FLOAT_TYPES(NORM, normalize)

static const NormFn norms[CR_N_DTYPES] = {CR_FLOAT_TYPES(CR_TYPE_ENTRY, normalize)};

typedef struct {
    NormFn normalize;
    CrLines lines;
    size_t size; /* bytes of an element */
    bool squares;
} LpNorm;

static bool
infer_lp_norm(CrOpSetup *setup, GError **error)
{
    int64_t order = cr_node_int(setup->node, "p", 2);
    int axis;

    if (!norms[setup->in[0].dtype])
        return cr_op_bad_dtype(setup, 0, error);
    if (order != 1 && order != 2)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "p is %" G_GINT64_FORMAT ", must be 1 or 2", order);
    return cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), setup->in[0].n_dims, &axis,
                      error) &&
           cr_op_like_input(setup, error);
}

static void
run_lp_norm(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const LpNorm *p = step->params;
    size_t begin, end;

    cr_tile_range(p->lines.count, p->lines.per_tile, tile, &begin, &end);
    for (size_t line = begin; line < end; line++) {
        size_t at = cr_lines_at(&p->lines, line, p->lines.n) * p->size;
        p->normalize((char *)io[1] + at, (const char *)io[0] + at, p->lines.n, p->lines.stride,
                     p->squares);
    }
}

static bool
prepare_lp_norm(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    LpNorm *p = cr_op_params(setup, step, LpNorm, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), in->n_dims, &axis, error))
        return false;
    p->normalize = norms[in->dtype];
    p->squares = cr_node_int(setup->node, "p", 2) == 2;
    p->lines = cr_lines(in, axis);
    p->size = convrnn_dtype_get_size(in->dtype);
    step->run = run_lp_norm;
    step->n_tiles = cr_tile_count(p->lines.count, p->lines.per_tile);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec lp_norm_attrs[] = {
    {"axis", CR_ATTR_INT}, {"p", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_lp_norm = {
    .name = "LpNormalization",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = lp_norm_attrs,
    .infer = infer_lp_norm,
    .prepare = prepare_lp_norm,
};
