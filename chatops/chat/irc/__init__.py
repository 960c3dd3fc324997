"""The IRC door, sans-I/O: messages, and the state of who comes in by it.

Source: Modern IRC (https://modern.ircdocs.horse), RFC 1459 and 2812 where that is silent, and
the IRCv3 specifications (https://ircv3.net/irc/).
"""
