/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a session promises: the same bytes for any number of threads, after a reset, after a
 * restore; no poisoned state; the caller's floating-point environment left alone. */
#include "core/float_env.h"
#include "model/model_info.h"
#include "runtime/config.h"
#include "runtime/session.h"
#include "support/random_network.h"
#include <convrnn/cpu.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How many networks a property is tried on; CONVRNN_TEST_SHAPES (default 1000) makes it fewer where
 * all is slow. */
static guint32
networks(void)
{
    const char *shapes = g_getenv("CONVRNN_TEST_SHAPES");
    return CLAMP((shapes ? (guint32)strtoul(shapes, NULL, 10) : 1000) * 40 / 1000, 4, 40);
}

static ConvRnnSession *
session_of(ConvRnnModel *model, guint threads)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    convrnn_session_config_set_threads(config, threads);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    return session;
}

/* Appends the outputs of `n` steps from step `first` on. */
static void
run(ConvRnnSession *session, guint32 seed, guint first, guint n, GByteArray *out)
{
    for (guint step = first; step < first + n; step++) {
        random_picture(session, seed, step);
        g_assert_cmpint(convrnn_session_step(session), ==, CONVRNN_STEP_NORMAL);
        for (guint o = 0; o < convrnn_session_get_n_outputs(session); o++) {
            const ConvRnnTensorInfo *info = convrnn_session_get_output(session, o);
            guint size = sizeof(gfloat);
            for (guint i = 0; i < info->n_dims; i++)
                size *= (guint)info->dims[i];
            g_byte_array_append(out, convrnn_session_get_output_data(session, o), size);
        }
    }
}

static void
assert_same(GByteArray *a, GByteArray *b)
{
    g_assert_cmpmem(a->data, a->len, b->data, b->len);
}

static void
test_threads(void)
{
    for (guint32 seed = 1; seed <= networks(); seed++) {
        g_autoptr(ConvRnnModel) model = random_network(seed);
        g_autoptr(GByteArray) one = g_byte_array_new();
        g_autoptr(ConvRnnSession) reference = session_of(model, 1);
        run(reference, seed, 0, 3, one);
        for (guint threads = 2; threads <= 8; threads += threads < 4 ? 1 : 4) {
            g_autoptr(GByteArray) many = g_byte_array_new();
            g_autoptr(ConvRnnSession) session = session_of(model, threads);
            run(session, seed, 0, 3, many);
            assert_same(one, many);
        }
    }
}

static void
test_reset(void)
{
    for (guint32 seed = 1; seed <= networks(); seed++) {
        g_autoptr(ConvRnnModel) model = random_network(seed);
        g_autoptr(GByteArray) fresh = g_byte_array_new();
        g_autoptr(GByteArray) again = g_byte_array_new();
        g_autoptr(GByteArray) ignored = g_byte_array_new();
        g_autoptr(ConvRnnSession) a = session_of(model, 2), b = session_of(model, 2);
        run(a, seed, 10, 3, fresh);
        run(b, seed, 0, 3, ignored);
        g_assert_cmpuint(convrnn_session_get_step(b), ==, 3);
        convrnn_session_reset(b);
        g_assert_cmpuint(convrnn_session_get_step(b), ==, 0);
        g_assert_cmpuint(convrnn_session_get_generation(b), ==, 1);
        run(b, seed, 10, 3, again);
        assert_same(fresh, again);
    }
}

/* The smallest seed from `from` on whose network has a state. */
static guint32
seed_with_state(guint32 from)
{
    for (;; from++) {
        g_autoptr(ConvRnnModel) model = random_network(from);
        g_autoptr(ConvRnnSession) session = session_of(model, 1);
        if (convrnn_session_get_n_states(session) > 0)
            return from;
    }
}

static void
test_restore(void)
{
    guint32 seed = 0;
    for (int i = 0; i < 10; i++) {
        g_autoptr(GError) error = NULL;
        seed = seed_with_state(seed + 1);
        g_autoptr(ConvRnnModel) model = random_network(seed);
        g_autoptr(ConvRnnModel) twin = random_network(seed);
        g_autoptr(GByteArray) whole = g_byte_array_new();
        g_autoptr(GByteArray) moved = g_byte_array_new();
        g_autoptr(ConvRnnSession) a = session_of(model, 2), b = session_of(model, 1),
                                  c = session_of(twin, 3);
        run(a, seed, 0, 6, whole);
        run(b, seed, 0, 3, moved);
        g_autoptr(GBytes) snapshot = convrnn_session_save_state(b, &error);
        g_assert_no_error(error);
        convrnn_session_restore_state(c, snapshot, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(convrnn_session_get_step(c), ==, 3);
        run(c, seed, 3, 3, moved);
        assert_same(whole, moved);
    }
}

/* Every prefix and every changed byte of a snapshot is refused or restores; nothing half. */
static void
test_broken_snapshot(void)
{
    guint32 seed = seed_with_state(1), other_seed = seed_with_state(seed + 1);
    g_autoptr(ConvRnnModel) model = random_network(seed), other = random_network(other_seed);
    g_autoptr(ConvRnnSession) a = session_of(model, 1), b = session_of(other, 1);
    g_autoptr(GByteArray) before = g_byte_array_new(), after = g_byte_array_new();
    g_autoptr(GByteArray) ignored = g_byte_array_new();
    g_autoptr(GError) error = NULL;

    run(a, seed, 0, 2, ignored);
    g_autoptr(GBytes) snapshot = convrnn_session_save_state(a, NULL);
    g_assert_false(convrnn_session_restore_state(b, snapshot, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE);
    g_assert_nonnull(strstr(error->message, "another model"));

    gsize size;
    const guint8 *data = g_bytes_get_data(snapshot, &size);
    for (gsize n = 0; n < size; n += n < 300 ? 1 : 997) {
        g_autoptr(GBytes) prefix = g_bytes_new(data, n);
        g_autoptr(GError) refused = NULL;
        g_assert_false(convrnn_session_restore_state(a, prefix, &refused));
        g_assert_nonnull(refused);
    }
    run(a, seed, 2, 1, before); /* the state is still that of step 2 */
    g_assert_true(convrnn_session_restore_state(a, snapshot, NULL));
    run(a, seed, 2, 1, after);
    assert_same(before, after);
    for (gsize at = 0; at < MIN(size, 200); at++) {
        g_autofree guint8 *copy = g_memdup2(data, size);
        copy[at] ^= 0x55;
        g_autoptr(GBytes) broken = g_bytes_new(copy, size);
        convrnn_session_restore_state(a, broken, NULL);
    }
}

/* h' = x + factor·h, all of one shape. */
static ConvRnnModel *
accumulator(gfloat factor)
{
    gint64 dims[] = {1, 3, 5, 7};
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(GBytes) bytes = g_bytes_new(&factor, sizeof factor);
    g_autoptr(ConvRnnTensor) scalar =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, NULL, 0, bytes, NULL);
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    guint h = convrnn_builder_input(b, "h", CONVRNN_DTYPE_FLOAT32, dims, 4);
    guint f = convrnn_builder_constant(b, scalar);
    guint fh = convrnn_builder_node(b, "Mul", (guint[]){f, h}, 2, NULL);
    guint sum = convrnn_builder_node(b, "Add", (guint[]){x, fh}, 2, NULL);
    convrnn_builder_output(b, "sum", sum);
    convrnn_builder_output(b, "next", sum);
    convrnn_builder_state(b, "h", "next", NULL);
    g_autoptr(GError) error = NULL;
    ConvRnnModel *model = convrnn_builder_build(b, "accumulator", &error);
    g_assert_no_error(error);
    return model;
}

static void
fill(ConvRnnSession *session, gfloat v)
{
    gfloat *x = convrnn_session_get_input_data(session, 0);
    for (int i = 0; i < 3 * 5 * 7; i++)
        x[i] = v;
}

static gfloat
first_output(const ConvRnnSession *session)
{
    return *(const gfloat *)convrnn_session_get_output_data(session, 0);
}

static void
test_carries(void)
{
    g_autoptr(ConvRnnModel) model = accumulator(1);
    g_autoptr(ConvRnnSession) session = session_of(model, 1);
    const gchar *output;
    ConvRnnStateOrigin origin;

    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 1);
    g_assert_cmpstr(convrnn_session_get_state(session, 0, &output, &origin)->name, ==, "h");
    g_assert_cmpstr(output, ==, "next");
    g_assert_cmpint(origin, ==, CONVRNN_STATE_FROM_BUILDER);
    fill(session, 0.5f);
    for (int i = 1; i <= 5; i++) {
        convrnn_session_step(session);
        g_assert_cmpfloat(first_output(session), ==, 0.5f * (gfloat)i);
    }
}

static void
test_stateless(void)
{
    g_autoptr(ConvRnnModel) model = accumulator(1);
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    convrnn_session_config_set_stateless(config, TRUE);
    g_autoptr(ConvRnnSession) session = convrnn_session_new(model, config, NULL);
    fill(session, 0.5f);
    for (int i = 0; i < 3; i++) {
        convrnn_session_step(session);
        g_assert_cmpfloat(first_output(session), ==, 0.5f);
    }
}

static void
test_initial(void)
{
    g_autoptr(ConvRnnModel) model = accumulator(1);
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    gint64 channels[] = {3, 1, 1}, wrong[] = {2, 1, 1};
    gfloat v[] = {10, 20, 30};
    g_autoptr(GBytes) bytes = g_bytes_new(v, sizeof v), two = g_bytes_new(v, 2 * sizeof *v);
    g_autoptr(ConvRnnTensor) initial =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, channels, 3, bytes, NULL);
    g_autoptr(ConvRnnTensor) misfit =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, wrong, 3, two, NULL);
    g_autoptr(GError) error = NULL;

    convrnn_session_config_set_initial(config, "h", initial);
    g_autoptr(ConvRnnSession) session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    fill(session, 1);
    convrnn_session_step(session);
    const gfloat *y = convrnn_session_get_output_data(session, 0);
    for (int i = 0; i < 3 * 35; i++)
        g_assert_cmpfloat(y[i], ==, v[i / 35] + 1);

    convrnn_session_config_set_initial(config, "h", misfit);
    g_assert_null(convrnn_session_new(model, config, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE);
}

static void
test_poison(void)
{
    const gfloat poisons[] = {NAN, INFINITY, -INFINITY};
    for (guint i = 0; i < G_N_ELEMENTS(poisons); i++) {
        g_autoptr(ConvRnnModel) model = accumulator(1);
        g_autoptr(ConvRnnSession) session = session_of(model, 1);
        gfloat *x = convrnn_session_get_input_data(session, 0);
        fill(session, 1);
        convrnn_session_step(session);
        x[104] = poisons[i]; /* the last element */
        g_assert_cmpint(convrnn_session_step(session), ==, CONVRNN_STEP_STATE_RESET);
        g_assert_cmpuint(convrnn_session_get_generation(session), ==, 1);
        g_assert_cmpuint(convrnn_session_get_step(session), ==, 0);
        fill(session, 1);
        g_assert_cmpint(convrnn_session_step(session), ==, CONVRNN_STEP_NORMAL);
        g_assert_cmpfloat(first_output(session), ==, 1);
    }
}

#define POISON_H 11
#define POISON_W 21

/* h' = h / 2 + (two convolutions of 1×1 of x): what is not finite stays where it is. */
static ConvRnnModel *
two_convolutions(gint64 channels)
{
    const gint64 dims[] = {1, channels, POISON_H, POISON_W},
                 of_weights[] = {channels, channels, 1, 1};
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(ConvRnnTensor) weights = random_tensor(rand, of_weights, 4, 1);
    g_autoptr(ConvRnnTensor) half = random_tensor(rand, NULL, 0, 0.5);
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(GError) error = NULL;
    guint y = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    guint h = convrnn_builder_input(b, "h", CONVRNN_DTYPE_FLOAT32, dims, 4);
    guint w = convrnn_builder_constant(b, weights), f = convrnn_builder_constant(b, half);

    for (int i = 0; i < 2; i++)
        y = convrnn_builder_node(b, "Conv", (guint[]){y, w}, 2, NULL);
    h = convrnn_builder_node(b, "Mul", (guint[]){h, f}, 2, NULL);
    convrnn_builder_output(b, "next", convrnn_builder_node(b, "Add", (guint[]){y, h}, 2, NULL));
    convrnn_builder_state(b, "h", "next", NULL);
    ConvRnnModel *model = convrnn_builder_build(b, "poison", &error);
    g_assert_no_error(error);
    return model;
}

/* Wherever it is, and whoever writes the state: steps by themselves or a chain, on any number of
 * threads. */
static void
test_poison_anywhere(void)
{
    const gint64 channels[] = {1, 3, 17, 70};

    for (guint c = 0; c < G_N_ELEMENTS(channels); c++)
        for (guint variant = 0; variant < 6; variant++) {
            g_autoptr(ConvRnnModel) model = two_convolutions(channels[c]);
            g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
            g_autoptr(GError) error = NULL;
            config->binding.chains = variant % 2 ? CR_CHAINS_ALWAYS : CR_CHAINS_NEVER;
            convrnn_session_config_set_threads(config, 1 + variant / 2);
            g_autoptr(ConvRnnSession) session = convrnn_session_new(model, config, &error);
            g_assert_no_error(error);
            gfloat *x = convrnn_session_get_input_data(session, 0);
            const int n = (int)channels[c] * POISON_H * POISON_W;
            for (int i = 0; i < n; i++)
                x[i] = 0.5f;
            for (int y = 0; y < POISON_H; y++) {
                const int at =
                    (g_test_rand_int_range(0, (int)channels[c]) * POISON_H + y) * POISON_W +
                    g_test_rand_int_range(0, POISON_W);
                g_assert_cmpint(convrnn_session_step(session), ==, CONVRNN_STEP_NORMAL);
                x[at] = NAN;
                g_assert_cmpint(convrnn_session_step(session), ==, CONVRNN_STEP_STATE_RESET);
                x[at] = 0.5f;
            }
        }
}

static bool
flushes_to_zero(void)
{
    volatile gfloat smallest = G_MINFLOAT, half = 0.5f, product;
    CrFloatEnv old = cr_float_env_enter();
    product = smallest * half;
    cr_float_env_leave(old);
    return product == 0;
}

/* A state that decays becomes exactly zero before it becomes denormal. */
static void
test_decay(void)
{
    if (!flushes_to_zero()) {
        g_test_skip("this processor, or what emulates it, does not flush to zero");
        return;
    }
    g_autoptr(ConvRnnModel) model = accumulator(0.5f);
    g_autoptr(ConvRnnSession) session = session_of(model, 1);
    fill(session, 1);
    convrnn_session_step(session);
    fill(session, 0);
    for (int i = 0; i < 160; i++) {
        convrnn_session_step(session);
        gfloat v = first_output(session);
        g_assert_true(v == 0 || v >= G_MINFLOAT);
    }
    g_assert_cmpfloat(first_output(session), ==, 0);
}

static void
test_float_environment(void)
{
#if defined(__x86_64__)
    g_autoptr(ConvRnnModel) model = accumulator(1);
    g_autoptr(ConvRnnSession) session = session_of(model, 2);
    unsigned before = 0x1f80 | 0x2000; /* round down */
    unsigned old = _mm_getcsr();
    _mm_setcsr(before);
    convrnn_session_step(session);
    unsigned after = _mm_getcsr();
    _mm_setcsr(old);
    g_assert_cmphex(after & 0xffc0, ==, before & 0xffc0);
#else
    g_test_skip("only checked on x86-64");
#endif
}

/* A .modelinfo can bind an input: then it is neither read nor a state. */
static void
test_constant_of_modelinfo(void)
{
    gint64 dims[] = {1, 3, 5, 7}, one[] = {1};
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    guint gain = convrnn_builder_input(b, "gain", CONVRNN_DTYPE_FLOAT32, one, 1);
    convrnn_builder_output(b, "y", convrnn_builder_node(b, "Mul", (guint[]){x, gain}, 2, NULL));
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, "gain", NULL);
    g_autoptr(GError) error = NULL;
    model->info = g_key_file_new();
    g_key_file_set_string(model->info, "gain", "constant", "2.5");
    g_hash_table_unref(model->properties);
    model->properties = cr_model_info_properties(model->info);

    g_autoptr(ConvRnnSession) session = convrnn_session_new(model, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(convrnn_session_get_n_inputs(session), ==, 1);
    fill(session, 2);
    convrnn_session_step(session);
    g_assert_cmpfloat(first_output(session), ==, 5);

    g_clear_pointer(&session, convrnn_session_free); /* its plan would be found again */
    g_key_file_set_string(model->info, "gain", "constant", "loud");
    g_hash_table_unref(model->properties);
    model->properties = cr_model_info_properties(model->info);
    g_assert_null(convrnn_session_new(model, NULL, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
}

/* Straight into the session of a twin, which another kind of processor would lay out differently:
 * as good as a snapshot, and so is the way back. */
static void
test_adopt(void)
{
    const gchar *level = convrnn_cpu_get_level();
    guint32 seed = 0;
    for (int i = 0; i < 10; i++) {
        g_autoptr(GError) error = NULL;
        seed = seed_with_state(seed + 1);
        g_autoptr(ConvRnnModel) model = random_network(seed), twin = random_network(seed);
        g_autoptr(GByteArray) whole = g_byte_array_new(), moved = g_byte_array_new();
        g_autoptr(ConvRnnSession) a = session_of(model, 2), b = session_of(model, 1);
        convrnn_cpu_set_level("c", NULL);
        g_autoptr(ConvRnnSession) c = session_of(twin, 3);
        convrnn_cpu_set_level(level, NULL);
        run(a, seed, 0, 6, whole);
        run(b, seed, 0, 3, moved);
        g_autoptr(GBytes) before = convrnn_session_save_state(b, NULL);
        convrnn_session_adopt_state(c, b, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(convrnn_session_get_step(c), ==, 3);
        g_autoptr(GBytes) there = convrnn_session_save_state(c, NULL);
        g_assert_true(g_bytes_equal(before, there));
        convrnn_session_reset(b);
        convrnn_session_adopt_state(b, c, &error);
        g_assert_no_error(error);
        g_assert_true(convrnn_session_adopt_state(b, b, NULL));
        run(b, seed, 3, 3, moved);
        assert_same(whole, moved);
    }
}

/* x of [1,3], and two sums of it, as the states of those names and that order. */
static ConvRnnModel *
two_sums(const gchar *first, const gchar *second, gint64 rows)
{
    const gchar *names[] = {first, second};
    gint64 dims[] = {1, 3}, wide[] = {rows, 3};
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 2);
    for (int i = 0; i < 2; i++) {
        g_autofree gchar *next = g_strdup_printf("next-%s", names[i]);
        guint h =
            convrnn_builder_input(b, names[i], CONVRNN_DTYPE_FLOAT32, i == 1 ? wide : dims, 2);
        guint sum = convrnn_builder_node(b, "Add", (guint[]){x, h}, 2, NULL);
        if (i == 1)
            sum = convrnn_builder_node(b, "Add", (guint[]){x, sum}, 2, NULL);
        convrnn_builder_output(b, next, sum);
        convrnn_builder_state(b, names[i], next, NULL);
    }
    convrnn_builder_output(b, "y", x);
    g_autoptr(GError) error = NULL;
    ConvRnnModel *model = convrnn_builder_build(b, second, &error);
    g_assert_no_error(error);
    return model;
}

static void
step_on_ones(ConvRnnSession *session)
{
    gfloat *x = convrnn_session_get_input_data(session, 0);
    x[0] = x[1] = x[2] = 1;
    convrnn_session_step(session);
}

/* Refused with these words, and unchanged. */
static void
refuse_to_adopt(ConvRnnModel *to_model, ConvRnnModel *from_model, const gchar *words)
{
    g_autoptr(ConvRnnSession) to = session_of(to_model, 1), from = session_of(from_model, 1);
    g_autoptr(GError) error = NULL;
    step_on_ones(to);
    step_on_ones(from);
    step_on_ones(from);
    g_autoptr(GBytes) before = convrnn_session_save_state(to, NULL);
    g_assert_false(convrnn_session_adopt_state(to, from, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE);
    g_assert_cmpstr(error->message, ==, words);
    g_autoptr(GBytes) after = convrnn_session_save_state(to, NULL);
    g_assert_true(g_bytes_equal(before, after));
}

static void
test_adopt_other_model(void)
{
    g_autoptr(ConvRnnModel) ab = two_sums("a", "b", 1), ba = two_sums("b", "a", 1);
    g_autoptr(ConvRnnModel) ac = two_sums("a", "c", 1), tall = two_sums("a", "b", 2);
    g_autoptr(ConvRnnSession) one = session_of(ab, 1), other = session_of(ba, 1);
    g_autoptr(GError) error = NULL;

    /* By name, not by place: a has seen one frame once, b twice; then the roles change. */
    step_on_ones(one);
    g_assert_true(convrnn_session_adopt_state(other, one, &error));
    g_assert_no_error(error);
    step_on_ones(other);
    g_assert_true(convrnn_session_adopt_state(one, other, &error));
    g_autoptr(GBytes) bytes = convrnn_session_save_state(one, NULL);
    gsize size;
    const gchar *data = g_bytes_get_data(bytes, &size);
    gfloat last[3];
    memcpy(last, data + size - sizeof last, sizeof last); /* b: 2, then 1 */
    g_assert_cmpfloat(last[0], ==, 3);
    g_assert_cmpfloat(last[2], ==, 3);
    g_assert_cmpuint(convrnn_session_get_step(one), ==, 2);

    refuse_to_adopt(ab, ac, "state 'b' of b: c has no state of that name");
    refuse_to_adopt(ab, tall, "state 'b' of b: expected float32 1×3, found float32 2×3 in b");
    g_autoptr(ConvRnnModel) single = accumulator(1);
    refuse_to_adopt(ab, single, "state 'a' of b: accumulator has no state of that name");
}

static void
test_sharing(void)
{
    g_autoptr(ConvRnnModel) model = random_network(3);
    g_autoptr(ConvRnnSession) a = session_of(model, 1), b = session_of(model, 2);
    g_assert_true(a->plan == b->plan);
    g_assert_true(a->arena != b->arena);
}

static void
test_errors(void)
{
    g_autoptr(ConvRnnModel) model = accumulator(1);
    const gchar *const outputs[] = {"sum", "total", NULL};
    gint64 dims[] = {1, 3, 5, 8};
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) a = convrnn_session_config_new(),
                                    b = convrnn_session_config_new(),
                                    c = convrnn_session_config_new();

    convrnn_session_config_set_outputs(a, outputs);
    g_assert_null(convrnn_session_new(model, a, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_assert_nonnull(strstr(error->message, "'total'"));
    g_assert_nonnull(strstr(error->message, "sum, next"));
    g_clear_error(&error);

    convrnn_session_config_set_input_shape(b, "x", dims, 4);
    g_assert_null(convrnn_session_new(model, b, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_assert_nonnull(strstr(error->message, "'x'"));
    g_clear_error(&error);

    convrnn_session_config_set_input_shape(c, "picture", dims, 4);
    g_assert_null(convrnn_session_new(model, c, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_assert_nonnull(strstr(error->message, "'picture'"));
    g_clear_error(&error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/session/carries", test_carries);
    g_test_add_func("/session/stateless", test_stateless);
    g_test_add_func("/session/initial", test_initial);
    g_test_add_func("/session/threads", test_threads);
    g_test_add_func("/session/reset", test_reset);
    g_test_add_func("/session/restore", test_restore);
    g_test_add_func("/session/broken-snapshot", test_broken_snapshot);
    g_test_add_func("/session/poison", test_poison);
    g_test_add_func("/session/poison-anywhere", test_poison_anywhere);
    g_test_add_func("/session/decay", test_decay);
    g_test_add_func("/session/float-environment", test_float_environment);
    g_test_add_func("/session/constant-of-modelinfo", test_constant_of_modelinfo);
    g_test_add_func("/session/adopt", test_adopt);
    g_test_add_func("/session/adopt-other-model", test_adopt_other_model);
    g_test_add_func("/session/sharing", test_sharing);
    g_test_add_func("/session/errors", test_errors);
    return g_test_run();
}
