"""The running console as a patient."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from console.audit import now
from console.doctor.patient import Patient

if TYPE_CHECKING:
    from console.instance import Instance


def patient(instance: Instance, clock: Callable[[], datetime] = now) -> Patient:
    settings = instance.settings
    return Patient(
        settings.folder,
        settings.database,
        instance.store,
        clock,
        settings,
        os.environ,
        tuple(instance.health.samples.clock_jumps),
    )
