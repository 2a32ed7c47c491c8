/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state's life: forgotten, saved, restored, and carried in a file from one run to the next. */
#include "element.h"
#include "state_file.h"

static guint reset_state_signal, get_state_signal, set_state_signal;

/* --- forgotten --- */

/* What is known of the frames before. */
static void
forget_frames(GstConvRnn *self)
{
    cr_turns_begin(&self->turns);
    self->last_pts = GST_CLOCK_TIME_NONE;
}

void
cr_element_begin_generation(GstConvRnn *self, CrResetOn cause)
{
    guint index = (guint)g_bit_nth_lsf(cause, -1);

    forget_frames(self);
    GST_OBJECT_LOCK(self);
    self->stats.generation++;
    self->stats.resets[index]++;
    GST_OBJECT_UNLOCK(self);
    GST_DEBUG_OBJECT(self, "state afresh (%s), generation %" G_GUINT64_FORMAT,
                     cr_reset_cause_get_name(index), self->stats.generation);
}

void
cr_element_reset_state(GstConvRnn *self, CrResetOn cause)
{
    forget_frames(self);
    if (convrnn_session_get_step(self->network.session) == 0)
        return;
    convrnn_session_reset(self->network.session);
    cr_element_begin_generation(self, cause);
}

void
cr_element_reset_if_wanted(GstConvRnn *self)
{
    CrResetOn cause = g_atomic_int_and(&self->reset_wanted, 0);

    if (cause != 0)
        cr_element_reset_state(self, cause);
}

/* The first of several causes counts. */
void
cr_element_want_reset(GstConvRnn *self, CrResetOn cause)
{
    g_atomic_int_compare_and_exchange(&self->reset_wanted, 0, cause);
}

void
cr_element_take_causes(GstConvRnn *self, CrResetOn causes, const char *what)
{
    GST_OBJECT_LOCK(self);
    causes &= self->reset_on;
    GST_OBJECT_UNLOCK(self);
    if (causes == 0)
        return;
    GST_DEBUG_OBJECT(self, "%s resets the state", what);
    cr_element_want_reset(self, causes);
}

/* --- saved and restored --- */

/* Under the session lock. */
static gboolean
restore_state(GstConvRnn *self, GBytes *state, GError **error)
{
    if (!convrnn_session_restore_state(self->network.session, state, error))
        return FALSE;
    forget_frames(self);
    g_atomic_int_set(&self->reset_wanted, 0);
    return TRUE;
}

static GBytes *
save_state(GstConvRnn *self, GError **error)
{
    GBytes *state = NULL;

    cr_element_lock_session(self);
    if (self->network.session != NULL) {
        cr_element_reset_if_wanted(self);
        state = convrnn_session_save_state(self->network.session, error);
    } else if (self->next_state != NULL) {
        state = g_bytes_ref(self->next_state);
    }
    cr_element_unlock_session(self);
    return state;
}

void
cr_element_set_next_state(GstConvRnn *self, GBytes *state, const char *file)
{
    g_clear_pointer(&self->next_state, g_bytes_unref);
    g_clear_pointer(&self->next_state_file, g_free);
    self->next_state = state ? g_bytes_ref(state) : NULL;
    self->next_state_file = state ? g_strdup(file) : NULL;
}

static void
warn_about_file(GstConvRnn *self, const char *path, const GError *error)
{
    GST_ELEMENT_WARNING(self, RESOURCE, READ,
                        ("Cannot go on from the state file \"%s\": %s. The state starts afresh; "
                         "when a new one is saved, the file becomes \"%s.refused\".",
                         path, error->message, path),
                        (NULL));
}

static void
warn_about_snapshot(GstConvRnn *self, const char *reason)
{
    GST_ELEMENT_WARNING(self, LIBRARY, SETTINGS,
                        ("set-state: the snapshot is refused and the state unchanged: %s.", reason),
                        (NULL));
}

void
cr_element_take_next_state(GstConvRnn *self)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *file = NULL;

    cr_element_lock_session(self);
    if (self->next_state != NULL && !restore_state(self, self->next_state, &error)) {
        file = g_strdup(self->next_state_file);
        self->keep_state_file = file != NULL;
    }
    cr_element_set_next_state(self, NULL, NULL);
    cr_element_unlock_session(self);
    if (error != NULL && file != NULL)
        warn_about_file(self, file, error);
    else if (error != NULL)
        warn_about_snapshot(self, error->message);
}

static char *
dup_state_file(GstConvRnn *self)
{
    char *path;

    GST_OBJECT_LOCK(self);
    path = self->state_file && *self->state_file ? g_strdup(self->state_file) : NULL;
    GST_OBJECT_UNLOCK(self);
    return path;
}

/* What the signal set-state gave before goes before the file. */
void
cr_element_load_state_file(GstConvRnn *self)
{
    g_autofree char *path = dup_state_file(self);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) state = path ? cr_state_file_read(path, &error) : NULL;

    cr_element_lock_session(self);
    self->keep_state_file = error != NULL;
    if (state != NULL && self->next_state == NULL)
        cr_element_set_next_state(self, state, path);
    cr_element_unlock_session(self);
    if (error != NULL)
        warn_about_file(self, path, error);
}

/* Nothing is written when no session has been: the file keeps what it has. */
void
cr_element_write_state_file(GstConvRnn *self)
{
    g_autofree char *path = dup_state_file(self);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) state = NULL;

    if (path == NULL || self->network.session == NULL)
        return;
    state = save_state(self, &error);
    if (state == NULL || !cr_state_file_write(path, state, self->keep_state_file, &error))
        GST_ELEMENT_WARNING(self, RESOURCE, WRITE,
                            ("Cannot save the state in the file \"%s\": %s.", path, error->message),
                            (NULL));
}

/* --- action signals --- */

static void
emit_reset_state(GstConvRnn *self)
{
    cr_element_want_reset(self, CR_RESET_ON_SIGNAL);
}

static GBytes *
emit_get_state(GstConvRnn *self)
{
    g_autoptr(GError) error = NULL;
    GBytes *state = save_state(self, &error);

    if (error != NULL)
        GST_ELEMENT_WARNING(self, RESOURCE, NO_SPACE_LEFT, ("get-state: %s.", error->message),
                            (NULL));
    return state;
}

static gboolean
emit_set_state(GstConvRnn *self, GBytes *state)
{
    g_autoptr(GError) error = NULL;
    gboolean good = TRUE;

    if (state == NULL) {
        warn_about_snapshot(self, "it is NULL");
        return FALSE;
    }
    cr_element_lock_session(self);
    if (self->network.session != NULL) {
        good = restore_state(self, state, &error);
    } else {
        cr_element_set_next_state(self, state, NULL);
        g_atomic_int_set(&self->reset_wanted, 0);
    }
    cr_element_unlock_session(self);
    if (!good)
        warn_about_snapshot(self, error->message);
    return good;
}

void
cr_element_install_signals(void)
{
    /**
     * GstConvRnn::reset-state:
     *
     * The state is put back to its initial value before the next frame. From any thread, in any
     * element state.
     */
    reset_state_signal = g_signal_new_class_handler(
        "reset-state", GST_TYPE_CONVRNN, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
        G_CALLBACK(emit_reset_state), NULL, NULL, NULL, G_TYPE_NONE, 0);
    /**
     * GstConvRnn::get-state:
     *
     * A snapshot of the state, as the last step left it, for set-state of another element, process
     * or machine. Waits for a step that is being made. From any thread.
     *
     * Returns: (transfer full) (nullable): the snapshot; %NULL before the caps are known
     */
    get_state_signal = g_signal_new_class_handler(
        "get-state", GST_TYPE_CONVRNN, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
        G_CALLBACK(emit_get_state), NULL, NULL, NULL, G_TYPE_BYTES, 0);
    /**
     * GstConvRnn::set-state:
     * @state: a snapshot from an element with the same model and picture size
     *
     * The next step goes on from @state. Before the caps are known the snapshot is kept until they
     * are, and checked then. Waits for a step that is being made. From any thread.
     *
     * Returns: %FALSE when the snapshot is refused; then the state is unchanged, and a warning
     *   message says why
     */
    set_state_signal = g_signal_new_class_handler(
        "set-state", GST_TYPE_CONVRNN, G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
        G_CALLBACK(emit_set_state), NULL, NULL, NULL, G_TYPE_BOOLEAN, 1, G_TYPE_BYTES);
}
