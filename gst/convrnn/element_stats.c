/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counting, and what the property stats tells of it. */
#include "element.h"

gboolean
cr_element_count_step(GstConvRnn *self, const CrStepTimes *times)
{
    guint64 whole = times->convert + times->step + times->attach;
    CrElementStats *stats = &self->stats;
    gboolean latency_changed;

    GST_OBJECT_LOCK(self);
    stats->ended[stats->turns[CR_TURN_STEP] % CR_STATS_FPS_WINDOW] = gst_util_get_timestamp();
    stats->turns[CR_TURN_STEP]++;
    cr_durations_add(&stats->convert, times->convert);
    cr_durations_add(&stats->step, times->step);
    cr_durations_add(&stats->attach, times->attach);
    cr_durations_add(&stats->whole, whole);
    latency_changed = cr_steady_latency_add(&stats->latency, whole);
    GST_OBJECT_UNLOCK(self);
    return latency_changed;
}

void
cr_element_count_skip(GstConvRnn *self, CrTurn turn)
{
    GST_OBJECT_LOCK(self);
    self->stats.turns[turn]++;
    GST_OBJECT_UNLOCK(self);
}

/* Steps per second of wall time, over the last few; 0 when there is no telling. */
static double
steps_per_second(const CrElementStats *stats)
{
    guint64 steps = stats->turns[CR_TURN_STEP], n = MIN(steps, CR_STATS_FPS_WINDOW);
    GstClockTime first, last;

    if (n < 2)
        return 0;
    first = stats->ended[(steps - n) % CR_STATS_FPS_WINDOW];
    last = stats->ended[(steps - 1) % CR_STATS_FPS_WINDOW];
    return last > first ? (double)(n - 1) * GST_SECOND / (double)(last - first) : 0;
}

static void
put_count(GstStructure *fields, const char *what, const char *name, guint64 value)
{
    g_autofree char *field = g_strdup_printf("%s-%s", what, name);

    gst_structure_set(fields, field, G_TYPE_UINT64, value, NULL);
}

/* `prefix` is "" or "step-" and the like. */
static void
put_durations(GstStructure *fields, const char *prefix, const CrDurations *durations)
{
    const struct {
        const char *name;
        guint64 ns;
    } figures[] = {
        {"last-ns", durations->last_ns},
        {"mean-ns", cr_durations_get_mean(durations)},
        {"p95-ns", cr_durations_get_p95(durations)},
        {"max-ns", durations->max_ns},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(figures); i++) {
        g_autofree char *field = g_strconcat(prefix, figures[i].name, NULL);

        gst_structure_set(fields, field, G_TYPE_UINT64, figures[i].ns, NULL);
    }
}

GstStructure *
cr_element_make_stats(GstConvRnn *self)
{
    const CrElementStats *stats = &self->stats;
    guint64 skipped = 0;
    GstStructure *fields;

    for (int i = 0; i < CR_N_TURNS; i++)
        skipped += i != CR_TURN_STEP ? stats->turns[i] : 0;
    fields = gst_structure_new(
        "convrnn-stats", "steps", G_TYPE_UINT64, stats->turns[CR_TURN_STEP], "skipped",
        G_TYPE_UINT64, skipped, "resets", G_TYPE_UINT64, stats->generation, "latency-ns",
        G_TYPE_UINT64, stats->latency.ns + self->frame_delay, "fps", G_TYPE_DOUBLE,
        steps_per_second(stats), "state-bytes", G_TYPE_UINT64, stats->state_bytes, NULL);
    if (stats->precision != NULL)
        gst_structure_set(fields, "precision", G_TYPE_STRING, stats->precision, NULL);
    for (int i = 0; i < CR_N_TURNS; i++)
        if (i != CR_TURN_STEP)
            put_count(fields, "skipped", cr_turn_get_name((CrTurn)i), stats->turns[i]);
    for (guint i = 0; i < CR_N_RESET_CAUSES; i++)
        put_count(fields, "resets", cr_reset_cause_get_name(i), stats->resets[i]);
    put_durations(fields, "", &stats->whole);
    put_durations(fields, "convert-", &stats->convert);
    put_durations(fields, "step-", &stats->step);
    put_durations(fields, "attach-", &stats->attach);
    return fields;
}
