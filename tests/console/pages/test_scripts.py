"""The scripts that a page names are there, wherever it stands, and also at its second call."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.whole_server import WholeServer

_SOURCE = re.compile(r'<script[^>]* src="([^"]+)"')


def test_every_script_of_a_page_is_there(tmp_path: Path) -> None:
    with WholeServer(tmp_path / "data") as server:
        eva = server.person("eva", is_admin=True)
        cookies = server.cookie(eva)
        with httpx.Client(base_url=server.address, cookies=cookies, trust_env=False) as client:
            for path in ("/me", f"/admin/users/{eva}", "/me", f"/admin/users/{eva}"):
                page = client.get(path).raise_for_status()
                sources = _SOURCE.findall(page.text)
                assert sum("bokeh" in source for source in sources) >= 2
                assert sum("panel.min.js" in source for source in sources) == 1
                for source in sources:
                    found = client.get(urljoin(str(page.url), source))
                    assert found.status_code == 200, (path, source)
