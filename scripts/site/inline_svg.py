"""
Diagrams stand in the page itself, so that they follow its light and dark, and can be searched.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def visit_image(translator: HTML5Translator, node: nodes.image) -> None:
    """
    Write an SVG file of the repository into the page, and any other image as Sphinx does.
    """
    drawing = Path(translator.builder.srcdir, node["uri"])
    if drawing.suffix != ".svg" or not drawing.is_file():
        HTML5Translator.visit_image(translator, node)
        return
    translator.body.append(f'<div class="diagram">{drawing.read_text("utf-8")}</div>')


def depart_image(translator: HTML5Translator, node: nodes.image) -> None:
    """
    Close what was opened: nothing, for an image.
    """
    HTML5Translator.depart_image(translator, node)


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Register with Sphinx.
    """
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
