"""Secrets leave no text, everything else stays, and JSON stays JSON."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.redact import _redacted, _suspect, redact, redact_bytes

# Written in halves, so that no scanner takes this file for a leak.
HEX = "0123456789abcdef"
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"
TOKENS = {
    "sk-key": [
        "sk-" + f"ant-api03-{MIXED}_-{MIXED}",
        "sk-" + f"proj-{MIXED}-x_y",
        "sk-" + HEX * 2,
        "sk-" + "abcdefghijklmnopqrstuvwxyz",
    ],
    "github": [
        "ghp_" + MIXED,
        "gho_" + MIXED,
        "ghs_" + HEX * 2,
        "github_pat_" + f"11{MIXED}_{HEX}",
    ],
    "gitlab": ["glpat-" + MIXED[:20]],
    "slack": [f"xox{kind}-" + f"123456789012-{MIXED}" for kind in "abprs"],
    "aws-access-key": ["AKIA" + "IOSFODNN7EXAMPLE", "ASIA" + "Y34FZKBOKMUTVV7A"],
    "google": ["AIza" + f"SyD-{MIXED}_abcd"],
    "stripe": ["sk_live_" + MIXED, "rk_test_" + MIXED, "whsec_" + MIXED],
    "npm": ["npm_" + MIXED + "aB3dE6gH9"],
    "pypi": ["pypi-" + f"AgEIcHlwaS5vcmc{MIXED}"],
    "agnes": ["agnes_" + f"{MIXED}-{HEX}", "agnes_" + f"job_{MIXED}_{HEX}"],
    "jwt": [
        "eyJ" + f"hbGciOiJIUzI1NiJ9.eyJ{MIXED}.{MIXED}-_",
        "eyJ" + f"hbGciOiJSU0EifQ.{MIXED}.{HEX}.{HEX}.{HEX}",
        "eyJ" + f"hbGciOiJIUzI1NiJ9.eyJ{MIXED}",
    ],
    "private-key": [
        "-----BEGIN RSA "
        + f"PRIVATE KEY-----\n{MIXED}{MIXED}\n{HEX}==\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN " + f"PRIVATE KEY-----\n{MIXED}{MIXED}\n{MIXED}{MIXED}",
        "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN PGP " + f"PRIVATE KEY BLOCK-----\nVersion: 1\n\n{MIXED}{MIXED}\n=aB3d\n"
        "-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN EC " + f'PRIVATE KEY-----\\n" +\n    "{MIXED}{MIXED}\\n" +\n    "{HEX}{HEX}',
    ],
}
# (before, the secret, after): only the secret goes.
NAMED = {
    "password": [
        ("password=", "hunter2", " psql"),
        ("PGPASSWORD=", "swordfish", ""),
        ("passwd: ", "correct1horse", "\nnext"),
        ("password: ", "swordfish", "\n"),
        ("{'password': '", "it works", "'}"),
        ('{"password": "', 'with \\"quotes\\" and, signs', '"}'),
        ("mysql --password ", "hunter2", " -u root"),
        ("?password=", "p%40ss", "&user=me"),
        ("db_password := `", "", ""),
        ("password: str = '", "hunter2", "'"),
    ],
    "secret": [("client_secret=", "abc", "&x=1"), ('SECRET="', "swordfish", '"')],
    "token": [("token=", "abcdefghijkl", ""), ('"access_token": "', MIXED, '"')],
    "api-key": [
        ("api_key=", MIXED, ","),
        ("X-Api-Key: ", HEX, "\n"),
        ("AccountKey=", "a1/+b==", ";"),
    ],
    "authorization": [
        ("Authorization: Bearer ", "abc123", "\n"),
        ("-H 'authorization: Basic ", "dXNlcjpwYXNz", "'"),
        ('{"Authorization": "Bearer ', MIXED, '"}'),
        ("Authorization: ", HEX, ""),
    ],
    "url-password": [
        ("postgres://me:", "s3cret", "@db:5432/x"),
        ("https://me:", "p@ss)", "@h/x@y"),
        ("https:\\/\\/me:", "s3cret", "@h"),
    ],
    "agnes": [("Cookie: agnes_session=", MIXED, "; a=b")],
    "telegram": [("bot123456789:", "AA" + f"H{MIXED}abcde", "/getMe")],
    "slack-webhook": [("https://hooks.slack.com/services/", "T0/B0/" + MIXED, "")],
    "aws-secret-key": [
        ("aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", "\n"),
        ("AWS Secret Access Key [None]: ", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", ""),
    ],
}
CASES = [
    *((rule, "", token, "") for rule, tokens in TOKENS.items() for token in tokens),
    *((rule, *each) for rule, cases in NAMED.items() for each in cases if each[1]),
]
ORDINARY = [
    "550e8400-e29b-41d4-a716-446655440000",
    "commit 49a4b8f0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6",
    "/home/me/.secret/token/key.pem password=/run/secrets/db/password",
    "The password was wrong. Enter your password: then press return.",
    "passwords, secrets and tokens: a history",
    "token_count=12 tokens: 5 max_tokens=4096 token=12 token_type=bearer tokenizer=gpt2",
    '{"input_tokens": 5, "token": 5, "cache_read_input_tokens": 123456}',
    "pip install sk-learn; .sk-toggleable__content .sk-estimator-doc-link",
    "task-1234567890abcdefghijk risk-averse-0123456789abcdefghij",
    "def login(user: str, password: str, token: Optional[str] = None, secret: bytes) -> bool:",
    "login(password=password, token=token, api_key=os.environ['KEY'], secret=getpass())",
    "login(password=settings.password, token=access_token, api_key=self.api_key)",
    "password=$PASSWORD --password ${PW} token=<token> secret={secret} api_key=%s",
    'password="" token=null secret=None password=**** password: "<your password>"',
    "Authorization: Bearer $TOKEN, Authorization: Bearer <token>, Authorization: {auth}",
    "http://localhost:8080/a@b http://me@host/ git@github.com:o/r.git ssh://git@h:22/x",
    "SecretKey::parse(x); let privateKey: Uint8Array; primary_key=abc123def; cache_key: abc12345",
    "npm_config_registry agnes_sessions agnes_console_audit_log pypi-attestations ghp_ xoxo-",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
    'if line == "-----BEGIN PRIVATE KEY-----": read()',
    "eyJhIjoxfQ== is base64, eyJhbGciOiJIUzI1NiJ9 too",
    "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAUAAEyJAKIAAIzask0AghpAJ/+" * 20,
]


def deep(text: str, levels: int) -> str:
    """`text` within JSON within JSON."""
    for _ in range(levels):
        text = json.dumps({"at": [text]})
    return text


@pytest.mark.parametrize(("rule", "before", "secret", "after"), CASES)
def test_a_secret_goes_and_what_is_around_it_stays(
    rule: str, before: str, secret: str, after: str
) -> None:
    counts: dict[str, int] = {}
    assert redact(before + secret + after, counts) == f"{before}[REDACTED:{rule}]{after}"
    assert counts == {rule: 1}


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize(("rule", "before", "secret", "after"), CASES)
def test_a_secret_is_found_at_any_depth_of_json(
    rule: str, before: str, secret: str, after: str, levels: int
) -> None:
    line = deep(f"line\n{before}{secret}{after}\nline", levels).encode()
    safe = deep(f"line\n{before}[REDACTED:{rule}]{after}\nline", levels).encode()
    assert redact_bytes(line) == safe


@pytest.mark.parametrize("levels", [0, 1, 2, 3])
@pytest.mark.parametrize("text", ORDINARY)
def test_what_is_no_secret_stays(text: str, levels: int) -> None:
    text = deep(text, levels)
    assert redact(text) == text
    assert redact_bytes(text.encode()) == text.encode()


def test_a_key_of_json_with_a_number_stays_json() -> None:
    line = rb'["-----BEGIN PRIVATE KEY-----\\",' + b"1" * 60 + b"]"
    assert redact_bytes(line) == line
    line = b'{"password":12345678,"a":"password=","b":"token: ","secret":["x1y2z3"],"c":null}'
    assert json.loads(redact_bytes(line)) == json.loads(line)


def test_a_line_that_is_no_json_is_cleaned_as_text() -> None:
    assert redact_bytes(b'db password="hunter2"\n') == b'db password="[REDACTED:password]"\n'
    assert redact_bytes(b'{"password":"hunter2","x":"cut o') == (
        b'{"password":"[REDACTED:password]","x":"cut o'
    )


def test_bytes_that_are_no_text_pass_through() -> None:
    assert redact_bytes(b"\xff\xfe password=hunter2 \xff") == (
        b"\xff\xfe password=[REDACTED:password] \xff"
    )
    assert redact("\ud800 password=hunter2") == "\ud800 password=[REDACTED:password]"


def test_a_token_behind_a_colour_or_an_escape_is_found() -> None:
    token = "AKIA" + "IOSFODNN7EXAMPLE"
    for before in ("\x1b[31m", "\x1b[1m", "\n", "\t", "%20", '"', "'"):
        assert token not in redact_bytes(json.dumps(before + token).encode()).decode()
        assert token not in redact(before + token)


def test_every_secret_of_a_line_is_counted() -> None:
    counts: dict[str, int] = {}
    redact("password=hunter2 password=hunter3", counts)
    redact_bytes(json.dumps(TOKENS["npm"] * 2).encode(), counts)
    assert counts == {"password": 2, "npm": 2}


words = st.one_of(
    st.sampled_from([before + secret + after for _, before, secret, after in CASES]),
    st.sampled_from(ORDINARY),
    st.sampled_from(["password", "token", "secret", "api_key", "sk-", "://a:", "-----BEGIN "]),
    st.text("=:\"'\\ \n,;@/-_[]{}$<>nrtu0aZ", max_size=6),
    st.text(max_size=6),
)
texts = st.lists(words, max_size=8).map("".join)
values = st.recursive(
    texts | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(texts)
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(values, st.sampled_from([{"ensure_ascii": True}, {"ensure_ascii": False}]))
def test_json_stays_json_and_twice_changes_nothing(value: object, how: dict[str, bool]) -> None:
    line = json.dumps(value, **how).encode("utf-8", "surrogatepass")  # type: ignore[arg-type]
    once = redact_bytes(line)
    json.loads(once.decode("utf-8", "surrogatepass"))
    assert redact_bytes(once) == once


@given(st.text(max_size=20), st.sampled_from(CASES), st.text(max_size=20), st.integers(1, 3))
def test_no_surrounding_hides_a_token(
    before: str, case: tuple[str, str, str, str], after: str, levels: int
) -> None:
    _, intro, secret, outro = case
    # A letter or a quote beside it may rightly change what the text says.
    text = f"{before}\n{intro}{secret}{outro}\n{after}"
    assert secret not in redact(text)
    hidden = json.dumps(secret)[1:-1]
    assert hidden not in redact_bytes(deep(text, levels).encode()).decode()


@given(texts)
def test_what_a_rule_finds_a_hint_finds_first(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    assert _suspect(data) or _redacted(data, None) == data


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    redact_bytes(data)
    redact_bytes(b"password=" + data + b" token='" + data)


HOSTILE = [
    *("password=", "token='", "secret: ", 'password="', "://a:", "://a@", "eyJ", "eyJa.", "sk-a-"),
    *("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAA", "\\", '\\"'),
    *("password=\\", "AKIA", "token=$", "xoxb-", "secretkey", "a" * 40 + " secret key ", "Bearer "),
    *(
        "authorization: ",
        "github_pat_",
        "hooks.slack.com/services/a/",
        "password: a: ",
        "eyJ.",
        "=",
    ),
    *(
        "curl ",
        "curl -u ",
        "mysql ",
        "login ",
        "login a ",
        "machine a login b password ",
        "cookie:a=",
    ),
    *(
        "SG.",
        "$6$",
        "login?link=",
        "://" + "a" * 40,
        "value:",
        "token value:",
        "M" * 30 + ".",
        "sig=",
    ),
    *(
        "Private-Lines: 1\n",
        "password is ",
        "hf_",
        "-key-",
        "A_CREDENTIALS=",
        "cookie:a=1;",
        "glc_",
    ),
    *("password:a=", "key", 'api_key=\\\\\\"a', "-password \t ", "1234567890:AA", "eyJaaaaaaaaaa."),
]


@pytest.mark.parametrize("piece", HOSTILE, ids=lambda piece: piece[:16])
def test_a_hostile_megabyte_takes_no_more_than_its_length(piece: str) -> None:
    def seconds(size: int) -> float:
        line = json.dumps({"x": piece * (size // len(piece))}).encode()
        start = time.process_time()
        redact_bytes(line)
        return time.process_time() - start

    # Time that grew with the square of the length would be minutes here.
    assert seconds(1_000_000) < 10


def test_shuffled_pieces_keep_json_and_lose_every_token() -> None:
    chance = random.Random(7)
    tokens = [token for tokens in TOKENS.values() for token in tokens]
    for _ in range(50):
        pieces = chance.sample([*tokens, *ORDINARY], 12)
        line = redact_bytes(deep("\n".join(pieces), chance.randint(1, 3)).encode())
        json.loads(line)
        assert [token for token in tokens if token in pieces and token.encode() in line] == []


def test_real_transcripts_stay_json_and_all_but_untouched() -> None:
    folder = os.environ.get("AGNES_TEST_CORPUS")
    files = sorted(Path(folder, "transcripts").glob("*__*.jsonl")) if folder else []
    lines = [line for file in files for line in file.read_bytes().split(b"\n")]
    counts: dict[str, int] = {}
    for line in lines or [json.dumps(text).encode() for text in ORDINARY]:
        safe = redact_bytes(line, counts)
        if safe != line:
            json.loads(safe)
            assert redact_bytes(safe) == safe
    assert sum(counts.values()) <= len(lines) / 100
