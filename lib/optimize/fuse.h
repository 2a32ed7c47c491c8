/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the parts of the fusion pass. */
#pragma once

#include "optimize/ir.h"

/* How far ahead of a node its partners are looked for: bounds the time that a long graph takes. */
#define CR_FUSE_WINDOW 256

/* Nodes become convolutions that can carry programs, and programs of one instruction. */
bool cr_ir_convert(CrIr *ir, GError **error);
/* Results that are stored for one later program only move there when that spares memory traffic. */
bool cr_ir_sink(CrIr *ir, GError **error);
