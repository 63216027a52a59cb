"""Sphinx: how `make site` makes the pages of the project and of the law one site that opens from disk."""

import re

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

project = "DialGuard"
html_title = "DialGuard"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "fieldlist"]
myst_heading_anchors = 3
root_doc = "index"
exclude_patterns = ["build"]
# Citations and code stay as they are written.
smartquotes = False
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_theme_options = {"top_of_page_buttons": [], "footer_icons": []}
# A summary is fetched, which no browser does from disk.
html_show_search_summary = False
pygments_style = "friendly"


class English(SearchEnglish):
    """English in which 501.616 and fl.calling-hours are words, so that statutes and rules are found; their parts are words too."""

    words = re.compile(r"\w+(?:[.-]\w+)*")
    js_splitter_code = "var splitQuery = (query) => query.match(/[\\p{L}\\p{N}_]+(?:[.-][\\p{L}\\p{N}_]+)*/gu) || [];"

    def split(self, input: str) -> list[str]:  # noqa: A002, the name is Sphinx's
        """Every word, and the parts of those that have parts."""
        found = []
        for word in self.words.findall(input):
            parts = re.split("[.-]", word)
            found += [word, *parts] if len(parts) > 1 else [word]
        return found


def setup(app: Sphinx) -> None:
    """Sphinx's hook."""
    app.add_search_language(English)
