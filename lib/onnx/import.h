/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the operators of a file's opset to those of opset 21. A rule rewrites one node in place;
 * what has not changed since opset 7 needs none. Operators that are several others at once, newer
 * than that or ONNX Runtime's own, are written out. Attributes that no longer exist are left alone
 * and refused by the check against the operator table. */
#pragma once

#include "onnx/proto.h"

typedef struct {
    CrOnnxFile *file;
    CrGraph *graph;
    int64_t opset; /* of the file, or of the function that the node is in */
    CrNode *node;  /* what is rewritten; its op may change */
    bool consumed; /* set: the node became something else and is not added */
    bool failed;   /* a helper node could not be added; *error says why */
} CrImport;

typedef struct {
    const char *op;
    bool (*rewrite)(CrImport *import, GError **error);
} CrImportRule;

/* One table per family; each ends with op == NULL. */
extern const CrImportRule cr_import_activation[];
extern const CrImportRule cr_import_causal_conv[];
extern const CrImportRule cr_import_constant[];
extern const CrImportRule cr_import_control[];
extern const CrImportRule cr_import_fused[];
extern const CrImportRule cr_import_normalize[];
extern const CrImportRule cr_import_quantize[];
extern const CrImportRule cr_import_reduce[];
extern const CrImportRule cr_import_resize[];
extern const CrImportRule cr_import_shape[];
extern const CrImportRule cr_import_softmax[];

/* Rewrites the node and adds it to the scope's graph; takes it over. */
bool cr_import_node(CrOnnxFile *file, CrNode *node, GError **error);

/* Makes the value a constant; FORMAT when something else defines it already. */
bool cr_import_set_constant(CrGraph *graph, int value, ConvRnnTensor *tensor, GError **error);

/* --- for rules --- */

/* An error that begins with the node; returns false. */
bool cr_import_error(const CrImport *import, ConvRnnError code, GError **error, const char *format,
                     ...) G_GNUC_PRINTF(4, 5);

/* The node's input, grown with CR_NO_VALUE as needed. */
void cr_import_set_input(CrNode *node, int index, int value);
int cr_import_input(const CrNode *node, int index); /* CR_NO_VALUE when it has none */
/* The input's constant as far as the file has been read, or NULL. */
const ConvRnnTensor *cr_import_constant_input(const CrImport *import, int index);

/* Moves an attribute to an int64 vector (INTS), or a float scalar (FLOAT), that is input `index`.
 * Nothing happens when the attribute is absent. FORMAT when it has another type. */
bool cr_import_ints_to_input(CrImport *import, const char *attr, int index, GError **error);
bool cr_import_float_to_input(CrImport *import, const char *attr, int index, GError **error);

/* An attribute that names an element type: float32 in place of the 16-bit floating point types. */
void cr_import_element_type(CrNode *node, const char *attr);

/* Adds a helper node before the one at hand: one input, one output, *out; int_attr may be NULL. */
bool cr_import_add(CrImport *import, const char *op, int input, const char *int_attr, int64_t value,
                   int *out, GError **error);

/* Helper nodes of ONNX's own domain with one output, before the one at hand. Once one has failed,
 * nothing more is done and import->failed is set, so that a rule has to look only at its end:
 *     int sum = cr_import_op(import, "Add", CR_IMPORT_IN(a, b), error);
 *     …
 *     return !import->failed; */
int cr_import_op(CrImport *import, const char *op, int n, const int *inputs, GError **error);
#define CR_IMPORT_IN(...)                                                                          \
    (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (const int[])                               \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* The same for a node that computes output `index` of the one at hand, which has it no more. */
void cr_import_output(CrImport *import, int index, const char *op, int n, const int *inputs,
                      GError **error);
/* The helper node added last, for its attributes. */
CrNode *cr_import_last(const CrImport *import);
/* The node at hand becomes another operator of ONNX's own domain, without attributes. */
void cr_import_become(CrImport *import, const char *op, int n, const int *inputs);
/* The node at hand becomes x · sigmoid(alpha · x). */
bool cr_import_swish(CrImport *import, int x, float alpha, GError **error);
