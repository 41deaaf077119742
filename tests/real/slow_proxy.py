"""A proxy before the client port of a member whose answers come slowly, or not at all."""

from __future__ import annotations

import asyncio
from typing import Self

from tests.support.loopback import Listening

_BLOCK = 65_536


class SlowProxy(Listening):
    """Passes on, at ``url``, what is for the port ``target``, until the end of the block.

    ``pace``: seconds between two bytes of an answer; 0 for at once, None for never.
    """

    def __init__(self, target: int) -> None:
        super().__init__()
        self.pace: float | None = 0.0
        self.url = ""
        self._target = target

    def __enter__(self) -> Self:
        super().__enter__()
        self.url = f"https://127.0.0.1:{self.listen(self._pass_on)}"
        return self

    async def _pass_on(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, onward = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            return  # the member is down
        # Whichever side ends first ends both.
        pumps = [asyncio.ensure_future(self._pump(near, onward, slow=False))]
        pumps += [asyncio.ensure_future(self._pump(far, back, slow=True))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            onward.transport.abort()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool
    ) -> None:
        while data := await reader.read(_BLOCK):
            if slow and self.pace is None:
                continue
            if not slow or not self.pace:
                writer.write(data)
                await writer.drain()
                continue
            for byte in data:
                writer.write(bytes([byte]))
                await asyncio.sleep(self.pace)
