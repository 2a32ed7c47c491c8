/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IsNaN and IsInf (onnx.ai/onnx/operators): a bool for each element. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <math.h>

/* positive, negative: which infinities count. */
typedef void (*ClassifyFn)(uint8_t *y, const void *x, size_t n, bool positive, bool negative);

#define CLASSIFY(NAME, T, op, EXPR)                                                                \
    static void op##_##NAME(uint8_t *y, const void *src, size_t n, bool positive, bool negative)   \
    {                                                                                              \
        const T *x = src;                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = EXPR;                                                                           \
    }
CR_FLOAT_TYPES(CLASSIFY, is_nan, x[i] != x[i])
CR_FLOAT_TYPES(CLASSIFY, is_inf,
               (positive && (double)x[i] == INFINITY) || (negative && (double)x[i] == -INFINITY))

static const ClassifyFn is_nan[CR_N_DTYPES] = {CR_FLOAT_TYPES(CR_TYPE_ENTRY, is_nan)};
static const ClassifyFn is_inf[CR_N_DTYPES] = {CR_FLOAT_TYPES(CR_TYPE_ENTRY, is_inf)};

typedef struct {
    ClassifyFn run;
    size_t total, size;
    bool positive, negative;
} Classify;

static bool
infer_classify(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];

    if (!is_nan[in->dtype])
        return cr_op_bad_dtype(setup, 0, error);
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_BOOL, in->dims, in->n_dims, error);
}

static void
run_classify(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Classify *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    p->run((uint8_t *)io[1] + begin, (const char *)io[0] + begin * p->size, end - begin,
           p->positive, p->negative);
}

static bool
prepare(CrOpSetup *setup, CrStep *step, const ClassifyFn *functions, GError **error)
{
    const CrDesc *in = &setup->in[0];
    Classify *p = cr_op_params(setup, step, Classify, error);

    if (!p)
        return false;
    p->run = functions[in->dtype];
    p->total = cr_desc_elements(in);
    p->size = convrnn_dtype_get_size(in->dtype);
    p->positive = cr_node_int(setup->node, "detect_positive", 1) != 0;
    p->negative = cr_node_int(setup->node, "detect_negative", 1) != 0;
    step->run = run_classify;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

static bool
prepare_is_nan(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, is_nan, error);
}

static bool
prepare_is_inf(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, is_inf, error);
}

static const CrAttrSpec is_inf_attrs[] = {
    {"detect_positive", CR_ATTR_INT}, {"detect_negative", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_is_nan = {
    .name = "IsNaN",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_classify,
    .prepare = prepare_is_nan,
};

const CrOp cr_op_is_inf = {
    .name = "IsInf",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = is_inf_attrs,
    .infer = infer_classify,
    .prepare = prepare_is_inf,
};
