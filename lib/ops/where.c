/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where (onnx.ai/onnx/operators/onnx__Where.html): y = condition ? a : b, three-way broadcasting,
 * any element type. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"

typedef void (*WhereRun)(void *dst, const uint8_t *condition, const void *a, const void *b,
                         const int64_t step[3], size_t n);

#define RUN(bits)                                                                                  \
    static void where_##bits(void *dst, const uint8_t *condition, const void *pa, const void *pb,  \
                             const int64_t step[3], size_t n)                                      \
    {                                                                                              \
        const uint##bits##_t *a = pa, *b = pb;                                                     \
        uint##bits##_t *d = dst;                                                                   \
        for (size_t i = 0; i < n; i++, condition += step[0], a += step[1], b += step[2])           \
            d[i] = *condition ? *a : *b;                                                           \
    }
RUN(8)
RUN(16)
RUN(32)
RUN(64)

typedef struct {
    WhereRun run;
    size_t size;
    int64_t step[3];
    CrWalk walk;
} WhereParams;

static bool
infer_where(CrOpSetup *setup, GError **error)
{
    CrDesc shape = setup->in[0];

    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_BOOL, error) ||
        !cr_op_same_dtype(setup, 1, 2, error))
        return false;
    for (int i = 1; i < 3; i++)
        if (!cr_broadcast(&shape, &setup->in[i], shape.dims, &shape.n_dims))
            return cr_op_bad_shapes(setup, 0, i, error);
    return cr_op_set_out(setup, 0, setup->in[1].dtype, shape.dims, shape.n_dims, error);
}

static void
run_where(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const WhereParams *p = step->params;
    int64_t size = (int64_t)p->size;
    size_t begin, end;
    CrWalker w;

    cr_tile_range(p->walk.total, CR_TILE_ELEMENTS, tile, &begin, &end);
    cr_walker_init(&w, &p->walk, begin, end);
    while (cr_walker_next(&w))
        p->run((char *)io[3] + w.out * p->size, (const uint8_t *)io[0] + w.offset[0],
               (const char *)io[1] + w.offset[1] * size, (const char *)io[2] + w.offset[2] * size,
               p->step, w.n);
}

static bool
prepare_where(CrOpSetup *setup, CrStep *step, GError **error)
{
    static const WhereRun runs[] = {[1] = where_8, [2] = where_16, [4] = where_32, [8] = where_64};
    const CrDesc *in[] = {&setup->in[0], &setup->in[1], &setup->in[2]};
    WhereParams *p = cr_op_params(setup, step, WhereParams, error);

    if (!p)
        return false;
    p->size = convrnn_dtype_get_size(setup->in[1].dtype);
    p->run = runs[p->size];
    cr_walk_broadcast(&p->walk, &setup->out[0], in, 3);
    for (int i = 0; i < 3; i++)
        p->step[i] = cr_walk_step(&p->walk, i);
    step->run = run_where;
    step->n_tiles = cr_tile_count(p->walk.total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

const CrOp cr_op_where = {
    .name = "Where",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_where,
    .prepare = prepare_where,
};
