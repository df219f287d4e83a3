"""Pages that need nothing else: one HTML file each, with style, script and numbers inside.

Each page is a template `name.html` with `name.css` and `name.js`; `style.css` is shared by all.
"""

from importlib import resources
from string import Template
from typing import Any

_FILES = resources.files("numpy_nets.pages")


def text(file: str) -> str:
    """The content of a file of this folder."""
    return _FILES.joinpath(file).read_text(encoding="utf-8")


def fill(name: str, **parts: Any) -> str:
    """The page `name`, with $style and $script, and the other parts in their places.

    The parts are HTML: what comes from a user has gone through `html.escape`, or `as_json`.
    """
    return Template(text(f"{name}.html")).substitute(
        style=text("style.css") + text(f"{name}.css"), script=text(f"{name}.js"), **parts
    )


def as_json(value: Any) -> str:
    """JSON for an element <script type="application/json">, which no string in it can end.

    >>> as_json(["</script>", 0.5])
    '["<\\\\/script>",0.5]'
    """
    import json

    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
