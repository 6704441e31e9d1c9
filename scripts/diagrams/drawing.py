"""
A small pen for SVG: boxes, arrows and words, in colours that follow light and dark.
"""

from html import escape
from math import hypot

import attrs

FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, Liberation Sans, sans-serif"'
STYLE = """
.drawing{--ink:#1f2328;--soft:#59636e;--line:#818b98;--fill:#f6f8fa}
@media (prefers-color-scheme:dark){.drawing{--ink:#e6edf3;--soft:#9198a1;--line:#7d8590;--fill:#161b22}}
.drawing text{fill:var(--ink);font-size:14px}
.drawing .soft{fill:var(--soft);font-size:12px}
.drawing .code{font-family:ui-monospace,Liberation Mono,monospace;font-size:12px}
.drawing .strong{font-weight:600}
.drawing .box{fill:var(--fill);stroke:var(--line);stroke-width:1.2}
.drawing .good{fill:#2da44e26;stroke:#2da44e}
.drawing .bad{fill:#e5534b26;stroke:#e5534b}
.drawing .busy{fill:#d4a72c26;stroke:#bf8700}
.drawing .key{fill:#388bfd26;stroke:#388bfd}
.drawing .arrow{fill:none;stroke:var(--line);stroke-width:1.4;marker-end:url(#tip)}
.drawing .dashed{stroke-dasharray:5 4}
.drawing .life{stroke:var(--line);stroke-width:1;stroke-dasharray:2 4}
.drawing .tip{fill:var(--line)}
""".replace("\n", "")
TIP = (
    '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
    ' orient="auto-start-reverse"><path class="tip" d="M0 0L10 5L0 10z"/></marker></defs>'
)


@attrs.frozen
class Box:
    """
    A rectangle, told by its middle.
    """

    x: float
    y: float
    width: float = 132
    height: float = 40

    def edge_towards(self, x: float, y: float) -> tuple[float, float]:
        """
        Return where a line from the middle to a point leaves the rectangle, and a little beyond.
        """
        across, down = x - self.x, y - self.y
        ways = [
            half / abs(way)
            for half, way in ((self.width / 2, across), (self.height / 2, down))
            if way
        ]
        share = min(ways) + 3 / hypot(across, down)
        return self.x + across * share, self.y + down * share


@attrs.define
class Drawing:
    """
    What is being drawn; the title is what those hear who cannot see it.
    """

    width: float
    height: float
    title: str
    parts: list[str] = attrs.field(factory=list, init=False)

    def box(self, box: Box, kind: str = "", radius: float = 6) -> None:
        """
        Draw a rectangle.
        """
        self.parts.append(
            f'<rect class="box {kind}" x="{box.x - box.width / 2:g}" y="{box.y - box.height / 2:g}"'
            f' width="{box.width:g}" height="{box.height:g}" rx="{radius:g}"/>'
        )

    def words(self, x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> None:
        """
        Write a line, its middle at a height.
        """
        self.parts.append(
            f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
            f' dominant-baseline="central">{escape(text)}</text>'
        )

    def line(self, *points: tuple[float, float], kind: str = "arrow") -> None:
        """
        Draw a line through points; an arrow unless its kind is another.
        """
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline class="{kind}" points="{way}"/>')

    def dot(self, x: float, y: float) -> None:
        """
        Draw the point at which things begin.
        """
        self.parts.append(f'<circle class="tip" cx="{x:g}" cy="{y:g}" r="6"/>')

    def svg(self) -> str:
        """
        Return the file.
        """
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" {FONT}'
            f' viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}">'
        )
        title = f"<title>{escape(self.title)}</title>"
        return "\n".join((head, title, f"<style>{STYLE}</style>", TIP, *self.parts, "</svg>", ""))
