/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/**
 * SECTION:convrnn
 *
 * Convolutional and recurrent networks on a live stream, from C.
 *
 * |[<!-- language="C" -->
 * g_autoptr(GError) error = NULL;
 * g_autoptr(ConvRnnModel) model = convrnn_model_load("model.onnx", &error);
 * g_autoptr(ConvRnnSession) session = model ? convrnn_session_new(model, NULL, &error) : NULL;
 * if (!session)
 *     g_error("%s", error->message);
 * float *x = convrnn_session_get_input_data(session, 0);
 * while (read_frame(x)) {
 *     convrnn_session_step(session);                      // the state is carried
 *     show(convrnn_session_get_output_data(session, 0));
 * }
 * ]|
 *
 * A model is immutable and shared; a session is one stream's state and memory.
 */

#include <convrnn/error.h>
#include <convrnn/tensor.h>
#include <convrnn/model.h>
#include <convrnn/session.h>
#include <convrnn/recurrence.h>
#include <convrnn/builder.h>
#include <convrnn/layers.h>
#include <convrnn/cell.h>
#include <convrnn/cpu.h>
