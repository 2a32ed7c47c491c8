/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One case of ONNX's own tests: a folder with model.onnx and test_data_set_N/{input,output}_M.pb.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* From best to worst. */
typedef enum {
    CASE_PASSED_STRICT, /* within our own tolerance */
    CASE_PASSED,        /* within ONNX's */
    CASE_NO_DATA,       /* the data are of a kind that has no tensors: sequences, optionals */
    CASE_REFUSED,       /* a GError said why not */
    CASE_DIFFERS,       /* ran, with other results */
    CASE_CRASHED,       /* nobody returns this one: it is what the parent sees */
} CaseOutcome;

typedef struct {
    CaseOutcome outcome;
    char message[400];
} CaseResult;

/* Runs every data set of a case; the result is that of the worst. */
CaseResult case_run(const char *folder);

/* case_run() in a process of its own, so that a crash, a leak that a sanitizer reports or a hang of
 * a minute is a result like any other. */
CaseResult case_run_apart(const char *folder);
