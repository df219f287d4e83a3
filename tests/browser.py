"""A page in headless Chromium, as wide as a test wants it."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

# In a frame, because the window of Chromium cannot be as narrow as a telephone.
FRAME = """<!doctype html><body>
<iframe style="width: {width}px; height: 844px; border: 0" srcdoc="{page}"></iframe>
<script>addEventListener("load", async () => {{
  const page = document.querySelector("iframe").contentDocument;
  const all = selector => [...page.querySelectorAll(selector)];
  const seen = selector => all(selector).filter(element => element.checkVisibility()).length;
  const text = selector => page.querySelector(selector).textContent;
  const result = {{}};
  {script}
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(result);
}});</script>"""


def use(folder: Path, page: str, script: str, width: int = 1200) -> dict[str, Any]:
    """What a script has put into `result`, with the page in a frame of that width.

    The script has `page`, the document; all(selector), its elements; seen(selector), how many of
    them are visible; and text(selector), the text of the first.
    """
    file = folder / "frame.html"
    content = FRAME.format(width=width, page=html.escape(page), script=script)
    file.write_text(content, encoding="utf-8")
    assert CHROMIUM is not None
    process = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--hide-scrollbars", "--dump-dom",
            f"--user-data-dir={folder}/profile", "--virtual-time-budget=10000", file.as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    (result,) = re.findall(r"<pre>(.*?)</pre>", process.stdout)
    return json.loads(html.unescape(result))


# For `use`: every element that is wider than the screen, and every text that is too small to read.
FITS = """
  for (const details of all("details")) details.open = true;
  for (const row of all("tr")) row.style.contentVisibility = "visible";  // not on screen too
  result.width = page.documentElement.scrollWidth;
  result.wide = all("h1, h2, h3, p, form *, th, td, figure, button, pre, svg, canvas, img").filter(
    element => element.getBoundingClientRect().right > result.width + 0.5
  ).map(element => element.outerHTML.slice(0, 200));
  result.small = all("h1, h2, h3, p, th, td, button, input, figcaption, label").filter(
    element => parseFloat(getComputedStyle(element).fontSize) < 13
  ).length;
"""
