"""Send one finished request at most once, and know whether any byte of it left.

The blocking and the awaited client have HTTP/1.1 connections of their own (`direct`, `direct_async`), on top of h11.
httpx is not under them, for three reasons:

* Proof that nothing left. A repayment may be repeated only if no byte of it was handed to a socket. These connections
  decide that at the one line that writes, so what fails before it is `NotSent` and what fails after it is `Lost`. The
  exceptions of httpx do not draw that line: its transports raise the same class on both sides of it, which is why
  `httpx_adapter` believes so few of them.
* One time limit for the whole answer. The limits of httpx begin anew with every byte, so a server that sends a byte now
  and then holds a call for ever, and with it the lock on a debt.
* Cost. One request is one write, on a connection that is known to be open and silent. `make bench` compares the CPU
  time of a signed repayment with that of raw httpx on the same machine.

The price is code that httpx has as well: pooling, TLS set-up, trying IPv6 and IPv4 in turn. It stays as small as it is.
HTTP/2, redirects, cookies and caches are not added; a program that needs them passes a transport of httpx, which goes
through `httpx_adapter`, and a proxy goes through httpcore (`proxy`).
"""
