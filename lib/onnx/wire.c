/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/wire.h"

#define MAX_VARINT 10

static bool
wire_error(GError **error, size_t offset, const char *text)
{
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "byte %" G_GSIZE_FORMAT ": %s", offset,
                text);
    return false;
}

bool
cr_wire_varint(CrWire *wire, uint64_t *value, GError **error)
{
    uint64_t v = 0;

    for (int i = 0; i < MAX_VARINT; i++) {
        if (wire->pos + i >= wire->end)
            return wire_error(error, wire->pos, "a varint is cut off: the file is truncated");
        uint8_t byte = wire->data[wire->pos + i];
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            wire->pos += i + 1;
            *value = v;
            return true;
        }
    }
    return wire_error(error, wire->pos, "a varint is longer than ten bytes");
}

static uint64_t
load_fixed(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static bool
take_fixed(CrWire *wire, int bytes, CrWireField *field, GError **error)
{
    if (cr_wire_left(wire) < (size_t)bytes)
        return wire_error(error, wire->pos, "a number is cut off: the file is truncated");
    field->body = (CrWire){wire->data, wire->pos, wire->pos + bytes};
    field->value = load_fixed(wire->data + wire->pos, bytes);
    wire->pos += bytes;
    return true;
}

static bool
take_body(CrWire *wire, CrWireField *field, GError **error)
{
    uint64_t length;

    if (!cr_wire_varint(wire, &length, error))
        return false;
    if (length > cr_wire_left(wire)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": field %u claims %" G_GUINT64_FORMAT
                    " bytes, but only %" G_GSIZE_FORMAT
                    " are left: the file is truncated or not ONNX",
                    field->offset, field->number, (guint64)length, cr_wire_left(wire));
        return false;
    }
    field->value = 0;
    field->body = (CrWire){wire->data, wire->pos, wire->pos + (size_t)length};
    wire->pos += (size_t)length;
    return true;
}

static bool
take_varint(CrWire *wire, CrWireField *field, GError **error)
{
    size_t start = wire->pos;

    if (!cr_wire_varint(wire, &field->value, error))
        return false;
    field->body = (CrWire){wire->data, start, wire->pos};
    return true;
}

int
cr_wire_next(CrWire *wire, CrWireField *field, GError **error)
{
    uint64_t tag;
    bool ok;

    if (wire->pos >= wire->end)
        return 0;
    field->offset = wire->pos;
    if (!cr_wire_varint(wire, &tag, error))
        return -1;
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) {
        wire_error(error, field->offset, "no protobuf field has this number: not ONNX");
        return -1;
    }
    field->number = (uint32_t)(tag >> 3);
    field->type = (CrWireType)(tag & 7);
    switch (tag & 7) {
    case CR_WIRE_VARINT:
        ok = take_varint(wire, field, error);
        break;
    case CR_WIRE_FIXED64:
        ok = take_fixed(wire, 8, field, error);
        break;
    case CR_WIRE_LENGTH:
        ok = take_body(wire, field, error);
        break;
    case CR_WIRE_FIXED32:
        ok = take_fixed(wire, 4, field, error);
        break;
    case 3:
    case 4:
        ok = wire_error(error, field->offset, "a protobuf group, which ONNX does not have");
        break;
    default:
        ok = wire_error(error, field->offset, "an unknown protobuf wire type: not ONNX");
        break;
    }
    return ok ? 1 : -1;
}

bool
cr_wire_want(const CrWireField *field, CrWireType type, const char *what, GError **error)
{
    if (field->type == type)
        return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                "byte %" G_GSIZE_FORMAT ": %s has wire type %d, expected %d", field->offset, what,
                (int)field->type, (int)type);
    return false;
}

char *
cr_wire_text(const CrWireField *field, size_t max, const char *what, GError **error)
{
    size_t length = cr_wire_left(&field->body);
    const char *start = (const char *)field->body.data + field->body.pos;

    if (!cr_wire_want(field, CR_WIRE_LENGTH, what, error))
        return NULL;
    if (length > max) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "byte %" G_GSIZE_FORMAT ": %s is %" G_GSIZE_FORMAT
                    " bytes long; the limit is %" G_GSIZE_FORMAT,
                    field->offset, what, length, max);
        return NULL;
    }
    if (!g_utf8_validate_len(start, length, NULL)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": %s is not UTF-8", field->offset, what);
        return NULL;
    }
    return g_strndup(start, length);
}

bool
cr_wire_count(const CrWireField *field, CrWireType type, const char *what, size_t *count,
              GError **error)
{
    size_t bytes = cr_wire_left(&field->body);
    const uint8_t *p = field->body.data + field->body.pos;

    *count = 1;
    if (field->type == type)
        return true;
    if (!cr_wire_want(field, CR_WIRE_LENGTH, what, error))
        return false;
    if (type != CR_WIRE_VARINT) {
        size_t unit = type == CR_WIRE_FIXED32 ? 4 : 8;
        *count = bytes / unit;
        return bytes % unit == 0 ||
               wire_error(error, field->offset, "packed numbers do not fill their field");
    }

    size_t run = 0;
    *count = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (!(p[i] & 0x80)) {
            ++*count;
            run = 0;
        } else if (++run == MAX_VARINT) {
            return wire_error(error, field->body.pos + i, "a varint is longer than ten bytes");
        }
    }
    return run == 0 || wire_error(error, field->body.end, "a packed varint is cut off");
}

bool
cr_wire_pull(CrWire *body, CrWireType type, uint64_t *value)
{
    int unit = type == CR_WIRE_FIXED32 ? 4 : 8;

    if (body->pos >= body->end)
        return false;
    if (type == CR_WIRE_VARINT)
        return cr_wire_varint(body, value, NULL);
    *value = load_fixed(body->data + body->pos, unit);
    body->pos += unit;
    return true;
}
