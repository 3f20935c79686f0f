"""`POST /api/admin/telemetry/ask`: a question in one's own words. SPEC section 15."""

from __future__ import annotations

from console.asking.ask import Asking


class Ask(Asking):
    """`{question}`, 1 to 1,000 characters."""

    async def post(self) -> None:
        self.query(())
        given = self.body({"question": str}, need=("question",))
        found = await self.asked(given["question"])
        if found is not None:
            self.send(found)


ROUTES = [(r"/api/admin/telemetry/ask", Ask)]
