/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recognising recurrent cells by their algebra.
 *
 * The new value of a state, expanded into a sum of products of atoms, is compared with the forms.
 * Then each gate's argument is read term by term: every term must either not depend on the cell's
 * own old state, or be one of the few things that the form has there. Anything else, and the state
 * is unrecognised. */
#include "optimize/matcher.h"
#include <math.h>

/* --- forms --- */

/* z⊙a + (1−z)⊙n, or (1−z)⊙a + z⊙n, of the atom a. */
static bool
match_blend(const CrMatcher *m, int number, int state, int *z, int *n, bool *keeps)
{
    const CrSum *sum = cr_algebra_sum(&m->e.algebra, number);
    const CrTerm *with_a = NULL, *alone = NULL, *other = NULL;

    if (sum->n_terms != 3)
        return false;
    for (int t = 0; t < 3; t++) {
        const CrTerm *term = &sum->term[t];
        bool reads = false;
        for (int f = 0; f < cr_term_degree(term); f++)
            reads = reads || cr_matcher_is_whole(m, term->factor[f], CR_ATOM_STATE, state);
        if (cr_term_degree(term) == 1)
            alone = term;
        else if (reads)
            with_a = term;
        else
            other = term;
    }
    if (!with_a || !alone || !other || cr_term_degree(with_a) != 2 || cr_term_degree(other) != 2)
        return false;
    bool first = cr_matcher_is_whole(m, with_a->factor[0], CR_ATOM_STATE, state);
    *z = with_a->factor[first ? 1 : 0];
    *keeps = !cr_matcher_is_whole(m, alone->factor[0], CR_ATOM_STATE, state);
    if (other->factor[0] != *z && other->factor[1] != *z)
        return false;
    *n = other->factor[0] == *z ? other->factor[1] : other->factor[0];
    double sign = *keeps ? 1 : -1;
    return *n != *z && with_a->coefficient == sign && other->coefficient == -sign &&
           alone->coefficient == 1 && (!*keeps || alone->factor[0] == *n);
}

static bool
match_gru(CrMatcher *m, int state)
{
    ConvRnnRecurrence *cell = &m->found->cell;
    CrReading n;
    int z, candidate;
    bool keeps;

    cr_matcher_own(m, state, -1);
    if (!match_blend(m, cr_expression_of_next(&m->e, state), state, &z, &candidate, &keeps) ||
        !cr_matcher_is_gate(m, z) || !cr_matcher_read(m, candidate, &n) || n.old_c || n.new_c)
        return false;
    int r = n.before >= 0 ? n.before : n.after;
    cell->reset = n.before >= 0  ? CONVRNN_RECURRENCE_RESET_BEFORE
                  : n.after >= 0 ? CONVRNN_RECURRENCE_RESET_AFTER
                                 : CONVRNN_RECURRENCE_RESET_NONE;
    /* exactly one of h, r⊙h and r⊙(R∗h) */
    if (n.h + (n.before >= 0) + (n.after >= 0) != 1 || (n.after >= 0 && !n.after_h))
        return false;
    if (r >= 0 && (r == z || !cr_matcher_same_activation(m, r, z) || !cr_matcher_is_gate(m, r)))
        return false;
    cell->kind = CONVRNN_RECURRENCE_GRU;
    cell->z_keeps = keeps;
    cell->gate_activation = cr_matcher_activation(m, z);
    cell->activation = cr_matcher_activation(m, candidate);
    return true;
}

static bool
match_sru(CrMatcher *m, int state)
{
    ConvRnnRecurrence *cell = &m->found->cell;
    CrReading r;
    int z, n;
    bool keeps;

    cr_matcher_own(m, state, state); /* the state is a cell state here: gates may peep at it */
    if (!match_blend(m, cr_expression_of_next(&m->e, state), state, &z, &n, &keeps) ||
        cr_matcher_depends(m, n) || !cr_matcher_read(m, z, &r) || r.h || r.before >= 0 ||
        r.after >= 0 || r.new_c)
        return false;
    cell->kind = CONVRNN_RECURRENCE_SRU;
    cell->z_keeps = keeps;
    cell->peepholes = r.old_c;
    cell->gate_activation = cr_matcher_activation(m, z);
    cell->activation = cr_matcher_activation(m, n);
    for (guint i = 0; i < m->found->products->len; i++)
        cr_matcher_note_kernel(m, g_array_index(m->found->products, int, i));
    return true;
}

static bool
match_rnn(CrMatcher *m, int state)
{
    cr_matcher_own(m, state, -1);
    int next = cr_algebra_single_atom(&m->e.algebra, cr_expression_of_next(&m->e, state));
    if (next < 0 || !cr_matcher_is_gate(m, next))
        return false;
    m->found->cell.kind = CONVRNN_RECURRENCE_RNN;
    m->found->cell.activation = cr_matcher_activation(m, next);
    return true;
}

/* --- LSTM --- */

typedef struct {
    int f, i, g, o;
    bool coupled; /* i is 1 − f then, and f is what stands there: it may be 1 − i as well */
    float clip;
    int output; /* atom act(c'), or c' itself */
} Lstm;

/* o ⊙ act(c') */
static bool
match_output(const CrMatcher *m, int number, int c, Lstm *l)
{
    const CrSum *sum = cr_algebra_sum(&m->e.algebra, number);
    const CrTerm *term = &sum->term[0];

    if (sum->n_terms != 1 || term->coefficient != 1 || cr_term_degree(term) != 2)
        return false;
    for (int k = 0; k < 2; k++) {
        const CrAtom *atom = cr_matcher_atom(m, term->factor[k]);
        int inner = atom->kind == CR_ATOM_UNARY ? cr_algebra_single_atom(&m->e.algebra, atom->a)
                                                : term->factor[k];
        l->output = term->factor[k];
        l->o = term->factor[1 - k];
        if (inner >= 0 && cr_matcher_is_whole(m, inner, CR_ATOM_NEXT, c))
            return true;
    }
    return false;
}

/* The same, or a product of it alone with weights. */
static bool
match_hidden(CrMatcher *m, int state, int c, Lstm *l)
{
    int number = cr_expression_of_next(&m->e, state);
    int product = cr_algebra_single_atom(&m->e.algebra, number);

    if (product < 0 || cr_matcher_atom(m, product)->kind != CR_ATOM_LINEAR)
        return match_output(m, number, c, l);
    int node = cr_matcher_atom(m, product)->index;
    GArray *pieces = cr_expression_pieces(&m->e, node);
    bool good = pieces->len == 1 &&
                match_output(m, cr_expression_whole(&m->e, g_array_index(pieces, int, 0)), c, l);
    g_array_unref(pieces);
    if (good) {
        cr_matcher_note_product(m, node);
        m->found->cell.projected = TRUE;
    }
    return good;
}

/* f⊙c + i⊙g, or with i = 1 − f, held within limits or not. */
static bool
match_memory(const CrMatcher *m, int number, int c, Lstm *l)
{
    int single = cr_algebra_single_atom(&m->e.algebra, number);
    const CrAtom *clip = single >= 0 ? cr_matcher_atom(m, single) : NULL;

    if (clip && clip->kind == CR_ATOM_UNARY && clip->index == CR_UNARY_CLIP &&
        clip->alpha == -clip->beta && isfinite(clip->beta)) {
        l->clip = clip->beta;
        number = clip->a;
    }
    bool keeps;
    if (match_blend(m, number, c, &l->f, &l->g, &keeps)) {
        l->coupled = true;
        l->i = l->f;
        return true;
    }
    const CrSum *sum = cr_algebra_sum(&m->e.algebra, number);
    if (sum->n_terms != 2)
        return false;
    for (int t = 0; t < 2; t++) {
        const CrTerm *keep = &sum->term[t], *add = &sum->term[1 - t];
        if (keep->coefficient != 1 || add->coefficient != 1 || cr_term_degree(keep) != 2 ||
            cr_term_degree(add) != 2)
            return false;
        for (int k = 0; k < 2; k++) {
            if (!cr_matcher_is_whole(m, keep->factor[k], CR_ATOM_STATE, c))
                continue;
            l->f = keep->factor[1 - k];
            bool first = cr_matcher_same_activation(m, l->f, add->factor[0]);
            l->i = add->factor[first ? 0 : 1];
            l->g = add->factor[first ? 1 : 0];
            return l->i != l->f;
        }
    }
    return false;
}

static bool
is_lstm_gate(CrMatcher *m, int atom, bool *old_c, bool *new_c)
{
    CrReading r;
    if (!cr_matcher_read(m, atom, &r) || !r.h || r.before >= 0 || r.after >= 0)
        return false;
    *old_c = r.old_c;
    *new_c = r.new_c;
    return true;
}

static bool
match_gates(CrMatcher *m, const Lstm *l)
{
    const int gates[3] = {l->f, l->i, l->o};
    bool old_c, new_c;

    for (int k = 0; k < 3; k++) {
        if (!cr_matcher_same_activation(m, gates[k], l->f) ||
            !is_lstm_gate(m, gates[k], &old_c, &new_c))
            return false;
        /* the output gate peeps at the new cell state, the others at the old one */
        if (gates[k] == l->o ? old_c : new_c)
            return false;
        m->found->cell.peepholes |= old_c || new_c;
    }
    return l->o != l->f && l->o != l->i && cr_matcher_is_gate(m, l->g);
}

static bool
match_lstm(CrMatcher *m, int c, int h)
{
    ConvRnnRecurrence *cell = &m->found->cell;
    Lstm l = {0};

    if (!match_memory(m, cr_expression_of_next(&m->e, c), c, &l) || !match_hidden(m, h, c, &l))
        return false;
    cr_matcher_own(m, h, c);
    if (!match_gates(m, &l))
        return false;
    cell->kind = CONVRNN_RECURRENCE_LSTM;
    cell->coupled = l.coupled;
    cell->clip = l.clip;
    cell->gate_activation = cr_matcher_activation(m, l.f);
    cell->activation = cr_matcher_activation(m, l.g);
    cell->output_activation = cr_matcher_activation(m, l.output);
    return true;
}

/* --- all states --- */

static void
found_clear(gpointer data)
{
    g_array_unref(((CrRecurrence *)data)->products);
}

static void
start(CrMatcher *m, int h, int c)
{
    m->found->cell = (ConvRnnRecurrence){0};
    m->found->states[0] = h;
    m->found->states[1] = c;
    g_array_set_size(m->found->products, 0);
}

static bool
match_pair(CrMatcher *m, const bool *taken, int state)
{
    for (int other = 0; other < (int)m->ir->states->len; other++) {
        if (taken[other] || other == state)
            continue;
        start(m, other, state);
        if (match_lstm(m, state, other))
            return true;
        start(m, state, other);
        if (match_lstm(m, other, state))
            return true;
    }
    return false;
}

static void
match(CrMatcher *m, const bool *taken, int state)
{
    start(m, state, -1);
    if (cr_matcher_operator(m, state))
        return;
    if (match_pair(m, taken, state))
        return;
    start(m, state, -1);
    if (match_gru(m, state))
        return;
    start(m, state, -1);
    if (match_sru(m, state))
        return;
    start(m, state, -1);
    if (!match_rnn(m, state))
        start(m, state, -1);
}

static void
matcher_init(CrMatcher *m, const CrIr *ir, CrChannels channels)
{
    *m = (CrMatcher){
        .ir = ir, .reached = g_new0(bool, ir->values->len + 1), .depends = g_byte_array_new()};
    cr_expressions_init(&m->e, ir, channels);
}

static void
matcher_clear(CrMatcher *m)
{
    cr_expressions_clear(&m->e);
    g_byte_array_unref(m->depends);
    g_free(m->reached);
}

GArray *
cr_recurrences_find(const CrIr *ir)
{
    CrMatcher ways[2]; /* the channels of a state of rank 3 or more may be either axis */
    bool *taken = g_new0(bool, ir->states->len + 1);
    GArray *all = g_array_new(FALSE, TRUE, sizeof(CrRecurrence));

    g_array_set_clear_func(all, found_clear);
    matcher_init(&ways[0], ir, CR_CHANNELS_SECOND);
    matcher_init(&ways[1], ir, CR_CHANNELS_LAST);
    for (int s = 0; s < (int)ir->states->len; s++) {
        if (taken[s])
            continue;
        CrRecurrence found = {.products = g_array_new(FALSE, FALSE, sizeof(int))};
        int in = g_array_index(ir->states, CrIrState, s).in;
        CrMatcher *m = ways;
        m->found = &found;
        match(m, taken, s);
        if (found.cell.kind == CONVRNN_RECURRENCE_UNRECOGNISED &&
            cr_ir_value(ir, in)->desc.n_dims > 2) {
            m = &ways[1];
            m->found = &found;
            match(m, taken, s);
        }
        for (int i = 0; i < 2; i++)
            if (found.states[i] >= 0)
                taken[found.states[i]] = true;
        if (!found.cell.is_operator)
            found.cell.channels = (guint)cr_expression_channels(&m->e, in);
        g_array_append_val(all, found);
    }
    matcher_clear(&ways[0]);
    matcher_clear(&ways[1]);
    g_free(taken);
    return all;
}
