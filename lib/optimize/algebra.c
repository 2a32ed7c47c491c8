/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimize/algebra.h"
#include <string.h>

/* Copies are made with memset and by member, so that bytes between members are zero: numbers are
 * found by the bytes. */
static guint
hash_bytes(const void *data, size_t size)
{
    const unsigned char *at = data;
    guint hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 16777619u;
    return hash;
}

static guint
hash_atom(gconstpointer atom)
{
    return hash_bytes(atom, sizeof(CrAtom));
}

static gboolean
same_atom(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(CrAtom)) == 0;
}

static guint
hash_sum(gconstpointer sum)
{
    return hash_bytes(sum, sizeof(CrSum));
}

static gboolean
same_sum(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(CrSum)) == 0;
}

void
cr_algebra_init(CrAlgebra *algebra)
{
    algebra->atoms = g_array_new(FALSE, FALSE, sizeof(CrAtom));
    algebra->sums = g_array_new(FALSE, FALSE, sizeof(CrSum));
    algebra->atom_numbers = g_hash_table_new_full(hash_atom, same_atom, g_free, NULL);
    algebra->sum_numbers = g_hash_table_new_full(hash_sum, same_sum, g_free, NULL);
}

void
cr_algebra_clear(CrAlgebra *algebra)
{
    g_array_free(algebra->atoms, TRUE);
    g_array_free(algebra->sums, TRUE);
    g_hash_table_unref(algebra->atom_numbers);
    g_hash_table_unref(algebra->sum_numbers);
}

static int
number_of(GHashTable *numbers, GArray *all, const void *item, size_t size)
{
    gpointer found;
    if (g_hash_table_lookup_extended(numbers, item, NULL, &found))
        return GPOINTER_TO_INT(found);
    int number = (int)all->len;
    g_array_append_vals(all, item, 1);
    g_hash_table_insert(numbers, g_memdup2(item, size), GINT_TO_POINTER(number));
    return number;
}

int
cr_term_degree(const CrTerm *term)
{
    int n = 0;
    while (n < CR_MAX_FACTORS && term->factor[n] >= 0)
        n++;
    return n;
}

static void
sum_init(CrSum *sum)
{
    memset(sum, 0, sizeof *sum);
    for (int t = 0; t < CR_MAX_TERMS; t++)
        for (int f = 0; f < CR_MAX_FACTORS; f++)
            sum->term[t].factor[f] = -1;
}

static int
compare_factors(const CrTerm *a, const CrTerm *b)
{
    for (int i = 0; i < CR_MAX_FACTORS; i++)
        if (a->factor[i] != b->factor[i])
            return a->factor[i] < b->factor[i] ? -1 : 1;
    return 0;
}

static void
remove_term(CrSum *sum, int at)
{
    CrTerm empty;
    memset(&empty, 0, sizeof empty);
    for (int f = 0; f < CR_MAX_FACTORS; f++)
        empty.factor[f] = -1;
    memmove(&sum->term[at], &sum->term[at + 1],
            sizeof *sum->term * (size_t)(sum->n_terms - at - 1));
    sum->term[--sum->n_terms] = empty;
}

/* False when there is no room. */
static bool
put_term(CrSum *sum, const CrTerm *term)
{
    int at = 0;

    while (at < sum->n_terms && compare_factors(&sum->term[at], term) < 0)
        at++;
    if (at < sum->n_terms && compare_factors(&sum->term[at], term) == 0) {
        sum->term[at].coefficient += term->coefficient;
        if (sum->term[at].coefficient == 0)
            remove_term(sum, at);
        return true;
    }
    if (term->coefficient == 0)
        return true;
    if (sum->n_terms == CR_MAX_TERMS)
        return false;
    memmove(&sum->term[at + 1], &sum->term[at], sizeof *sum->term * (size_t)(sum->n_terms - at));
    sum->term[at] = *term;
    sum->n_terms++;
    return true;
}

static int
sum_number(CrAlgebra *algebra, const CrSum *sum)
{
    return number_of(algebra->sum_numbers, algebra->sums, sum, sizeof *sum);
}

int
cr_algebra_number(CrAlgebra *algebra, double value)
{
    CrSum sum;

    sum_init(&sum);
    if (value != 0) {
        sum.n_terms = 1;
        sum.term[0].coefficient = value;
    }
    return sum_number(algebra, &sum);
}

int
cr_algebra_of_atom(CrAlgebra *algebra, const CrAtom *atom)
{
    CrAtom clean;
    CrSum sum;

    memset(&clean, 0, sizeof clean);
    clean.kind = atom->kind;
    clean.index = atom->index;
    clean.first = atom->first;
    clean.count = atom->count;
    clean.of = atom->of;
    clean.a = atom->a;
    clean.b = atom->b;
    clean.alpha = atom->alpha;
    clean.beta = atom->beta;
    sum_init(&sum);
    sum.n_terms = 1;
    sum.term[0].coefficient = 1;
    sum.term[0].factor[0] = number_of(algebra->atom_numbers, algebra->atoms, &clean, sizeof clean);
    return sum_number(algebra, &sum);
}

int
cr_algebra_add(CrAlgebra *algebra, int a, int b, double scale)
{
    if (a == CR_NO_SUM || b == CR_NO_SUM)
        return CR_NO_SUM;
    CrSum sum = *cr_algebra_sum(algebra, a);
    const CrSum *other = cr_algebra_sum(algebra, b);
    for (int i = 0; i < other->n_terms; i++) {
        CrTerm term = other->term[i];
        term.coefficient *= scale;
        if (!put_term(&sum, &term))
            return CR_NO_SUM;
    }
    return sum_number(algebra, &sum);
}

static bool
multiply_terms(const CrTerm *a, const CrTerm *b, CrTerm *product)
{
    int n = cr_term_degree(a), m = cr_term_degree(b), i = 0, k = 0;

    if (n + m > CR_MAX_FACTORS)
        return false;
    memset(product, 0, sizeof *product);
    product->coefficient = a->coefficient * b->coefficient;
    for (int f = 0; f < CR_MAX_FACTORS; f++) {
        if (i < n && (k == m || a->factor[i] <= b->factor[k]))
            product->factor[f] = a->factor[i++];
        else
            product->factor[f] = k < m ? b->factor[k++] : -1;
    }
    return true;
}

int
cr_algebra_multiply(CrAlgebra *algebra, int a, int b)
{
    CrSum product;

    if (a == CR_NO_SUM || b == CR_NO_SUM)
        return CR_NO_SUM;
    const CrSum *x = cr_algebra_sum(algebra, a), *y = cr_algebra_sum(algebra, b);
    sum_init(&product);
    for (int i = 0; i < x->n_terms; i++)
        for (int k = 0; k < y->n_terms; k++) {
            CrTerm term;
            if (!multiply_terms(&x->term[i], &y->term[k], &term) || !put_term(&product, &term))
                return CR_NO_SUM;
        }
    return sum_number(algebra, &product);
}

int
cr_algebra_single_atom(const CrAlgebra *algebra, int sum)
{
    if (sum == CR_NO_SUM)
        return -1;
    const CrSum *s = cr_algebra_sum(algebra, sum);
    return s->n_terms == 1 && s->term[0].coefficient == 1 && cr_term_degree(&s->term[0]) == 1
               ? s->term[0].factor[0]
               : -1;
}

bool
cr_algebra_is_number(const CrAlgebra *algebra, int sum, double value)
{
    if (sum == CR_NO_SUM)
        return false;
    const CrSum *s = cr_algebra_sum(algebra, sum);
    if (value == 0)
        return s->n_terms == 0;
    return s->n_terms == 1 && cr_term_degree(&s->term[0]) == 0 && s->term[0].coefficient == value;
}
