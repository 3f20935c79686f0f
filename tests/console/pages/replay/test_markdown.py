"""Answers as Markdown: dressed, and inert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.pages.replay.markdown import markdown
from tests.console.pages.replay.drawn import drawn
from tests.upload_corpus import payloads

HOSTILE = payloads(
    "render_transcript",
    "render_json_in_script",
    "render_table_cell",
    shapes=[
        "<script>window.__xss=1</script>",
        "<img src=x onerror=window.__xss=1>",
        "[click](javascript:window.__xss=1)",
        "[click](JAVASCRIPT:alert)",
        "[click](data:text/html,<script>1</script>)",
        "![x](https://elsewhere.example/x.png)",
        '<https://x.example/" onmouseover=1>',
        "[a]: javascript:x\n\n[a]",
        '```" onload=1\n</code></pre><script>1</script>\n```',
        "# <b onclick=x>",
        "| <i> |\n|:--:|\n| <script> |",
        "<!-- hidden --> <?php ?> <!DOCTYPE x>",
    ],
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_text(text: str) -> None:
    found = drawn(str(markdown(text)))
    assert found.faults == []
    assert all(link.startswith(("http://", "https://", "mailto:")) for link in found.links)


@given(st.text("ab<>[]()!`*_#|-:/\"'= \n&;\\~0", max_size=200))
def test_no_text_becomes_a_tag_of_its_own_making(text: str) -> None:
    assert drawn(str(markdown(text))).faults == []


def test_a_link_leads_away_without_telling_from_where() -> None:
    html = str(markdown("see [the docs](https://docs.example/a?b=1&c=2)"))
    assert '<a href="https://docs.example/a?b=1&amp;c=2" rel="noopener noreferrer nofollow"' in html


def test_a_picture_is_a_link_so_that_nobody_is_asked_for_it() -> None:
    html = str(markdown("![a *chart*](https://elsewhere.example/x.png)"))
    assert "<img" not in html
    assert ">a *chart*</a>" in html


def test_a_heading_is_none_of_the_page() -> None:
    assert str(markdown("# One")) == '<p class="heading">One</p>\n'


def test_tables_lists_and_code_are_dressed() -> None:
    html = str(markdown("| a | b |\n|---|--:|\n| 1 | 2 |\n\n3. x\n4. y\n\n```python\nx < 1\n```"))
    assert '<div class="wide"><table>' in html
    assert "style" not in html
    assert '<ol start="3">' in html
    assert "<pre><code>x &lt; 1\n</code></pre>" in html


def test_an_answer_too_long_for_prose_is_shown_as_it_is() -> None:
    html = str(markdown("**<b>** " * 20_000))
    assert html.startswith('<p class="plain">**&lt;b&gt;** ')
