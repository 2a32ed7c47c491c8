/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/state_check.h"
#include <math.h>

#define CHECK_TILE (64 << 10) /* floats of state looked at in one go */

void
cr_state_check_plan(CrPlan *plan)
{
    for (guint s = 0; s < plan->states->len; s++) {
        CrPlanState *state = &g_array_index(plan->states, CrPlanState, s);
        const int value = g_array_index(plan->ir->states, CrIrState, s).out;
        state->node = -1;
        if (state->desc.dtype != CONVRNN_DTYPE_FLOAT32 || !state->desc.block)
            continue;
        for (guint i = 0; i < plan->steps->len; i++) {
            CrPlanStep *step = &g_array_index(plan->steps, CrPlanStep, i);
            const CrIrNode *node = cr_ir_node(plan->ir, step->node);
            /* where panels are shared out, the rest of a row may not be there yet */
            for (int k = 0;
                 step->step.rows.height > 0 && step->step.rows.panels == 1 && k < node->n_out; k++)
                if (node->out[k] == value) {
                    state->node = step->node;
                    state->io = node->n_in + k;
                    step->writes_state = true;
                }
        }
    }
}

void
cr_state_check_tile(const CrStateCheck *check, const CrPlanStep *step, void *const *io, int tile)
{
    const CrStepRows *rows = &step->step.rows;
    int begin = tile * rows->rows_per_tile;
    int end = MIN(begin + rows->rows_per_tile, rows->height);

    for (guint s = 0; s < check->plan->states->len; s++) {
        const CrPlanState *state = &g_array_index(check->plan->states, CrPlanState, s);
        if (state->node != step->node)
            continue;
        size_t stride = cr_desc_blocked(&state->desc).row_stride;
        const float *data = (const float *)io[state->io] + stride * (size_t)begin;
        if (check->plan->ir->kernels->has_non_finite(data, stride * (size_t)(end - begin)))
            atomic_store_explicit(&check->suspect[s], true, memory_order_relaxed);
    }
}

typedef struct {
    const CrKernels *kernels;
    const float *data;
    size_t n;
    _Atomic bool *found;
} Scan;

static void
scan_tile(void *data, int tile, int worker)
{
    const Scan *scan = data;
    size_t begin = (size_t)tile * CHECK_TILE;
    (void)worker;
    if (scan->kernels->has_non_finite(scan->data + begin, MIN(scan->n - begin, CHECK_TILE)))
        atomic_store_explicit(scan->found, true, memory_order_relaxed);
}

/* The same on the lanes and columns that belong to the tensor. */
static bool
really_non_finite(const CrDesc *desc, const float *data)
{
    if (!desc->block) {
        for (size_t i = 0; i < cr_desc_elements(desc); i++)
            if (!isfinite(data[i]))
                return true;
        return false;
    }
    CrNchw size = cr_desc_nchw(desc);
    CrBlocked b = cr_desc_blocked(desc);
    for (int n = 0; n < size.n; n++)
        for (int y = 0; y < size.h; y++)
            for (int k = 0; k < b.blocks; k++) {
                int first, lanes = cr_desc_block_channels(desc, k, &first);
                const float *row = data + b.image_stride * (size_t)n + b.row_stride * (size_t)y +
                                   b.block_stride * (size_t)k + b.origin;
                for (int i = 0; i < size.w * desc->block; i++)
                    if (i % desc->block < lanes && !isfinite(row[i]))
                        return true;
            }
    return false;
}

bool
cr_state_is_poisoned(const CrStateCheck *check, CrWorkers *workers, unsigned participants,
                     const char *half)
{
    const CrPlan *plan = check->plan;

    for (guint i = 0; i < plan->states->len; i++) {
        const CrPlanState *state = &g_array_index(plan->states, CrPlanState, i);
        if (state->desc.dtype != CONVRNN_DTYPE_FLOAT32)
            continue;
        Scan scan = {.kernels = plan->ir->kernels,
                     .data = (const float *)(half + state->offset),
                     .n = state->bytes / sizeof(float),
                     .found = &check->suspect[i]};
        if (state->node < 0)
            cr_workers_run(workers, participants, scan_tile, &scan,
                           (int)((scan.n + CHECK_TILE - 1) / CHECK_TILE));
        /* lanes that pad a block may hold anything: only then look closely */
        if (atomic_load(scan.found) && really_non_finite(&state->desc, scan.data))
            return true;
    }
    return false;
}
