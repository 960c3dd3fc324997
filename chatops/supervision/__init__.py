"""Living under a supervisor such as systemd: what it is told, and what it hands over."""
