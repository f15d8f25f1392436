"""What a C-STORE server says to the request for an association."""

from __future__ import annotations

from typing import Any

REJECTED, ABORTED = 3, 7  # types of PDUs, PS3.8 section 9.3
# of a rejected association, PS3.8 table 9-21: who rejected it, and why
UNKNOWN_US, UNKNOWN_THEM = (1, 3), (1, 7)
FOR_NOW = ((3, 1), (3, 2))
BY_PROVIDER = 2  # of an abort; an application gives no reason


class AssociationAnswer:
    """Notes what comes over the connection when it comes, in pynetdicom's own thread.

    pynetdicom 3.0.4 takes a server that answers and closes at once for one that is not there, as its other thread looks
    for the connection too late. A number that the standard does not know ends its thread. It waits without end for the
    rest of half a message, and for a server that no longer reads. It leaves open what the server has closed first.

    Args:
        events: the module ``pynetdicom.evt``.
        seconds: how long to wait for each part of a message.

    Attributes:
        connected: whether there was a connection.
        rejected: source and reason of a rejection.
        aborted: whether the server aborted.
        words: the standard's words for the reason.
    """

    def __init__(self, events: Any, seconds: float) -> None:
        self.seconds = seconds
        self.connected = self.aborted = False
        self.rejected: tuple[int, int] | None = None
        self.words = "no reason given"
        self._socket: Any = None
        self._received = events.EVT_PDU_RECV
        self.handlers = [(events.EVT_CONN_OPEN, self._open), (self._received, self._receive)]

    def close(self) -> None:
        """Close the connection of an association that has ended."""
        if self._socket is not None:
            self._socket.close()

    def _open(self, event: Any) -> None:
        self.connected = True
        self._socket = event.assoc.dul.socket.socket
        self._socket.settimeout(self.seconds)
        for handler, _ in list(event.assoc.get_handlers(self._received)):
            if handler != self._receive:  # its own log, which raises before we have seen the number
                event.assoc.unbind(self._received, handler)

    def _receive(self, event: Any) -> None:
        pdu = event.pdu
        if pdu.pdu_type == REJECTED:
            self.rejected = (pdu.source, pdu.reason_diagnostic)
            try:
                self.words = pdu.reason_str.lower()
            except ValueError:
                self.words = f"source {pdu.source}, reason {pdu.reason_diagnostic}, which the standard does not know"
            pdu.result = pdu.source = pdu.reason_diagnostic = 1  # which pynetdicom knows
        elif pdu.pdu_type == ABORTED:
            self.aborted = True
            if pdu.source == BY_PROVIDER:
                self.words = pdu.reason_str.lower()
            pdu.source = pdu.reason_diagnostic = 0
