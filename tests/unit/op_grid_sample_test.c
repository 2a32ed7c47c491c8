/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GridSample, by hand. */
#include "support/op_run.h"

static void
test_modes(void)
{
    const char *row = "f32[1,1,1,4] 10 20 30 40; ";
    const struct {
        const char *attrs, *grid, *wanted;
    } cases[] = {
        /* pixel centres lie at -0.75 -0.25 0.25 0.75 */
        {"", "f32[1,1,3,2] -0.75 0 0 0 0.5 0", "f32[1,1,1,3] 10 25 35"},
        {"mode=linear", "f32[1,1,2,2] -1 0 1 0", "f32[1,1,1,2] 5 20"},
        {"padding_mode=border", "f32[1,1,3,2] -1 0 1 0 -1e30 0", "f32[1,1,1,3] 10 40 10"},
        /* 40 30 20 10 | 10 20 30 40 | 40 30 20 10 */
        {"padding_mode=reflection", "f32[1,1,4,2] -1 0 1.25 0 -1.5 0 5.25 0",
         "f32[1,1,1,4] 10 40 15 40"},
        {"padding_mode=reflection align_corners=1", "f32[1,1,4,2] -1 0 1 0 1.6666666 0 -3 0",
         "f32[1,1,1,4] 10 40 30 40"},
        {"align_corners=1", "f32[1,1,3,2] -1 0 0 0 1 0", "f32[1,1,1,3] 10 25 40"},
        {"mode=nearest", "f32[1,1,4,2] -0.6 0 -0.4 0 0.9 0 1.3 0", "f32[1,1,1,4] 10 20 40 0"},
        /* weights of a half: -3/32 19/32 19/32 -3/32 */
        {"mode=cubic padding_mode=border align_corners=1", "f32[1,1,3,2] 0 -1 -1 0 -0.6666667 0",
         "f32[1,1,1,3] 25 10 14.0625"},
        {"mode=cubic", "f32[1,1,1,2] 3 0", "f32[1,1,1,1] 0"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *inputs = g_strconcat(row, cases[i].grid, NULL);
        op_check("GridSample", cases[i].attrs, inputs, cases[i].wanted);
    }
}

static void
test_pictures(void)
{
    /* the first number of a pair runs along the row; each picture has its own grid */
    op_check("GridSample", "align_corners=1",
             "f32[2,2,2,2] 1 2 3 4 10 20 30 40 5 6 7 8 50 60 70 80;"
             "f32[2,1,2,2] 1 -1 -1 1 0 0 0 1",
             "f32[2,2,1,2] 2 3 20 30 6.5 7.5 65 75");
    op_check("GridSample", "", "f32[1,3,2,2] 4; f32[1,300,300,2] 0", "f32[1,3,300,300] 4");
    op_check("GridSample", "", "f32[1,0,2,2]; f32[1,1,1,2]", "f32[1,0,1,1]");
    op_check("GridSample", "", "f32[1,1,0,2]; f32[1,0,1,2]", "f32[1,1,0,1]");
}

/* Whatever a network computes as coordinates, only the picture is read. */
static void
test_wild_coordinates(void)
{
    static const char *const modes[] = {"linear", "nearest", "cubic"};
    const char *inputs = "f32[1,1,1,1] 7; f32[1,1,5,2] 0 0 nan inf 1e38 -1e38 -inf nan -9 9";

    for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
        for (int corners = 0; corners < 2; corners++) {
            g_autofree char *zeros = g_strdup_printf("mode=%s align_corners=%d", modes[i], corners);
            g_autofree char *border = g_strconcat(zeros, " padding_mode=border", NULL);
            g_autofree char *reflection = g_strconcat(zeros, " padding_mode=reflection", NULL);
            if (!corners) /* with them, every grid point lies on the only pixel */
                op_check("GridSample", zeros, inputs, "f32[1,1,1,5] 7 0 0 0 0");
            op_check("GridSample", border, inputs, "f32[1,1,1,5] 7");
            op_check("GridSample", reflection, inputs, "f32[1,1,1,5] 7");
        }
    }
}

static void
test_refused(void)
{
    op_check_error("GridSample", "mode=spline", "f32[1,1,2,2]; f32[1,1,1,2]", CONVRNN_ERROR_FORMAT,
                   "mode is 'spline'");
    op_check_error("GridSample", "padding_mode=wrap", "f32[1,1,2,2]; f32[1,1,1,2]",
                   CONVRNN_ERROR_FORMAT, "padding_mode is 'wrap'");
    op_check_error("GridSample", "", "f32[1,1,2,2,2]; f32[1,1,1,1,3]", CONVRNN_ERROR_UNSUPPORTED,
                   "rank 5");
    op_check_error("GridSample", "", "f32[1,1,2,2]; f32[2,1,1,2]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("GridSample", "", "f32[1,1,2,2]; f32[1,1,1,3]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("GridSample", "", "f32[1,1,2,2]; f32[1,1,2]", CONVRNN_ERROR_SHAPE, "fit");
    op_check_error("GridSample", "", "f32[1,1,0,2]; f32[1,1,1,2]", CONVRNN_ERROR_SHAPE, "no pixel");
    op_check_error("GridSample", "", "f64[1,1,2,2]; f32[1,1,1,2]", CONVRNN_ERROR_SHAPE, "float64");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op/grid-sample/modes", test_modes);
    g_test_add_func("/op/grid-sample/pictures", test_pictures);
    g_test_add_func("/op/grid-sample/wild-coordinates", test_wild_coordinates);
    g_test_add_func("/op/grid-sample/refused", test_refused);
    return g_test_run();
}
