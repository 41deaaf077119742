"""A proxy before the client port of a member whose answers come slowly, or not at all."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

_BLOCK = 65_536
_LATER = 0.05


class SlowProxy:
    """Passes on, at ``url``, what is for the port ``target``, until the end of the block.

    ``pace``: seconds between two bytes of an answer; 0 for at once, None for never.
    """

    def __init__(self, target: int) -> None:
        self.pace: float | None = 0.0
        self.url = ""
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._pass_on, "127.0.0.1", 0), self._loop
        ).result()
        self.url = f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        # Accept no more, and close the server last (see tests.etcd_members.network).
        for listening in self._server.sockets:
            self._loop.remove_reader(listening.fileno())
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(others, timeout=_LATER)
        self._server.close()
        await self._server.wait_closed()

    async def _pass_on(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [back]
        try:
            far, onward = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(onward)
            # Whichever side ends first ends both.
            pumps = [asyncio.ensure_future(self._pump(near, onward, slow=False))]
            pumps += [asyncio.ensure_future(self._pump(far, back, slow=True))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # the member is down, or the test over
        finally:
            self._tasks.discard(task)
            for writer in writers:
                writer.transport.abort()

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
