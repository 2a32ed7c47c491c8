#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What bfloat16 does to a matte: Robust Video Matting in fp32 and in bf16, each with its own state.

    python3 tests/bench/matte.py --build build --write

Two clips of 100 frames: the network's reference clip, for the figures, and a drawn one, for the
picture too. --write puts the figures into docs/performance.md and the worst frame beside it.
"""

import argparse
import pathlib
import sys
import tempfile

try:
    import accuracy
    import library
    import matplotlib
    import networks
    import numpy
    import report
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)

FRAMES = 100
HEIGHT, WIDTH = 192, 256


def _blend(picture, mask, colour):
    """mask: signed distance in pixels, negative inside; soft at the edge."""
    share = numpy.clip(0.5 - mask, 0, 1)
    return picture * (1 - share) + numpy.asarray(colour)[:, None, None] * share


def _ellipse(y, x, centre, radii):
    at = numpy.hypot((y - centre[0]) / radii[0], (x - centre[1]) / radii[1])
    return (at - 1) * min(radii)


def drawn(number):
    """Somebody in front of a wall: shoulders, neck, head, hair, eyes and mouth, swaying; light and
    noise as a camera has them."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    sway, nod = 22 * numpy.sin(number / 9), 3 * numpy.sin(number / 5)
    middle, head = WIDTH / 2 + sway, 78 + nod
    light = 0.85 + 0.1 * numpy.sin(number / 13) - 0.25 * y / HEIGHT
    picture = numpy.stack([0.55 + 0.08 * numpy.sin(x / 23), 0.60 + 0.05 * numpy.cos(y / 31),
                           0.62 + 0.06 * numpy.sin((x + y) / 40)])
    shelf = numpy.maximum(abs(y - 60) - 4, abs(x - 40) - 36)
    picture = _blend(picture, shelf, (0.35, 0.24, 0.16))
    parts = [(_ellipse(y, x, (head - 6, middle), (44, 35)), (0.16, 0.10, 0.07)),
             (_ellipse(y, x, (205, middle - sway / 4), (66, 82)), (0.18, 0.26, 0.48)),
             (_ellipse(y, x, (128, middle - sway / 8), (26, 15)), (0.72, 0.52, 0.42)),
             (_ellipse(y, x, (head + 4, middle), (38, 28)), (0.83, 0.62, 0.51)),
             (_ellipse(y, x, (head - 2, middle - 11), (2.5, 4)), (0.12, 0.09, 0.08)),
             (_ellipse(y, x, (head - 2, middle + 11), (2.5, 4)), (0.12, 0.09, 0.08)),
             (_ellipse(y, x, (head + 10, middle), (6, 3.5)), (0.70, 0.48, 0.40)),
             (_ellipse(y, x, (head + 23, middle), (2.5, 9)), (0.62, 0.25, 0.25))]
    for mask, colour in parts:
        picture = _blend(picture, mask, colour)
    noise = numpy.random.default_rng(number).normal(0, 0.012, picture.shape)
    return {"src": numpy.clip(picture * light + noise, 0, 1)[None].astype(numpy.float32)}


def run(lib, network, frame):
    """Mean absolute difference of all frames, that of the worst, its number, and the frames of the
    worst: picture, matte in fp32, in bf16."""
    sessions = [library.Session(lib, network.path, network.state, p, 0) for p in ("fp32", "bf16")]
    differences, worst = [], None
    for number in range(FRAMES):
        inputs = frame(number)
        for session in sessions:
            session.put(inputs)
            session.step()
        fine, coarse = (session.outputs["pha"][0, 0].copy() for session in sessions)
        differences.append(float(abs(fine - coarse).mean()))
        if differences[-1] == max(differences):
            worst = (inputs["src"][0].transpose(1, 2, 0), fine, coarse)
    for session in sessions:
        session.close()
    at = int(numpy.argmax(differences))
    return float(numpy.mean(differences)), differences[at], at, worst


def draw(frames, path):
    matplotlib.use("agg")
    from matplotlib import pyplot

    picture, fine, coarse = frames
    apart = abs(fine - coarse)
    titles = ("frame", "matte, fp32", "matte, bf16", f"difference, white is {apart.max():.2f}")
    figure, panels = pyplot.subplots(1, 4, figsize=(10, 2.2))
    for axes, image, title in zip(panels, (picture, fine, coarse, apart / apart.max()), titles):
        axes.imshow(image, cmap="gray", vmin=0, vmax=1)
        axes.set_title(title, fontsize=8)
        axes.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=100, metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder (default: build)")
    parser.add_argument("--picture", help="where to write the picture")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    lib = library.Library(str(pathlib.Path(options.build).resolve() / "lib/libconvrnn-1.0.so"))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        network = networks.make("rvm", folder)
        if not network:
            print("skipped: the network's data is not here", file=sys.stderr)
            sys.exit(77)
        for title, frame in (("reference clip", lambda n: accuracy.scene(network, n)),
                             ("drawn clip", drawn)):
            mean, most, at, frames = run(lib, network, frame)
            rows.append([title, f"{mean:.5f}", f"{most:.5f}", f"{at}", f"{frames[1].mean():.3f}"])
    text = report.table(["matte, 0…1", "mean difference", "that of the worst frame", "which",
                         "its mean"], rows)
    print(text)
    path = report.DOCUMENT.with_name("matte.png") if options.write else options.picture
    if path:
        draw(frames, path)
    if options.write:
        report.replace("matte", text)


if __name__ == "__main__":
    main()
