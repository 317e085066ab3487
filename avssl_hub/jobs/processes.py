"""Work on untrusted files spread over processes, of which any may be killed by what it reads."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from .interrupts import leave_interrupts

Task = TypeVar("Task")
Result = TypeVar("Result")

_CHUNK = 4  # tasks given to a process at once
_AHEAD = 4  # chunks a process has waiting


def map_in_processes(
    work: Callable[[Task], Result], tasks: Iterable[Task], jobs: int, crashed: Callable[[Task], Result]
) -> Generator[Result, None, None]:
    """Work on tasks in several processes; results come in the tasks' order, and few are held at a time.

    Args:
        work: What to do, a function of a module.
        tasks: What to do it with.
        jobs: Number of processes.
        crashed: Gives the result of a task that ends the process it is worked on in.
    """
    tasks = iter(tasks)
    chunks = iter(lambda: list(islice(tasks, _CHUNK)), [])
    waiting: deque[tuple[list[Task], Future]] = deque()
    pool = _pool(jobs)
    try:
        while True:
            for chunk in islice(chunks, jobs * _AHEAD - len(waiting)):
                waiting.append((chunk, _submit(pool, work, chunk)))
            if not waiting:
                return
            chunk, future = waiting.popleft()
            try:
                results = future.result()
            except BrokenProcessPool:
                # It was one of the chunks worked on, perhaps not this one: each such crash settles one chunk.
                pool.shutdown()
                results = list(_one_by_one(work, chunk, crashed))
                pool = _pool(jobs)
                waiting = deque((chunk, _submit(pool, work, chunk)) for chunk, _ in waiting)
            yield from results
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(
    work: Callable[[Task], Result], chunk: list[Task], crashed: Callable[[Task], Result]
) -> Iterator[Result]:
    for task in chunk:
        with _pool(1) as pool:
            try:
                yield pool.submit(work, task).result()
            except BrokenProcessPool:
                yield crashed(task)


def _pool(jobs: int) -> ProcessPoolExecutor:
    # A forked child would inherit the locks of FFmpeg's and torch's threads as they happen to be.
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), leave_interrupts)


def _submit(pool: ProcessPoolExecutor, work: Callable[[Task], Result], chunk: list[Task]) -> Future:
    try:
        return pool.submit(_work_on, work, chunk)
    except BrokenProcessPool as error:
        failed: Future = Future()
        failed.set_exception(error)
        return failed


def _work_on(work: Callable[[Task], Result], chunk: list[Task]) -> list[Result]:
    return [work(task) for task in chunk]
