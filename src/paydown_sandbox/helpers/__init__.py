"""Change and observe a sandbox from a test: what `Sandbox` offers, one noun a module.

Every class of this package works on an `Exchange` directly and knows no thread. `Sandbox` forwards to them, and
`SocketSandbox` does so on the thread that serves the socket.
"""
