"""`agnes admin ask`: a question in one's own words. A language model writes the SQL, the server
runs it; this shows both."""

from __future__ import annotations

from typing import Annotated

import typer

from console.cli import answers
from console.cli.output import JsonOption, note, say, show_json
from console.cli.text import plain, plain_lines
from schema.errors import BadRequest


class Rejected(BadRequest):
    """The server does not run what the language model wrote."""

    title = "SQL refused"


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In your own words.")],
    as_json: JsonOption = False,
) -> None:
    """Ask in your own words: agnes admin ask "which tools failed most last week?".

    The question and the meanings of the tables' columns go to the language model that the server is
    set up with; rows never do. What it writes is read before it runs, like any SQL.
    """
    from console.client import SLOW, connect

    with connect() as client:
        path = "/api/admin/telemetry/ask"
        answer = client.request("POST", path, json={"question": question}, timeout=SLOW)
    rejected = answer.get("rejected")
    if as_json:
        show_json(answer)
    else:
        say(f"Question   {plain(answer['question'])}")
        say(f"Rationale  {plain(answer['rationale'])}")
        say(f"SQL\n{plain_lines(answer['sql'])}\n")
    if rejected:
        raise Rejected(f"the SQL was refused: {rejected}", detail="ask it in other words")
    if as_json:
        return
    rows = [[row[name] for name in answer["columns"]] for row in answer["rows"]]
    answers.show({**answer, "rows": rows, "truncated": False})
    if answer["truncated"]:
        note(answers.CUT)
    note(f"model {answer['llm_ms']:,} ms, query {answer['exec_ms']:,} ms")
