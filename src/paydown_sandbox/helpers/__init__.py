"""Change and observe a sandbox from a test: what `Sandbox` offers, one noun a module.

Every class here works on the exchange directly and knows no thread. `Sandbox` forwards to them, and `SocketSandbox`
does so on the thread that serves the socket.
"""
