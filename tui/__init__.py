"""The console: a Textual app that shows a server through a `ConsoleLink`, and nothing else.

`state` and `rows` are pure and know no Textual; panes and widgets draw what they hold.
"""
