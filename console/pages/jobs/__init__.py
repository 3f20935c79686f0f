"""`/admin/jobs`: what runs when, how it went, what each run left; two runs beside each other.

`state` is what the address says, `shown` one reading, `form` how a run is asked for with
parameters, `acts` what the buttons do.
"""

from __future__ import annotations

from console.pages.jobs.page import JobsPage

__all__ = ["JobsPage"]
