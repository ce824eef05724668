"""Draws what `tmux capture-pane -e -p` printed as SVG: terminal_svg.py dark|light COLUMNS < CAPTURE > SVG.

Every run of text is stretched to its columns, so that the grid holds whatever monospaced font a reader has.
"""

import re
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, BASELINE, MARGIN = 8.4, 18, 13.5, 12
# Readers of SVG fold other spaces together.
NO_BREAK = "\u00a0"
THEMES = {"dark": ("#0d1117", "#e6edf3"), "light": ("#ffffff", "#1f2328")}
# The first sixteen of xterm's colours; themes change these, and the tool uses few of them.
BASIC = "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff".split()


def colour(number):
    """One of the 256 colours that terminals agree on."""
    if number < 16:
        return "#" + BASIC[number]
    if number >= 232:
        return "#" + 3 * f"{8 + 10 * (number - 232):02x}"
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return "#" + "".join(f"{levels[part]:02x}" for part in (number // 36, number // 6 % 6, number % 6))


class Pen:
    """What the escape sequences have set."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.ink = self.paper = None
        self.bold = False

    def apply(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code == 1:
                self.bold = True
            elif code in (38, 48):
                kind = codes.pop(0)
                assert kind == 5, f"a colour of kind {kind}"
                chosen = colour(codes.pop(0))
                self.ink, self.paper = (chosen, self.paper) if code == 38 else (self.ink, chosen)
            elif code == 39:
                self.ink = None
            elif code == 49:
                self.paper = None
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.ink = colour(code - 30 if code < 90 else code - 82)
            elif 40 <= code <= 47:
                self.paper = colour(code - 40)
            else:
                raise SystemExit(f"terminal_svg.py: the code {code} is not drawn")


def draw(line, row, pen):
    """The shapes of one line."""
    column = 0
    for codes, text in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b]+)", line):
        if not text:
            pen.apply(codes)
            continue
        x, y, length = MARGIN + column * WIDTH, MARGIN + row * HEIGHT, len(text) * WIDTH
        column += len(text)
        if pen.paper:
            yield f'<rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="{HEIGHT}" fill="{pen.paper}"/>'
        shown = text.replace(' ', NO_BREAK)
        if text.strip():
            style = (f' fill="{pen.ink}"' if pen.ink else "") + (' font-weight="bold"' if pen.bold else "")
            yield f'<text x="{x:.1f}" y="{y + BASELINE}" textLength="{length:.1f}"{style}>{escape(shown)}</text>'


def main():
    paper, ink = THEMES[sys.argv[1]]
    columns = int(sys.argv[2])
    lines = sys.stdin.read().rstrip().split("\n")
    pen = Pen()
    shapes = [shape for row, line in enumerate(lines) for shape in draw(line, row, pen)]
    width, height = 2 * MARGIN + columns * WIDTH, 2 * MARGIN + len(lines) * HEIGHT
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">')
    print(f'<rect width="100%" height="100%" rx="6" fill="{paper}" stroke="#8b949e" stroke-opacity=".4"/>')
    print(f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="{ink}">')
    print("\n".join(shapes))
    print("</g>\n</svg>")


main()
