/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Planned memory: pieces needed at the same time never overlap, others share. */
#include "core/memory.h"
#include "runtime/arena.h"
#include <glib.h>

static void
test_disjoint(void)
{
    GRand *rand = g_rand_new_with_seed(1);
    for (int round = 0; round < 200; round++) {
        CrInterval pieces[60];
        int n = g_rand_int_range(rand, 1, G_N_ELEMENTS(pieces) + 1);
        size_t busiest = 0, everything = 0;
        for (int i = 0; i < n; i++) {
            pieces[i].bytes = (size_t)g_rand_int_range(rand, 1, 5000);
            pieces[i].begin = g_rand_int_range(rand, 0, 40);
            pieces[i].end = pieces[i].begin + g_rand_int_range(rand, 0, 8);
            everything += pieces[i].bytes + CR_ALIGN;
        }
        size_t total = cr_arena_place(pieces, n);
        for (int i = 0; i < n; i++) {
            g_assert_cmpuint(pieces[i].offset % CR_ALIGN, ==, 0);
            g_assert_cmpuint(pieces[i].offset + pieces[i].bytes, <=, total);
            for (int k = 0; k < i; k++)
                g_assert_true(pieces[i].begin > pieces[k].end || pieces[k].begin > pieces[i].end ||
                              pieces[i].offset >= pieces[k].offset + pieces[k].bytes ||
                              pieces[k].offset >= pieces[i].offset + pieces[i].bytes);
        }
        for (int step = 0; step < 50; step++) {
            size_t live = 0;
            for (int i = 0; i < n; i++)
                live += pieces[i].begin <= step && step <= pieces[i].end ? pieces[i].bytes : 0;
            busiest = MAX(busiest, live);
        }
        g_assert_cmpuint(total, >=, busiest);
        g_assert_cmpuint(total, <=, everything);
    }
    g_rand_free(rand);
}

/* A chain of equal pieces, each needed with the next only, takes the room of two. */
static void
test_chain(void)
{
    CrInterval pieces[30];
    for (int i = 0; i < 30; i++)
        pieces[i] = (CrInterval){.bytes = 1024, .begin = i, .end = i + 1};
    g_assert_cmpuint(cr_arena_place(pieces, 30), ==, 2048);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arena/disjoint", test_disjoint);
    g_test_add_func("/arena/chain", test_chain);
    return g_test_run();
}
