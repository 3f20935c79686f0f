"""What is to be sent: messages that wait or were refused."""

from __future__ import annotations

from datetime import timedelta

from console.doctor.patient import Diagnosis, Patient
from console.queries.notifications import undelivered
from schema.bind import At

_DAY = timedelta(days=1)
_LATE = timedelta(minutes=30)  # a message that is tried again for longer is worth a look


def telegram(patient: Patient) -> Diagnosis:
    """Messages to admins that Telegram did not take; who was to have them finds them in the
    console."""
    if patient.store is None:
        return Diagnosis("telegram", "ok", "messages are looked at in a running server")
    at = patient.clock()
    (found,) = patient.store.rows(undelivered, At(at - _DAY), At(at - _LATE))
    mend = "`agnes admin telegram test` says what comes of a message now."
    if found["failed"]:
        plural = "" if found["failed"] == 1 else "s"
        message = f"{found['failed']} message{plural} not sent in 24h: {found['why']}"
        return Diagnosis("telegram", "warning", message, mend)
    if found["late"]:
        message = f"messages wait for Telegram: {found['still']}"
        return Diagnosis("telegram", "warning", message, mend)
    return Diagnosis("telegram", "ok", "no message failed or is late")
