/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running one operator at set-up, on inputs that are known: constant folding. */
#include "core/float_env.h"
#include "optimize/ir.h"

static bool
run_now(const CrStep *step, const void *const *in, void **data, int n_out, GError **error)
{
    void *scratch = cr_mem_alloc(1, step->scratch, "scratch", error);
    if (!scratch)
        return false;

    void **io = g_new0(void *, (gsize)(step->n_in + step->n_out));
    for (int i = 0; i < step->n_in; i++)
        io[i] = (void *)in[i];
    for (int i = 0; i < n_out; i++)
        io[step->n_in + i] = data[i];
    CrFloatEnv env = cr_float_env_enter();
    for (int tile = 0; tile < step->n_tiles; tile++)
        step->run(step, io, tile, scratch);
    cr_float_env_leave(env);
    g_free(io);
    cr_mem_free(scratch);
    return true;
}

bool
cr_op_evaluate(const CrOp *op, CrOpSetup *setup, const void *const *in, void **data, GError **error)
{
    CrRegion *keep = setup->region;
    CrStep step = {.n_in = setup->n_in, .n_out = setup->n_out};
    bool ok = true;

    setup->region = cr_region_new();
    for (int i = 0; i < setup->n_out; i++)
        data[i] = NULL;
    for (int i = 0; ok && i < setup->n_out; i++)
        if (setup->out[i].dtype != CONVRNN_DTYPE_UNDEFINED) {
            data[i] = cr_mem_alloc(1, cr_desc_bytes(&setup->out[i]), setup->node->name, error);
            ok = data[i] != NULL;
        }
    ok = ok && op->prepare(setup, &step, error) && run_now(&step, in, data, setup->n_out, error);
    if (!ok)
        for (int i = 0; i < setup->n_out; i++)
            g_clear_pointer(&data[i], cr_mem_free);
    cr_region_free(setup->region);
    setup->region = keep;
    return ok;
}
