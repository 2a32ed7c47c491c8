/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small networks as files, for tests of the elements. Each function returns a path to be freed; the
 * files go away with networks_remove(). */
#pragma once

#include <glib.h>

/* Any bytes as a file of this name, with a .modelinfo beside it unless that is NULL. */
char *network_write(const char *name, gconstpointer data, gsize size, const char *modelinfo);

/* h_out = x + h_in, y = h_out, for x [1,channels,height,width]; −1 leaves a size open. */
char *network_sum(const char *name, int channels, int height, int width, const char *modelinfo);

/* A gated cell of 3×3 convolutions from 3 channels to 4: z = σ(conv(x) + conv(h_in)),
 * h_out = h_in + z·(tanh(conv(x)) − h_in); out y = mean over the channels. Sizes open. */
char *network_gated(const char *name);

/* h_out = h_in + log(x), y = x: a black pixel makes the state infinite. */
char *network_log(const char *name);

/* y = (x + h_in)·gain + bias with the extra inputs gain [1] and bias [?]; h_out = x + h_in. */
char *network_gain(const char *name);

/* y = a + b: two pictures and no state. */
char *network_two_pictures(const char *name, const char *modelinfo);

/* y = x[…,2 channels…]: no picture. */
char *network_no_picture(const char *name);

/* Its only operator does not exist. */
char *network_unknown_operator(const char *name);

void networks_remove(void);
