"""The lab: built-in clients, six servers with their faults, experiments and lessons.

Knows no console: everything here runs for real, on sockets of this machine, and hands back
data that a console can show.
"""
