"""How long a search in the text of transcripts takes, rights and names included, over made-up
conversations whose words are as frequent as in a language: common words, rare ones, two at once,
beginnings and phrases.
"""

from __future__ import annotations

import itertools
import os
import random
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.budgets import Figure, spread
from bench.data import CACHE

if TYPE_CHECKING:
    from bench.stage import Stage
    from console.instance import Instance
    from ingest.text_index import Piece

_FEW, _MANY = 311, 2_000  # transcripts
_TEXT = 480_000  # characters each: 250 MB of transcripts hold some 150 MB of text
_PIECE = 200  # words
_ROUNDS = 12
_VOCABULARY = 40_000


def few(stage: Stage) -> Iterable[Figure]:
    """Milliseconds a search over 311 transcripts."""
    yield spread("search", searches(_FEW, _TEXT))


def many(stage: Stage) -> Iterable[Figure]:
    """Milliseconds a search over 2,000 transcripts, together twice as long."""
    yield spread("search.many", searches(_MANY, _TEXT // 3))


def searches(sessions: int, characters: int) -> list[float]:
    """Milliseconds of each search, none of which was asked before."""
    from console.app import open_instance
    from console.sessions import Reader
    from console.settings import Settings
    from console.transcript import text_search
    from schema.policy import Principal

    chosen, took = random.Random(1), []
    mask = os.umask(0o077)
    with TemporaryDirectory(dir=CACHE if CACHE.exists() else None) as folder:
        instance = open_instance(Settings({}, AGNES_DATA_DIR=folder))
        os.umask(mask)
        with closing(instance.store):
            words = _vocabulary(chosen)
            _fill(instance, Path(folder), words, sessions, characters)
            reader = Reader(instance, Principal("bench", is_admin=True))
            text_search.search(reader, "warm")
            for q in itertools.islice(_asked(chosen, words), _ROUNDS * 5):
                began = time.perf_counter()
                text_search.search(reader, q)
                took.append((time.perf_counter() - began) * 1000)
    return took


def _vocabulary(chosen: random.Random) -> list[str]:
    letters = "etaoinshrdlucmfwypvbgk"
    return [
        "".join(chosen.choices(letters, k=chosen.randint(3, 10))) + letters[number % 22]
        for number in range(_VOCABULARY)
    ]


def _asked(chosen: random.Random, words: list[str]) -> Iterator[str]:
    """One of each kind, again and again; the most frequent 100 words are in every second piece."""
    while True:
        yield words[chosen.randrange(100)] + " "
        yield words[chosen.randrange(5_000, _VOCABULARY)] + " "
        yield f"{words[chosen.randrange(500)]} {words[chosen.randrange(500)]} "
        yield words[chosen.randrange(_VOCABULARY)][:5]
        yield f'"{words[chosen.randrange(50)]} {words[chosen.randrange(50)]}"'


def _fill(
    instance: Instance, folder: Path, words: list[str], sessions: int, characters: int
) -> None:
    from ingest.text_index import Session, Writer
    from schema.tables import SESSION_FILES
    from schema.transaction import Rows

    writer, rows = Writer(folder), []
    start = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=sessions)
    frequent = list(itertools.accumulate(1 / (place + 3) for place in range(_VOCABULARY)))
    for number in range(sessions):
        user = str(uuid.UUID(int=number % 50))
        key, at = f"{user}/{number}.jsonl", start + timedelta(minutes=number)
        talk = _talk(random.Random(number), words, frequent, characters)
        writer.write(Session(key, user, "0" * 64), at, talk)
        about = {"session_file": key, "user_id": user, "bytes": characters, "sha256": "0" * 64}
        rows.append({**about, "uploaded_at": at, "first_uploaded_at": at, "indexed": True})
    writer.close()
    instance.store.write(Rows(SESSION_FILES, rows)).result()


def _talk(
    chosen: random.Random, words: list[str], frequent: list[float], characters: int
) -> Iterator[Piece]:
    from ingest.text_index import Piece

    turn = 0
    while characters > 0:
        text = " ".join(chosen.choices(words, cum_weights=frequent, k=_PIECE))
        characters -= len(text)
        yield Piece(turn, "text", "assistant", 1_700_000_000_000_000 + turn, text)
        turn += 1
