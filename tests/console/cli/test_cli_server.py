"""What `agnes serve` says once it is ready."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from console import app, logs
from console.cli import server
from console.settings import Settings

LISTENS, PUBLIC = "http://127.0.0.1:8000", "https://agnes.example.org"


@pytest.mark.parametrize(
    ("public", "place"), [("", LISTENS), (PUBLIC, PUBLIC)], ids=["alone", "behind a proxy"]
)
def test_the_link_leads_to_where_people_open_the_console(
    public: str,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def serve(settings: Settings, *, ready: Callable[[Any, str], None], **where: Any) -> None:
        ready(None, LISTENS)

    def link(instance: Any, **how: Any) -> Any:
        return SimpleNamespace(secret="s3cret", email="boss@example.org")

    monkeypatch.setattr(logs, "configure", lambda *how: None)  # it would last beyond this test
    monkeypatch.setattr(app, "serve", serve)
    monkeypatch.setattr(app, "sign_in_link", link)
    settings = Settings({}, AGNES_PUBLIC_URL=public)
    server._run(settings, "127.0.0.1", 8000, always_link=False)
    said = capsys.readouterr().out
    assert f"is ready: {place}/login?link=s3cret\n" in said
    assert (f"It listens at {LISTENS}\n" in said) == bool(public)
