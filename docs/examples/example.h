/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the examples share: numbers in place of trained weights, a session, printing. */
#pragma once

#include <convrnn/convrnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Element k is scale · sin(0.37·(k + 1) + seed): any language can make the same numbers. */
static inline void
fill(float *v, gsize n, int seed, double scale)
{
    for (gsize k = 0; k < n; k++)
        v[k] = (float)(scale * sin(0.37 * (double)(k + 1) + seed));
}

static inline ConvRnnTensor *
wave_tensor(int seed, double scale, const gint64 *dims, guint n_dims)
{
    gsize n = 1;
    for (guint i = 0; i < n_dims; i++)
        n *= (gsize)dims[i];
    float *v = g_new(float, n);
    fill(v, n, seed, scale);
    g_autoptr(GBytes) bytes = g_bytes_new_take(v, n * sizeof *v);
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, bytes, NULL);
}

/* A tensor of these dimensions. */
#define WAVE(seed, scale, ...)                                                                     \
    wave_tensor(seed, scale, (const gint64[]){__VA_ARGS__},                                        \
                sizeof((const gint64[]){__VA_ARGS__}) / sizeof(gint64))

/* A float32 input of these dimensions. */
#define INPUT(builder, name, ...)                                                                  \
    convrnn_builder_input(builder, name, CONVRNN_DTYPE_FLOAT32, (const gint64[]){__VA_ARGS__},     \
                          sizeof((const gint64[]){__VA_ARGS__}) / sizeof(gint64))

/* A session of what the builder holds; ends the program when there is an error in it. */
static inline ConvRnnSession *
open_session(ConvRnnBuilder *builder, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(builder, name, &error);
    ConvRnnSession *session = model ? convrnn_session_new(model, NULL, &error) : NULL;

    if (session)
        return session;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

/* "label: v v v" of n elements, every step-th of them. */
static inline void
print_values(const char *label, const float *v, gsize n, gsize step)
{
    printf("%s:", label);
    for (gsize k = 0; k < n; k += step)
        printf(" %.7g", (double)v[k]);
    printf("\n");
}

static inline gsize
count(const ConvRnnTensorInfo *info)
{
    gsize n = 1;
    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    return n;
}

/* All outputs, each after its name and shape. */
static inline void
print_outputs(const ConvRnnSession *session)
{
    for (guint i = 0; i < convrnn_session_get_n_outputs(session); i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_output(session, i);
        g_autoptr(GString) label = g_string_new(info->name);
        for (guint k = 0; k < info->n_dims; k++)
            g_string_append_printf(label, "%s%d", k ? "×" : " ", (int)info->dims[k]);
        print_values(label->str, convrnn_session_get_output_data(session, i), count(info), 1);
    }
}
