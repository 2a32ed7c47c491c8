/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last frames of a stream, in the order of time, as one tensor that moves on by a frame in each
 * step.
 *
 * The whole moves rather than an index into a ring: what reads a window (a convolution over time)
 * wants it in order, and would have to put it in order in each step. */
#include "ops/frame_window.h"
#include "core/size.h"
#include "ops/tile.h"
#include <string.h>

enum { FRAME, OLD, OLD_COUNT, NEW, NEW_COUNT };

typedef struct {
    size_t bytes;     /* of a frame's piece: what lies together in the window */
    int64_t outer;    /* pieces of a frame */
    int64_t length;   /* frames */
    int64_t per_tile; /* pieces of the window */
    bool repeats;
} FrameWindow;

static void
run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const FrameWindow *w = step->params;
    int64_t count = *(const int64_t *)io[OLD_COUNT];
    int64_t end = cr_tile_end(tile, w->per_tile, w->outer * w->length);
    bool fill = count == 0 && w->repeats;
    (void)scratch;

    for (int64_t i = tile * w->per_tile; i < end; i++) {
        int64_t outer = i / w->length;
        bool last = i % w->length == w->length - 1;
        const char *from = last || fill ? (const char *)io[FRAME] + (size_t)outer * w->bytes
                                        : (const char *)io[OLD] + (size_t)(i + 1) * w->bytes;
        memcpy((char *)io[NEW] + (size_t)i * w->bytes, from, w->bytes);
    }
    if (tile == 0)
        *(int64_t *)io[NEW_COUNT] = count < w->length ? count + 1 : count;
}

static bool
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrFrameWindowSpec *spec = setup->fused;
    const CrDesc *window = &setup->out[0];
    FrameWindow *w = cr_region_alloc(setup->region, 1, sizeof *w, setup->node->name, error);

    if (!w)
        return false;
    *w = (FrameWindow){.outer = 1, .length = spec->length, .repeats = spec->repeats};
    for (int i = 0; i < spec->axis; i++)
        w->outer *= window->dims[i];
    w->bytes = w->outer > 0 ? cr_desc_bytes(window) / (size_t)(w->outer * w->length) : 0;
    step->params = w;
    step->run = run;
    step->kernel = "copy";
    /* the number of frames moves on even when a frame is empty */
    step->n_tiles = MAX(
        1, cr_tile_cut(w->outer * w->length, (int64_t)(w->bytes / sizeof(float)), &w->per_tile));
    return true;
}

const CrOp cr_op_frame_window = {
    .name = "FrameWindow",
    .min_in = 3,
    .max_in = 3,
    .min_out = 2,
    .max_out = 2,
    .prepare = prepare,
};
