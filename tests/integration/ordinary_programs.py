"""Programs as others write them, whose words and end must be the same when they are watched."""

PROGRAMS = {
    "says what it says": "print('out'); import sys; print('err', file=sys.stderr)",
    "exits with a status": "import sys; sys.exit(3)",
    "exits with words": "import sys; sys.exit('no')",
    "exits at once": "import os; print('x', flush=True); os._exit(7)",
    "crashes at import": "import nothing_of_this_name",
    "crashes deep down": """
        import asyncio
        async def main():
            await asyncio.sleep(0)
            raise RuntimeError("deep down")
        asyncio.run(main())
        """,
    "does not compile": "print(",
    "runs asyncio twice": """
        import asyncio
        async def main(n):
            await asyncio.sleep(0.01)
            return n
        print(asyncio.run(main(1)), asyncio.run(main(2)))
        """,
    "leaves nothing open": """
        import asyncio
        async def main():
            server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
            server.close()
            await server.wait_closed()
        asyncio.run(main())
        print("closed")
        """,
    "leaves something open": """
        import asyncio, socket
        loop = asyncio.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))
        print("done")
        """,
    "is killed by a signal": "import os, signal; os.kill(os.getpid(), signal.SIGUSR1)",
    "looks around": """
        import os, sys, threading
        print(sorted(name for name in os.environ if "CHATOPS" in name or name == "PYTHONPATH"))
        print([folder for folder in sys.path if "chatops/watch" in folder])
        print(threading.active_count(), [t.name for t in threading.enumerate()])
        print(sys.argv, __name__, __file__, __spec__)
        import selectors
        print(selectors.DefaultSelector.__name__, selectors.EpollSelector.__module__)
        print(isinstance(selectors.DefaultSelector(), selectors.EpollSelector))
        print(issubclass(selectors.PollSelector, selectors.BaseSelector))
        with selectors.DefaultSelector() as selector:
            print(len(selector.get_map()), selector.select(0))
        print(selector.get_map())
        """,
    "forks": """
        import os, sys, warnings
        warnings.simplefilter("error")
        pid = os.fork()
        if pid == 0:
            print("child", flush=True)
            os._exit(5)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """,
    "forks with a loop": """
        import asyncio, os, sys
        async def child():
            await asyncio.sleep(0.01)
            print("child", flush=True)
        async def main():
            pid = os.fork()
            if pid == 0:
                return "child"
            os.waitpid(pid, 0)
            return "parent"
        if asyncio.run(main()) == "child":
            asyncio.run(child())
            os._exit(0)
        print("parent")
        """,
    "starts other processes": """
        import asyncio, subprocess, sys
        print(subprocess.run([sys.executable, "-c", "import os; print(sorted(n for n in "
                              "os.environ if 'CHATOPS' in n))"], capture_output=True).stdout)
        print(subprocess.run(["cat"], input=b"x" * 300_000, capture_output=True).returncode)
        async def main():
            process = await asyncio.create_subprocess_shell("exit 4")
            print(await process.wait())
        asyncio.run(main())
        """,
    "has a pool": """
        import multiprocessing
        def square(n):
            return n * n
        if __name__ == "__main__":
            for how in ("fork", "spawn", "forkserver"):
                with multiprocessing.get_context(how).Pool(2) as pool:
                    print(how, pool.map(square, range(4)))
        """,
    "handles signals": """
        import asyncio, os, signal
        async def main():
            got = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
            os.kill(os.getpid(), signal.SIGUSR1)
            await asyncio.wait_for(got.wait(), 5)
            print("got it")
        asyncio.run(main())
        """,
    "brings its own selector": """
        import asyncio, selectors
        class Mine(selectors.SelectSelector):
            def select(self, timeout=None):
                self.count = getattr(self, "count", 0) + 1
                return super().select(timeout)
        mine = Mine()
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(mine)) as runner:
            runner.run(asyncio.sleep(0.01))
        print(mine.count > 0)
        """,
    "registers what is wrong": """
        import selectors, socket
        a, b = socket.socketpair()
        with selectors.DefaultSelector() as selector:
            selector.register(a, selectors.EVENT_READ)
            for wrong in (lambda: selector.register(a, selectors.EVENT_READ),
                          lambda: selector.unregister(b), lambda: selector.modify(b, 1),
                          lambda: selector.register(b, 0), lambda: selector.get_key(b)):
                try:
                    wrong()
                except Exception as error:
                    print(type(error).__name__)
            selector.modify(a, selectors.EVENT_READ | selectors.EVENT_WRITE, "data")
            print([(key.data, mask) for key, mask in selector.select(None)], selector.fileno() > 0)
        a.close(), b.close()
        """,
    "closes what it has not opened": """
        import asyncio, os
        os.closerange(3, 4096)
        asyncio.run(asyncio.sleep(0.05))
        print("done")
        """,
    "has its own in the place of what it closed": """
        import asyncio, os, socket
        os.closerange(3, 4096)
        mine = socket.socketpair()
        for number in range(150, 260):
            os.dup2(mine[number % 2].fileno(), number)
        async def main():
            await asyncio.sleep(0.05)
        asyncio.run(main())
        def look():
            lost = []
            for number in range(150, 260):
                try:
                    os.fstat(number)
                    if not os.get_blocking(number):
                        lost.append(number)
                except OSError:
                    lost.append(number)
            print(lost)
        look()
        """,
}
