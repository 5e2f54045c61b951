"""The documentation site: `uv run sphinx-build --fail-on-warning docs build/docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import generated

import sie

project, author, copyright = "sie", "The sie maintainers", "The sie maintainers, MIT license"
version = release = sie.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections have the types
default_role = "code"
smartquotes = False  # they would change options and code in prose
add_module_names = False
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "pydata_sphinx_theme"
html_title = "sie"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_sidebars = {"*": []}  # only how-to and reference have pages below them
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "show_toc_level": 2,
}


def setup(app):
    """Fill each page's generated parts before it is read."""
    app.connect("source-read", lambda app, name, source: source.__setitem__(0, generated.filled(source[0])))
