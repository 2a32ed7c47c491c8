/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimize/matcher.h"
#include "ops/fused_conv.h"
#include "ops/ops.h"
#include <math.h>
#include <string.h>

#define MAX_NESTED 4 /* convolutions of convolutions of the state */

/* --- what depends on the cell's state --- */

void
cr_matcher_own(CrMatcher *m, int h, int c)
{
    const CrIr *ir = m->ir;

    m->h = h;
    m->c = c;
    memset(m->reached, 0, sizeof *m->reached * ir->values->len);
    g_byte_array_set_size(m->depends, 0);
    if (h >= 0)
        m->reached[g_array_index(ir->states, CrIrState, h).in] = true;
    if (c >= 0)
        m->reached[g_array_index(ir->states, CrIrState, c).in] = true;
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, (int)i);
        bool reads = false;
        for (int k = 0; k < node->n_in; k++)
            reads = reads || (node->in[k] != CR_NO_VALUE && m->reached[node->in[k]]);
        for (int k = 0; reads && k < node->n_out; k++)
            if (node->out[k] != CR_NO_VALUE)
                m->reached[node->out[k]] = true;
    }
}

static bool
product_depends(const CrMatcher *m, int node)
{
    GArray *pieces = cr_expression_pieces(&m->e, node);
    bool depends = false;
    for (guint i = 0; i < pieces->len; i++)
        depends = depends || m->reached[g_array_index(pieces, int, i)];
    g_array_unref(pieces);
    return depends;
}

static bool sum_depends(CrMatcher *m, int sum);

static bool
find_dependence(CrMatcher *m, const CrAtom *atom)
{
    switch (atom->kind) {
    case CR_ATOM_STATE:
        return atom->index == m->h || atom->index == m->c;
    case CR_ATOM_NEXT:
        return m->reached[m->e.next[atom->index]];
    case CR_ATOM_LINEAR:
        return product_depends(m, atom->index);
    case CR_ATOM_UNARY:
        return sum_depends(m, atom->a);
    case CR_ATOM_BINARY:
        return sum_depends(m, atom->a) || sum_depends(m, atom->b);
    case CR_ATOM_OPAQUE:
        return m->reached[atom->a];
    case CR_ATOM_CONSTANT:
        break;
    }
    return false;
}

bool
cr_matcher_depends(CrMatcher *m, int number)
{
    const CrAtom atom = *cr_algebra_atom(&m->e.algebra, number);
    guint old = m->depends->len;

    if (old <= (guint)number) {
        g_byte_array_set_size(m->depends, (guint)number + 64);
        memset(m->depends->data + old, 0, m->depends->len - old);
    }
    if (m->depends->data[number] == 0) {
        bool depends = find_dependence(m, &atom);
        m->depends->data[number] = depends ? 2 : 1;
    }
    return m->depends->data[number] == 2;
}

static bool
sum_depends(CrMatcher *m, int number)
{
    const CrSum *sum = cr_algebra_sum(&m->e.algebra, number);
    for (int t = 0; t < sum->n_terms; t++)
        for (int f = 0; f < cr_term_degree(&sum->term[t]); f++)
            if (cr_matcher_depends(m, sum->term[t].factor[f]))
                return true;
    return false;
}

/* --- atoms --- */

const CrAtom *
cr_matcher_atom(const CrMatcher *m, int number)
{
    return cr_algebra_atom(&m->e.algebra, number);
}

static int
channels_of(const CrMatcher *m, int state)
{
    return cr_expression_channels(&m->e, g_array_index(m->ir->states, CrIrState, state).in);
}

bool
cr_matcher_is_whole(const CrMatcher *m, int number, CrAtomKind kind, int state)
{
    const CrAtom *atom = cr_matcher_atom(m, number);
    return state >= 0 && atom->kind == kind && atom->index == state && atom->first == 0 &&
           atom->count == channels_of(m, state);
}

static bool
is_h(const CrMatcher *m, int number)
{
    return cr_matcher_is_whole(m, number, CR_ATOM_STATE, m->h);
}

bool
cr_matcher_same_activation(const CrMatcher *m, int a, int b)
{
    const CrAtom *x = cr_matcher_atom(m, a), *y = cr_matcher_atom(m, b);
    return x->kind == CR_ATOM_UNARY && y->kind == CR_ATOM_UNARY && x->index == y->index &&
           x->alpha == y->alpha && x->beta == y->beta;
}

const char *
cr_matcher_activation(const CrMatcher *m, int number)
{
    static const char *const names[CR_N_UNARY] = {[CR_UNARY_CLIP] = "clip",
                                                  [CR_UNARY_LEAKY_RELU] = "leaky-relu",
                                                  [CR_UNARY_SIGMOID] = "sigmoid",
                                                  [CR_UNARY_TANH] = "tanh",
                                                  [CR_UNARY_HARD_SIGMOID] = "hard-sigmoid",
                                                  [CR_UNARY_HARD_SWISH] = "hard-swish",
                                                  [CR_UNARY_EXP] = "exp",
                                                  [CR_UNARY_SQRT] = "sqrt",
                                                  [CR_UNARY_ABS] = "abs"};
    const CrAtom *atom = cr_matcher_atom(m, number);

    if (atom->kind != CR_ATOM_UNARY)
        return "identity";
    if (atom->index == CR_UNARY_CLIP && atom->alpha == 0)
        return atom->beta == INFINITY ? "relu" : atom->beta == 1 ? "hard-sigmoid" : "clip";
    return names[atom->index] ? names[atom->index] : "another";
}

/* --- reading a gate's argument --- */

void
cr_matcher_note_product(CrMatcher *m, int node)
{
    for (guint i = 0; i < m->found->products->len; i++)
        if (g_array_index(m->found->products, int, i) == node)
            return;
    g_array_append_val(m->found->products, node);
}

void
cr_matcher_note_kernel(CrMatcher *m, int index)
{
    const CrIrNode *node = cr_ir_node(m->ir, index);
    int weights = node->op == &cr_op_fused_conv ? ((const CrFusedConv *)node->fused)->n_x : 1;
    const CrDesc *desc = &cr_ir_value(m->ir, node->in[weights])->desc;

    if (desc->n_dims < 3 || (node->op != &cr_op_fused_conv && node->op != &cr_op_conv))
        return;
    m->found->cell.convolutional = TRUE;
    for (int i = 2; i < MIN(desc->n_dims, 5); i++)
        m->found->cell.kernel[i - 2] = MAX(m->found->cell.kernel[i - 2], (guint)desc->dims[i]);
}

/* r of the product r⊙h, or −1. */
static int
reset_of(CrMatcher *m, int number)
{
    const CrSum *sum = cr_algebra_sum(&m->e.algebra, number);
    const CrTerm *term = &sum->term[0];

    if (sum->n_terms != 1 || term->coefficient != 1 || cr_term_degree(term) != 2)
        return -1;
    int h = is_h(m, term->factor[0]) ? 0 : is_h(m, term->factor[1]) ? 1 : -1;
    return h < 0 ? -1 : term->factor[1 - h];
}

/* Each piece that depends on the state must be h, r⊙h, or a product of such a piece. */
static bool
read_product(CrMatcher *m, int node, CrReading *r, int depth)
{
    GArray *pieces = cr_expression_pieces(&m->e, node);
    bool good = depth > 0;

    cr_matcher_note_product(m, node);
    for (guint i = 0; good && i < pieces->len; i++) {
        int value = g_array_index(pieces, int, i);
        if (!m->reached[value]) {
            r->x = true;
            continue;
        }
        int sum = cr_expression_whole(&m->e, value);
        int single = cr_algebra_single_atom(&m->e.algebra, sum), reset;
        if (single >= 0 && is_h(m, single)) {
            r->h = true;
            cr_matcher_note_kernel(m, node);
        } else if (single >= 0 && cr_matcher_atom(m, single)->kind == CR_ATOM_LINEAR) {
            good = read_product(m, cr_matcher_atom(m, single)->index, r, depth - 1);
        } else if ((reset = reset_of(m, sum)) >= 0 && (r->before < 0 || r->before == reset)) {
            r->before = reset;
            cr_matcher_note_kernel(m, node);
        } else {
            good = false;
        }
    }
    g_array_unref(pieces);
    return good;
}

static bool
set_after(CrReading *r, int reset)
{
    if (r->after >= 0 && r->after != reset)
        return false;
    r->after = reset;
    return true;
}

/* r ⊙ (R∗h): a product of nothing but h. */
static bool
read_after(CrMatcher *m, int a, int b, CrReading *r)
{
    CrReading inner = {.before = -1, .after = -1};
    int product = cr_matcher_atom(m, a)->kind == CR_ATOM_LINEAR ? a : b, reset = a + b - product;

    if (cr_matcher_atom(m, product)->kind != CR_ATOM_LINEAR ||
        cr_matcher_atom(m, reset)->kind != CR_ATOM_UNARY ||
        !read_product(m, cr_matcher_atom(m, product)->index, &inner, MAX_NESTED) || inner.x ||
        inner.before >= 0)
        return false;
    r->after_h = true;
    return set_after(r, reset);
}

static bool
read_term(CrMatcher *m, const CrTerm *term, CrReading *r)
{
    int own[CR_MAX_FACTORS], n = 0;
    bool known = true; /* all other factors */

    for (int f = 0; f < cr_term_degree(term); f++) {
        if (cr_matcher_depends(m, term->factor[f]))
            own[n++] = term->factor[f];
        else
            known = known && cr_matcher_atom(m, term->factor[f])->kind == CR_ATOM_CONSTANT;
    }
    if (n == 0) {
        for (int f = 0; f < cr_term_degree(term); f++)
            if (cr_matcher_atom(m, term->factor[f])->kind == CR_ATOM_LINEAR)
                cr_matcher_note_product(m, cr_matcher_atom(m, term->factor[f])->index);
        r->x = true;
        return true;
    }
    if (!known)
        return false;
    if (n == 2)
        return read_after(m, own[0], own[1], r);
    if (n != 1)
        return false;
    if (cr_matcher_is_whole(m, own[0], CR_ATOM_STATE, m->c))
        return r->old_c = true;
    if (cr_matcher_is_whole(m, own[0], CR_ATOM_NEXT, m->c))
        return r->new_c = true;
    const CrAtom *atom = cr_matcher_atom(m, own[0]);
    if (atom->kind == CR_ATOM_UNARY) /* r ⊙ the bias inside the reset */
        return set_after(r, own[0]);
    return atom->kind == CR_ATOM_LINEAR && read_product(m, atom->index, r, MAX_NESTED);
}

/* The argument of an activation. */
bool
cr_matcher_read(CrMatcher *m, int number, CrReading *r)
{
    *r = (CrReading){.before = -1, .after = -1};
    if (cr_matcher_atom(m, number)->kind != CR_ATOM_UNARY)
        return false;
    const CrSum sum = *cr_algebra_sum(&m->e.algebra, cr_matcher_atom(m, number)->a);
    for (int t = 0; t < sum.n_terms; t++)
        if (!read_term(m, &sum.term[t], r))
            return false;
    return true;
}

/* act(W∗x + R∗h + b) */
bool
cr_matcher_is_gate(CrMatcher *m, int atom)
{
    CrReading r;
    return cr_matcher_read(m, atom, &r) && r.h && r.before < 0 && r.after < 0 && !r.old_c &&
           !r.new_c;
}
