/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/graph.h"

/* SHA-256 of nodes, attributes, constants and ports of a finished graph, in hex; to be freed. The
 * hash of a graph that was built and not read. */
char *cr_graph_hash(const CrGraph *graph);
