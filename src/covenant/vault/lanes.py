"""Doing the same to many things at once, by a few threads, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_LARGE = 32 << 10

T = TypeVar("T")
R = TypeVar("R")


def worthwhile(lanes: int, size: int, blobs: int) -> int:
    """How many threads to open so many blobs of ``size`` bytes together.

    Small blobs leave the interpreter to no other thread; several would only get in each other's way.
    """
    return lanes if size >= _LARGE * blobs else 1


def in_threads(act: Callable[[T], R], items: Iterable[T], lanes: int) -> Iterator[R]:
    """``act`` on every item, by ``lanes`` threads; results in order, and no more than a few ahead of the reader.

    An error ends it: what has not begun is dropped, what has is waited for.
    """
    waiting = iter(items)
    with ThreadPoolExecutor(lanes, "lane") as pool:
        ahead: list[Future[R]] = [pool.submit(act, item) for item in islice(waiting, 2 * lanes)]
        try:
            while ahead:
                yield ahead.pop(0).result()
                ahead += [pool.submit(act, item) for item in islice(waiting, 1)]
        finally:
            for future in ahead:
                future.cancel()
