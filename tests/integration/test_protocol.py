"""What a client sees, line by line and from both ends, over real sockets."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable

import pytest

from chatops.api.commands import Broadcast
from chatops.chat.parser import CLIENT_COMMANDS
from tests.integration.harness import PATIENCE, Client, Server
from tests.integration.talk import alice_and_bob

StartServer = Callable[..., Server]


@pytest.fixture
def chat(server: StartServer) -> Server:
    return server()


@pytest.fixture
def pair(chat: Server) -> tuple[Client, Client]:
    return alice_and_bob(chat)


# -- coming in


def test_a_newcomer_is_welcomed_and_told_how_many_are_there(chat: Server) -> None:
    first = chat.client(greeted=False)
    assert first.read_line() == ("*** welcome, guest-1! you are in lobby with 0 others; "
                                 "/help lists what you can do")
    second = chat.client(greeted=False)
    assert second.read_line().startswith("*** welcome, guest-2! you are in lobby with 1 other")
    assert second.heard() == []
    assert first.heard() == ["*** guest-2 joined"]


def test_a_connection_number_is_never_given_again(chat: Server) -> None:
    first = chat.client()
    first.say("/quit")
    first.to_the_end()
    assert chat.client().nick == "guest-2"


# -- what people say


def test_a_line_reaches_everybody_in_the_room_and_the_sender(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say("good morning")
    assert alice.read_line() == bob.read_line() == "alice: good morning"


def test_leading_blanks_of_what_is_said_are_kept(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say("    indented")
    assert bob.read_line() == "alice:     indented"


def test_an_action_reaches_everybody_without_a_colon(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say("/me waves")
    assert alice.read_line() == bob.read_line() == "* alice waves"


def test_a_private_line_reaches_its_two_ends_and_nobody_else(chat: Server,
                                                           pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    carol = chat.client()
    for client in pair:
        client.heard()
    alice.say("/msg BOB between us  two")
    assert bob.read_line() == "[alice -> you] between us  two"
    assert alice.read_line() == "[you -> bob] between us  two"
    assert carol.heard() == []


def test_a_private_line_crosses_rooms_and_can_go_to_oneself(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    bob.join("kitchen")
    bob.say("/msg alice from afar")
    alice.expect("[bob -> you] from afar")
    alice.say("/msg alice note")
    assert [alice.read_line(), alice.read_line()] == ["[alice -> you] note", "[you -> alice] note"]


def test_what_is_said_in_one_room_is_not_heard_in_another(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    bob.join("kitchen")
    assert alice.heard() == ["*** bob went to kitchen"]
    bob.say("only here")
    bob.expect("bob: only here")
    alice.say("only there")
    assert alice.heard() == ["alice: only there"]
    assert bob.heard() == []


def test_the_admin_reaches_every_client_in_every_room(chat: Server,
                                                      pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    bob.join("kitchen")
    alice.heard()
    assert chat.do(Broadcast("tea [/]\x1b[2J is ready")).text == "said to 2 clients"
    assert alice.read_line() == bob.read_line() == "*** [admin] tea [/] is ready"


def test_lines_arrive_in_the_order_in_which_they_were_said(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say(*(f"line {n}" for n in range(300)), "/me is done", "/msg bob over")
    wanted = [f"alice: line {n}" for n in range(300)] + ["* alice is done"]
    assert bob.read_until("[alice -> you] over")[:-1] == wanted
    assert alice.read_until("[you -> bob] over")[:-1] == wanted


# -- commands


def test_help_lists_the_table_that_dispatches_but_what_there_is_not_here(chat: Server) -> None:
    client = chat.client()
    client.say("/help")
    there = [command for command in CLIENT_COMMANDS
             if command.name not in ("history", "login", "register")]
    lines = [client.read_line() for _ in there]
    for line, command in zip(lines, there, strict=True):
        assert line.startswith(f"*** /{command.name}")
        assert line.endswith(command.help)
    assert {command.name for command in CLIENT_COMMANDS} == {
        "nick", "who", "me", "msg", "join", "rooms", "history", "quit",
        "topic", "away", "login", "register", "help"}
    assert client.heard() == []


def test_a_new_nick_is_told_to_the_room_and_stands_before_what_is_said(
        pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say("/nick ada", "hello")
    assert [bob.read_line(), bob.read_line()] == ["*** alice is now ada", "ada: hello"]
    assert alice.read_line() == "*** alice is now ada"


def test_a_nick_in_use_is_refused_and_free_again_when_its_owner_left(
        pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    bob.say("/nick ALICE")
    assert bob.read_line() == "*** error: 'ALICE' is taken, or looks like 'alice'"
    alice.say("/quit")
    alice.to_the_end()
    bob.expect("*** alice left")
    bob.rename("ALICE")


def test_who_and_rooms_list_what_is_there(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    bob.join("kitchen")
    alice.heard()
    alice.say("/who", "/rooms")
    assert [alice.read_line() for _ in range(3)] == [
        "*** 1 in lobby: alice", "*** kitchen: 1", "*** lobby: 1"]


def test_a_room_is_gone_when_its_last_member_leaves(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    bob.join("kitchen")
    bob.join("lobby")
    alice.heard()
    alice.say("/rooms")
    assert alice.heard() == ["*** lobby: 2"]


@pytest.mark.parametrize(("line", "answer"), [
    ("/nick", "*** error: usage: /nick NAME"),
    ("/msg", "*** error: usage: /msg NICK TEXT"),
    ("/msg bob", "*** error: usage: /msg NICK TEXT"),
    ("/msg nobody hello", "*** error: nobody here is called nobody"),
    ("/me", "*** error: usage: /me TEXT"),
    ("/join", "*** error: usage: /join ROOM [KEY]"),
    ("/join lobby", "*** you are in lobby already"),
    ("/dance", "*** error: no command /dance; /help lists them"),
    ("/", "*** error: no command /; /help lists them"),
])
def test_a_command_that_cannot_be_done_is_answered_and_the_client_stays(
        pair: tuple[Client, Client], line: str, answer: str) -> None:
    alice, bob = pair
    alice.say(line, "still here")
    assert alice.read_line() == answer
    assert alice.read_line() == "alice: still here"
    assert bob.heard() == ["alice: still here"]


def test_two_slashes_say_one(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say("//etc/hosts")
    assert bob.read_line() == "alice: /etc/hosts"


# -- leaving


@pytest.mark.parametrize("word", ["quit", "/quit", "/QUIT", "quit\r", "  quit  "])
def test_quit_says_goodbye_and_tells_the_room(pair: tuple[Client, Client], word: str) -> None:
    alice, bob = pair
    alice.say(word)
    assert alice.to_the_end() == ["*** bye"]
    assert bob.read_line() == "*** alice left"


def test_a_reason_for_leaving_is_told_to_the_room(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say("/quit tea")
    assert alice.to_the_end() == ["*** bye"]
    assert bob.read_line() == "*** alice left (tea)"


def test_quit_within_a_sentence_is_said(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say("quit it", "I quit")
    assert [bob.read_line(), bob.read_line()] == ["alice: quit it", "alice: I quit"]


def test_what_follows_quit_in_the_same_segment_is_not_said(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.say("before", "quit", "after")
    assert alice.to_the_end() == ["alice: before", "*** bye"]
    assert bob.heard() == ["alice: before", "*** alice left"]


def test_the_end_of_file_leaves(pair: tuple[Client, Client]) -> None:
    alice, bob = pair
    alice.close()
    assert bob.read_line() == "*** alice left"


# -- large rooms


def test_joins_and_leaves_are_not_told_in_rooms_of_more_than_fifty(chat: Server) -> None:
    crowd = [chat.client() for _ in range(51)]
    crowd[0].heard()
    newcomer = chat.client()
    newcomer.close()
    chat.until(lambda server: len(server.state.connections) == 51)
    assert crowd[0].heard() == []


# -- the tools that people have


def _talk(tool: list[str], says: bytes, *, hangs_up: bool = True) -> list[str]:
    """The lines that the tool shows after it has said this.

    With `hangs_up` its input ends then; without, it is the server that closes.
    """
    if shutil.which(tool[0]) is None:
        pytest.skip(f"{tool[0]} is not installed")
    if tool[:2] == ["nc", "-N"] and not _is_openbsd_nc():
        pytest.skip("this nc is not OpenBSD's, which ends its stream with -N")
    with subprocess.Popen(tool, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        process.stdin.write(says)
        process.stdin.flush()
        if hangs_up:
            process.stdin.close()
        shown = process.stdout.read()
        timer.cancel()
        timer.join()
    return shown.decode().replace("\r\n", "\n").split("\n")


def _is_openbsd_nc() -> bool:
    usage = subprocess.run(["nc", "-h"], capture_output=True, timeout=PATIENCE, check=False)
    return b"-N\t" in usage.stderr


@pytest.mark.parametrize("tool", [
    ["nc", "-N"], ["ncat"], ["socat", "-t5", "-"], ["telnet"],
], ids=lambda tool: str(tool[0]))
def test_a_well_known_tool_can_talk_and_leave(chat: Server, tool: list[str]) -> None:
    listener = chat.client()
    host, port = chat.address
    place = [f"TCP:{host}:{port}"] if tool[0] == "socat" else [host, str(port)]
    shown = _talk([*tool, *place], "/nick tool\nhello from a tool é\nquit\n".encode(),
                  hangs_up=tool[0] != "telnet")    # which leaves before it is answered
    assert "tool: hello from a tool é" in listener.read_until("*** tool left")
    welcome = next(n for n, line in enumerate(shown) if line.startswith("*** welcome, guest-2!"))
    assert shown[welcome + 1:] == [
        "*** guest-2 is now tool", "tool: hello from a tool é", "*** bye", ""]


def test_a_tool_that_ends_its_input_still_gets_what_it_asked_for(chat: Server) -> None:
    host, port = chat.address
    shown = _talk(["nc", "-N", host, str(port)], b"/who")
    assert shown[1:] == ["*** 1 in lobby: guest-1", ""]


def test_a_row_of_the_clients_says_which_rooms_one_is_in(chat: Server) -> None:
    client = chat.client()
    assert (chat.row(client).room, chat.row(client).rooms) == ("lobby", ("lobby",))
    client.say("/join tea")
    client.read_until("*** you are in tea with 0 others")
    assert (chat.row(client).room, chat.row(client).rooms) == ("tea", ("tea",))
