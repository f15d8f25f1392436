"""Serve the backend to Label Studio, and give up connections that fall silent."""

from __future__ import annotations

from typing import Any

from monai_das._optional import require

QUIET_SECONDS = 30.0


def run_backend(app: Any, host: str, port: int) -> None:
    """Serve ``app`` until the process is stopped.

    Raises:
        ImportError: uvicorn is not installed.
    """
    uvicorn: Any = require("uvicorn", extra="review")
    uvicorn.run(app, host=host, port=port, log_level="warning", http=impatient_protocol())


def impatient_protocol(seconds: float = QUIET_SECONDS) -> Any:
    """Return uvicorn's HTTP protocol, which closes a connection that is silent for ``seconds`` before it has asked.

    Uvicorn itself waits for ever for the rest of a request. While a whole request is being answered nothing is closed,
    however long that takes.

    Raises:
        ImportError: uvicorn is not installed.
    """
    plain: Any = require("uvicorn.protocols.http.h11_impl", extra="review").H11Protocol

    class Impatient(plain):  # type: ignore[misc]
        silence: Any = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.listen()

        def data_received(self, data: bytes) -> None:
            self.listen()
            super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            self.silence.cancel()
            super().connection_lost(exc)

        def listen(self) -> None:
            if self.silence is not None:
                self.silence.cancel()
            self.silence = self.loop.call_later(seconds, self.give_up)

        def give_up(self) -> None:
            being_answered = self.cycle is not None and not (self.cycle.more_body or self.cycle.response_complete)
            if not being_answered:
                self.transport.close()

    return Impatient
