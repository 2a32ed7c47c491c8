#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains, evaluates and exports the motion network: which pixels belong to something that moves.

    python3 train.py              trains the network and, for comparison, one without memory;
                                  evaluates both; writes model.onnx and check/ beside this file
    python3 train.py --evaluate   evaluates again what the last training left in weights.pt

Needs PyTorch, ONNX and NumPy (Debian: python3-torch python3-onnx python3-numpy). All data is
generated here, from a seed; nothing is downloaded.
"""

import argparse
import json
import pathlib
import shutil
import time

import numpy as np
import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
MEAN, STD = 0.5, 0.25
HIDDEN = 16
SCALE = 2  # one output pixel stands for SCALE x SCALE input pixels
HEIGHT, WIDTH = 96, 128  # of the exported network
WARM_UP = 4  # frames at the start of a clip that the evaluation leaves out: nothing is known yet


class Motion(nn.Module):
    """Two convolutions, one ConvGRU, two convolutions: 22 thousand parameters."""

    def __init__(self):
        super().__init__()
        c = HIDDEN
        self.stem = nn.Conv2d(3, c, 5, stride=SCALE, padding=2)
        self.feature = nn.Conv2d(c, c, 3, padding=1)
        self.update = nn.Conv2d(2 * c, c, 3, padding=1)
        self.reset = nn.Conv2d(2 * c, c, 3, padding=1)
        self.candidate = nn.Conv2d(2 * c, c, 3, padding=1)
        self.merge = nn.Conv2d(2 * c, c, 3, padding=1)
        self.score = nn.Conv2d(c, 1, 3, padding=1)
        nn.init.constant_(self.update.bias, 1.0)  # begin by remembering
        nn.init.constant_(self.score.bias, -2.0)  # begin with: most pixels stand still

    def logits(self, image, h):
        x = torch.relu(self.feature(torch.relu(self.stem(image))))
        seen = torch.cat((x, h), 1)
        z = torch.sigmoid(self.update(seen))
        r = torch.sigmoid(self.reset(seen))
        n = torch.tanh(self.candidate(torch.cat((x, r * h), 1)))
        h = (1 - z) * n + z * h
        return self.score(torch.relu(self.merge(torch.cat((x, h), 1)))), h

    def forward(self, image, h):
        logits, h = self.logits(image, h)
        return torch.sigmoid(logits), h

    def initial(self, batch, height, width):
        return torch.zeros(batch, HIDDEN, -(-height // SCALE), -(-width // SCALE))


# --- clips ---------------------------------------------------------------------------------------


def smooth_noise(rng, height, width, cells):
    """(height, width, 3) in 0..1: random colours on a coarse grid, interpolated."""
    grid = torch.from_numpy(rng.random((1, 3, cells, cells), dtype=np.float32))
    big = nn.functional.interpolate(grid, (height, width), mode="bicubic", align_corners=True)
    return big[0].permute(1, 2, 0).clamp(0, 1).numpy()


def texture(rng, yy, xx):
    """Colour at the given coordinates (arrays of one shape): plain, stripes, checks, rings, or a gradient."""
    a, b = rng.random(3, dtype=np.float32), rng.random(3, dtype=np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 24)
    along = (np.cos(angle) * xx + np.sin(angle) * yy) / period
    across = (-np.sin(angle) * xx + np.cos(angle) * yy) / period
    kind = rng.integers(6)
    if kind <= 1:
        t = np.zeros_like(xx)
    elif kind == 2:
        t = (np.floor(along) % 2).astype(np.float32)
    elif kind == 3:
        t = ((np.floor(along) + np.floor(across)) % 2).astype(np.float32)
    elif kind == 4:
        t = 0.5 + 0.5 * np.cos(6.28 * np.hypot(along, across))
    else:
        t = np.clip(0.5 + 0.2 * along, 0, 1)
    return a + (b - a) * t[..., None].astype(np.float32)


def background(rng, height, width):
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = texture(rng, yy, xx) if rng.random() < 0.6 else smooth_noise(rng, height, width, 4)
    if rng.random() < 0.6:
        fine = smooth_noise(rng, height, width, int(rng.integers(6, 40)))
        picture = picture + rng.uniform(0.1, 0.7) * (fine - picture)
    return picture


def path(rng, steps, height, width, moves):
    """(steps, 2) centres: standing still, or flying straight or in a curve and bouncing off the edges."""
    at = rng.uniform((0, 0), (height, width))
    if not moves:
        return np.repeat(at[None], steps, 0)
    speed, heading, turn = rng.uniform(0.6, 5.0), rng.uniform(0, 2 * np.pi), rng.normal(0, 0.04)
    points = []
    for _ in range(steps):
        points.append(at.copy())
        at += speed * np.array([np.sin(heading), np.cos(heading)])
        if not 0 <= at[0] <= height:
            heading = -heading
        if not 0 <= at[1] <= width:
            heading = np.pi - heading
        at = np.clip(at, (0, 0), (height, width))
        heading += turn
    return np.array(points)


def sprite(rng, steps, height, width, moves):
    """Colour and opacity of one thing in every frame: (steps, H, W, 3) and (steps, H, W, 1)."""
    centre = path(rng, steps, height, width, moves).astype(np.float32)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    yy = yy[None] - centre[:, 0, None, None]
    xx = xx[None] - centre[:, 1, None, None]
    angle = rng.uniform(0, np.pi)
    u = np.cos(angle) * xx + np.sin(angle) * yy
    v = -np.sin(angle) * xx + np.cos(angle) * yy
    a, b = rng.uniform(3, 14, 2)
    kind = rng.integers(3)
    if kind == 0:
        outside = (np.hypot(u / a, v / b) - 1) * min(a, b)
    elif kind == 1:
        outside = np.maximum(np.abs(u) - a, np.abs(v) - b)
    else:  # a triangle
        outside = np.maximum(v - b, np.abs(u) * 0.9 - 0.45 * (v + b))
    opacity = np.clip(0.5 - outside, 0, 1)[..., None]
    return texture(rng, v, u), opacity


def clip(rng, steps, height, width):
    """Frames (steps, 3, H, W) in 0..1 and masks (steps, 1, H/2, W/2) of what moves."""
    frames = np.repeat(background(rng, height, width)[None], steps, 0)
    mask = np.zeros((steps, height, width, 1), np.float32)
    things = [True] * int(rng.integers(0, 4)) + [False] * int(rng.integers(0, 5))
    rng.shuffle(things)
    for moves in things:
        colour, opacity = sprite(rng, steps, height, width, moves)
        frames = frames + opacity * (colour - frames)
        mask = mask + opacity * (float(moves) - mask)
    # What a camera adds: light that flickers and drifts, sensor noise.
    flicker = 1 + rng.normal(0, rng.uniform(0, 0.04), steps) + rng.normal(0, 0.005, steps).cumsum()
    frames = frames * flicker[:, None, None, None]
    frames = frames + rng.normal(0, rng.uniform(0, 0.03), frames.shape)
    frames = np.round(np.clip(frames, 0, 1) * 255) / 255
    mask = mask.reshape(steps, height // 2, 2, width // 2, 2, 1).mean((2, 4)) > 0.5
    return frames.transpose(0, 3, 1, 2).astype(np.float32), mask.transpose(0, 3, 1, 2)


def batch(rng, size, steps, height, width):
    """Time comes first: (steps, size, channels, height, width)."""
    clips = [clip(rng, steps, height, width) for _ in range(size)]
    frames = torch.from_numpy(np.stack([c[0] for c in clips], 1))
    return (frames - MEAN) / STD, torch.from_numpy(np.stack([c[1] for c in clips], 1))


# --- training ------------------------------------------------------------------------------------


def run(net, frames, remember):
    """Logits of every frame. Without memory, the state is zero before every frame."""
    steps, size, _, height, width = frames.shape
    zero = net.initial(size, height, width)
    h, all_logits = zero, []
    for t in range(steps):
        logits, h = net.logits(frames[t], h if remember else zero)
        all_logits.append(logits)
    return torch.stack(all_logits)


def train(remember, iterations, seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Motion()
    optimizer = torch.optim.Adam(net.parameters(), lr=1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: 4e-3 * min(1, (i + 1) / 50) * (1 - i / iterations) + 1e-5
    )
    began, shown = time.time(), []
    for i in range(iterations):
        steps = int(rng.integers(8, 21))
        frames, mask = batch(rng, 6, steps, 64, 80)
        # The first frames count too, though nothing can be known yet: the network learns to say so.
        logits = run(net, frames, remember)
        target = mask.float()
        bce = nn.functional.binary_cross_entropy_with_logits(logits, target)
        p = torch.sigmoid(logits)
        overlap = 2 * (p * target).sum() + 1
        dice = 1 - overlap / (p.sum() + target.sum() + 1)
        loss = bce + 0.2 * dice
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        shown.append(loss.item())
        if (i + 1) % 100 == 0:
            print(f"  {i + 1:5d}  loss {np.mean(shown[-100:]):.4f}  {time.time() - began:.0f} s", flush=True)
    return net.eval()


# --- evaluation ----------------------------------------------------------------------------------


def average_precision(score, truth):
    order = np.argsort(-score, kind="stable")
    hits = truth[order]
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


@torch.no_grad()
def evaluate(net, remember, clips=32, steps=40, seed=2024):
    """Held-out clips, longer than those of the training and of the exported network's size."""
    rng = np.random.default_rng(seed)
    scores, truths = [], []
    for _ in range(clips):
        frames, mask = batch(rng, 1, steps, HEIGHT, WIDTH)
        p = torch.sigmoid(run(net, frames, remember))[WARM_UP:]
        scores.append(p.numpy().ravel())
        truths.append(mask[WARM_UP:].numpy().ravel())
    score, truth = np.concatenate(scores), np.concatenate(truths)
    found = score > 0.5
    iou = (found & truth).sum() / (found | truth).sum()
    return iou, average_precision(score, truth), truth.mean()


def report(nets):
    print("held-out clips                     IoU   average precision")
    for name, net, remember in nets:
        iou, ap, share = evaluate(net, remember)
        print(f"{name:32s} {iou:5.3f}   {ap:5.3f}", flush=True)
    print(f"{'chance (share of moving pixels)':32s}         {share:5.3f}")


# --- export --------------------------------------------------------------------------------------


def export(net, file):
    image = torch.zeros(1, 3, HEIGHT, WIDTH)
    options = {"dynamo": False} if torch.__version__ >= "2.5" else {}
    torch.onnx.export(
        net,
        (image, net.initial(1, HEIGHT, WIDTH)),
        str(file),
        opset_version=17,
        input_names=["image", "h_in"],
        output_names=["motion", "h_out"],
        **options,
    )


@torch.no_grad()
def check_vectors(net, folder, steps=3):
    """One small sequence, its outputs as PyTorch computes them, and what is to be done with it."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    rng = np.random.default_rng(7)
    frames, _ = batch(rng, 1, steps, HEIGHT, WIDTH)
    spec = {
        "model": "../model.onnx",
        "out": "out",
        "steps": [],
        "init": {"h_in": {"shape": list(net.initial(1, HEIGHT, WIDTH).shape)}},
        "state": {"h_in": "h_out"},
        "save": ["motion"],
    }
    h = net.initial(1, HEIGHT, WIDTH)
    for t in range(steps):
        motion, h = net(frames[t], h)
        np.save(folder / "in" / f"{t:03d}_image.npy", frames[t].numpy())
        np.save(folder / "out" / f"{t:03d}_motion.npy", motion.numpy())
        spec["steps"].append({"image": f"in/{t:03d}_image.npy"})
    (folder / "spec.json").write_text(json.dumps(spec, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--iterations", type=int, default=1100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    weights = arguments.out / "weights.pt"
    nets = [("recurrent", True), ("state reset before every frame", False)]
    if arguments.evaluate:
        saved = torch.load(weights)
        trained = []
        for name, remember in nets:
            net = Motion()
            net.load_state_dict(saved[name])
            trained.append((name, net.eval(), remember))
    else:
        trained = []
        for name, remember in nets:
            print(f"training: {name}", flush=True)
            trained.append((name, train(remember, arguments.iterations, arguments.seed), remember))
        torch.save({name: net.state_dict() for name, net, _ in trained}, weights)
        export(trained[0][1], arguments.out / "model.onnx")
        check_vectors(trained[0][1], arguments.out / "check")
    report(trained)


if __name__ == "__main__":
    main()
