"""Where settings come from: the strongest source is taken, and only that one is judged."""

from __future__ import annotations

import os
import pwd
import threading
from pathlib import Path

import pytest

from chatops.settings import SETTINGS, Setting, Settings, SettingsError
from chatops.system import files
from tests.given import load

NONSENSE = "tcp://10.96.12.7:9999"     # what no setting but a path takes
PATHS = ("tls-cert", "tls-key", "control", "log-file", "ban-file", "history", "accounts",
         "cluster-secret", "irc-client-ca")
WORDS = ("irc-password", "oper", "server-description")     # any are good
ROWS = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
JUDGED = pytest.mark.parametrize(
    "setting", [row for row in SETTINGS if row.name not in (*PATHS, *WORDS, "host")],
    ids=lambda setting: setting.name)


def written(setting: Setting) -> str:
    return setting.write(getattr(Settings(), setting.field))


def config(folder: Path, setting: Setting, value: str) -> str:
    path = folder / "chatops.toml"
    path.write_text(f'{setting.name} = "{value}"\n', "utf-8")
    return str(path)


@ROWS
def test_a_flag_wins_before_the_variable_and_the_file_are_judged(setting: Setting,
                                                                 tmp_path: Path) -> None:
    file = config(tmp_path, setting, "~nosuchuser/x" if setting.name in PATHS else NONSENSE)
    assert load({setting.field: written(setting)}, config=file,
                environ={setting.variable: "~nosuchuser/x"}) == Settings()


@JUDGED
def test_a_variable_wins_before_the_file_is_judged(setting: Setting, tmp_path: Path) -> None:
    file = config(tmp_path, setting, NONSENSE)
    assert load({}, config=file, environ={setting.variable: written(setting)}) == Settings()


@ROWS
def test_an_empty_variable_is_none(setting: Setting) -> None:
    assert load({}, environ={setting.variable: ""}) == Settings()


@JUDGED
def test_what_is_refused_says_where_it_came_from(setting: Setting, tmp_path: Path) -> None:
    file = config(tmp_path, setting, NONSENSE)
    for source, arguments in ((f"--{setting.name}: ", ({setting.field: NONSENSE}, {})),
                              (f"{setting.variable}: ", ({}, {setting.variable: NONSENSE})),
                              (f"{file}: {setting.name}: ", ({}, {}))):
        flags, variables = arguments
        with pytest.raises(SettingsError) as raised:
            load(flags, config=file, environ=variables)
        assert str(raised.value).startswith(source)
        assert not str(raised.value).startswith(f"{setting.variable}: {setting.name}: ")
        assert "\n" not in str(raised.value)


def test_what_kubernetes_sets_is_recognised_where_no_flag_overrides_it() -> None:
    assert load({"port": "0"}, environ={"CHATOPS_PORT": NONSENSE}).port == 0
    with pytest.raises(SettingsError) as raised:
        load({}, environ={"CHATOPS_PORT": NONSENSE})
    assert str(raised.value) == (
        "CHATOPS_PORT: 'tcp://10.96.12.7:9999' is not a whole number; Kubernetes sets this "
        "for a Service called chatops: give --port, or enableServiceLinks: false")


# -- paths


@pytest.mark.parametrize("name", PATHS)
def test_a_tilde_means_home_from_every_source(name: str, tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    user = pwd.getpwuid(os.getuid())
    setting = next(row for row in SETTINGS if row.name == name)
    file = config(tmp_path, setting, "~/x")
    for settings in (load({setting.field: "~/x"}),
                     load({}, environ={setting.variable: "~/x"}),
                     load({}, config=file),
                     load({}, config="~/chatops.toml")):
        assert getattr(settings, setting.field) == str(tmp_path / "x")
    theirs = load({setting.field: f"~{user.pw_name}/x"})
    assert getattr(theirs, setting.field) == f"{user.pw_dir.rstrip('/')}/x"


@pytest.mark.parametrize("name", [*PATHS, "config"])
def test_the_home_of_nobody_is_refused_in_a_line(name: str) -> None:
    flags = {name.replace("-", "_"): "~nosuchuser/x"}
    with pytest.raises(SettingsError, match=f"--{name}: .*there is no user 'nosuchuser' here"):
        load(flags, config=flags.get("config"))


# -- the file of settings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_read_over(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "chatops.toml"
    file.write_text("port = 7\n", encoding)
    assert load({}, config=str(file)).port == 7


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    file = tmp_path / "chatops.toml"
    file.touch()
    assert load({}, config=str(file)) == Settings()


def test_settings_come_out_of_a_pipe_that_somebody_writes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"port = 7\n"))
    writer.start()
    assert load({}, config=str(pipe)).port == 7
    writer.join()


def test_a_pipe_that_nobody_writes_is_named(tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(files, "SILENCE", 0.01)
    with pytest.raises(SettingsError, match="pipe: nothing comes out of it"):
        load({}, config=str(pipe))


def test_a_device_without_an_end_is_given_up() -> None:
    with pytest.raises(SettingsError, match="/dev/zero: it has more than 16 MB"):
        load({}, config="/dev/zero")
