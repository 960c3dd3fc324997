"""Accounts: who may claim a nick, kept in an SQLite file, with passwords nobody can read back."""
