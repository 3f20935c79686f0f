"""Where to go after signing in: a path of this console, whatever the address bar was given."""

from __future__ import annotations

import re
from urllib.parse import quote

HOME = "/"
_LONGEST = 4096
# Browsers read "//host" and "/\host" as another host, and drop control characters before they look.
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x1f\x7f-\x9f\u2028\u2029]*\Z")
_SIGN_IN = re.compile(r"/log(?:in|out)(?:[/?#]|\Z)")


def local_path(wanted: str) -> str:
    """`wanted` when it is a path here, in plain ASCII, else `/`. Never back to the sign-in
    itself."""
    if len(wanted) > _LONGEST or not _LOCAL.match(wanted) or _SIGN_IN.match(wanted):
        return HOME
    return quote(wanted, safe="/?#[]@!$&'()*+,;=:%-._~", errors="replace")
