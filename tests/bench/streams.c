/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many cameras a machine carries: 1, 2, 4, 8 and 16 streams of black frames through one model,
 * as fast as they go. Prints frames per second of each stream and of all, resident memory, fairness
 * (the slowest stream's share of the fastest one's), processor time per frame, and the time within
 * which 95 of 100 of the last frames went through the element, of the slowest stream.
 *
 *     streams MODEL [WIDTH HEIGHT [SECONDS [PROPERTIES]]]
 *
 * PROPERTIES are further ones of the element, such as "threads=1". */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MOST_STREAMS 16

typedef struct {
    const char *model, *properties;
    int width, height;
    double seconds;
} Options;

static double
resident_mib(void)
{
    g_autofree char *text = NULL;
    long pages = 0;

    if (g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
        sscanf(text, "%*s %ld", &pages);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1024 * 1024);
}

static GstElement *
make_pipeline(const Options *options, int n)
{
    GString *text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    GstElement *pipeline;

    for (int i = 0; i < n; i++)
        g_string_append_printf(text,
                               "videotestsrc pattern=black ! "
                               "video/x-raw,format=RGB,width=%d,height=%d,framerate=30/1 ! "
                               "convrnn name=net%d model=%s %s ! fakesink sync=false ",
                               options->width, options->height, i, options->model,
                               options->properties);
    pipeline = gst_parse_launch(text->str, &error);
    g_string_free(text, TRUE);
    if (error != NULL) {
        fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
    return pipeline;
}

/* Of the whole process. */
static double
processor_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* A number that the element of stream i counts. */
static guint64
get_stat(GstElement *pipeline, int i, const char *field)
{
    g_autofree char *name = g_strdup_printf("net%d", i);
    GstElement *net = gst_bin_get_by_name(GST_BIN(pipeline), name);
    GstStructure *stats;
    guint64 value = 0;

    g_object_get(net, "stats", &stats, NULL);
    gst_structure_get_uint64(stats, field, &value);
    gst_structure_free(stats);
    gst_object_unref(net);
    return value;
}

/* Ends the program when there is an error on the bus. */
static void
check_bus(GstElement *pipeline)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    GError *error;

    if (message != NULL) {
        gst_message_parse_error(message, &error, NULL);
        fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
    gst_object_unref(bus);
}

static void
measure(const Options *options, int n)
{
    GstElement *pipeline = make_pipeline(options, n);
    double total = 0, slowest = G_MAXDOUBLE, fastest = 0, elapsed, busy;
    guint64 before[MOST_STREAMS], p95 = 0;
    gint64 begin;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    gst_element_get_state(pipeline, NULL, NULL, 60 * GST_SECOND);
    g_usleep((gulong)(options->seconds * G_USEC_PER_SEC / 4));
    check_bus(pipeline);
    begin = g_get_monotonic_time();
    busy = processor_seconds();
    for (int i = 0; i < n; i++)
        before[i] = get_stat(pipeline, i, "steps");
    g_usleep((gulong)(options->seconds * G_USEC_PER_SEC));
    elapsed = (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC;
    busy = processor_seconds() - busy;
    for (int i = 0; i < n; i++) {
        double fps = (double)(get_stat(pipeline, i, "steps") - before[i]) / elapsed;

        total += fps;
        slowest = MIN(slowest, fps);
        fastest = MAX(fastest, fps);
        p95 = MAX(p95, get_stat(pipeline, i, "p95-ns"));
    }
    printf("%7d %12.1f %10.1f %10.1f %10.2f %9.1f %13.3f %8.3f\n", n, total / n, total,
           resident_mib(), fastest > 0 ? slowest / fastest : 0, slowest,
           total > 0 ? busy * 1e3 / (total * elapsed) : 0, (double)p95 / 1e6);
    check_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}

int
main(int argc, char **argv)
{
    Options options = {.width = 320, .height = 240, .seconds = 2, .properties = ""};

    gst_init(&argc, &argv);
    if (argc < 2) {
        fprintf(stderr, "streams MODEL [WIDTH HEIGHT [SECONDS [PROPERTIES]]]\n");
        return 2;
    }
    options.model = argv[1];
    options.width = argc > 3 ? atoi(argv[2]) : options.width;
    options.height = argc > 3 ? atoi(argv[3]) : options.height;
    options.seconds = argc > 4 ? atof(argv[4]) : options.seconds;
    options.properties = argc > 5 ? argv[5] : options.properties;
    printf("%s, %dx%d, %u processors\n", options.model, options.width, options.height,
           g_get_num_processors());
    printf("%7s %12s %10s %10s %10s %9s %13s %8s\n", "streams", "fps/stream", "fps total", "MiB",
           "fairness", "slowest", "CPU ms/frame", "p95 ms");
    for (int n = 1; n <= MOST_STREAMS; n *= 2)
        measure(&options, n);
    gst_deinit();
    return 0;
}
