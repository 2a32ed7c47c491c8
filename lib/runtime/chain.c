/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/chain.h"
#include "core/size.h"
#include "runtime/clock.h"
#include <string.h>

#define MAX_LINKS 96
/* It pays when a tensor that passes within is too large to wait in the L2 cache for its reader, and
 * what a thread works on stays there. Measured on processors that have 2 MiB of it. */
#define LARGE_TENSOR (1 << 20)
#define BAND_BYTES   (2 << 20)
/* What chunks may compute twice, of the whole work: one for each thread, or more than that, which
 * makes up for threads that come late or are not equally fast. */
#define MAX_TWICE  0.05
#define MORE_TWICE 0.03
#define MOST_EACH  4

/* A tensor that passes within: rows [base, base + rows) of it are there at a time. */
typedef struct {
    int root, height;
    size_t row_bytes;
    int rows;
    size_t at; /* in scratch */
} Buffer;

/* An input or an output of a step that lies in a buffer. */
typedef struct {
    int step, io, buffer;
    size_t begin, end; /* bytes of a row */
    bool output;
} Link;

struct CrChain {
    const CrPlanStep *steps;
    int n;
    size_t io_at[CR_CHAIN_MAX], n_io; /* where the addresses of each step begin */
    int n_links, n_buffers;
    Link link[MAX_LINKS];
    Buffer buffer[MAX_LINKS];
    int threads, chunks; /* chunks for more than one thread */
    size_t step_scratch; /* where the steps' own scratch begins */
    size_t scratch;
};

static inline const CrStepRows *
rows_of(const CrChain *chain, int step)
{
    return &chain->steps[step].step.rows;
}

static inline int
tiles_of(const CrChain *chain, int step)
{
    return cr_div_up(rows_of(chain, step)->height, rows_of(chain, step)->rows_per_tile);
}

/* First row of a tile; of the one after the last: the height. */
static inline int
row_of(const CrChain *chain, int step, int tile)
{
    return MIN(tile * rows_of(chain, step)->rows_per_tile, rows_of(chain, step)->height);
}

/* --- the order of tiles --- */

/* Where a thread is in its chunk. */
typedef struct {
    const CrChain *chain;
    int next[CR_CHAIN_MAX];  /* tile that each step runs next */
    int until[CR_CHAIN_MAX]; /* the tiles below this one are wanted */
    int base[MAX_LINKS];     /* first row in each buffer */
    /* to run: */
    void **io;
    char *scratch;
    uint64_t *spent;
    const CrStateCheck *check; /* NULL: new states are not looked at */
    /* to find out, with io == NULL: */
    int *most; /* rows needed at the same time, by buffer */
    int64_t tiles[CR_CHAIN_MAX];
} Walk;

/* Rows of the buffer that a step needs for its rows [begin, end), which are some. */
static void
needed(const CrChain *chain, const Link *link, int begin, int end, int *first, int *last)
{
    const CrStep *step = &chain->steps[link->step].step;
    int height = chain->buffer[link->buffer].height;

    if (step->rows.needs)
        step->rows.needs(step, link->io, &begin, &end);
    *first = CLAMP(begin, 0, height - 1);
    *last = CLAMP(end, 0, height);
}

/* Whether an earlier step writes some of what is read. */
static inline bool
provides(const Link *output, const Link *input)
{
    return output->output && output->step < input->step && output->buffer == input->buffer &&
           output->begin < input->end && input->begin < output->end;
}

/* The tile of each step that a chunk begins with, when the last step begins with `tile`. */
static void
begin_at(Walk *w, int tile)
{
    const CrChain *chain = w->chain;

    for (int i = 0; i < chain->n; i++)
        w->next[i] = i == chain->n - 1 ? tile : tiles_of(chain, i);
    for (int b = 0; b < chain->n_buffers; b++)
        w->base[b] = chain->buffer[b].height;
    for (int i = chain->n - 1; i >= 0; i--) {
        int begin = row_of(chain, i, w->next[i]), first, last;
        w->until[i] = w->next[i];
        for (int l = 0; l < chain->n_links && w->next[i] < tiles_of(chain, i); l++) {
            const Link *link = &chain->link[l];
            if (link->step != i)
                continue;
            if (link->output) {
                w->base[link->buffer] = MIN(w->base[link->buffer], begin);
                continue;
            }
            needed(chain, link, begin, begin + 1, &first, &last);
            for (int k = 0; k < l; k++)
                if (provides(&chain->link[k], link)) {
                    int writer = chain->link[k].step;
                    w->next[writer] =
                        MIN(w->next[writer], first / rows_of(chain, writer)->rows_per_tile);
                }
        }
    }
}

/* How far each step must get for the last one to run `tile`. */
static void
want(Walk *w, int tile)
{
    const CrChain *chain = w->chain;

    w->until[chain->n - 1] = tile + 1;
    for (int i = chain->n - 1; i > 0; i--) {
        int first, last;
        for (int l = 0; l < chain->n_links && w->until[i] > w->next[i]; l++) {
            const Link *link = &chain->link[l];
            if (link->step != i || link->output)
                continue;
            needed(chain, link, row_of(chain, i, w->next[i]), row_of(chain, i, w->until[i]), &first,
                   &last);
            for (int k = 0; k < l; k++)
                if (provides(&chain->link[k], link)) {
                    int writer = chain->link[k].step;
                    w->until[writer] = MAX(w->until[writer],
                                           cr_div_up(last, rows_of(chain, writer)->rows_per_tile));
                }
        }
    }
}

/* Tells the steps where the rows of a buffer are: at the address that row 0 would have. */
static void
point_at(Walk *w, int buffer)
{
    const CrChain *chain = w->chain;
    const Buffer *b = &chain->buffer[buffer];
    uintptr_t row_0 = (uintptr_t)(w->scratch + b->at) - (size_t)w->base[buffer] * b->row_bytes;

    for (int l = 0; l < chain->n_links; l++)
        if (chain->link[l].buffer == buffer)
            w->io[chain->io_at[chain->link[l].step] + (size_t)chain->link[l].io] =
                (void *)(row_0 + chain->link[l].begin);
}

/* The first row that somebody will still read or write, and the end of those that are written. */
static void
in_use(const Walk *w, int buffer, int *keep, int *written)
{
    const CrChain *chain = w->chain;

    *keep = chain->buffer[buffer].height;
    *written = 0;
    for (int l = 0; l < chain->n_links; l++) {
        const Link *link = &chain->link[l];
        int at = row_of(chain, link->step, w->next[link->step]), first = at, last;
        if (link->buffer != buffer)
            continue;
        if (link->output)
            *written = MAX(*written, at);
        if (w->next[link->step] == tiles_of(chain, link->step))
            continue;
        if (!link->output)
            needed(chain, link, at, at + 1, &first, &last);
        *keep = MIN(*keep, first);
    }
}

/* Makes room for rows below `end`: what is still needed moves to the buffer's front. */
static void
make_room(Walk *w, int buffer, int end)
{
    const Buffer *b = &w->chain->buffer[buffer];
    int keep, written;

    if (w->io && end - w->base[buffer] <= b->rows)
        return;
    in_use(w, buffer, &keep, &written);
    if (!w->io) {
        w->most[buffer] = MAX(w->most[buffer], end - keep);
        return;
    }
    char *rows = w->scratch + b->at;
    if (written > keep)
        memmove(rows, rows + (size_t)(keep - w->base[buffer]) * b->row_bytes,
                (size_t)(written - keep) * b->row_bytes);
    w->base[buffer] = keep;
    point_at(w, buffer);
}

static void
run_next(Walk *w, int i)
{
    const CrChain *chain = w->chain;
    const CrStep *step = &chain->steps[i].step;
    int tile = w->next[i], panels = step->rows.panels;

    for (int l = 0; l < chain->n_links; l++)
        if (chain->link[l].step == i && chain->link[l].output)
            make_room(w, chain->link[l].buffer, row_of(chain, i, tile + 1));
    uint64_t before = w->spent ? cr_clock() : 0;
    for (int p = 0; w->io && p < panels; p++)
        step->run(step, w->io + chain->io_at[i], tile * panels + p,
                  w->scratch + chain->step_scratch);
    if (w->check && chain->steps[i].writes_state)
        cr_state_check_tile(w->check, &chain->steps[i], w->io + chain->io_at[i], tile);
    if (w->spent)
        w->spent[i] += cr_clock() - before;
    w->tiles[i]++;
    w->next[i]++;
}

/* First tile of a chunk, of the last step. Each round, of one chunk for each thread, has half of
 * what the one before it had: threads that are apart after the large ones meet again. */
static int
chunk_begin(const CrChain *chain, int chunk, int n_chunks)
{
    int64_t tiles = tiles_of(chain, chain->n - 1);
    int rounds = n_chunks / chain->threads, round = chunk / chain->threads;

    if (rounds * chain->threads != n_chunks)
        return (int)(tiles * chunk / n_chunks);
    int64_t whole = 1 << rounds, all = (whole - 1) * chain->threads;
    int64_t left = whole >> round; /* in parts; of one thread, and one part more */
    int64_t before = (whole - left) * chain->threads + (left >> 1) * (chunk % chain->threads);
    return (int)(tiles * before / all);
}

static void
walk(Walk *w, int chunk, int n_chunks)
{
    const CrChain *chain = w->chain;
    int begin = chunk_begin(chain, chunk, n_chunks), end = chunk_begin(chain, chunk + 1, n_chunks);

    begin_at(w, begin);
    for (int b = 0; w->io && b < chain->n_buffers; b++)
        point_at(w, b);
    for (int tile = begin; tile < end; tile++) {
        want(w, tile);
        for (int i = 0; i < chain->n; i++)
            while (w->next[i] < w->until[i])
                run_next(w, i);
    }
}

void
cr_chain_run(const CrChain *chain, void *const *io, int chunk, int n_chunks, void *scratch,
             uint64_t *spent, const CrStateCheck *check)
{
    Walk w = {.chain = chain, .io = scratch, .scratch = scratch, .spent = spent, .check = check};

    memcpy(w.io, io, chain->n_io * sizeof *w.io);
    walk(&w, chunk, n_chunks);
}

int
cr_chain_chunks(const CrChain *chain, unsigned participants)
{
    return participants > 1 ? chain->chunks : 1;
}

size_t
cr_chain_scratch(const CrChain *chain)
{
    return chain->scratch;
}

int
cr_chain_length(const CrChain *chain)
{
    return chain->n;
}

bool
cr_chain_holds(const CrChain *chain, int root)
{
    for (int b = 0; b < chain->n_buffers; b++)
        if (chain->buffer[b].root == root)
            return true;
    return false;
}

/* --- whether steps can be a chain --- */

typedef struct {
    const CrPlan *plan;
    const CrInterval *life;
    int first_node, last_node;
    CrChain *chain;
} Making;

/* Whether only these steps know the tensor. */
static bool
passes_within(const Making *m, int root)
{
    const CrIrValue *value = cr_ir_value(m->plan->ir, root);

    return value->kind == CR_IR_COMPUTED && m->life[root].begin >= m->first_node &&
           m->life[root].end <= m->last_node && !cr_ir_is_new_state(m->plan->ir, root);
}

static int
find_buffer(Making *m, int root)
{
    CrChain *chain = m->chain;
    const CrDesc *desc = &cr_ir_value(m->plan->ir, root)->desc;

    for (int b = 0; b < chain->n_buffers; b++)
        if (chain->buffer[b].root == root)
            return b;
    int height = cr_desc_nchw(desc).h;
    chain->buffer[chain->n_buffers] =
        (Buffer){.root = root, .height = height, .row_bytes = cr_desc_bytes(desc) / (size_t)height};
    return chain->n_buffers++;
}

/* A view must have the rows of what it is a view of. */
static bool
same_rows(const CrDesc *view, const CrDesc *whole)
{
    return whole->block && view->block == whole->block && cr_desc_nchw(whole).n == 1 &&
           cr_desc_nchw(view).h == cr_desc_nchw(whole).h &&
           cr_desc_blocked(view).row_stride == cr_desc_blocked(whole).row_stride;
}

static bool
writes(const CrPlan *plan, const CrIrNode *node, int root)
{
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] != CR_NO_VALUE && cr_ir_root(plan->ir, node->out[i]) == root)
            return true;
    return false;
}

/* Takes up the inputs and outputs of step i that pass within; those of the last do not. */
static bool
link_step(Making *m, int i)
{
    CrChain *chain = m->chain;
    const CrIrNode *node = cr_ir_node(m->plan->ir, chain->steps[i].node);
    const CrStep *step = &chain->steps[i].step;

    for (int k = 0; k < node->n_in + node->n_out; k++) {
        bool output = k >= node->n_in;
        int value = output ? node->out[k - node->n_in] : node->in[k], begin = 0, end = 1;
        if (value == CR_NO_VALUE)
            continue;
        int root = cr_ir_root(m->plan->ir, value);
        if (output && i == chain->n - 1)
            continue;
        if (!passes_within(m, root)) {
            if (output)
                return false;
            continue;
        }
        const CrDesc *desc = &cr_ir_value(m->plan->ir, value)->desc;
        if (chain->n_links == MAX_LINKS ||
            !same_rows(desc, &cr_ir_value(m->plan->ir, root)->desc) ||
            (output && cr_desc_nchw(desc).h != step->rows.height) ||
            (!output && step->rows.needs && !step->rows.needs(step, k, &begin, &end)))
            return false;
        CrBlocked rows = cr_desc_blocked(desc);
        size_t begin_of_row = cr_view_offset(m->plan->ir, value);
        chain->link[chain->n_links++] =
            (Link){.step = i,
                   .io = k,
                   .buffer = find_buffer(m, root),
                   .begin = begin_of_row,
                   .end = begin_of_row + rows.block_stride * (size_t)rows.blocks * sizeof(float),
                   .output = output};
    }
    return true;
}

/* Whether what the last step writes is its own: parts of a tensor that others write as well would
 * have to be in a buffer and outside. */
static bool
links_fit(Making *m)
{
    CrChain *chain = m->chain;

    for (int i = 0; i < chain->n; i++) {
        chain->io_at[i] = chain->steps[i].first_place - chain->steps[0].first_place;
        chain->n_io =
            chain->io_at[i] + (size_t)(chain->steps[i].step.n_in + chain->steps[i].step.n_out);
        if (!link_step(m, i))
            return false;
    }
    const CrIrNode *last = cr_ir_node(m->plan->ir, chain->steps[chain->n - 1].node);
    for (int b = 0; b < chain->n_buffers; b++)
        if (writes(m->plan, last, chain->buffer[b].root))
            return false;
    return chain->n_buffers > 0;
}

/* --- whether it pays --- */

/* Goes through the chunks without computing anything: rows that each buffer needs at the same time
 * to `most`, and returns what all the tiles cost. */
static double
rehearse(const CrChain *chain, int n_chunks, int *most)
{
    Walk w = {.chain = chain, .most = most};
    double cost = 0;

    for (int chunk = 0; chunk < n_chunks; chunk++)
        walk(&w, chunk, n_chunks);
    for (int i = 0; i < chain->n; i++) {
        const CrStep *step = &chain->steps[i].step;
        double share = (double)w.tiles[i] / tiles_of(chain, i);
        cost += share * ((double)step->macs + (double)chain->steps[i].elements * 8);
    }
    return cost;
}

/* The largest number of chunks that is worth what they compute twice; false when even one for each
 * thread is not. */
static bool
choose_chunks(CrChain *chain, unsigned threads, bool always, int *most)
{
    double once = rehearse(chain, 1, most);
    int tiles = tiles_of(chain, chain->n - 1);

    chain->chunks = 1;
    for (int each = MOST_EACH; each > 0 && threads > 1; each--) {
        chain->chunks = MIN((int)threads * each, tiles);
        double twice = rehearse(chain, chain->chunks, most) / once - 1;
        if (always || twice <= (each > 1 ? MORE_TWICE : MAX_TWICE))
            return always || chain->chunks >= (int)threads;
    }
    return threads == 1;
}

/* Whether some tensor is better off in a buffer than in memory. */
static bool
has_large_tensor(const CrChain *chain)
{
    for (int b = 0; b < chain->n_buffers; b++)
        if (chain->buffer[b].row_bytes * (size_t)chain->buffer[b].height >= LARGE_TENSOR)
            return true;
    return false;
}

/* Gives each buffer the rows that it needs at the same time and `percent` of them more. */
static void
lay_out(CrChain *chain, const int *most, int percent)
{
    size_t at = cr_round_up(chain->n_io * sizeof(void *), CR_ALIGN), of_steps = 0;

    for (int b = 0; b < chain->n_buffers; b++) {
        Buffer *buffer = &chain->buffer[b];
        buffer->rows = (int)MIN((int64_t)most[b] * (100 + percent) / 100, buffer->height);
        buffer->at = at;
        at += cr_round_up((size_t)buffer->rows * buffer->row_bytes, CR_ALIGN);
    }
    for (int i = 0; i < chain->n; i++)
        of_steps = MAX(of_steps, chain->steps[i].step.scratch);
    chain->step_scratch = at;
    chain->scratch = at + cr_round_up(of_steps, CR_ALIGN);
}

/* The more rows a buffer has, the more seldom it slides. False when it does not fit into the cache
 * even with the fewest. */
static bool
choose_rows(CrChain *chain, const int *most)
{
    size_t weights = 0;

    for (int i = 0; i < chain->n; i++)
        weights += chain->steps[i].step.weights;
    for (int percent = 100; percent >= 0; percent -= 25) {
        lay_out(chain, most, percent);
        if (chain->scratch + weights <= BAND_BYTES)
            return true;
    }
    return false;
}

CrChain *
cr_chain_new(const CrPlan *plan, const CrInterval *life, int first, int n, unsigned threads)
{
    CrChain *chain = g_new0(CrChain, 1);
    bool always = plan->chains == CR_CHAINS_ALWAYS;
    int most[MAX_LINKS] = {0};

    chain->steps = &g_array_index(plan->steps, CrPlanStep, first);
    chain->n = n;
    chain->threads = (int)threads;
    Making m = {.plan = plan,
                .life = life,
                .first_node = chain->steps[0].node,
                .last_node = chain->steps[n - 1].node,
                .chain = chain};
    bool ok = links_fit(&m) && (always || has_large_tensor(chain)) &&
              choose_chunks(chain, threads, always, most);
    if (ok && always)
        lay_out(chain, most, 0);
    if (ok && (always || choose_rows(chain, most)))
        return chain;
    cr_chain_free(chain);
    return NULL;
}

void
cr_chain_free(CrChain *chain)
{
    g_free(chain);
}
