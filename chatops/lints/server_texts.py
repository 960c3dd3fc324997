"""What the lints of a chat server mean, and what to do, for who sees them for the first time."""

from __future__ import annotations

from chatops.lints.program import LintText

SERVER_LINTS = {
    "write-idle": LintText(
        "watched for writing with nothing to write",
        "A socket is writable whenever its kernel buffer has room, which is nearly always. "
        "Whoever watches for that with nothing to send is told so at once, on every turn: "
        "select() never sleeps, and a core is spent on learning that nothing is to be done.",
        "Try to send first. Register EVENT_WRITE only when the kernel did not take everything, "
        "and take it back the moment the queue is empty. Here: `write-interest on-demand`."),
    "select-limit": LintText(
        "close to the limit of select()",
        "select() takes a bit map of 1,024 descriptors. What counts is the descriptor's number, "
        "not how many are watched, and files and pipes take numbers too. From 1,024 on, C "
        "programs write past the map, and Python raises ValueError; `ulimit -n` changes nothing.",
        "Swap to poll or epoll, which have no such limit: `selector epoll`. The swap keeps every "
        "client. A program that must stay with select() has to refuse newcomers in time."),
    "held-loop": LintText(
        "the loop was held",
        "One thread serves all. While one callback runs, nobody else is read, written or "
        "accepted, and the time it took is added to the wait of everybody who was ready in that "
        "turn. A name looked up, a file written or a large answer put together is enough.",
        "Look at the callback and the descriptor in the loop pane. Bound the work per turn and "
        "leave the rest to the next; give what must wait, such as disks, names and databases, "
        "to a thread.", is_over=True),
    "kept-waiting": LintText(
        "the loop was kept waiting",
        "The loop's thread could have worked and was not let: by the wall a callback took long, "
        "by the thread's own CPU time it did next to nothing. In CPython one thread runs at a "
        "time, so whoever has the interpreter keeps it from all others until it waits or its "
        "interval is over; and a machine with more to run than it has cores keeps everybody "
        "waiting. Whose callback it was is chance: it is not to blame.",
        "Look at the threads in the loop pane: what draws or computes in the server's process "
        "belongs into another one (`chatops serve`, and `chatops attach` for the console). Where "
        "no core was free, something else runs on the machine: `nice` it, or give it less.",
        is_over=True),
    "slow-reader": LintText(
        "a client that does not read",
        "Its receive buffer is full, so the peer's kernel has closed the window; then the send "
        "buffer here filled up, and now lines pile up in the server's own memory. A stopped "
        "terminal, a lost radio link and an attacker all look like this. Of the three queues the "
        "server's own fills last, which is why the first megabytes hide in the kernels.",
        "Bound the outbox and decide what happens at the bound: `slow-consumer` evicts the "
        "client or drops its oldest or newest lines. A deadline for progress catches who reads "
        "a byte now and then. Never wait for the one at the expense of the others."),
    "closed-registered": LintText(
        "closed, but still registered",
        "A descriptor was closed before it was unregistered. select() then fails as a whole "
        "with EBADF, an OSError for all clients alike. poll() reports it on every turn "
        "(POLLNVAL, which `selectors` hands on as ready), so the loop spins. epoll forgets it "
        "silently, since the last reference to the open file is gone; if a duplicate of it is "
        "open somewhere (dup, fork), epoll goes on to report a number that is no longer open "
        "here. In all three the next socket may get the same number: it cannot be registered, "
        "or gets the old one's events.",
        "Unregister first, then close; do both in one place, at the end of the turn."),
    "accept-paused": LintText(
        "nobody is let in for now",
        "The listener is not watched. When accept() fails for want of descriptors or memory, "
        "the newcomer stays in the backlog and the listener stays readable: to go on watching "
        "it would turn the loop at full speed with nothing to be done. So it is set aside for a "
        "moment and tried again; clients who are in notice nothing.",
        "Raise the number of open files (`ulimit -n`) or lower the limit of clients below it. "
        "Descriptors that are not given back show as numbers that only grow."),
    "eof-unhandled": LintText(
        "end of file, and still watched",
        "The peer has sent its last byte. From then on the descriptor is readable for ever, and "
        "every read gives nothing: recv() returns b'', which is how end of file looks. A "
        "callback that does not check for it is called on every turn, and the loop spins.",
        "When recv() returns b'', unregister the descriptor and close it; or, to send what is "
        "still queued, go on watching it for writing alone."),
    "history-lost": LintText(
        "what is said is not being kept",
        "The history's file cannot be written: the disk is full or slow, the file is locked, "
        "read-only or damaged. A thread of its own waits for the disk, so the chat does not "
        "notice; what could not be written waits in memory, as far as there is room for it.",
        "Make room, or let the server write there. What waited is written with the next line; a "
        "file that is not a history of this server is never touched: move it away."),
    "accounts-lost": LintText(
        "nobody can log in",
        "The file of accounts cannot be read or written: it was moved away, deleted or cut off, "
        "is locked or damaged. Whoever asks is told to try again later; who is logged in stays "
        "so, and the chat goes on. A new file is not made in its place: in an empty one every "
        "name would be free for whoever comes first.",
        "Put the file back: every login tries again, and this ends with the first that works. "
        "One that is to begin anew is made by a restart."),
    "log-lost": LintText(
        "events are not being logged",
        "The log's file cannot be written: the disk is full or gone. The chat goes on, and so "
        "does everything else; what happens meanwhile may be missing in the log.",
        "Make room, or move the file away and open it again with `reopen`: every line tries "
        "again, and this ends with the first that is written."),
}
