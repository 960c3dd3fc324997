"""What could stand at the end of a command line: pure, out of `SPECS` and the state.

`complete` says which lines `tab` goes through, and which command and argument is being
typed, so that the prompt can show its usage with the current part marked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chatops.api.command_line import as_word
from chatops.api.command_table import SPECS, Param, Spec, find
from chatops.lab.lessons import LESSONS
from chatops.lab.stages import STAGES
from chatops.settings import LIMITS
from chatops.system.paths import PathError, expand
from tui.model.alerts import FIGURES
from tui.model.state import ConsoleState
from tui.theme import ABOUT, OWN

MOST = 200                     # candidates; nobody tabs through more

_SPLIT = re.compile(r"\s*(\"(?:\\.|[^\"\\])*\"?|'[^']*'?|\S+)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to go on: the whole line it makes, what is listed, and what it means."""

    line: str
    label: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """What is known about a line as it stands."""

    candidates: tuple[Candidate, ...] = ()
    spec: Spec | None = None   # the command being typed, once its name is complete
    argument: int = -1         # which of its parameters, -1 while the name is typed


def complete(line: str, state: ConsoleState,
             offered: Callable[[str], bool] = lambda _: True) -> Completion:
    """Candidates for the last word of `line`, which is being typed.  Of commands those are left
    out that are not `offered`, by name.
    """
    name, space, rest = line.lstrip().removeprefix(":").partition(" ")
    if not space:
        return Completion(tuple(_commands(name, offered)))
    spec = find(name)
    if spec is None:
        return Completion()
    words = [match[1] for match in _SPLIT.finditer(rest)]
    typing = words.pop() if words and (not rest.endswith(" ") or _is_open(words[-1])) else ""
    at = _parameter(spec, words)
    if at >= len(spec.params):
        return Completion((), spec, len(spec.params))
    param = spec.params[at]
    head = line[: len(line) - len(typing)]
    return Completion(tuple(_arguments(param, head, _unquoted(typing), words, state)), spec, at)


def _is_open(word: str) -> bool:
    """Whether it begins with a quote whose other one is still to come."""
    return word[:1] in ('"', "'") and not (len(word) > 1 and word[-1] == word[0])


def _unquoted(word: str) -> str:
    """What is meant by a word that may be half of one."""
    if word[:1] not in ('"', "'"):
        return word
    text = word[1:] if _is_open(word) else word[1:-1]
    return re.sub(r"\\(.)", r"\1", text) if word[0] == '"' else text


def _as_word(text: str) -> str:
    """As it is put in; what is in a folder goes on within the quotes that the folder needs."""
    word = as_word(text)
    return word.removesuffix('"') if word != text and text.endswith("/") else word


def _parameter(spec: Spec, words: list[str]) -> int:
    """Which parameter the word after `words` fills; a text takes all that is left."""
    at = 0
    for _ in words:
        if at < len(spec.params) and spec.params[at].kind not in ("text", "columns"):
            at += 1
    return at


def _commands(prefix: str, offered: Callable[[str], bool]) -> Iterable[Candidate]:
    for spec in filter(lambda spec: offered(spec.name), SPECS):
        name = next((n for n in (spec.name, *spec.aliases) if n.startswith(prefix)), None)
        if name is not None:
            more = " " if spec.params else ""
            yield Candidate(spec.name + more, spec.usage, spec.help)


def _arguments(param: Param, head: str, typing: str, words: list[str],
               state: ConsoleState) -> Iterable[Candidate]:
    if param.kind == "text":
        return
    done, comma, typing = typing.rpartition(",") if param.kind == "targets" else ("", "", typing)
    taken = {word.removeprefix("#") for word in done.split(",")}
    shown = 0
    for word, label, text in _values(param, typing, words, state):
        # A client's label reads `#3 bob`; it is found by either.  A file's is a part of its path.
        names = (word, *(label.split(maxsplit=1)[1:] if not word.endswith(label) else ()))
        if word in taken or not any(_matches(name, typing) for name in names):
            continue
        shown += 1
        if shown > MOST:
            return
        yield Candidate(f"{head}{done}{comma}{_as_word(word)}", label, text)


def _matches(word: str, typing: str) -> bool:
    return word.casefold().startswith(typing.removeprefix("#").casefold())


Values = Iterable[tuple[str, str, str]]    # what is put in, what is listed, what it means


def _values(param: Param, typing: str, words: list[str], state: ConsoleState) -> Values:
    if param.kind == "word" and param.field == "value" and words:
        return _limit_value(words[0])
    return _VALUES.get(param.kind, _none)(param, typing, state)


def _none(_param: Param, _typing: str, _state: ConsoleState) -> Values:
    return ()


def _choices(param: Param, _typing: str, _state: ConsoleState) -> Values:
    return ((choice, choice, "") for choice in param.choices)


def _clients(_param: Param, _typing: str, state: ConsoleState) -> Values:
    """By id, which never changes hands; found by their nick, too."""
    for row in state.live.clients if state.live is not None else ():
        yield str(row.id), f"#{row.id} {row.nick}", row.peer


def _limits(_param: Param, _typing: str, _state: ConsoleState) -> Values:
    return ((name, name, setting.why) for name, setting in LIMITS.items())


def _limit_value(name: str) -> Values:
    """Examples, so that nobody has to guess how a value is written."""
    setting = LIMITS.get(name)
    for word in ("off", "10", "30s", "64K", "50/s", "evict", "drop-oldest", "ascii", "unicode"):
        try:
            accepted = setting is not None and setting.value(word) is not None
        except ValueError:
            accepted = False
        if accepted:
            yield word, word, setting.why if setting is not None else ""


def _columns(_param: Param, _typing: str, state: ConsoleState) -> Values:
    return ((column.lower(), column, "") for column in state.view.columns)


def _files(param: Param, typing: str, _state: ConsoleState) -> Values:
    folder, slash, start = typing.rpartition("/")
    if "off" in param.label:
        yield "off", "off", "stop"
    try:
        entries = sorted(expand(folder + slash or ".").iterdir())
    except (OSError, PathError):
        return
    for entry in entries:
        if entry.name.startswith(".") and not start.startswith("."):
            continue
        name = f"{entry.name}/" if entry.is_dir() else entry.name
        yield f"{folder}{slash}{name}", name, ""


def _lessons(_param: Param, _typing: str, _state: ConsoleState) -> Values:
    return ((lesson.name, lesson.name, lesson.title) for lesson in LESSONS)


def _stages(param: Param, _typing: str, _state: ConsoleState) -> Values:
    """Of the numbers that a command takes, these are the ones with names."""
    if param.field == "number":
        for number, stage in STAGES.items():
            yield str(number), f"{number} {stage.title}", stage.fault


def _themes(_param: Param, _typing: str, state: ConsoleState) -> Values:
    return ((name, name, ABOUT.get(name, OWN)) for name in state.preferences.themes)


def _choosable(_param: Param, typing: str, state: ConsoleState) -> Values:
    """After a sign or without one, as it is being typed."""
    sign = typing[:1] if typing[:1] in ("+", "-") else ""
    if not sign:
        yield "usual", "usual", "all of them, as they were"
    for name in (*state.view.columns[1:], *(("HIST",) if state.view.columns else ())):
        yield f"{sign}{name.lower()}", f"{sign}{name.lower()}", ""


def _views(param: Param, _typing: str, state: ConsoleState) -> Values:
    if param.field == "name":
        yield "save", "save", "keep how this pane's rows are looked at"
        yield "forget", "forget", "one that is kept"
    for name, view in state.preferences.views.items():
        yield name, name, view.text


def _alerts(_param: Param, _typing: str, state: ConsoleState) -> Values:
    for alert in state.preferences.alerts:
        yield alert.condition, alert.condition, "set; `off` removes it"
    yield "lint", "lint", "there is something to object to"
    yield "gone", "gone", "the server is no longer there"
    for name, figure in FIGURES.items():
        yield f"{name}>", f"{name}>", figure.about


_VALUES: dict[str, Callable[[Param, str, ConsoleState], Values]] = {
    "choice": _choices,
    "target": _clients,
    "targets": _clients,
    "ban": _clients,
    "limit": _limits,
    "column": _columns,
    "file": _files,
    "lesson": _lessons,
    "number": _stages,
    "theme": _themes,
    "columns": _choosable,
    "view": _views,
    "alert": _alerts,
}
