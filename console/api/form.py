"""A multipart form read as it comes: what a handler gets is pieces of parts, never a whole body.

File names come out as they were sent. Escapes and encodings of them are refused rather than undone:
each way to undo them is a way to smuggle a name past a rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header

from schema.errors import AgnesError, BadParameter, BadRequest, shorten

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_KIND = re.compile(rb"form-data[ \t]*", re.IGNORECASE)
_OPTION = re.compile(
    rb";[ \t]*(?P<key>" + _TOKEN + rb')[ \t]*=[ \t]*(?:"(?P<quoted>[^"\\\r\n]*)"|(?P<bare>'
    rb"[^\s\";,\\]*))[ \t]*"
)
_DISPOSITION = b"content-disposition"
_PLAIN = (b"binary", b"8bit", b"7bit")


@dataclass(frozen=True, eq=False)
class Part:
    """One field of a form; `filename` is None for a field without a file. Each is itself only: a
    name that comes twice gives two parts that are not equal."""

    name: str
    filename: str | None = None


class Form:
    """Chunks of a body in, pieces of its parts out; each part begins with an empty piece."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise BadRequest(
                f"Content-Type {shorten(content_type)} cannot be read here",
                detail="Send multipart/form-data with the fields `file` and, if needed, `parent`.",
            )
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise BadRequest("the multipart boundary is missing in Content-Type")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._headers_begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._part_begin,
                    "on_part_data": self._data,
                },
            )
        except FormParserError as error:
            raise _broken(error) from None
        self._part: Part | None = None
        self._pieces: list[tuple[Part, bytes]] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""

    def feed(self, chunk: bytes) -> list[tuple[Part, bytes]]:
        """The pieces that `chunk` brings. Raises BadRequest for what is no form."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            if self._part is None and _DISPOSITION in self._headers:
                part_of(self._headers[_DISPOSITION])  # a line end in a file name breaks the rest
            raise _broken(error) from None
        pieces, self._pieces = self._pieces, []
        return pieces

    def close(self) -> None:
        """Raises BadRequest when the body ended before the form did."""
        if self._parser.state != MultipartState.END:
            raise _broken("it ends before its last boundary")

    def _headers_begin(self) -> None:
        self._part = None
        self._headers = {}
        self._name = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        name = self._name.lower()
        if name in self._headers:
            raise _broken(f"a part repeats {shorten(name.decode('latin-1'))}")
        self._headers[name] = self._value
        self._name = self._value = b""

    def _part_begin(self) -> None:
        encoding = self._headers.get(b"content-transfer-encoding", b"binary")
        if encoding.strip().lower() not in _PLAIN:
            raise _broken(f"Content-Transfer-Encoding {shorten(encoding.decode('latin-1'))}")
        self._part = part_of(self._headers.get(_DISPOSITION, b""))
        self._pieces.append((self._part, b""))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part is not None:
            self._pieces.append((self._part, data[start:end]))


def part_of(disposition: bytes) -> Part:
    """A Content-Disposition header -> its part. Raises BadRequest, for a file name BadParameter."""
    kind = _KIND.match(disposition)
    at = kind.end() if kind else 0
    options: dict[str, str] = {}
    while at < len(disposition) and (option := _OPTION.match(disposition, at)):
        key = option["key"].decode("ascii").lower()
        if key in options or key.endswith("*"):
            raise _bad_disposition(disposition)
        raw = option["bare"] if option["quoted"] is None else option["quoted"]
        options[key] = raw.decode("utf-8", "backslashreplace")
        at = option.end()
    if kind is None or at < len(disposition) or "name" not in options:
        raise _bad_disposition(disposition)
    return Part(options["name"], options.get("filename"))


def _bad_disposition(disposition: bytes) -> AgnesError:
    shown = disposition.decode("utf-8", "backslashreplace")
    if b"filename" in disposition.lower():
        return BadParameter(
            "filename", shown, 'give it once, plainly, as filename="name.jsonl", without escapes'
        )
    return _broken(f"a part with Content-Disposition {shorten(shown)}")


def _broken(reason: object) -> BadRequest:
    return BadRequest(f"the multipart body cannot be read: {reason}")
