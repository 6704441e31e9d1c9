"""
How Sphinx makes a site of the Markdown pages: `make docs`.

The pages stay what they are in the repository; nothing in them is written for
the site. It asks no other host for anything: no fonts, no scripts.
"""

# What Sphinx reads are the names of this module. It runs from the root of the repository.

project = "Payments"
html_title = "Payments"
extensions = ["myst_parser", "scripts.site.navigation", "scripts.site.inline_svg"]

root_doc = "docs/README"
include_patterns = [
    "docs/*.md",
    "docs/decisions/*.md",
    "README.md",
    "CONTRIBUTING.md",
    "packages/*/README.md",
    "apps/*/README.md",
    "examples/*/README.md",
    "deploy/*/README.md",
    "benchmarks/README.md",
]
# Looked at by nobody, so not walked through either.
exclude_patterns = [".*", "var", "node_modules"]

myst_heading_anchors = 4
suppress_warnings = [
    "toc.not_included",  # which pages are in the list is a test of its own
    "misc.highlighting_failure",  # an ellipsis in a block of JSON stands for more JSON
]

html_theme = "furo"
html_static_path = ["static"]
html_extra_path = ["extra"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1a56a8", "color-brand-content": "#1a56a8"},
    "dark_css_variables": {"color-brand-primary": "#7ab0f5", "color-brand-content": "#7ab0f5"},
}
