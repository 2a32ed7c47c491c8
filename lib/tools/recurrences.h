/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recurrent cells that a session recognised, as text and as JSON. */
#pragma once

#include "tools/json_writer.h"
#include <convrnn/recurrence.h>

void cr_recurrences_print(ConvRnnSession *session);
/* The key "cells" with a list. */
void cr_recurrences_write(CrJsonWriter *writer, ConvRnnSession *session);
