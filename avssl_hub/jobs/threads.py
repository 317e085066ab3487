"""Several items worked on at once in threads, their results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, begin: Callable[[], object] | None = None
) -> Iterator[Result]:
    """Yield ``work(item)`` of each in order, while the next ``threads`` items are under way.

    Args:
        work: Called in a thread.
        items: Taken up as results are asked for.
        threads: Their number.
        begin: Called first in each thread.

    Raises:
        Exception: What ``work`` raised, when its item's turn comes. What is under way is finished, no more is begun.
    """
    waiting: deque = deque()
    pool = ThreadPoolExecutor(threads, initializer=begin)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
