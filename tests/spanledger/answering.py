"""Something that answers as a test wants it to, in place of a server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_server


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """The address of something that gives these bytes, one connection after the other, whatever it is asked."""
    with create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                client, _ = listening.accept()
                with client:
                    client.recv(65_536)
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            thread.join(10)


def http(body: bytes, length: int | None = None) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) if length is None else length}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
