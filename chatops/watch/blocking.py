"""Which call a held loop waits in, and for what, as the stack of its thread shows.

A library written in Python has frames of its own, and the outermost of them is what was called.
A call into C has none: it is read from the source, at the place in the line that the bytecode
says is being carried out (`code.co_positions`, PEP 657).

Variables are not looked up: a frame's `f_locals` would keep alive what the program has let go
of.  What `reader.read` reads from is told by the name of its method alone.
"""

from __future__ import annotations

import builtins
import linecache
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from types import FrameType, ModuleType
from typing import Any

# Functions written in Python, by the module they are in: all of it, or these names.
_FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "socket": ("name", ("getaddrinfo", "getfqdn", "gethostbyname", "gethostbyaddr")),
    "subprocess": ("process", ()),
    "pathlib": ("file", ()),
    "shutil": ("file", ()),
    "tempfile": ("file", ()),
    "urllib.request": ("network", ()),
    "http.client": ("network", ()),
    "requests": ("network", ()),
    "urllib3": ("network", ()),
    "smtplib": ("network", ()),
    "ftplib": ("network", ()),
    "imaplib": ("network", ()),
    "poplib": ("network", ()),
    "ssl": ("network", ()),
    "psycopg2": ("database", ()),
    "pymysql": ("database", ()),
    "MySQLdb": ("database", ()),
    "pymongo": ("database", ()),
    "threading": ("thread", ()),
    "queue": ("thread", ()),
    "concurrent.futures": ("thread", ()),
}
_MORE = {("socket", "create_connection"): "network", ("socket", "SocketIO.readinto"): "network"}
# Calls into C, by their full names.
_CALLS = {
    "time.sleep": "sleep", "open": "file", "io.open": "file", "sqlite3.connect": "database",
    **dict.fromkeys(("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyname_ex",
                     "socket.gethostbyaddr", "socket.getnameinfo"), "name"),
    **dict.fromkeys(("os.system", "os.wait", "os.waitpid", "os.wait3", "os.wait4"), "process"),
    **{f"os.{name}": "file" for name in (
        "open", "read", "write", "pread", "pwrite", "fsync", "fdatasync", "sync", "stat", "lstat",
        "listdir", "scandir", "rename", "replace", "remove", "unlink", "mkdir", "sendfile")},
}
# And by the name of the method, where what it belongs to is a variable.
_METHODS = {
    **dict.fromkeys(("read", "read1", "readinto", "readline", "readlines", "write", "writelines",
                     "flush", "truncate"), "file"),
    **dict.fromkeys(("recv", "recv_into", "recvfrom", "recvmsg", "send", "sendall", "sendmsg",
                     "sendto", "accept", "connect", "connect_ex", "do_handshake"), "network"),
    **dict.fromkeys(("execute", "executemany", "executescript", "commit", "fetchall", "fetchone",
                     "backup"), "database"),
    **dict.fromkeys(("acquire",), "thread"),
}
_PUBLIC = {"posix": "os", "_io": "io", "_socket": "socket", "builtins": "", "_sqlite3": "sqlite3"}


def blocking_call(frames: Sequence[FrameType]) -> tuple[str, str]:
    """What was called, as `socket.getaddrinfo` or `open().read`, and what that waits for: one of
    sleep, name, file, process, network, database, thread.  Two empty texts where nothing that is
    known to wait is on the stack, a calculation say.

    `frames` begin with the line that its author wrote; the innermost is the last.
    """
    for frame in frames[1:]:
        kind = _kind_of(frame)
        if kind:
            return _function_of(frame), kind
    called = called_in(frames[-1]) if frames else ""
    kind = _CALLS.get(called, "")
    if not kind and "." in called and called.partition(".")[0] not in sys.modules:
        kind = _METHODS.get(called.rpartition(".")[2], "")
    return (called, kind) if kind else ("", "")


def _kind_of(frame: FrameType) -> str:
    """What a function written in Python waits for, "" when that is not known."""
    module, name = _module_of(frame), frame.f_code.co_qualname
    while module:
        found = _FUNCTIONS.get(module)
        if found is not None and (not found[1] or name in found[1]):
            return found[0]
        if (module, name) in _MORE:
            return _MORE[module, name]
        module = module.rpartition(".")[0]
    return ""


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _function_of(frame: FrameType) -> str:
    """`requests.get`, though it is in `requests.api`: as short as it can be imported."""
    code, whole = frame.f_code, _module_of(frame)
    parts = whole.split(".")
    for count in range(1, len(parts)):
        module = ".".join(parts[:count])
        owner = vars(sys.modules.get(module, builtins)).get(code.co_qualname.partition(".")[0])
        if getattr(owner, "__code__", None) is code or getattr(owner, "__module__", "") == whole:
            return f"{module}.{code.co_qualname}"
    return f"{whole}.{code.co_qualname}"


def called_in(frame: FrameType) -> str:
    """The call that a frame is in, by the names in its source: `time.sleep`, `open().read`; ""
    where its source is not to be had.
    """
    text = _source(frame)
    if not text:
        return ""
    import ast  # only for a loop that is held

    try:
        found = ast.parse(f"({text})", mode="eval").body
    except SyntaxError:
        return ""
    if isinstance(found, ast.Await):
        found = found.value
    if not isinstance(found, ast.Call):
        return ""
    return _dotted(found.func, frame.f_globals, ast)


def _source(frame: FrameType) -> str:
    """The expression that is being carried out."""
    code = frame.f_code
    position = next(islice(code.co_positions(), frame.f_lasti // 2, None), None)
    if position is None:
        return ""
    first, last, begin, end = position
    if first is None or last is None or begin is None or end is None:
        return ""          # `-X no_debug_ranges`
    lines = [linecache.getline(code.co_filename, number).encode()
             for number in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][begin:]
    return b"".join(lines).decode(errors="replace")


def _dotted(func: Any, names: Mapping[str, Any], ast: ModuleType) -> str:
    """What is called, by its full name where it begins with a module or a global."""
    attributes: list[str] = []
    while not isinstance(func, ast.Name):
        if isinstance(func, ast.Attribute):
            attributes.insert(0, func.attr)
            func = func.value
        elif isinstance(func, ast.Call):
            attributes[:1] = [f"().{attributes[0]}"] if attributes else ["()"]
            func = func.func
        else:
            return ".".join(["…", *attributes]) if attributes else ""
    root = _global_name(func.id, names)
    return ".".join([root, *attributes]).replace(".()", "()")


def _global_name(name: str, names: Mapping[str, Any]) -> str:
    """`time.sleep` for `sleep`, when that was imported from there; `time` for `t`."""
    value = names.get(name, getattr(builtins, name, None))
    if isinstance(value, ModuleType):
        return value.__name__
    module = getattr(value, "__module__", None)
    plain = getattr(value, "__qualname__", None)
    if callable(value) and isinstance(module, str) and isinstance(plain, str) and (
            module in sys.builtin_module_names or module in _PUBLIC):
        public = _PUBLIC.get(module, module)
        return f"{public}.{plain}" if public and plain != "open" else plain
    return name
