/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads JSON (RFC 8259) into a tree. Strict: UTF-8 only, no comments, no trailing commas, each key
 * of an object once, at most CR_JSON_MAX_DEPTH levels. */
#pragma once

#include <convrnn/error.h>
#include <stdbool.h>
#include <stdint.h>

#define CR_JSON_MAX_DEPTH 64

typedef enum {
    CR_JSON_NULL,
    CR_JSON_BOOL,
    CR_JSON_NUMBER,
    CR_JSON_STRING,
    CR_JSON_ARRAY,
    CR_JSON_OBJECT,
} CrJsonType;

typedef struct {
    CrJsonType type;
    bool boolean;
    double number;
    char *string;
    GPtrArray *items; /* CrJson of an array, or the members' values of an object */
    GPtrArray *keys;  /* char * of an object, in the file's order */
    int line, column; /* where the value begins, from 1; columns count characters */
} CrJson;

/* The tree of text, to be freed with cr_json_free(); NULL with CONVRNN_ERROR_FORMAT and a message
 * that begins with name:line:column. */
CrJson *cr_json_parse(const char *text, size_t length, const char *name, GError **error);
CrJson *cr_json_parse_file(const char *path, GError **error);
void cr_json_free(CrJson *json);

const char *cr_json_type_name(CrJsonType type);
/* The member called key; NULL when object is no object or has no such member. */
const CrJson *cr_json_get(const CrJson *object, const char *key);
/* Number of items of an array or members of an object, else 0. */
guint cr_json_length(const CrJson *json);
const CrJson *cr_json_item(const CrJson *json, guint index);
const char *cr_json_key(const CrJson *object, guint index);
/* True when json is a number without fraction that a double holds exactly. */
bool cr_json_get_integer(const CrJson *json, int64_t *out);
