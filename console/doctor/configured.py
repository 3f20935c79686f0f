"""The configuration: every AGNES_* variable is known, and every setting can be read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from console.doctor.patient import Diagnosis, Patient
from console.settings import SETTINGS
from schema.errors import shorten

# Of the terminal and the kernels, and of the tests: not the server's, and no mistake.
_OTHERS = frozenset(
    {
        *("AGNES_SERVER", "AGNES_TOKEN", "AGNES_URL", "AGNES_CONFIG_DIR", "AGNES_TRANSCRIPTS"),
        *("AGNES_DEBUG", "AGNES_CORRELATION_ID", "AGNES_RUN_ID"),
    }
)
_TESTS = "AGNES_TEST_"


def configuration(patient: Patient) -> Diagnosis:
    """Variables that no setting has, and values that none takes. A secret's value is not shown."""
    bad = unreadable(patient.environ)
    if bad:
        mend = "Correct it where the service is configured; docs/SETTINGS.md lists every setting."
        return Diagnosis("configuration", "severe", "; ".join(bad.values()), mend)
    strange = [_unknown(name) for name in sorted(patient.environ) if _is_strange(name)]
    if strange:
        mend = "Correct the name or remove it; docs/SETTINGS.md lists every setting."
        return Diagnosis("configuration", "warning", "; ".join(strange), mend)
    given = sum(1 for setting in SETTINGS if patient.environ.get(setting.name))
    plural = "" if given == 1 else "s"
    return Diagnosis("configuration", "ok", f"{given} setting{plural} given, all of them known")


def unreadable(environ: Mapping[str, str]) -> dict[str, str]:
    """By name, what is wrong with the value of a setting."""
    found = {}
    for setting in SETTINGS:
        text = environ.get(setting.name)
        if text:
            try:
                setting.parse(text)
            except ValueError:
                shown = "***" if setting.secret else shorten(text)
                found[setting.name] = f"{setting.name}={shown}: use {setting.allowed}"
    return found


def _is_strange(name: str) -> bool:
    ours = name.startswith(("AGNES_", "SCHEDULER_")) and not name.startswith(_TESTS)
    return ours and name not in _OTHERS and all(name != setting.name for setting in SETTINGS)


def _unknown(name: str) -> str:
    known = [setting.name for setting in SETTINGS]
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else "")
