"""Every way a console reaches a server, side by side, one file each."""
