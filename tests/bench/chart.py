# SPDX-License-Identifier: LGPL-2.1-or-later
"""The comparison as a picture: speed relative to ONNX Runtime in float32, one panel a network."""

import matplotlib
import report

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402

OURS = ("#0b4f6c", "#1282a2", "#7cc6d6", "#b9e3ea")
PEERS = {"ONNX Runtime": "#444444", "OpenVINO": "#8d6a9f", "ncnn": "#c98b2b", "PyTorch": "#c4523f"}
LIGHTER = 0.55  # of a peer's bfloat16


def _colour(who, ours):
    if who[0] == report.OURS:
        return OURS[ours.index(who) % len(OURS)]
    red, green, blue = matplotlib.colors.to_rgb(PEERS.get(who[0], "#999999"))
    mix = LIGHTER if who[1] != "fp32" else 0
    return tuple(c + (1 - c) * mix for c in (red, green, blue))


def _panel(axes, row, columns, names):
    ours = [who for who in columns if who[0] == report.OURS]
    speeds = [(row.ratio(report.BASE, who) or 0) for who in columns]
    places = range(len(columns))
    axes.barh(places, speeds, color=[_colour(who, ours) for who in columns], height=0.8)
    for place, speed in zip(places, speeds):
        axes.text(speed, place, f" {speed:.1f}×" if speed else " –", va="center", fontsize=7)
    axes.set_title(row.title, fontsize=8, loc="left")
    axes.set_yticks(places, names, fontsize=7)
    axes.set_xticks([])
    axes.set_xlim(0, max(*speeds, 1) * 1.2)
    axes.axvline(1, color="#444444", linewidth=0.6, linestyle=":")
    axes.invert_yaxis()
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def write(rows, path):
    """Rows of one thread only: the others look alike and stand in the tables."""
    rows = [row for row in rows if row.threads == rows[0].threads]
    columns = report.columns(rows)
    names = [" ".join(who) for who in columns]
    across = min(3, len(rows))
    down = -(-len(rows) // across)
    matplotlib.rcParams.update({"svg.hashsalt": "convrnn", "svg.fonttype": "none"})
    figure, panels = pyplot.subplots(down, across, figsize=(3.6 * across, 2.0 * down), squeeze=False)
    for axes, row in zip(panels.flat, rows):
        _panel(axes, row, columns, names)
    for axes in panels.flat[len(rows):]:
        axes.set_visible(False)
    threads = f"{rows[0].threads} thread{'s' if rows[0].threads > 1 else ''}"
    figure.suptitle(f"Speed relative to ONNX Runtime in float32, {threads}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
