"""Figures for a collector such as Prometheus, over HTTP, from a thread of their own.

`families` says what there is and how it is called, `door` speaks HTTP to whoever asks,
`exporter` brings the two together with a server, and `dashboard` draws them in Grafana.
"""
