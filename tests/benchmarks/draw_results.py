"""Draws the results of upgrade-vs-copy as an SVG: draw_results.py RESULTS.json OUT.svg. Time and peak memory against size."""

import json
import math
import sys

WIDTH, HEIGHT, LEFT, TOP, PLOT = 860, 330, 60, 40, 300
COLOURS = {"cp + sync": "#7a7a7a", "upgrade, auto": "#0b7285", "upgrade, torch": "#d9480f", "PyTorch + sync": "#862e9c"}


def scale(value, low, high, length):
    """Where a value stands on a logarithmic axis."""
    return length * (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))


def ticks(low, high):
    return [10**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def panel(left, title, unit, rows, field):
    sizes = sorted({row["gib"] for row in rows})
    marks = ticks(min(row[field] for row in rows), max(row[field] for row in rows))
    low, high = marks[0], marks[-1]
    x = lambda gib: left + 20 + scale(gib, sizes[0], sizes[-1], PLOT - 40) if len(sizes) > 1 else left + PLOT / 2
    y = lambda value: TOP + 220 - scale(value, low, high, 220)
    yield f'<text x="{left}" y="{TOP - 15}" font-weight="bold">{title}</text>'
    for mark in marks:
        yield f'<line x1="{left}" x2="{left + PLOT}" y1="{y(mark):.1f}" y2="{y(mark):.1f}" stroke="#8884"/>'
        yield f'<text x="{left - 6}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark:g}{unit}</text>'
    for gib in sizes:
        yield f'<text x="{x(gib):.1f}" y="{TOP + 240}" text-anchor="middle">{gib:g} GiB</text>'
    for way, colour in COLOURS.items():
        points = sorted((row["gib"], row[field]) for row in rows if row["way"] == way)
        if points:
            path = " ".join(f"{x(gib):.1f},{y(value):.1f}" for gib, value in points)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            yield from (f'<circle cx="{x(gib):.1f}" cy="{y(value):.1f}" r="3.5" fill="{colour}"/>' for gib, value in points)


def main():
    results = json.load(open(sys.argv[1]))
    rows = results["rows"]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    parts += panel(LEFT, "wall time", " s", rows, "seconds")
    parts += panel(LEFT + PLOT + 90, "peak memory", " MiB", rows, "peak_mib")
    for index, (way, colour) in enumerate(COLOURS.items()):
        parts.append(f'<circle cx="{LEFT + index * 150}" cy="{HEIGHT - 22}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 8 + index * 150}" y="{HEIGHT - 18}">{way}</text>')
    open(sys.argv[2], "w").write("\n".join([*parts, "</svg>\n"]))


main()
