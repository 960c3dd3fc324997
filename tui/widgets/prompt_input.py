"""The field of the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from textual import events
from textual.message import Message

from tui.widgets.plain_input import PlainInput


class PromptInput(PlainInput):
    """What is pasted into it is never run by that."""

    @dataclass
    class Pasted(Message):
        """Lines were pasted: one has been put in, and these have not."""

        left_out: list[str]

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()        # Textual's takes the first line, and forgets the others
        event.stop()
        first, *others = re.split("\r\n?|\n", event.text)
        if first:
            self.replace(first, *self.selection)
        left_out = [line for line in others if line.strip()]
        if first or left_out:
            self.post_message(self.Pasted(left_out))
