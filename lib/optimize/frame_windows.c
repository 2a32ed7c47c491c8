/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows of frames: binding sees the whole window, the caller one frame of it. */
#include "ops/frame_window.h"
#include "model/frame_window.h"
#include "optimize/stateful.h"
#include <string.h>

/* --- shapes --- */

static bool
frame_fits(const ConvRnnModel *model, const CrFrameWindow *window, const CrDesc *given,
           GError **error)
{
    const ConvRnnTensorInfo *frame = &window->frame;
    CrDesc declared = {.n_dims = (int)frame->n_dims};
    bool fits = given->n_dims == declared.n_dims;

    memcpy(declared.dims, frame->dims, sizeof declared.dims);
    for (int i = 0; fits && i < given->n_dims; i++)
        fits = declared.dims[i] < 0 || declared.dims[i] == given->dims[i];
    if (fits)
        return true;
    g_autofree char *expected = cr_desc_to_string(&declared);
    g_autofree char *found = cr_desc_to_string(given);
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                "%s: one frame of the window '%s' is %s (? is open), the shape asked for is %s",
                model->name, frame->name, expected, found);
    return false;
}

/* The window's shape from what is declared and the frame's, which may be NULL. */
static CrDesc *
window_shape(const CrFrameWindow *window, const ConvRnnTensorInfo *declared, const CrDesc *frame)
{
    CrDesc *desc = g_new0(CrDesc, 1);

    desc->n_dims = (int)declared->n_dims;
    memcpy(desc->dims, declared->dims, sizeof desc->dims);
    for (int i = 0, k = 0; i < desc->n_dims; i++) {
        if (i == window->axis) {
            if (desc->dims[i] < 0)
                desc->dims[i] =
                    window->length * (frame && !window->drops_axis ? frame->dims[k] : 1);
            k += !window->drops_axis;
        } else {
            if (frame)
                desc->dims[i] = frame->dims[k];
            k++;
        }
    }
    return desc;
}

GHashTable *
cr_frame_window_shapes(const ConvRnnModel *model, GHashTable *shapes, GError **error)
{
    GHashTable *whole = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer name, desc;

    g_hash_table_iter_init(&iter, shapes);
    while (g_hash_table_iter_next(&iter, &name, &desc))
        g_hash_table_insert(whole, g_strdup(name), g_memdup2(desc, sizeof(CrDesc)));
    for (guint i = 0; i < model->graph->inputs->len; i++) {
        const ConvRnnTensorInfo *info = &g_array_index(model->graph->inputs, CrPort, i).info;
        const CrFrameWindow *window = cr_frame_window_find(model, i);
        const CrDesc *frame = g_hash_table_lookup(shapes, info->name);
        if (!window)
            continue;
        if (frame && !frame_fits(model, window, frame, error)) {
            g_hash_table_unref(whole);
            return NULL;
        }
        g_hash_table_insert(whole, g_strdup(info->name), window_shape(window, info, frame));
    }
    return whole;
}

/* --- the graph --- */

static const char *
owned_name(CrIr *ir, const char *input, const char *what)
{
    char *name = g_strconcat(input, ".", what, NULL);
    cr_region_own(ir->region, name, g_free);
    return name;
}

/* A state like value `out`, zero at first, whose new value `out` is; the number of its old value.
 */
static int
add_state(CrIr *ir, const char *name, int out, GError **error)
{
    int in = cr_ir_add_value(ir, cr_ir_value(ir, out));

    cr_ir_value(ir, in)->name = name;
    return cr_ir_add_state(ir, name, in, out, CONVRNN_STATE_FROM_WINDOW, NULL, error) ? in
                                                                                      : CR_NO_VALUE;
}

static const CrNode *
new_node(CrIr *ir, const char *name, GError **error)
{
    CrNode *node = cr_region_alloc(ir->region, 1, sizeof *node, name, error);
    if (node)
        *node = (CrNode){.name = (char *)name, .op = (char *)"FrameWindow", .domain = (char *)""};
    return node;
}

/* The port reads a frame, and a node before all others makes the window of it. */
static bool
add_window(CrIr *ir, const CrFrameWindow *window, CrIrPort *port, GError **error)
{
    const char *name = owned_name(ir, port->info.name, "window");
    const char *count_name = owned_name(ir, port->info.name, "count");
    int all = port->value;
    CrIrValue frame = *cr_ir_value(ir, all);
    CrFrameWindowSpec *spec = cr_region_alloc(ir->region, 1, sizeof *spec, name, error);
    const CrNode *node = spec ? new_node(ir, name, error) : NULL;

    if (!node)
        return false;
    *spec = (CrFrameWindowSpec){window->axis, window->length, window->repeats};
    frame.desc.n_dims = (int)port->info.n_dims;
    memcpy(frame.desc.dims, port->info.dims, sizeof frame.desc.dims);
    port->value = (int)ir->values->len;
    g_array_append_val(ir->values, frame);
    *cr_ir_value(ir, all) = (CrIrValue){.name = name,
                                        .kind = CR_IR_COMPUTED,
                                        .desc = cr_ir_value(ir, all)->desc,
                                        .producer = -1,
                                        .base = -1};
    int old = add_state(ir, name, all, error);
    CrIrValue count = {
        .name = count_name, .desc.dtype = CONVRNN_DTYPE_INT64, .producer = -1, .base = -1};
    int new_count = (int)ir->values->len;
    g_array_append_val(ir->values, count);
    int old_count = old == CR_NO_VALUE ? old : add_state(ir, count_name, new_count, error);
    if (old_count == CR_NO_VALUE)
        return false;

    CrIrNode maker = {.op = &cr_op_frame_window,
                      .node = node,
                      .label = "FrameWindow",
                      .n_in = 3,
                      .n_out = 2,
                      .in = g_memdup2((int[]){port->value, old, old_count}, 3 * sizeof(int)),
                      .out = g_memdup2((int[]){all, new_count}, 2 * sizeof(int)),
                      .fused = spec};
    g_array_prepend_val(ir->nodes, maker);
    return true;
}

bool
cr_ir_add_windows(CrIr *ir, GError **error)
{
    for (guint i = 0; i < ir->model->graph->inputs->len; i++) {
        const CrFrameWindow *window = cr_frame_window_find(ir->model, i);
        const char *input = g_array_index(ir->model->graph->inputs, CrPort, i).info.name;
        for (guint k = 0; window && k < ir->inputs->len; k++) {
            CrIrPort *port = &g_array_index(ir->inputs, CrIrPort, k);
            const CrDesc *all = &cr_ir_value(ir, port->value)->desc;
            int n;
            if (strcmp(port->info.name, input) != 0)
                continue;
            cr_frame_window_frame(window, all->dims, all->n_dims, port->info.dims, &n);
            port->info.n_dims = (guint)n;
            /* of a single frame the window is just another shape */
            if (window->length > 1 && !add_window(ir, window, port, error))
                return false;
        }
    }
    cr_ir_renumber(ir);
    return true;
}
