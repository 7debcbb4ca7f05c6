"""An HTTP client with limits of time and size, for servers that may be faulty or hostile."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import httpx

from pacslab.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

TIMEOUT = 5.0  # seconds, of connecting and of every single read
WHOLE = 10.0  # seconds, of everything that one client does
LARGEST = 32 << 20  # bytes of one answer
_OF_THE_WIRE = {b"transfer-encoding", b"content-encoding", b"content-length"}


class TooMuchError(InternalError, httpx.HTTPError):
    """An answer is larger than ``LARGEST`` bytes or takes longer than ``WHOLE`` seconds."""


class Answer(httpx.Response):
    """A whole answer, never decompressed: none was asked for, and a compressed body may be a bomb (CWE-409)."""

    def json(self, **options: Any) -> Any:
        """Return the JSON that it holds.

        Raises
        ------
        ValueError
            If the body is no JSON, or is nested too deeply.

        """
        try:
            return super().json(**options)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


class BoundedClient(httpx.Client):
    """An ``httpx.Client`` whose answers are read to the end within ``WHOLE`` seconds and ``LARGEST`` bytes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(timeout=TIMEOUT, trust_env=False, follow_redirects=False, **options)
        self.headers["Accept-Encoding"] = "identity"
        self._ends = time.monotonic() + WHOLE
        # A server that drips its header passes every single read's time limit: the connection is closed under it.
        self._guard = threading.Timer(WHOLE + 1, self.close)
        self._guard.daemon = True

    def __enter__(self) -> Self:
        self._guard.start()
        return super().__enter__()

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._guard.cancel()
        super().__exit__(exc_type, exc_value, traceback)

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:  # noqa: ARG002
        """Send a request and read its answer within the bounds.

        Raises
        ------
        TooMuchError
            If the answer is larger or takes longer than that.
        httpx.HTTPError
            If there is no answer, or it is no HTTP.

        """
        return self._whole(lambda: super(BoundedClient, self).send(request, stream=True, **options), request)

    def send_as_it_is(self, request: httpx.Request) -> httpx.Response:
        """Send a prepared request without cookies and redirects: a third of the work of :meth:`send`.

        Raises
        ------
        TooMuchError, httpx.HTTPError
            As :meth:`send` does.

        """
        return self._whole(lambda: self._transport.handle_request(request), request)

    def _whole(self, ask: Callable[[], httpx.Response], request: httpx.Request) -> httpx.Response:
        self._in_time()
        try:
            answer = ask()
        except (RuntimeError, OSError, httpx.TransportError):
            self._in_time()  # closed by the guard
            raise
        parts, size = [], 0
        try:
            for part in answer.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise TooMuchError(f"it sent more than {LARGEST >> 20} MB without an end")
                self._in_time()
        except (RuntimeError, OSError, httpx.StreamError, httpx.TransportError) as reason:
            self._in_time()
            raise httpx.ReadError(str(reason)) from None
        finally:
            answer.close()
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() not in _OF_THE_WIRE]
        return Answer(answer.status_code, headers=headers, content=b"".join(parts), request=request)

    def _in_time(self) -> None:
        if time.monotonic() > self._ends:
            raise TooMuchError(f"it did not come to an end within {WHOLE:.0f} s")


def in_words(reason: Exception) -> str:
    """Return a failed request's reason in words, for somebody who does not know Python's exceptions."""
    words: dict[type[Exception], str] = {
        httpx.ConnectError: "nothing listens there, or the connection is not let through",
        httpx.ConnectTimeout: f"no connection within {TIMEOUT:.0f} s",
        httpx.ReadTimeout: f"it took the question and did not answer within {TIMEOUT:.0f} s",
        httpx.WriteTimeout: f"it did not take the question within {TIMEOUT:.0f} s",
        httpx.RemoteProtocolError: "it answered something that is not HTTP, or closed in the middle",
        httpx.DecodingError: "its answer cannot be decoded",
        httpx.ReadError: "it closed the connection in the middle",
        httpx.WriteError: "it closed the connection in the middle",
    }
    if isinstance(reason, httpx.ConnectError) and "certificate" in str(reason).lower():
        return f"its certificate is not accepted ({_certificate_reason(str(reason))})"
    return words.get(type(reason), str(reason) or type(reason).__name__)


def _certificate_reason(text: str) -> str:
    for mark, words in (
        ("has expired", "it has expired"),
        ("not yet valid", "it is not valid yet"),
        ("self-signed", "it is signed by nobody whom the hospital trusts"),
        ("unable to get local issuer", "it is signed by nobody whom the hospital trusts"),
        ("mismatch", "it belongs to another name"),
        ("not valid for", "it belongs to another name"),
    ):
        if mark in text:
            return words
    return text
