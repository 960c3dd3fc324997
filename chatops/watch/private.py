"""All that the observer takes from asyncio and `selectors` without being entitled to it.

Every name with an underscore in front that is somebody else's is read here and nowhere else,
behind a default: a Python that has it not shows less, and nothing fails.  A test names what a
version lacks (tests/unit/test_watch_private.py).

asyncio is never imported from here.  What is asked about an object is asked of its type's
module, so a program without asyncio does not get it, and `uvloop`'s handles are not mistaken.
"""

from __future__ import annotations

import gc
import selectors
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from types import CellType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any

from chatops.loop import naming
from chatops.watch.meter import LATELY

CHUNKS = 4096                  # of a write buffer that are counted; the rest is estimated
DEEP = 32                      # awaits followed from a task inwards

# -- selectors: a descriptor in the kernel's set that is not in the map


def wakes_later(inner: selectors.BaseSelector) -> bool:
    """Whether a descriptor that is added while it sleeps can wake it (epoll(7), kqueue(2))."""
    kernel = getattr(inner, "_selector", None)
    return type(kernel).__name__ in ("epoll", "kqueue")


def add_waker(inner: selectors.BaseSelector, fd: int) -> bool:
    """Watch it for reading without its being in the map; False where that cannot be done."""
    import select

    kernel: Any = getattr(inner, "_selector", None)
    try:
        match type(kernel).__name__:
            case "epoll":
                kernel.register(fd, select.EPOLLIN)
            case "poll" | "devpoll":
                kernel.register(fd, select.POLLIN)
            case "kqueue":
                kernel.control([select.kevent(fd, select.KQ_FILTER_READ,  # type: ignore[attr-defined]  # on macOS
                                              select.KQ_EV_ADD)], 0, 0)   # type: ignore[attr-defined]  # the same
            case _:
                readers = getattr(inner, "_readers", None)
                if readers is None:
                    return False
                readers.add(fd)
    except OSError:
        return False
    return True


# -- asyncio's handles

def is_asyncio(data: object) -> bool:
    """Whether a key's data is what a selector event loop registers: (reader, writer)."""
    return (isinstance(data, tuple) and len(data) == 2
            and any(_is_handle(each) for each in data))


def _is_handle(value: object) -> bool:
    return type(value).__module__ == "asyncio.events" and hasattr(value, "_callback")


def loop_of(data: object) -> Any:
    """The event loop that registered this, None when it was none of asyncio's."""
    for handle in handles(data):
        return getattr(handle, "_loop", None)
    return None


def handles(data: object) -> list[Any]:
    """The handles in a key's data: the reader's first."""
    return [each for each in data if _is_handle(each)] if isinstance(data, tuple) else []


def callback_of(handle: Any) -> Any:
    """What a handle calls; None once it is cancelled."""
    return getattr(handle, "_callback", None)


def arguments_of(handle: Any) -> tuple[Any, ...]:
    """With what it calls it."""
    return getattr(handle, "_args", None) or ()


_run: Any = None                       # Handle._run as it was, while calls are timed


def time_handles(clock: Callable[[], float]) -> None:
    """Time every call of every loop, until `leave_handles`.  Any thread."""
    global _run
    events = sys.modules.get("asyncio.events")
    run = getattr(getattr(events, "Handle", None), "_run", None)
    if _run is not None or run is None:
        return
    timer: Any = getattr(events, "TimerHandle", None)

    # Written out, though it is long: it runs for every call of the loop.
    def timed(handle: Any) -> None:
        callback = handle._callback
        started = clock()
        run(handle)
        ended = clock()
        try:
            selector = handle._loop._selector
            meter = selector.meter
        except AttributeError:
            return                     # a loop of another kind, or one made before
        seconds = ended - started
        owner = getattr(callback, "__self__", None)
        if owner is None:
            key: Any = getattr(callback, "__code__", None) or type(callback)
        else:
            try:
                key = owner.get_coro().cr_code
                spent = meter.tasks.get(id(owner))
                if spent is None:
                    meter.tasks[id(owner)] = [seconds, 1]
                else:
                    spent[0] += seconds
                    spent[1] += 1
            except AttributeError:
                key = _called_on(owner, callback, selector, seconds)
        cost = meter.costs.get(key) or meter.new(key, lambda: call_name(callback))
        cost.calls += 1
        cost.busy += seconds
        cost.add(seconds)
        if seconds > cost.slowest:
            cost.slowest = seconds
        if seconds > meter.slowest or ended - meter.slowest_at > LATELY:
            meter.slowest, meter.slowest_name, meter.slowest_at = seconds, cost.name, ended
        waited = started - (handle._when if type(handle) is timer else selector._returned)
        if waited > meter.waited or ended - meter.waited_at > LATELY:
            meter.waited, meter.waited_at = waited, ended

    naming.scheduler(timed.__code__)
    _run = run
    events.Handle._run = timed  # type: ignore[union-attr]  # it was there


def _called_on(owner: Any, callback: Any, selector: Any, seconds: float) -> Any:
    """What stands for the name of a call that is no task's; a transport's is its descriptor's
    time too.
    """
    registration = selector.entries.get(getattr(owner, "_sock_fd", -1))
    if registration is not None:
        registration.busy += seconds
        if seconds > registration.slowest:
            registration.slowest = seconds
    return getattr(callback, "__func__", None) or type(callback)


def leave_handles() -> None:
    """Time them no more."""
    global _run
    if _run is not None:
        sys.modules["asyncio.events"].Handle._run = _run
        _run = None


def mark_scheduler() -> None:
    """Who is beyond `Handle._run` on the stack did not decide what happens in it."""
    events = sys.modules.get("asyncio.events")
    code = getattr(getattr(getattr(events, "Handle", None), "_run", None), "__code__", None)
    if code is not None:
        naming.scheduler(code)


# -- names


def place(code: CodeType, line: int = 0) -> str:
    """`handle (chat.py:8)`"""
    return naming.format_call_site((code, line or code.co_firstlineno))


def function_name(function: Any) -> str:
    """`EchoProtocol.data_received (echo.py:12)`: a callable as its author wrote it."""
    inner = function
    for _ in range(DEEP):
        wrapped = getattr(inner, "func", None) or getattr(inner, "__wrapped__", None)
        if wrapped is None:
            break
        inner = wrapped
    plain = getattr(inner, "__func__", inner)
    code = getattr(plain, "__code__", None)
    owner = getattr(inner, "__self__", None)
    if code is not None and plain.__module__ == "asyncio.streams":
        # `start_server` wraps the handler in a protocol factory: the handler is in its closure.
        cells = zip(code.co_freevars, plain.__closure__ or (), strict=False)
        handler = dict(cells).get("client_connected_cb")
        if handler is not None and handler.cell_contents is not None:
            return function_name(handler.cell_contents)
    if code is not None:
        return place(code)
    if owner is not None and not isinstance(owner, type) and hasattr(inner, "__name__"):
        return f"{type(owner).__name__}.{inner.__name__}"
    return str(getattr(inner, "__qualname__", None) or type(inner).__name__)


def call_name(callback: Any) -> str:
    """Whose a call of the loop is: a task's by its name and coroutine, else the callable's."""
    owner = getattr(callback, "__self__", None)
    if owner is not None and hasattr(owner, "get_coro"):
        return coroutine_name(owner.get_coro())
    protocol = getattr(owner, "_protocol", None)
    if protocol is not None and hasattr(owner, "_sock_fd"):
        return f"{type(app_protocol(protocol)).__name__} {str(callback.__name__).strip('_')}"
    return function_name(callback)


def coroutine_name(coro: Any) -> str:
    """`handle (chat.py:8)`, where it was defined."""
    code = getattr(coro, "cr_code", None) or getattr(coro, "gi_code", None)
    if isinstance(code, CodeType):
        return place(code)
    return str(getattr(coro, "__qualname__", None) or type(coro).__name__)


def label(data: Any, fileobj: Any) -> str:
    """Whose descriptor it is, short: the task that serves it, or what it is for."""
    for handle in handles(data):
        return _handle_label(handle)
    return naming.describe(data, fileobj)


def _handle_label(handle: Any) -> str:
    callback = callback_of(handle)
    owner = getattr(callback, "__self__", None)
    name = str(getattr(callback, "__name__", ""))
    if name == "_read_from_self":
        return "asyncio's own waker"
    if name == "_accept_connection":
        arguments = arguments_of(handle)
        return f"accepts for {function_name(arguments[0])}" if arguments else "accepts"
    if name == "_do_wait":
        arguments = arguments_of(handle)
        return f"child {arguments[0]}" if arguments else "a child process"
    protocol = getattr(owner, "_protocol", None)
    if protocol is not None:
        task = task_of(protocol)
        if task is not None:
            return f"{task.get_name()} {coroutine_name(task.get_coro())}"
        return type(app_protocol(protocol)).__name__
    return function_name(callback) if callback is not None else "cancelled"


def what_for(data: Any) -> str:
    """`listener`, `self-pipe`, `child`, `` for what a descriptor does for asyncio."""
    for handle in handles(data):
        name = str(getattr(callback_of(handle), "__name__", ""))
        found = {"_read_from_self": "self-pipe", "_accept_connection": "listener",
                 "_do_wait": "child"}.get(name)
        if found:
            return found
    return ""


def calls(data: Any) -> str:
    """What is called when a descriptor is ready, as its author wrote it."""
    found = []
    for handle in handles(data):
        callback = callback_of(handle)
        owner = getattr(callback, "__self__", None)
        name = str(getattr(callback, "__name__", ""))
        protocol = getattr(owner, "_protocol", None)
        if name == "_accept_connection":
            arguments = arguments_of(handle)
            found.append(function_name(arguments[0]) if arguments else "accept")
        elif protocol is not None:
            found.append(_received_by(protocol, writing=name.startswith("_write")))
        elif name.startswith("_sock_"):
            found.append(f"loop.{name.lstrip('_')}")
        elif name == "_read_from_self":
            found.append("loop wakes up")
        elif callback is not None:
            found.append(function_name(callback))
    return ", ".join(dict.fromkeys(found)) or "-"


def _received_by(protocol: Any, *, writing: bool) -> str:
    protocol = app_protocol(protocol)
    task = task_of(protocol)
    if task is not None:
        return f"{type(protocol).__name__}: {coroutine_name(task.get_coro())}"
    if writing:
        return f"{type(protocol).__name__} writes"
    for name in ("data_received", "buffer_updated", "datagram_received", "pipe_data_received"):
        function = getattr(type(protocol), name, None)
        code = getattr(function, "__code__", None)
        if code is not None and not str(function.__module__).startswith("asyncio."):
            return place(code)
    return type(protocol).__name__


# -- transports


def transports(loop: Any) -> list[Any]:
    """The open transports on sockets, by what the loop itself keeps of them."""
    kept = getattr(loop, "_transports", None)
    try:
        return [] if kept is None else list(kept.values())
    except RuntimeError:                   # one was collected meanwhile
        return []


def app_protocol(protocol: Any) -> Any:
    """The protocol that its author wrote, behind TLS."""
    return getattr(protocol, "_app_protocol", None) or protocol


def app_transport(transport: Any) -> Any:
    """The transport that the author's protocol has been given: behind TLS another one."""
    protocol = transport.get_protocol() if hasattr(transport, "get_protocol") else None
    return getattr(protocol, "_app_transport", None) or transport


def socket_of(transport: Any) -> Any:
    """The socket of a transport, None when it is closed."""
    return getattr(transport, "_sock", None)


def descriptor(transport: Any) -> int:
    """The descriptor of a transport, -1 without one."""
    return int(getattr(transport, "_sock_fd", -1))


def unsent(transport: Any) -> int:
    """Bytes in a transport's write buffer: as `get_write_buffer_size` says, which counts all
    chunks one by one (python/cpython#146507), and estimated when they are very many.
    """
    chunks = getattr(transport, "_buffer", None)
    size = getattr(transport, "_buffer_size", None)
    if isinstance(size, int):
        return size
    if isinstance(chunks, bytearray):
        return len(chunks)
    try:
        if chunks is None or len(chunks) <= CHUNKS:
            return int(transport.get_write_buffer_size())
        some = sum(map(len, islice(chunks, CHUNKS)))
        return some * len(chunks) // CHUNKS
    except (AttributeError, NotImplementedError, TypeError):
        return 0


def task_of(protocol: Any) -> Any:
    """The task of a stream's handler (`asyncio.start_server`), or of a server's protocol."""
    protocol = app_protocol(protocol)
    for name in ("_task", "_task_handler", "handler", "task"):
        task = getattr(protocol, name, None)
        if hasattr(task, "get_coro") and hasattr(task, "get_name"):
            return task
    return None


def protocols_in(coro: Any) -> list[Any]:
    """The protocols among a coroutine's variables.  Asked of the collector: `f_locals` would
    leave a copy behind, and with it keep alive what the program has let go of.
    """
    found = []
    for each in gc.get_referents(coro):
        if isinstance(each, CellType):     # an inner function uses it too
            try:
                each = each.cell_contents
            except ValueError:
                continue
        if hasattr(type(each), "connection_made"):
            found.append(each)
    return found


def paused_writing(protocol: Any) -> bool:
    """Whether the transport has told it to wait, and it has not been told to go on."""
    return bool(getattr(protocol, "_paused", False))


# -- tasks


def tasks(loop: Any) -> list[Any]:
    """All tasks of a loop that are still there, those that are done included."""
    module = sys.modules.get("asyncio.tasks")
    found: dict[int, Any] = {}
    for name in ("_scheduled_tasks", "_all_tasks", "_eager_tasks"):
        kept = getattr(module, name, None)
        for _ in range(3):                 # a weak set may change while it is gone through
            try:
                found.update((id(task), task) for task in list(kept or ()))
                break
            except RuntimeError:
                continue
    return [task for task in found.values() if _loop_of_task(task) is loop]


def _loop_of_task(task: Any) -> Any:
    try:
        return task.get_loop()
    except (AttributeError, RuntimeError):
        return None


def waits_for(task: Any) -> Any:
    """The future a task waits for, None when it is to run."""
    return getattr(task, "_fut_waiter", None)


def untaken(task: Any) -> BaseException | None:
    """The exception of a task that is done, when nobody has asked for it."""
    if not task.done() or not getattr(task, "_log_traceback", False):
        return None
    error = getattr(task, "_exception", None)
    return error if isinstance(error, BaseException) else None


def chain(coro: Any) -> list[tuple[FrameType | None, str]]:
    """What awaits what, from a coroutine inwards: its frame, and where it stands."""
    found: list[tuple[FrameType | None, str]] = []
    for _ in range(DEEP):
        if isinstance(coro, CoroutineType):
            frame, inner = coro.cr_frame, coro.cr_await
        elif isinstance(coro, GeneratorType):
            frame, inner = coro.gi_frame, coro.gi_yieldfrom
        elif hasattr(coro, "ag_frame"):
            frame, inner = coro.ag_frame, coro.ag_await
        elif type(coro).__name__ in ("async_generator_asend", "async_generator_athrow"):
            inner = next((each for each in gc.get_referents(coro) if hasattr(each, "ag_frame")),
                         None)
            if inner is None:
                break
            coro = inner
            continue
        else:
            break
        if frame is None:
            break
        found.append((frame, place(frame.f_code, frame.f_lineno)))
        coro = inner
    return found


def holds(coro: Any, lock: object) -> bool:
    """Whether a coroutine is inside `async with` this lock: then the way out of it lies on the
    stack of its frame, which only the collector can look into.
    """
    for _ in range(DEEP):
        if not hasattr(coro, "cr_frame") and not hasattr(coro, "gi_frame"):
            return False
        for each in gc.get_referents(coro):
            if (getattr(each, "__self__", None) is lock
                    and getattr(each, "__name__", "") in ("__aexit__", "__exit__")):
                return True
        coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)
        if coro is None:
            return False
    return False


def locked_for(frames: Iterable[FrameType | None]) -> Any:
    """The lock that an `acquire` among these frames waits for, None when there is none."""
    for frame in frames:
        if frame is not None and frame.f_code.co_name == "acquire":
            lock = frame.f_locals.get("self")
            if lock is not None and hasattr(lock, "locked"):
                return lock
    return None


# -- the loop


def waiting_calls(loop: Any) -> int:
    """Calls that are ready and have not run."""
    return len(getattr(loop, "_ready", ()))


def timers(loop: Any) -> tuple[int, float | None]:
    """How many calls are scheduled, and when the first is due, on the loop's clock."""
    scheduled = getattr(loop, "_scheduled", None) or ()
    return len(scheduled), scheduled[0].when() if scheduled else None


def executor(loop: Any) -> tuple[int, int, int, int] | None:
    """The default executor's threads, how many there may be, busy ones, and waiting calls."""
    pool = getattr(loop, "_default_executor", None)
    if pool is None or not hasattr(pool, "_threads"):
        return None
    threads = len(pool._threads)
    idle = getattr(getattr(pool, "_idle_semaphore", None), "_value", 0)
    waiting = getattr(pool, "_work_queue", None)
    return (threads, int(getattr(pool, "_max_workers", threads)), max(0, threads - idle),
            waiting.qsize() if waiting is not None else 0)


def selector_loops() -> list[Any]:
    """Every event loop of asyncio that is there already and has a selector."""
    module = sys.modules.get("asyncio.selector_events")
    kind = getattr(module, "BaseSelectorEventLoop", None)
    if kind is None:
        return []
    return [each for each in gc.get_objects() if isinstance(each, kind) and not each.is_closed()]


def selector_of(loop: Any) -> Any:
    """The selector of a loop."""
    return getattr(loop, "_selector", None)


def set_selector(loop: Any, selector: selectors.BaseSelector) -> None:
    """Give a loop another one, on its own thread, between two of its calls."""
    loop._selector = selector
