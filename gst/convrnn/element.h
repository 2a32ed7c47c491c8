/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the element convrnn is made of, and what its parts do for each other. */
#pragma once

#include "gstconvrnn.h"
#include "durations.h"
#include "lateness.h"
#include "loaded_model.h"
#include "state_rules.h"
#include "steady_latency.h"
#include "stream_network.h"
#include "turns.h"

GST_DEBUG_CATEGORY_EXTERN(cr_element_debug);
#define GST_CAT_DEFAULT cr_element_debug

/* GstBaseTransform's, for what is left to it. */
extern GstBaseTransformClass *cr_element_base_class;

/* How many steps the figure fps looks at. */
#define CR_STATS_FPS_WINDOW 64

/* What the property stats tells. */
typedef struct {
    guint64 generation, resets[CR_N_RESET_CAUSES], turns[CR_N_TURNS];
    guint64 state_bytes;
    const char *precision; /* what the session computes with; NULL before there is one */
    CrDurations convert, step, attach, whole;
    GstClockTime ended[CR_STATS_FPS_WINDOW]; /* a ring: when the last steps ended */
    CrSteadyLatency latency;
} CrElementStats;

/* What has to be told of a frame once the session lock is given back. */
typedef struct {
    gboolean unmappable, no_memory, latency_changed, state_invalid;
    GstClockTimeDiff late_by; /* of a frame that was skipped for it */
} CrFrameNews;

/* A frame on its way through the element. */
typedef struct {
    GstBuffer *buffer;
    gboolean passes; /* without a result: the stream runs backwards */
    CrTurn turn;
    GstConvRnnMetaInfo info;
    GstCustomMeta *meta; /* NULL when it could not be looked at */
    CrFrameNews news;
} CrFrame;

struct _GstConvRnn {
    GstBaseTransform parent;

    /* The properties; under the object lock. */
    CrModelSettings set;
    char *state_file;
    guint state_window, top_k;
    CrTurnRules turn_rules;
    gboolean skip_late;
    GstClockTime max_latency;
    gboolean post_messages, async;
    CrResetOn reset_on;

    /* Changed by the streaming thread, and the state by the signals, too: under the session lock,
     * which is held over a step, by this thread or by the one that makes steps aside. No message
     * is posted under it. */
    GMutex session_lock;
    GCond session_cond; /* with the next two */
    gboolean stepping;  /* the lock is, in effect, the other thread's: see the function below */
    gboolean end_of_aside;
    CrLoadedModel *loaded; /* from start to stop */
    CrStreamNetwork network;
    CrLoadedModel *next; /* to take their places between two frames; NULL when there is none */
    CrStreamNetwork next_network;
    CrTurns turns;
    GstClockTime last_pts;    /* of the frame that the last step saw */
    GBytes *next_state;       /* to begin with once there is a session */
    char *next_state_file;    /* where it is from; NULL: from the signal set-state */
    gboolean keep_state_file; /* what is in it has not been understood */

    /* The streaming thread's. */
    CrStateRules rules;
    GThread *aside; /* with async, from start to stop: makes the steps */
    CrFrame held;   /* its frame; while `stepping` is set it belongs to that thread */
    gboolean held_is_told;
    gboolean reverse_reported, invalid_reported;
    gboolean caps_refused; /* and said so: negotiation may try the same caps many times */

    guint reset_wanted; /* atomic: the cause, of CrResetOn; 0: none */

    /* Of several threads; under the object lock. */
    gboolean started;
    guint swap_serial; /* of the last model asked for */
    CrLateness lateness;
    gboolean live;            /* as the last LATENCY query said */
    GstClockTime frame_delay; /* how long a frame waits for the next; 0 without async */
    CrElementStats stats;
};

/* --- properties (element_properties.c) --- */

void cr_element_init_properties(GstConvRnn *self);
void cr_element_clear_properties(GstConvRnn *self);
void cr_element_install_properties(GObjectClass *object);

/* "fp32" and so on. */
const char *cr_element_get_precision_name(ConvRnnPrecision precision);

/* --- the session lock (element_async.c) --- */

/* Takes the session lock, and waits for a step that is being made aside. Not from that thread. */
void cr_element_lock_session(GstConvRnn *self);
void cr_element_unlock_session(GstConvRnn *self);

/* --- steps in another thread (element_async.c) --- */

/* The property async is set: steps are made aside. FALSE, with an error message, without a thread.
 */
gboolean cr_element_start_aside(GstConvRnn *self);
/* Drops a frame that is still held. Once the streaming thread is away. */
void cr_element_stop_aside(GstConvRnn *self);

/* The frame that is held, if any, goes on before what comes next, or is dropped in a flush. */
GstFlowReturn cr_element_push_held(GstConvRnn *self);
void cr_element_drop_held(GstConvRnn *self);

GstFlowReturn cr_element_submit_input_buffer(GstBaseTransform *trans, gboolean discont,
                                             GstBuffer *input);
GstFlowReturn cr_element_generate_output(GstBaseTransform *trans, GstBuffer **output);

/* --- start, stop, caps (element_setup.c) --- */

gboolean cr_element_start(GstBaseTransform *trans);
gboolean cr_element_stop(GstBaseTransform *trans);
gboolean cr_element_set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out);

/* Takes note of a network just opened or swapped in. Under the session lock, or before frames. */
void cr_element_use_network(GstConvRnn *self);

/* Warns when the session computes in another precision than the one it was asked for. Not under the
 * session lock. */
void cr_element_check_precision(GstConvRnn *self, ConvRnnPrecision wanted,
                                const CrStreamNetwork *network);

/* --- another model while the stream runs (element_swap.c) --- */

/* From now on, a model that is set takes the old one's place. The settings to start with, to be
 * cleared. */
CrModelSettings cr_element_start_swapping(GstConvRnn *self);
void cr_element_stop_swapping(GstConvRnn *self);

/* The property model has changed. From any thread. */
void cr_element_request_swap(GstConvRnn *self);

/* Between two frames, or before other caps: takes the new model, when there is one. Under the
 * session lock. */
gboolean cr_element_take_swap(GstConvRnn *self);

/* --- the state (element_state.c) --- */

void cr_element_install_signals(void);

/* Asks for a reset before the next frame. From any thread. */
void cr_element_want_reset(GstConvRnn *self, CrResetOn cause);
/* The same, when reset-on holds one of the causes. */
void cr_element_take_causes(GstConvRnn *self, CrResetOn causes, const char *what);

/* The state starts afresh with the next step: it is reset already, or will be gone. Under the
 * session lock. */
void cr_element_begin_generation(GstConvRnn *self, CrResetOn cause);

/* Resets, when there is something to forget. Under the session lock. */
void cr_element_reset_state(GstConvRnn *self, CrResetOn cause);
void cr_element_reset_if_wanted(GstConvRnn *self);

/* A state to begin with once there is a session, or NULL for none; file is where it is from. Under
 * the session lock. */
void cr_element_set_next_state(GstConvRnn *self, GBytes *state, const char *file);
/* Gives it to the session just opened. Not under the lock. */
void cr_element_take_next_state(GstConvRnn *self);

void cr_element_load_state_file(GstConvRnn *self);
void cr_element_write_state_file(GstConvRnn *self);

/* --- statistics (element_stats.c) --- */

/* Durations of one step's parts, in nanoseconds. */
typedef struct {
    guint64 convert, step, attach;
} CrStepTimes;

/* Counts a step; TRUE when the latency to be reported has changed. */
gboolean cr_element_count_step(GstConvRnn *self, const CrStepTimes *times);
void cr_element_count_skip(GstConvRnn *self, CrTurn turn);
/* Under the object lock. */
GstStructure *cr_element_make_stats(GstConvRnn *self);

/* --- frames (element_frame.c) --- */

/* A frame has come: what it means for the state. The streaming thread, before the others. */
GstFlowReturn cr_frame_admit(GstConvRnn *self, CrFrame *frame, GstBuffer *buffer);
/* Under the session lock: what it is, and then its step. */
void cr_frame_begin(GstConvRnn *self, CrFrame *frame);
void cr_frame_run(GstConvRnn *self, CrFrame *frame);
/* Messages. The streaming thread. */
GstFlowReturn cr_frame_tell(GstConvRnn *self, const CrFrame *frame);

GstFlowReturn cr_element_transform_ip(GstBaseTransform *trans, GstBuffer *buffer);
