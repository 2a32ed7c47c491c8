/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes JSON, two spaces per level. Commas and indentation look after themselves; the caller sees
 * to it that every begin has its end. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    GString *out;
    int depth;
    bool empty;   /* nothing written yet at this level */
    bool has_key; /* a key was written, its value comes next */
    bool compact; /* the array being written stays on one line */
} CrJsonWriter;

void cr_json_writer_init(CrJsonWriter *writer);
/* The text with a newline at its end, to be freed by the caller. */
char *cr_json_writer_finish(CrJsonWriter *writer);

void cr_json_begin(CrJsonWriter *writer, char bracket); /* '{' or '[' */
void cr_json_end(CrJsonWriter *writer, char bracket);   /* '}' or ']' */
void cr_json_write_key(CrJsonWriter *writer, const char *key);
void cr_json_write_string(CrJsonWriter *writer, const char *text); /* NULL is null */
void cr_json_write_uint(CrJsonWriter *writer, uint64_t number);
void cr_json_write_double(CrJsonWriter *writer, double number); /* not finite is null */
void cr_json_write_bool(CrJsonWriter *writer, bool boolean);
/* Dimensions on one line; negative ones are null. */
void cr_json_write_dims(CrJsonWriter *writer, const int64_t *dims, guint n);
