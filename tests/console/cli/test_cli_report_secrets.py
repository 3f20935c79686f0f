"""No secret leaves: whatever its kind, wherever it stands. And little else is taken for one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from console.cli.report_clean import Cleaning, hint_of
from ingest.redact import redact, redact_bytes
from tests.console.cli.report_place import posted, takes_reports
from tests.console.cli.secret_corpus import CASES, KINDS
from tests.console.cli.stand_in import Run, Server
from tests.transcripts import Transcript

# Cookies and addresses may lose what stands beside the secret, too.
IDS = [f"{number} {kind}" for number, (kind, *_) in enumerate(CASES)]


def lines_of(secret: str) -> list[str]:
    return [line for line in secret.split("\n") if line]


def test_the_corpus_is_as_wide_as_it_should_be() -> None:
    assert len(KINDS) >= 20
    assert len({secret for _, _, secret, _ in CASES}) >= 60


@pytest.mark.parametrize(("kind", "before", "secret", "after"), CASES, ids=IDS)
def test_no_secret_is_left_in_text_or_json(kind: str, before: str, secret: str, after: str) -> None:
    text = f"first line\n{before}{secret}{after}\nlast line"
    clean = redact(text)
    once = json.dumps({"type": "user", "message": {"content": text}})
    twice = json.dumps({"input": once})
    for line in lines_of(secret):
        assert line not in clean
        for packed in (once, twice):
            safe = redact_bytes(packed.encode()).decode()
            json.loads(safe)
            assert json.dumps(line)[1:-1] not in safe
    assert "first line" in clean
    assert "last line" in clean


def test_none_arrives_from_message_session_or_environment(
    run: Run, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes_reports(server)
    monkeypatch.delenv("CLAUDE_CODE_SESSION_ID", raising=False)
    path = tmp_path / "s1.jsonl"
    for start in range(0, len(CASES), 40):
        some = CASES[start : start + 40]
        made = Transcript(session="s1")
        for _, before, secret, after in some:
            pasted = f"{before}{secret}{after}"
            made = made.prompt(f"see\n{pasted}\nthere")
            made = made.call("Bash", {"command": f"echo '{pasted}'"})
            coloured = f"\x1b[01;31m\x1b[K{before}\x1b[m\x1b[K{secret}{after}"
            made = made.user([{"type": "tool_result", "tool_use_id": "t", "content": coloured}])
        path.write_bytes(made.data)
        message = "\n".join(f"{before}{secret}{after}" for _, before, secret, after in some)
        monkeypatch.setattr("platform.python_version", lambda found=message: found)
        done = run("report", "-m", message, "--yes", "--turns", "400", "--session", str(path))
        assert done.exit_code == 0, done.output
        body = posted(server)[-1].decode()
        assert json.loads(body).keys() >= {"session_excerpt", "environment"}
        for kind, _, secret, _ in some:
            for line in lines_of(secret):
                hidden = json.dumps(json.dumps(line)[1:-1])[1:-1]
                assert line not in body, kind
                assert hidden not in body, kind
                # Nor is it shown on the screen, where others may look.
                assert line not in done.output, kind


def test_a_hint_gives_no_secret_away() -> None:
    assert hint_of(b"hunter2") == "hu… (7 characters)"
    assert hint_of(b"a") == "… (1 characters)"
    assert hint_of(b"x" * 4000) == "xxxx… (4,000 characters)"


def test_a_secret_that_is_cut_in_two_is_cut_out_first() -> None:
    token = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0fRabcd"
    for place in range(4_960, 5_001, 4):
        text = "x" * place + " " + token + " " + "y" * 5_000
        data = {"type": "user", "message": {"content": text}}
        line = Cleaning().record(data, "turn 1").decode()
        assert token[:8] not in line


def test_little_of_real_sessions_is_taken_for_a_secret() -> None:
    """Nine of 4,200 records when this was written; all are names of settings or examples."""
    folder = os.environ.get("AGNES_TEST_CORPUS")
    files = sorted(Path(folder, "transcripts").glob("*__*.jsonl")) if folder else []
    counts: dict[str, int] = {}
    records = 0
    for file in files:
        for line in file.read_bytes().split(b"\n"):
            records += 1
            redact_bytes(line, counts)
    assert sum(counts.values()) <= records / 400


ORDINARY = (
    "the login form password field; docker login -u me registry; mysql -P 3306 -h db",
    "curl -u $USER https://h; curl -sS https://example.org:8080/x -o y",
    "git@github.com:o/r.git https://example.org/a@b?signature=none&sig=x",
    "const cookie: string = name; Cookie: <cookie>; cookie=theme",
    '{"name": "token", "value": ""} name: password, value: {{ secret }}',
    "sk_test hf_hub_download ntn_config r8_e4 key-value SK_ID hvs.example dp.pt.",
    "$1 $2 $5.00 $6,000 ${VALUE} '$1$' login?link= auth: true, auth='basic'",
    "the password is wrong; the passphrase is asked; password is: required",
    "a1b2c3d4-e5f6-7890-abcd-ef1234567890 MDEyOk9yZ2FuaXphdGlvbjE= 0.1.2-alpha.345678",
    "GOOGLE_APPLICATION_CREDENTIALS=/etc/key1.json AWS_CREDENTIALS=${X1}",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert redact(text) == text
    line = json.dumps({"a": [text]}).encode()
    assert redact_bytes(line) == line
