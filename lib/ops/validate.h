/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/graph.h"

/* Checks every node of a finished graph and of the loops in it against the operator table.
 * UNSUPPORTED when there is no such operator; FORMAT when a node has too few or too many inputs or
 * outputs, or an attribute that the operator has not or has with another type. */
bool cr_op_validate_graph(const CrGraph *graph, GError **error);
