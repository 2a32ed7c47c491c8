/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AttributeProto. The first walk over it counts and remembers, the second fills. */
#include "onnx/proto.h"
#include <string.h>

/* AttributeProto.AttributeType */
enum {
    TYPE_UNDEFINED = 0,
    TYPE_FLOAT = 1,
    TYPE_INT = 2,
    TYPE_STRING = 3,
    TYPE_TENSOR = 4,
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
        [A_STRINGS] = TYPE_STRINGS,
    };
    if (number == A_G || (number > A_STRINGS && number <= 15))
        return 5; /* a graph, or a list of something rare */
    return number < G_N_ELEMENTS(types) ? types[number] : TYPE_UNDEFINED;
}

/* What the first walk over an attribute finds. */
typedef struct {
    uint64_t type, implied;
    bool reference;
    size_t n_ints, n_floats, n_strings;
    CrWireField f, i, s, t; /* the last of each; number 0 when absent */
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
        scan->reference = true;
        return true;
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

bool
cr_onnx_attr(CrOnnxFile *file, CrWire wire, CrAttr *attr, GError **error)
{
    Scan scan = {.type = TYPE_UNDEFINED};

    if (!scan_attr(&scan, attr, wire, error) ||
        !cr_onnx_take(file,
                      256 + 8 * scan.n_ints + 4 * scan.n_floats + 48 * scan.n_strings +
                          cr_wire_left(&wire),
                      wire.pos, error))
        return false;
    attr->type = CR_ATTR_OTHER;
    if (scan.reference)
        return true;
    switch (scan.type) {
    case TYPE_INT:
        attr->type = CR_ATTR_INT;
        attr->i = (int64_t)scan.i.value;
        return true;
    case TYPE_FLOAT:
        attr->type = CR_ATTR_FLOAT;
        attr->f = as_float(scan.f.value);
        return true;
    case TYPE_STRING:
        return read_text(attr, &scan.s, error);
    case TYPE_STRINGS:
        return read_strings(&scan, attr, wire, error);
    case TYPE_INTS:
    case TYPE_FLOATS:
        read_numbers(&scan, attr, wire);
        return true;
    case TYPE_TENSOR:
        return read_tensor(file, &scan, attr, error);
    default:
        return true;
    }
}
