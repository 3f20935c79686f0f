"""The language of the prompts: what it has, what it refuses, and that it ends."""

from __future__ import annotations

import pytest

from console.prompt_text import LONGEST, BadTemplate, checked, rendered
from console.prompts import PROMPTS, VARIABLES
from schema.errors import TooLarge

TABLE = {"name": "orders", "description": "What was bought", "bucket": "", "kind": "local"}
GIVEN = {
    "instance_name": "Agnes",
    "instance_url": "",
    "user_name": "<Ana>",
    "user_email": "ana@example.org",
    "is_admin": False,
    "groups": ["b", "a"],
    "tables": [TABLE | {"columns": 3}],
    "today": "2026-01-31",
}


def test_a_prompt_has_variables_conditions_loops_and_filters() -> None:
    body = (
        "Hi {{ user_name }}{% if is_admin %}!{% else %}.{% endif %} Go\n"
        "{% for table in tables %}\n- {{ loop.index }} {{ table.name }}\n{% endfor %}\n"
        "{{ groups | sort | join(', ') }} {{ tables | join(',', 'name') }}\n"
    )
    assert rendered(body, GIVEN) == "Hi <Ana>. Go\n- 1 orders\na, b orders\n"


@pytest.mark.parametrize("name", PROMPTS)
@pytest.mark.parametrize("empty", [True, False])
def test_the_defaults_are_prompts_whoever_asks(name: str, *, empty: bool) -> None:
    given = (
        {**GIVEN, "tables": [], "groups": []} if empty else {**GIVEN, "instance_url": "https://x"}
    )
    assert given.keys() == VARIABLES.keys()
    text = rendered(PROMPTS[name].default, given)
    assert "<Ana>" in text
    assert "{" not in text
    assert ("orders" in text) == (not empty and name == "agent")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("one\ntwo\n{% if is_admin %}", "line 3: "),
        ("\n{{ nobody }}", "line 2: no variable 'nobody'"),
        ("{{ user_name.upper() }}", "no call"),
        ("{{ ''.__class__ }}", "no attribute"),
        ("{{ user_name['__class__'] }}", "no attribute"),
        ("{{ user_name.format }}", "no attribute"),
        ("{{ tables.append }}", "no attribute"),
        ("\n{{ tables[0].nope }}", "line 2: "),
        ("{{ tables[7].name }}", "line 1: "),
        ("{% set a = 1 %}", "no assign"),
        ("{% macro a() %}{% endmacro %}", "no macro"),
        ("{% include 'x' %}", "no include"),
        ("{% import 'x' as y %}", "no import"),
        ("{{ 'a' * 9 }}", "no mul"),
        ("{{ 2 ** 9 }}", "no pow"),
        ("{{ user_name | center(9) }}", "no filter 'center'"),
        ("{{ user_name | attr('x') }}", "no filter 'attr'"),
        ("{{ 1 is divisibleby(1) }}", "no test"),
        ("{{ range }}", "no variable 'range'"),
        ("{% for a in 'text' %}{% endfor %}", "one of the variables"),
        ("{{ user_name | join('x') }}", "items of a list"),
        ("{{ tables | sort }}{% for a in tables recursive %}{% endfor %}", "loops"),
        ("{% for a in groups %}" * 3 + "{% endfor %}" * 3, "at most 2 loops"),
        ("{{ " + "(" * 400 + "1" + ")" * 400 + " }}", "nested"),
        ("{{ 1 }}" * 2001, "more than 2000"),
    ],
)
def test_what_is_no_prompt_is_refused_with_its_line(body: str, said: str) -> None:
    with pytest.raises(BadTemplate, match="line") as caught:
        rendered(body, GIVEN)
    assert said in caught.value.message


def test_what_comes_out_has_an_end() -> None:
    many = {**GIVEN, "groups": ["g" * 99] * 200}
    body = "{% for a in groups %}{% for b in groups %}{{ b }}{% endfor %}{% endfor %}"
    checked(body, many)
    with pytest.raises(TooLarge):
        rendered(body, many)
    with pytest.raises(TooLarge):
        rendered("{{ groups | join('" + "x" * LONGEST + "') }}", many)


@pytest.mark.parametrize("text", ["user_name", "tables | join('', 'description')"])
def test_a_loop_goes_through_a_list_and_through_no_text(text: str) -> None:
    """A text joined of many is as long as one likes: two loops over it would go on for hours."""
    with pytest.raises(BadTemplate, match="line 2: a loop goes through a list"):
        rendered("x\n{% for one in " + text + " %}{% endfor %}", GIVEN)


def test_loops_that_say_nothing_end_too() -> None:
    body = "{% for a in tables %}{% for b in tables %}" + "{% if a.x == b.x %}{% endif %}" * 40
    tables = [{"x": each} for each in range(200)]
    with pytest.raises(TooLarge, match="too much to go through"):
        rendered(body + "{% endfor %}{% endfor %}", {**GIVEN, "tables": tables})


@pytest.mark.parametrize(
    "body",
    [
        "{% if is_admin %}" * 150 + "{% endif %}" * 150,
        "{{ " + "not " * 500 + "is_admin }}",
        "{{ " + "not " * 300 + "is_admin }}",
        "{{ today" + " | default('x')" * 400 + " }}",
        "{{ is_admin" + " and is_admin" * 900 + " }}",
        "{{ " + "(" * 300 + "today" + ")" * 300 + " }}",
    ],
)
def test_what_is_nested_too_deeply_is_refused_by_name(body: str) -> None:
    with pytest.raises(BadTemplate, match="nested too deeply"):
        rendered(body, GIVEN)
    assert rendered("{% if today %}" * 20 + "x" + "{% endif %}" * 20, GIVEN) == "x"
