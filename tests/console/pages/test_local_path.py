from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.pages.local_path import local_path


@pytest.mark.parametrize(
    "path",
    ["/", "/me", "/admin/activity?q=%22a%22&limit=5", "/a//b", "/@evil.example", "/x#t12", "/a:b"],
)
def test_a_path_of_this_console_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "wanted",
    [
        *("", "me", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example"),
        *("https:evil.example", "https://evil.example", "javascript:alert(1)", "/a\\b"),
        *("x\r\nSet-Cookie: a=b", "/\r\nSet-Cookie: a=b", "/\t/evil.example", "/\n/evil.example"),
        *(" /me", "/\0", "/\x7f", "/\x85", "/\u2028", "/" + "x" * 5000),
    ],
)
def test_everything_else_leads_home(wanted: str) -> None:
    assert local_path(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/login", "/login?next=/x", "/logout", "/logout/", "/login#x"])
def test_signing_in_never_leads_to_signing_in_or_out(wanted: str) -> None:
    assert local_path(wanted) == "/"
    assert local_path("/logins") == "/logins"


@given(
    st.one_of(
        st.text(max_size=40),
        st.text("/\\.:@?#%ehtps \t\r\n\0", max_size=12),
        st.text(max_size=20).map(lambda text: "/" + text),
    )
)
def test_no_text_leads_away_or_breaks_the_header(wanted: str) -> None:
    path = local_path(wanted)
    assert path.isascii()
    assert path.isprintable()
    assert " " not in path
    here = urlsplit(urljoin("https://console.example/login", path))
    assert (here.scheme, here.netloc) == ("https", "console.example")
    # As browsers read it: backslashes are slashes, and control characters are not there.
    assert not path.replace("\\", "/").startswith("//")
    assert local_path(path) == path
