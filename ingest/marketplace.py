"""What a marketplace offers: a folder of plugins, or a JSON listing, as items that can be imported.

Files in, values out; it asks no database, so the terminal uses it on any machine. Names are those
by which transcripts call things, `plugin:name`: that is what attribution looks for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from schema.errors import BadParameter, BadRequest, shorten

SOURCES = ("curated", "flea")
TYPES = ("plugin", "skill", "agent", "command")
MOST = 20_000  # items of a marketplace
RESERVED = ("import", "refresh", "use")  # addresses of the API, so no marketplace is called so
LONGEST = 200  # characters of a name: transcripts' names are cut there
TOLD = 500  # characters of a description
_FIELDS = ("plugin", "type", "name", "description")
_FILE = 1 << 20  # bytes of a file that are read
_LISTING = 32 << 20
_MANIFEST = Path(".claude-plugin", "marketplace.json")
_PLUGIN = Path(".claude-plugin", "plugin.json")


@dataclass(frozen=True)
class Item:
    """One thing that can be had. A plugin is an item of its own; `plugin` is then its name."""

    plugin: str
    type: str
    name: str
    description: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.plugin, self.type, self.name)


def checked(rows: Iterable[object]) -> list[Item]:
    """Rows `{plugin, type, name, description?}` as items, each once, and each plugin an item too.
    Raises BadParameter, which names the row and what is allowed."""
    return _gathered(_item(row, f"items[{number}].") for number, row in enumerate(rows))


def _gathered(items: Iterable[Item]) -> list[Item]:
    found: dict[tuple[str, str, str], Item] = {}
    for item in items:
        found.setdefault(item.key, item)
        if len(found) > MOST:
            raise BadParameter("items", f"more than {MOST:,}", f"at most {MOST:,} items")
    for item in list(found.values()):
        whole = Item(item.plugin, "plugin", item.plugin)
        found.setdefault(whole.key, whole)
    return list(found.values())


def named(name: str) -> str:
    """The name of a marketplace, checked. Raises BadParameter."""
    if name.strip() in RESERVED:
        raise BadParameter("marketplace", name, "another name: an address of the API is called so")
    return _text("marketplace", name)


def sourced(source: str) -> str:
    if source not in SOURCES:
        raise BadParameter("source", source, "one of " + ", ".join(SOURCES))
    return source


def read(path: Path) -> list[Item]:
    """The items of a marketplace's folder, of a plugin's, or of a JSON listing. Raises BadRequest
    that names the file."""
    items = _gathered(_folder(path) if path.is_dir() else _listing(path))
    if not items:
        raise BadRequest(
            f"{path} holds no plugins",
            detail="Name a folder with .claude-plugin/marketplace.json or with plugins that have"
            " skills/*/SKILL.md, agents/*.md or commands/*.md, or a JSON listing.",
        )
    return items


def listed(content: bytes, file: str) -> list[Item]:
    """The items of a JSON listing, or of a marketplace.json, that was sent as `file`. Raises
    BadRequest that names it."""
    if len(content) > _LISTING:
        raise BadRequest(f"{file} is larger than {_LISTING >> 20} MB")
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{file} is not JSON: {error}") from None
    items = _gathered(_told_in(Path(file), data))
    if not items:
        raise BadRequest(f"{file} holds no plugins", detail="Give items, or plugins with names.")
    return items


def _item(row: object, where: str) -> Item:
    if not isinstance(row, Mapping):
        raise BadParameter(where.rstrip("."), row, "an object with plugin, type and name")
    for key in row:
        if key not in _FIELDS:
            raise BadParameter.unknown(str(key), _FIELDS, what=f"key of {where.rstrip('.')}:")
    kind = row.get("type")
    if kind not in TYPES:
        raise BadParameter(f"{where}type", kind, "one of " + ", ".join(TYPES))
    plugin = _text(f"{where}plugin", row.get("plugin"))
    if ":" in plugin:
        raise BadParameter(f"{where}plugin", plugin, "no colon: it ends a plugin's name")
    name = _text(f"{where}name", row.get("name")).removeprefix("/")
    if kind == "plugin" and name != plugin:
        raise BadParameter(f"{where}name", name, f"a plugin is named as itself: {plugin}")
    description = row.get("description")
    if description is not None and not isinstance(description, str):
        raise BadParameter(f"{where}description", description, "a text")
    return Item(plugin, kind, name, _told(description))


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip().removeprefix("/"):
        raise BadParameter(where, "" if value is None else value, "a name")
    text = value.strip()
    if len(text) > LONGEST or not text.isprintable():
        raise BadParameter(where, text, f"one line of at most {LONGEST} characters")
    return text


def _told(description: str | None) -> str | None:
    words = "".join(sign if sign.isprintable() else " " for sign in description or "")
    return " ".join(words.split())[:TOLD] or None


# -- a JSON listing


def _listing(path: Path) -> Iterator[Item]:
    yield from _told_in(path, _json(path, _LISTING))


def _told_in(path: Path, data: Any) -> Iterator[Item]:
    rows = data.get("items", data.get("plugins")) if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise BadRequest(f"{path}: give a list of items, or an object with `items` or `plugins`")
    for number, row in enumerate(rows):
        if isinstance(row, dict) and "type" in row:
            yield _item(row, f"{path}: items[{number}].")
        else:
            yield from _listed(path, row)


def _listed(path: Path, plugin: object) -> Iterator[Item]:
    """The items of one plugin that lists its skills, agents and commands by name."""
    if not isinstance(plugin, dict):
        raise BadRequest(f"{path}: {shorten(plugin)} is no plugin: give objects with a name")
    name = plugin.get("name")
    yield _made(path, name, "plugin", name, plugin.get("description"))
    for kind in TYPES[1:]:
        for one in _list(path, plugin.get(f"{kind}s", [])):
            about = one if isinstance(one, dict) else {"name": one}
            yield _made(path, name, kind, about.get("name"), about.get("description"))


# -- a folder


def _folder(path: Path) -> Iterator[Item]:
    root = path.resolve()
    manifest = root / _MANIFEST
    if manifest.is_file():
        data = _json(_inside(manifest, root), _FILE)
        plugins = data.get("plugins") if isinstance(data, dict) else None
        for entry in _list(manifest, plugins):
            yield from _entry(manifest, entry, root)
        return
    for folder in (root, *_folders(root), *_folders(root / "plugins")):
        if any((folder / part).exists() for part in (_PLUGIN, "skills", "agents", "commands")):
            yield from _plugin(folder, root, {})


def _entry(manifest: Path, entry: object, root: Path) -> Iterator[Item]:
    """A plugin of the manifest. Of one that lies elsewhere only its name is known."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise BadRequest(f"{manifest}: {shorten(entry)} is no plugin: give objects with a name")
    source = entry.get("source")
    if isinstance(source, str) and "://" not in source:
        folder = _inside(root / source, root)
        if folder.is_dir():
            yield from _plugin(folder, root, entry)
            return
        raise BadRequest(f"{manifest}: the plugin {entry['name']} is not at {shorten(source)}")
    yield _made(manifest, entry["name"], "plugin", entry["name"], entry.get("description"))


def _plugin(folder: Path, root: Path, entry: Mapping[str, Any]) -> Iterator[Item]:
    manifest = folder / _PLUGIN
    found = _json(_inside(manifest, root), _FILE) if manifest.is_file() else {}
    if not isinstance(found, dict):
        raise BadRequest(f"{manifest}: give an object with a name")
    name = entry.get("name") or found.get("name") or folder.name
    told = entry.get("description") or found.get("description")
    yield _made(manifest, name, "plugin", name, told)
    for kind in TYPES[1:]:
        given = entry.get(f"{kind}s", found.get(f"{kind}s"))
        for path in _parts(folder, root, f"{kind}s", given):
            file = path / "SKILL.md" if kind == "skill" else path
            if file.is_file():
                about = _front_matter(_inside(file, root))
                named = about.get("name") or path.name.removesuffix(".md")
                yield _made(file, name, kind, named, about.get("description"))


def _parts(folder: Path, root: Path, name: str, given: object) -> Iterator[Path]:
    """Folders of skills, or files of agents or commands: the ones that are named, else all."""
    places = (
        [folder / name]
        if given is None
        else [
            folder / str(one)
            for one in ([given] if isinstance(given, str) else _list(folder, given))
        ]
    )
    for place in places:
        inside = _inside(place, root)
        if inside.suffix == ".md" or (inside / "SKILL.md").is_file():
            yield inside
        elif name == "skills":
            yield from _folders(inside)
        elif inside.is_dir():
            yield from sorted(one for one in inside.iterdir() if one.suffix == ".md")


def _folders(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if one.is_dir()) if path.is_dir() else []


def _front_matter(path: Path) -> dict[str, str]:
    """`key: value` of the lines between two `---`; a value may go on in indented lines."""
    lines = _bytes(path, _FILE).decode("utf-8", "replace").lstrip("\ufeff").splitlines()
    found: dict[str, str] = {}
    key = ""
    if not lines or lines[0].strip() != "---":
        return found
    for line in lines[1:]:
        if line.strip() == "---":
            return found
        if line[:1].isspace():
            found[key] = f"{found.get(key, '')} {line.strip()}".strip()
            continue
        key, _, value = line.partition(":")
        key, value = key.strip(), value.strip()
        found[key] = "" if value in (">", "|", ">-", "|-") else value.strip("\"'")
    return {}  # it never ends: no front matter


def _inside(path: Path, root: Path) -> Path:
    """`path`, which must lie in the folder also once its links are followed. Raises BadRequest."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(root):
        raise BadRequest(f"{path} leads outside of {root}", detail="Copy what it names into it.")
    return real


def _json(path: Path, limit: int) -> Any:
    try:
        return orjson.loads(_bytes(path, limit))
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{path} is not JSON: {error}") from None


def _bytes(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise BadRequest(f"{path} is larger than {limit >> 20} MB")
    return data


def _list(path: Path, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise BadRequest(f"{path}: {shorten(value)} is no list")
    return value


def _made(file: Path, plugin: object, kind: str, name: object, description: object) -> Item:
    """An item that `file` speaks of."""
    told = description if isinstance(description, str) else None
    row = {"plugin": plugin, "type": kind, "name": name, "description": told}
    return _item(row, f"{file}: ")


def plain(items: Iterable[Item]) -> list[dict[str, Any]]:
    """Items as they travel."""
    return [asdict(item) for item in items]
