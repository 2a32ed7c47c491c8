/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AttributeProto. The first walk over it counts and remembers, the second fills. */
#include "model/name_hash.h"
#include "onnx/proto.h"
#include <string.h>

/* AttributeProto.AttributeType */
enum {
    TYPE_UNDEFINED = 0,
    TYPE_FLOAT = 1,
    TYPE_INT = 2,
    TYPE_STRING = 3,
    TYPE_TENSOR = 4,
    TYPE_GRAPH = 5,
    TYPE_FLOATS = 6,
    TYPE_INTS = 7,
    TYPE_STRINGS = 8,
    TYPE_LAST = 14,
};

/* Fields of AttributeProto */
enum {
    A_NAME = 1,
    A_F = 2,
    A_I = 3,
    A_S = 4,
    A_T = 5,
    A_G = 6,
    A_FLOATS = 7,
    A_INTS = 8,
    A_STRINGS = 9,
    A_TYPE = 20,
    A_REF = 21,
};

/* Files of IR version 1 need no type: then the field that is there tells. */
static uint64_t
type_of_field(uint32_t number)
{
    static const uint8_t types[] = {
        [A_F] = TYPE_FLOAT,         [A_I] = TYPE_INT,         [A_S] = TYPE_STRING,
        [A_T] = TYPE_TENSOR,        [A_FLOATS] = TYPE_FLOATS, [A_INTS] = TYPE_INTS,
        [A_STRINGS] = TYPE_STRINGS, [A_G] = TYPE_GRAPH,
    };
    if (number > A_STRINGS && number <= 15)
        return TYPE_LAST; /* something rare */
    return number < G_N_ELEMENTS(types) ? types[number] : TYPE_UNDEFINED;
}

/* What the first walk over an attribute finds. */
typedef struct {
    uint64_t type, implied;
    char *reference; /* the attribute of the function that it stands for */
    size_t n_ints, n_floats, n_strings;
    CrWireField f, i, s, t, g; /* the last of each; number 0 when absent */
} Scan;

static bool
scan_field(Scan *scan, CrAttr *attr, const CrWireField *field, GError **error)
{
    size_t count = 1;

    if (scan->implied == TYPE_UNDEFINED)
        scan->implied = type_of_field(field->number);
    switch (field->number) {
    case A_NAME:
        g_free(attr->name);
        attr->name = cr_wire_text(field, CR_MAX_NAME, "an attribute's name", error);
        return attr->name != NULL;
    case A_TYPE:
        scan->type = field->value;
        return cr_wire_want(field, CR_WIRE_VARINT, "AttributeProto.type", error);
    case A_F:
        scan->f = *field;
        return cr_wire_want(field, CR_WIRE_FIXED32, "AttributeProto.f", error);
    case A_I:
        scan->i = *field;
        return cr_wire_want(field, CR_WIRE_VARINT, "AttributeProto.i", error);
    case A_S:
        scan->s = *field;
        return cr_wire_want(field, CR_WIRE_LENGTH, "AttributeProto.s", error);
    case A_T:
        scan->t = *field;
        return cr_wire_want(field, CR_WIRE_LENGTH, "AttributeProto.t", error);
    case A_G:
        scan->g = *field;
        return cr_wire_want(field, CR_WIRE_LENGTH, "AttributeProto.g", error);
    case A_STRINGS:
        scan->n_strings++;
        return cr_wire_want(field, CR_WIRE_LENGTH, "AttributeProto.strings", error);
    case A_FLOATS:
        if (!cr_wire_count(field, CR_WIRE_FIXED32, "AttributeProto.floats", &count, error))
            return false;
        scan->n_floats += count;
        return true;
    case A_INTS:
        if (!cr_wire_count(field, CR_WIRE_VARINT, "AttributeProto.ints", &count, error))
            return false;
        scan->n_ints += count;
        return true;
    case A_REF:
        g_free(scan->reference);
        scan->reference = cr_wire_text(field, CR_MAX_NAME, "an attribute's name", error);
        return scan->reference != NULL;
    default:
        return true;
    }
}

static bool
scan_attr(Scan *scan, CrAttr *attr, CrWire wire, GError **error)
{
    size_t start = wire.pos;
    CrWireField field;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (!scan_field(scan, attr, &field, error))
            return false;
    }
    if (more < 0)
        return false;
    if (!attr->name || !*attr->name) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": an attribute has no name", start);
        return false;
    }
    if (scan->type == TYPE_UNDEFINED)
        scan->type = scan->implied;
    if (scan->type == TYPE_UNDEFINED || scan->type > TYPE_LAST) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": attribute '%s' has type %" G_GUINT64_FORMAT, start,
                    attr->name, (guint64)scan->type);
        return false;
    }
    if (scan->n_ints > CR_MAX_ATTR_LENGTH || scan->n_floats > CR_MAX_ATTR_LENGTH ||
        scan->n_strings > CR_MAX_ATTR_LENGTH) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "byte %" G_GSIZE_FORMAT ": attribute '%s' has more than %d elements", start,
                    attr->name, CR_MAX_ATTR_LENGTH);
        return false;
    }
    return true;
}

static float
as_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, sizeof f);
    return f;
}

static void
read_numbers(const Scan *scan, CrAttr *attr, CrWire wire)
{
    bool ints = scan->type == TYPE_INTS;
    uint32_t wanted = ints ? A_INTS : A_FLOATS;
    CrWireType type = ints ? CR_WIRE_VARINT : CR_WIRE_FIXED32;
    CrWireField field;
    uint64_t value;

    attr->type = ints ? CR_ATTR_INTS : CR_ATTR_FLOATS;
    if (ints)
        attr->ints = g_new(int64_t, scan->n_ints);
    else
        attr->floats = g_new(float, scan->n_floats);
    while (cr_wire_next(&wire, &field, NULL) > 0) {
        while (field.number == wanted && cr_wire_pull(&field.body, type, &value)) {
            if (ints)
                attr->ints[attr->n++] = (int64_t)value;
            else
                attr->floats[attr->n++] = as_float(value);
        }
    }
}

/* Bytes that are no text are kept as something that only messages name: no operator we have takes
 * them, and the operator's own message is the better one. */
static bool
read_text(CrAttr *attr, const CrWireField *field, GError **error)
{
    GError *reason = NULL;

    attr->type = CR_ATTR_STRING;
    attr->string =
        field->number ? cr_wire_text(field, CR_MAX_ATTR_LENGTH, attr->name, &reason) : g_strdup("");
    if (attr->string)
        return true;
    attr->type = CR_ATTR_OTHER;
    if (reason->code == CONVRNN_ERROR_FORMAT) {
        g_error_free(reason);
        return true;
    }
    g_propagate_error(error, reason);
    return false;
}

static bool
read_strings(const Scan *scan, CrAttr *attr, CrWire wire, GError **error)
{
    CrWireField field;

    attr->type = CR_ATTR_STRINGS;
    attr->strings = g_new0(char *, scan->n_strings + 1);
    while (cr_wire_next(&wire, &field, NULL) > 0) {
        if (field.number != A_STRINGS)
            continue;
        char *text = cr_wire_text(&field, CR_MAX_ATTR_LENGTH, attr->name, error);
        if (!text)
            return false;
        attr->strings[attr->n++] = text;
    }
    return true;
}

static bool
read_tensor(CrOnnxFile *file, const Scan *scan, CrAttr *attr, GError **error)
{
    attr->type = CR_ATTR_TENSOR;
    if (!scan->t.number) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "attribute '%s' is a tensor, but there is none", attr->name);
        return false;
    }
    attr->tensor = cr_onnx_tensor(file, scan->t.body, attr->name, NULL, error);
    return attr->tensor != NULL;
}

static bool
read_graph(CrOnnxFile *file, const Scan *scan, CrAttr *attr, GError **error)
{
    const CrOnnxScope *outer = file->scope;
    CrOnnxScope scope = {
        .outer = outer, .call = outer->call, .opset = outer->opset, .depth = outer->depth + 1};

    if (!scan->g.number) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "attribute '%s' is a graph, but there is none", attr->name);
        return false;
    }
    if (outer->depth >= CR_MAX_NESTING) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "byte %" G_GSIZE_FORMAT ": graphs are nested more than %d deep", scan->g.offset,
                    CR_MAX_NESTING);
        return false;
    }
    if (!cr_onnx_take(file, 4096, scan->g.offset, error))
        return false;
    attr->type = CR_ATTR_GRAPH;
    attr->graph = scope.graph = cr_graph_new();
    scope.refused = g_hash_table_new_full(cr_name_hash, g_str_equal, g_free, g_free);
    file->scope = &scope;
    bool ok = cr_onnx_graph(file, scan->g.body, error) &&
              cr_onnx_capture(file, &scope, attr, scan->g.offset, error) &&
              cr_graph_finish(scope.graph, error);
    file->scope = outer;
    g_hash_table_unref(scope.refused);
    return ok;
}

/* What the call of a function says of one of its attributes. */
static const CrAttr *
given_by_call(const CrOnnxScope *scope, const char *name)
{
    return scope->call ? cr_node_attr(scope->call->node, name) : NULL;
}

static void
copy_attr(CrAttr *to, const CrAttr *from)
{
    char *name = to->name;

    *to = *from;
    to->name = name;
    to->ints = from->ints ? g_memdup2(from->ints, from->n * sizeof *from->ints) : NULL;
    to->floats = from->floats ? g_memdup2(from->floats, from->n * sizeof *from->floats) : NULL;
    to->string = g_strdup(from->string);
    to->strings = g_strdupv(from->strings);
    to->tensor = from->tensor ? convrnn_tensor_ref(from->tensor) : NULL;
}

static size_t
size_of_attr(const CrAttr *attr)
{
    size_t size = 256 + (attr->string ? strlen(attr->string) : 0);

    if (attr->ints || attr->floats)
        size += (size_t)attr->n * sizeof(int64_t);
    for (char **text = attr->strings; text && *text; text++)
        size += 48 + strlen(*text);
    return size;
}

/* What the attribute stands for: the call's, else the function's default, else nothing, and then
 * the node has no such attribute. Outside of functions it stands for nothing known. */
static bool
resolve(CrOnnxFile *file, const char *name, CrAttr *attr, GError **error)
{
    const CrOnnxScope *scope = file->scope;
    const CrAttr *given = given_by_call(scope, name);
    const CrWire *fallback =
        scope->call && !given ? g_hash_table_lookup(scope->call->function->attrs, name) : NULL;

    if (given && given->type != CR_ATTR_OTHER) {
        if (!cr_onnx_take(file, size_of_attr(given), 0, error))
            return false;
        copy_attr(attr, given);
    } else if (fallback) {
        CrOnnxScope apart = *scope;
        char *own = g_steal_pointer(&attr->name);
        apart.call = NULL; /* a default cannot refer to anything */
        file->scope = &apart;
        bool ok = cr_onnx_attr(file, *fallback, false, attr, error);
        file->scope = scope;
        g_free(attr->name);
        attr->name = own;
        return ok;
    } else if (scope->call && !given) {
        g_clear_pointer(&attr->name, g_free);
    }
    return true;
}

static bool
read_value(CrOnnxFile *file, const Scan *scan, CrWire wire, CrAttr *attr, GError **error)
{
    switch (scan->type) {
    case TYPE_INT:
        attr->type = CR_ATTR_INT;
        attr->i = (int64_t)scan->i.value;
        return true;
    case TYPE_FLOAT:
        attr->type = CR_ATTR_FLOAT;
        attr->f = as_float(scan->f.value);
        return true;
    case TYPE_STRING:
        return read_text(attr, &scan->s, error);
    case TYPE_STRINGS:
        return read_strings(scan, attr, wire, error);
    case TYPE_INTS:
    case TYPE_FLOATS:
        read_numbers(scan, attr, wire);
        return true;
    case TYPE_TENSOR:
        return read_tensor(file, scan, attr, error);
    default:
        return true;
    }
}

bool
cr_onnx_attr(CrOnnxFile *file, CrWire wire, bool graphs, CrAttr *attr, GError **error)
{
    Scan scan = {.type = TYPE_UNDEFINED};
    bool ok = scan_attr(&scan, attr, wire, error) &&
              cr_onnx_take(file,
                           256 + 8 * scan.n_ints + 4 * scan.n_floats + 48 * scan.n_strings +
                               (scan.g.number ? 0 : cr_wire_left(&wire)),
                           wire.pos, error);

    attr->type = CR_ATTR_OTHER;
    if (ok && scan.reference)
        ok = resolve(file, scan.reference, attr, error);
    else if (ok && scan.type == TYPE_GRAPH && graphs)
        ok = read_graph(file, &scan, attr, error);
    else if (ok)
        ok = read_value(file, &scan, wire, attr, error);
    g_free(scan.reference);
    return ok;
}
