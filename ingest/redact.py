"""Secrets out of text: what is shaped like a credential becomes `[REDACTED:<rule>]`.

Used before anything leaves a machine, and before an excerpt is kept. It knows shapes, never whether
a secret still works, and it cannot find a password that nothing names as one.

The rules run on the bytes of a JSON line as they stand: a secret may lie across `\\n` escapes or
behind `\\"`, at any depth of JSON within JSON. Plain text is escaped first, as if it stood in one.
So a bare `"` is always where a string begins or ends: no rule cuts across it, and JSON stays JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass

import orjson

from ingest.redact_shapes import HINTS, LOW_HINTS, PLACES, SLASH, TOKENS, after

Counts = MutableMapping[str, int]
Cuts = list[tuple[str, bytes]]  # the rule, and what it cut as it stood in the line

_PASSES = 8  # at most: what one rule cuts may bare the beginning of another's match
_RETRIED = 1000  # bytes of a rejected value that are searched again, so that time stays linear
_PARSED = 1 << 22  # bytes of a line up to which it is parsed to learn whether it is JSON


def redact(text: str, counts: Counts | None = None, cuts: Cuts | None = None) -> str:
    """`text` without what looks like a secret. `counts` gets added how many each rule found, `cuts`
    what they were: only for showing a person a hint of each."""
    data = text.encode("utf-8", "surrogatepass")
    if not _suspect(data):
        return text
    return _as_text(data, counts, cuts).decode("utf-8", "surrogatepass")


def redact_bytes(line: bytes, counts: Counts | None = None, cuts: Cuts | None = None) -> bytes:
    """The same for one line of a file. If it is JSON it stays so, else it is taken as text."""
    if not _suspect(line):
        return line
    return _redacted(line, counts, cuts) if _is_json(line) else _as_text(line, counts, cuts)


def _suspect(data: bytes) -> bool:
    low = data.lower()
    return any(hint(data) for hint in _HINTS) or any(hint(low) for hint in _LOW_HINTS)


def _as_text(data: bytes, counts: Counts | None, cuts: Cuts | None = None) -> bytes:
    escaped = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return re.sub(rb'\\(["\\])', rb"\1", _redacted(escaped, counts, cuts))


def _is_json(line: bytes) -> bool:
    if len(line) > _PARSED:
        return line.lstrip()[:1] in (b"{", b"[") and line.rstrip()[-1:] in (b"}", b"]")
    try:
        orjson.loads(line)
    except ValueError:
        try:
            json.loads(line)  # takes half a surrogate pair, and NaN
        except (ValueError, RecursionError):
            return False
    return True


def _redacted(data: bytes, counts: Counts | None, cuts: Cuts | None = None) -> bytes:
    for _ in range(_PASSES):
        before = data
        for rule in _RULES:
            data = rule.apply(data, counts, cuts)
        if data is before:
            break
    return data


@dataclass(frozen=True, slots=True)
class _Rule:
    """One shape. `pattern` runs on the lower-cased bytes if `folded`; its last group is what is
    cut. `worth` says whether a match is a secret."""

    name: str
    pattern: re.Pattern[bytes]
    folded: bool = False
    worth: Callable[[re.Match[bytes], bytes], bool] | None = None

    def apply(self, data: bytes, counts: Counts | None, cuts: Cuts | None) -> bytes:
        pieces: list[bytes] = []
        done = 0
        for start, end in self._spans(data):
            if cuts is not None:
                cuts.append((self.name, data[start:end]))
            pieces += (data[done:start], b"[REDACTED:%b]" % self.name.encode())
            done = end
        if not pieces:
            return data
        if counts is not None:
            counts[self.name] = counts.get(self.name, 0) + len(pieces) // 2
        return b"".join([*pieces, data[done:]])

    def _spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        text = data.lower() if self.folded else data
        at = 0
        while match := self.pattern.search(text, at):
            start, end = match.span(match.lastindex or 0)
            if match.lastgroup is None:
                # A bracket that closes what began before the value is no part of it.
                end = start + len(data[start:end].rstrip(b")]}"))
            if self.worth is None or self.worth(match, data):
                yield start, end
                at = end
            else:
                at = start if end - start < _RETRIED else end
            at = max(at, match.start() + 1)


# Lines of a key, and what may stand between them: escapes, line numbers, quotes in code. Possessive
# throughout, so that there is one way to read a text and no other to try.
_GAP = (
    rb'(?:\\++[nrtu]|(?:\\\\)*+\\"|(?!-----E)[^A-Za-z0-9+/="\\]|[0-9]|\+(?![A-Za-z0-9+/=])){0,24}+'
)
_PRIVATE_KEY = (
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rb"(?:%(gap)b(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset):[^\\\"\r\n]{0,200}+)*+"
    rb"(?:(?:%(gap)b[A-Za-z0-9+/=]{16,}+)++(?:%(short)b{0,3}+%(end)b)?|%(short)b{1,12}+%(end)b)"
) % {
    b"gap": _GAP,
    b"short": rb"(?:%b[A-Za-z0-9+/=]{1,15}+)" % _GAP,
    b"end": _GAP + rb"-----END [A-Z0-9 ]{0,60}+-----",
}

# A value up to a blank, a quote, a separator or an escape, at any depth.
_BARE = rb"""(?:[^\s"'`\\,;&<>]|\\++(?:u(?!00[0-7])[0-9a-f]{4}|[^\\nrtbfu"'\s]))++"""
# A value in quotes that are escaped as deep as its opening quote is.
_QUOTED = (
    rb"""(?P<deep>\\*)(?P<quote>["'])"""
    rb"""(?P<value>(?:[^"'\\\r\n]|(?!(?P=quote))'|(?P=deep)\\++(?!["\\]|(?P=quote))"""
    rb"""|(?P=deep)(?P=deep)\\(?P=quote))++)"""
)
_NAME_END = rb"""(?P<end>(?:\\*["']\]?)?)"""
_IS = rb"[ \t]*(?::[ ]*[\w.|&\[\]]{1,40}[ ]*=|:(?!:)=?|=+>?|\\+u003d|%3d)[ \t]*"
_KEYS = (b"api", b"access", b"secret", b"private", b"signing", b"encryption", b"account", b"auth")
_KEY_NAMES = b"|".join(rb"(?<=%b[ _-]key)|(?<=%bkey)" % (name, name) for name in _KEYS)


def _named(names: bytes) -> re.Pattern[bytes]:
    """A value behind one of `names`, also as `--name VALUE`."""
    separator = b"(?:" + _IS + rb"|(?P<blank>[ \t]+))"
    return re.compile(names + _NAME_END + separator + b"(?:" + _QUOTED + b"|(" + _BARE + b"))")


_PLACEHOLDER = re.compile(
    rb"""\[[a-z ]|[*&][a-z_]+\.|[({<][\s\w.{<]|\$[\w({]|%[sd(]|%\w+%|[x*.\-_#]+\Z"""
    rb"""|(?:~|\.{1,2})?/[\w.@-]+/"""  # a path
    rb"""|(?:none|null|nil|undefined|true|false|yes|no|on|off|optional|required|missing|invalid"""
    rb"""|incorrect|wrong|empty|hidden|redacted|masked|unknown|never|void|any|str|string|bytes"""
    rb"""|u?int[0-9]*|uint8array|bytes32|number|bool|boolean|char|varchar|text|object|function"""
    rb"""|basic|bearer|password|passwd|secret|token|new|await|changed?|reset)(?![\w!@#$%^*+=-])"""
    rb"""|(?:self|this|os|process|settings|config|cfg|args|opts|options|env|req|request|response"""
    rb"""|res|data|ctx|props|state|params|form|body|payload|kwargs|input|user|secrets|vars"""
    rb"""|credentials|auth|client|session)(?:\??\.|->)"""
    rb"""|[a-z_]\w*(?:(?:\??\.|->|::)\w+)*[(\[]"""  # a call
)
_ENDING_NAME = re.compile(rb"(?:[a-z]+[_.-])*(?:tokens?|keys?|secrets?|passwords?)\Z")
_LINE_END = re.compile(rb"""\\*["'`]|\\+[nr]|[\r\n]|\Z""")


def _in_string(match: re.Match[bytes]) -> bool:
    """Whether name and value agree on where JSON's own quotes stand."""
    name_bare = match["end"][:1] == b'"'
    return name_bare == (match["quote"] == b'"' and not match["deep"])


def _password(match: re.Match[bytes], data: bytes) -> bool:
    start, end = match.span(match.lastindex or 0)
    value = data[start:end].lower()
    option = data[match.start() - 1 : match.start()] == b"-"
    if not _in_string(match) or (match["blank"] and not option) or _PLACEHOLDER.match(value):
        return False
    if len(value) < 3 or not re.search(rb"[a-z\x80-\xff]|[0-9]{4}", value):
        return False
    if match["quote"] or data[start - 1 : start] not in (b" ", b"\t"):
        return True
    # After a blank it may be a sentence about passwords.
    return bool(re.search(rb"[0-9@#$%^*+=~!]", value) or _LINE_END.match(data, end))


def _secret(match: re.Match[bytes], data: bytes) -> bool:
    value = match[match.lastindex or 0]
    return _password(match, data) and not (not match["quote"] and _ENDING_NAME.match(value))


def _token(match: re.Match[bytes], data: bytes) -> bool:
    start, end = match.span(match.lastindex or 0)
    value = data[start:end]
    if value.isdigit() or re.search(rb"\s", value) or not _secret(match, data):
        return False
    if re.search(rb"[0-9]", value):
        return len(value) >= 6
    return len(value) >= 10 and (bool(match["quote"]) or data[start - 1 : start] not in b" \t")


def _authorization(match: re.Match[bytes], data: bytes) -> bool:
    start, end = match.span("value")
    value = data[start:end]
    if not _in_string(match) or len(value) < 4 or _PLACEHOLDER.match(value.lower()):
        return False
    return bool(re.search(rb"[0-9]|[a-z][A-Z]", value) or _LINE_END.match(data, end))


_AWS_ID = after(rb"A[KS]IA") + rb"[A-Z0-9]{16}"
_RULES = (
    _Rule("private-key", re.compile(_PRIVATE_KEY)),
    _Rule(
        "jwt",
        re.compile(
            after(rb"eyJ") + rb"[\w-]{10,}\.(?:eyJ[\w-]{5,}(?:\.[\w-]*)?"
            rb"|[\w-]*\.[\w-]{5,}(?:\.[\w-]+){0,2})"
        ),
    ),
    _Rule(
        "sk-key",
        re.compile(
            after(rb"sk-") + rb"(?:(?:ant|proj|svcacct|admin)-[\w-]{10,}|[A-Za-z0-9]{20,}[\w-]*"
            rb"|(?:[A-Za-z0-9]{1,20}-){0,4}(?=[A-Za-z]*[0-9])[A-Za-z0-9]{8,}[\w-]*)"
        ),
    ),
    _Rule("github", re.compile(rb"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}")),
    *(_Rule(name, re.compile(shape)) for name, shape in TOKENS),
    _Rule("slack", re.compile(rb"xox[abeoprs]-[A-Za-z0-9-]{10,}")),
    _Rule(
        "slack-webhook",
        re.compile(
            rb"hooks\.slack\.com%b(?:services|workflows|triggers)%b((?:[A-Za-z0-9_-]+%b?){2,})"
            % (SLASH, SLASH, SLASH)
        ),
    ),
    _Rule(
        "aws-secret-key",
        re.compile(
            _AWS_ID + rb'(?:\\+[nrt]|[^A-Za-z0-9+/"\\]){1,12}([A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=])'
        ),
    ),
    _Rule(
        "aws-secret-key",
        re.compile(
            rb"secret[ _-]?(?:access[ _-]?)?key[^\r\n]{0,40}?(?<![a-z0-9+/])"
            rb"((?=[0-9+/]*[a-df-z])[a-z0-9+/]{40})(?![a-z0-9+/=])"
        ),
        folded=True,
    ),
    _Rule("aws-access-key", re.compile(_AWS_ID + rb"(?![A-Za-z0-9])")),
    _Rule("google", re.compile(after(rb"AIza") + rb"[\w-]{30,}")),
    _Rule("stripe", re.compile(rb"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,}")),
    _Rule("npm", re.compile(rb"npm_[A-Za-z0-9]{30,}")),
    _Rule("pypi", re.compile(rb"pypi-AgE[\w-]{10,}")),
    _Rule("agnes", re.compile(rb"agnes_(?:(?=[\w-]*[A-Z])[\w-]{40,}|session=([\w-]{16,}))")),
    _Rule("telegram", re.compile(rb":(?<=[0-9]{8}:)(AA[\w-]{33})(?![\w-])")),
    _Rule(
        "url-password",
        re.compile(
            rb"""://[^\s/:@"'\\<>]{0,200}:(?P<value>[^\s/"'\\<>?#]{1,256})@""".replace(
                b"//", SLASH * 2, 1
            )
        ),
        worth=lambda match, data: not _PLACEHOLDER.match(match["value"].lower()),
    ),
    _Rule(
        "authorization",
        re.compile(
            rb"authorization" + _NAME_END + rb"[ \t]*[:=,][ \t]*"
            rb"""(?P<deep>\\*)(?P<quote>["'`]?)(?:(?:bearer|basic|token|digest|apikey)[ \t]+)?"""
            rb"(?P<value>%b)" % _BARE
        ),
        folded=True,
        worth=_authorization,
    ),
    _Rule("password", _named(rb"pass(?:word|wd|phrase)"), folded=True, worth=_password),
    _Rule("password", _named(rb"pwd"), folded=True, worth=_password),
    _Rule("secret", _named(rb"secret"), folded=True, worth=_secret),
    _Rule("token", _named(rb"token"), folded=True, worth=_token),
    _Rule("api-key", _named(rb"key(?:%b)" % _KEY_NAMES), folded=True, worth=_token),
    *(_Rule(name, re.compile(shape)) for name, shape in PLACES),
)

# Whatever a rule finds, one of these finds first; most lines have none and are done. Each begins
# with one literal, rare where it can be: that is what keeps a search near the speed of memory.
_NAMED = rb"""["'\\\]]*[ \t]*(?:[:=]|u003d|%3d)"""
_HINTS = tuple(
    re.compile(hint).search
    for hint in (
        rb"J(?<=eyJ)",
        rb"A(?:(?<=:A)A|Iza|[KS]IA[A-Z0-9]{16}|(?<=PRIVA)TE KEY|(?<=pypi-A)gE)",
        rb"_(?:(?<=gh[pousr]_)[A-Za-z0-9]{16}|(?<=npm_)[A-Za-z0-9]{30}|(?<=github_pat_)"
        rb"|(?<=k_live_)|(?<=k_test_)|(?<=whsec_)|(?<=agnes_)(?:session=|[\w-]{40}))",
        rb"xox[abeoprs]-",
        rb"glpat-",
        rb"""/\\*/[^\s/:@"]*:[^\s/]*@""",
        *HINTS,
    )
)
_LOW_HINTS = tuple(
    re.compile(hint).search
    for hint in (
        rb"k(?:-%(sk)b[\w-]{8}|s(?<=hooks)\.slack"
        rb"|e(?:y(?:%(keys)b)(?:%(is)b|(?<=-key)[ \t])|n(?<=token)(?:%(is)b|(?<=-token)[ \t])))"
        % {b"is": _NAMED, b"keys": _KEY_NAMES, b"sk": after(b"sk-")[3:]},
        rb"w(?:(?<=pw)d|(?<=passw)(?:or)?d)(?:%b|(?<=-password)[ \t])" % _NAMED,
        rb"passphrase(?:%b|(?<=-passphrase)[ \t])" % _NAMED,
        rb"secret(?:%b|(?<=-secret)[ \t]|[ _-]?(?:access[ _-]?)?key)" % _NAMED,
        rb"z(?<=authoriz)ation",
        *LOW_HINTS,
    )
)
