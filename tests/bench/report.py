# SPDX-License-Identifier: LGPL-2.1-or-later
"""Results as Markdown, between markers in docs/performance.md."""

import dataclasses
import os
import pathlib
import platform
import statistics

OURS = "convrnn"
BASE = ("ONNX Runtime", "fp32")
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "performance.md"
FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")


@dataclasses.dataclass
class Row:
    title: str
    threads: int
    macs: int
    times: dict  # (runtime, precision) → a list of blocks, each a list of seconds

    def median(self, who):
        """Milliseconds of a step; None for who is not there."""
        blocks = self.times.get(who)
        return blocks and statistics.median(t for block in blocks for t in block) * 1e3

    def ratio(self, who, to):
        """How many times faster `to` is than `who`: the median over the rounds, whose blocks stand
        side by side."""
        if who not in self.times or to not in self.times:
            return None
        return statistics.median(statistics.median(a) / statistics.median(b)
                                 for a, b in zip(self.times[who], self.times[to]))

    def fastest_peer(self, precision):
        peers = [w for w in self.times if w[0] != OURS and w[1] == precision]
        return min(peers, key=self.median, default=None)


def columns(rows):
    """Who took part in any row, each runtime's precisions side by side."""
    found = list(dict.fromkeys(who for row in rows for who in row.times))
    names = list(dict.fromkeys(name for name, _ in found))
    return sorted(found, key=lambda who: (names.index(who[0]), found.index(who)))


def _milliseconds(value):
    if value is None:
        return "–"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _times_faster(value):
    return "–" if value is None else f"{value:.2f}"


def line(row):
    """For who watches."""
    each = ", ".join(f"{name} {precision} {_milliseconds(row.median((name, precision)))}"
                     for name, precision in row.times)
    return f"{row.title}, {row.threads} thread(s), ms: {each}"


def machine():
    """The processor as it calls itself, what it can do, and the system."""
    text = pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    fields = dict(entry.split(":", 1) for entry in text.split("\n\n")[0].splitlines() if ":" in entry)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields.get("flags", fields.get("Features", "")).split()
    features = " ".join(f for f in FEATURES if f in flags)
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.system()
    processor = fields.get("model name", platform.machine())
    return f"{processor}, {len(os.sched_getaffinity(0))} processors ({features}), {system}"


def load():
    """How many other programs ran in the last minute, on average."""
    return os.getloadavg()[0]


def table(header, rows):
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _times(rows, everybody):
    header = ["milliseconds", "MMAC", *(f"{name} {precision}" for name, precision in everybody)]
    body = [[row.title, f"{row.macs / 1e6:.1f}",
             *(_milliseconds(row.median(who)) for who in everybody)] for row in rows]
    return table(header, body)


def _ratios(rows, precisions):
    header = ["times faster", *(f"{p} than ONNX Runtime" for p in precisions),
              "fp32 than the fastest fp32", "bf16 than the fastest bf16"]
    body = []
    for row in rows:
        cells = [row.title, *(_times_faster(row.ratio(BASE, (OURS, p))) for p in precisions)]
        for precision in ("fp32", "bf16"):
            peer = row.fastest_peer(precision)
            value = row.ratio(peer, (OURS, precision)) if peer else None
            cells.append(_times_faster(value) + (f" ({peer[0]})" if value else ""))
        body.append(cells)
    return table(header, body)


def tables(rows, versions, load_before):
    everybody = columns(rows)
    precisions = [precision for name, precision in everybody if name == OURS]
    text = [f"Machine: {machine()}; load before the run: {load_before:.1f}.", "",
            "Versions: " + ", ".join(f"{n} ({v})" if n == OURS else f"{n} {v}"
                                     for n, v in versions.items()) + "."]
    for threads in sorted({row.threads for row in rows}):
        these = [row for row in rows if row.threads == threads]
        text += ["", f"### {threads} thread{'s' if threads > 1 else ''}", "",
                 _times(these, everybody), "", _ratios(these, precisions)]
    return "\n".join(text)


def replace(section, text):
    """What stands between the section's two markers in the document."""
    begin, end = f"<!-- {section}: begin -->\n", f"<!-- {section}: end -->"
    document = DOCUMENT.read_text()
    if begin not in document or end not in document:
        raise SystemExit(f"{DOCUMENT}: the markers of section {section} are missing")
    before, rest = document.split(begin)
    after = rest.split(end)[1]
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")
