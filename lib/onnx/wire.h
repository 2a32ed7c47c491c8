/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protobuf's wire format, read in place.
 *
 * Own code and not libprotobuf(-c), for three reasons. Weights stay where they are in the mapped
 * file: a generated parser copies every `bytes` field, which for a network is all of the file. The
 * schema's recursion (graphs in attributes of nodes of graphs) is followed to a fixed depth, so no
 * input can exhaust the stack. And memory is counted while it is taken, so a small file that
 * describes a huge graph is refused and not served.
 *
 * A cursor never leaves its span, and a span never leaves the span it was found in. */
#pragma once

#include <convrnn/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CR_WIRE_VARINT = 0,
    CR_WIRE_FIXED64 = 1,
    CR_WIRE_LENGTH = 2,
    CR_WIRE_FIXED32 = 5,
} CrWireType;

/* The bytes [pos, end) of a file that starts at data: pos is the offset that messages name. */
typedef struct {
    const uint8_t *data;
    size_t pos, end;
} CrWire;

typedef struct {
    uint32_t number;
    CrWireType type;
    size_t offset;  /* of the tag */
    uint64_t value; /* VARINT, FIXED32 and FIXED64 */
    CrWire body;    /* LENGTH; for the others the bytes of the value */
} CrWireField;

static inline size_t
cr_wire_left(const CrWire *wire)
{
    return wire->end - wire->pos;
}

/* Reads one field whole, so that a field the caller does not know is skipped by asking for the
 * next. 1: *field is filled; 0: the span is used up; -1: CONVRNN_ERROR_FORMAT with the byte offset.
 */
int cr_wire_next(CrWire *wire, CrWireField *field, GError **error);

/* A varint of at most ten bytes. */
bool cr_wire_varint(CrWire *wire, uint64_t *value, GError **error);

/* FORMAT unless the field has this wire type; `what` is the field's name in the schema. */
bool cr_wire_want(const CrWireField *field, CrWireType type, const char *what, GError **error);

/* A newly allocated string of at most `max` bytes; FORMAT when it is not UTF-8 or has a NUL inside,
 * LIMIT when it is longer. */
char *cr_wire_text(const CrWireField *field, size_t max, const char *what, GError **error);

/* Repeated numbers come one by one or packed, and a file may mix the two. How many this field
 * holds: FORMAT when the wire type is neither `type` nor LENGTH, or a packed body is ragged. */
bool cr_wire_count(const CrWireField *field, CrWireType type, const char *what, size_t *count,
                   GError **error);
/* Takes the next of them out of field->body; false when none is left. Only after cr_wire_count()
 * was true. */
bool cr_wire_pull(CrWire *body, CrWireType type, uint64_t *value);
