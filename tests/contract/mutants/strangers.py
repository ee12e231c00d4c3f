"""More of the catalogue: what strangers broke who had read the code, and not this suite.

None of these was noticed when it was first tried; each shows a promise that had gone unchecked.
"""

from tests.contract.mutants.outsiders import Row

ROWS: list[tuple[str, str, list[Row]]] = [
    (
        "signer",
        "src/paydown/credentials.py",
        [
            ("tilde refused in keys", '"!" <= letter <= "~"', '"!" <= letter < "~"'),
            (
                "from_env with an empty password variable beside a secret is refused",
                "password = env.get(PASSWORD_VARIABLE) or None",
                "password = env.get(PASSWORD_VARIABLE)",
            ),
            (
                "from_env of an empty mapping asks the process",
                "env = os.environ if environ is None else environ",
                "env = environ or os.environ",
            ),
        ],
    ),
    (
        "signer",
        "src/paydown/call/request.py",
        [
            (
                "unsigned calls claim a timestamp",
                "            timestamp_ms if operation.signed else None,",
                "            timestamp_ms,",
            ),
            (
                "routes remembered by path, so GET and POST of one path share one",
                "        route = self._routes.get(operation.id)\n        if route is None:\n            route = self._routes[operation.id] = self._route(operation)",
                "        route = self._routes.get(operation.path)\n        if route is None:\n            route = self._routes[operation.path] = self._route(operation)",
            ),
            (
                "an echoed base64 signature, decoded, is not cleaned away",
                "return Cleaner((self.api_key, self.signature, unquote(self.signature)))",
                "return Cleaner((self.api_key, self.signature))",
            ),
            (
                "asking for the time ignores the client's answer timeout",
                "answer_timeout_s=self._answer_timeout_s or like.answer_timeout_s",
                "answer_timeout_s=like.answer_timeout_s",
            ),
        ],
    ),
    (
        "signer",
        "src/paydown/httpx_auth.py",
        [
            (
                "recvWindow of a body is overlooked",
                "for name, _ in (*query_pairs, *body_pairs))",
                "for name, _ in query_pairs)",
            )
        ],
    ),
    (
        "classifier",
        "src/paydown/call/retry.py",
        [
            (
                "Retry-After of 0 removes the pause",
                "return drawn if at_least_s is None else max(drawn, at_least_s)",
                "return drawn if at_least_s is None else at_least_s",
            )
        ],
    ),
    (
        "classifier",
        "src/paydown/call/call.py",
        [
            (
                "second try that cannot connect says nothing left",
                "raise refused or self.not_connected(prepared, error) from error",
                "raise self.not_connected(prepared, error) from error",
            ),
            (
                "an interrupted request frees its room",
                "not_sent = isinstance(error, NotSent)",
                "not_sent = not isinstance(error, Lost)",
            ),
            (
                "the used weight that the time's answer tells is not heard",
                "self.settle(ticket, ended, None if answer is None else used(charges, answer.headers))",
                "self.settle(ticket, ended)",
            ),
            (
                "a write that stood still too long keeps its lost room",
                "        while not budget.may_send(ticket):\n",
                "        while not ticket.open and not budget.may_send(ticket):\n",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/clock.py",
        [
            (
                "a sample of another host is trusted as the own one",
                "server_ms=server_ms - 1 - allowed_ms",
                "server_ms=server_ms - 1",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/budget/charges.py",
        [
            (
                "the first cost of an operation is remembered for all its parameters",
                "        charges = self._known.get((operation.id, cost))",
                "        charges = next((one for (name, _), one in self._known.items() if name == operation.id), None)",
            )
        ],
    ),
    (
        "classifier",
        "src/paydown/call/attempts.py",
        [
            (
                "the second observer hears nothing where the first fails after",
                "        try:\n            first.after(attempt, error)\n        finally:\n            second.after(attempt, error)",
                "        first.after(attempt, error)\n        second.after(attempt, error)",
            )
        ],
    ),
    (
        "classifier",
        "src/paydown/transport/httpx_adapter.py",
        [
            (
                "any system error behind a connect error proves that nothing left",
                "if cause is None or isinstance(cause, NOT_SENT):",
                "if cause is None or isinstance(cause, (*NOT_SENT, OSError)):",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/checks/api_keys.py",
        [
            (
                "MARGIN permission also opens USER_DATA",
                '"USER_DATA": frozenset({"USER_DATA"}),',
                '"USER_DATA": frozenset({"USER_DATA", "MARGIN"}),',
            ),
            (
                "USER_STREAM is granted by TRADE",
                '"USER_STREAM": frozenset({"USER_STREAM", "USER_DATA"}),',
                '"USER_STREAM": frozenset({"USER_STREAM", "USER_DATA", "TRADE"}),',
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/checks/authentication.py",
        [
            (
                "ip list ignored for USER_STREAM calls",
                "if key.ip_allow and not key.allows_ip(request.client_ip):",
                'if key.ip_allow and facts.security_type != "USER_STREAM" and not key.allows_ip(request.client_ip):',
            ),
            (
                "sixteen digit timestamp rounded up to ms",
                "            timestamp //= 1000",
                "            timestamp = -(-timestamp // 1000)",
            ),
            (
                "a body without a form type is dropped from the signed bytes",
                "received.message + body)",
                "received.message)",
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/checks/rate_limits.py",
        [
            (
                "a success does not reset the row of 429",
                "            if address.refusals:\n                address.refusals = 0\n                self.changed.add(ip)\n            return Admission(200",
                "            return Admission(200",
            ),
            (
                "retry moment is of the newest charge",
                "                return moment + self._interval_ms",
                "                return self._entries[-1][0] + self._interval_ms",
            ),
            (
                "fixed window used not reset when clock goes back",
                "if start != self._started_ms:",
                "if start > self._started_ms:",
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/faults/fault_effects.py",
        [
            (
                "status member of gateway_502_html_executed ignored",
                'return self.page(record, fault.status or 502, "Bad Gateway", [])',
                'return self.page(record, 502, "Bad Gateway", [])',
            ),
            ("delayed answer is logged as spoilt", 'elif name != "executed_then_delay":', "elif name:"),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/faults/faults.py",
        [("pending_51007 is not charged", '"pending_51007": "refused"', '"pending_51007": "gateway"')],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/exchange.py",
        [
            (
                "body limit exclusive",
                "len(request.body) > LARGEST_BODY or",
                "len(request.body) >= LARGEST_BODY or",
            ),
            (
                "fault that matches an account alone never finds one",
                'if any(fault.match.keys() & {"asset", "account"} for',
                'if any(fault.match.keys() & {"asset"} for',
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/operations/routes.py",
        [
            (
                "sapi pool ignores fixed window",
                "                    fixed_window=world.limits.fixed_window,\n",
                "",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/serving/websocket.py",
        [
            (
                "only the first key of the streams query is followed",
                'for key in "/".join(query.get("streams", [])).split("/"):',
                'for key in "/".join(query.get("streams", [])).split("/")[:1]:',
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/sandbox_clock.py",
        [
            (
                "resuming jumps to the machine clock plus the old offset",
                "            self._offset_ms = self._frozen_at_ms - self._source()\n            self._frozen_at_ms = None",
                "            self._frozen_at_ms = None",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/serving/asgi.py",
        [
            (
                "a held request handed in as a new one over asgi",
                "response = handle(request._replace(held=response.held))",
                "response = handle(request)",
            ),
            (
                "raw path replaced by the decoded path",
                'raw_path.decode("latin-1") if raw_path else scope["path"]',
                'scope["path"]',
            ),
            (
                "asgi body in pieces: only the last piece is kept",
                '                body += message.get("body", b"")',
                '                body = message.get("body", b"") or body',
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/serving/httpx_transport.py",
        [
            (
                "a lost answer in process keeps the account busy",
                "        if response.release is not None:\n",
                '        if response.release is not None and response.action == "send":\n',
            ),
            (
                "async transport keeps only the first piece of a body",
                'return self._answer(request, b"".join(parts))',
                'return self._answer(request, b"".join(parts[:1]))',
            ),
            (
                "in-process delays do not move a frozen clock while a request is held",
                "            waited_ms += self._wait(response)\n            response = self.exchange",
                "            waited_ms += response.delay_ms\n            response = self.exchange",
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/serving/http_protocol.py",
        [
            (
                "a body of just the limit and then one byte more passes",
                "elif len(incoming.body) <= LARGEST_BODY:",
                "elif len(incoming.body) < LARGEST_BODY:",
            ),
            (
                "malformed HTTP answers with the first code of the table",
                'self._exchange.document.error(-1013, "papi")',
                'self._exchange.document.error(-1000, "papi")',
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/faults/scenario.py",
        [
            (
                "for_ms counted from the start of the scenario, not of the fault",
                'node["until_ms"] = begins + lasting',
                'node["until_ms"] = now_ms + lasting',
            ),
            (
                "seed zero of a scenario is ignored",
                "    if scenario.seed is not None:\n",
                "    if scenario.seed:\n",
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/state/state_reader.py",
        [
            (
                "record ids must be unique across accounts",
                "identity = (record.account, record.kind, record.id)",
                'identity = ("", record.kind, record.id)',
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/operations/repayment_rules.py",
        [
            (
                "a clipped amount is valued before it is clipped",
                "multiply(target, price) > rules.cap_usd",
                "multiply(debt if amount is None else amount, price) > rules.cap_usd",
            ),
            (
                "the smallest repayment is compared with what was asked for",
                "if target < rules.minimum_repayment:",
                "if (debt if amount is None else min(amount, debt)) < rules.minimum_repayment:",
            ),
            ("the fee is no gain of the house", "multiply(covers, price)))", "multiply(covers, cost)))"),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/books/ledger.py",
        [
            (
                "only the principal flows back into what can be lent",
                "house.lendable = add(house.lendable, total)",
                "house.lendable = add(house.lendable, principal)",
            ),
            (
                "charged interest is not written down",
                "holding.interest = EXACT.add(holding.interest, interest)\n        self._touch(account, asset, holding, now_ms)",
                "holding.interest = EXACT.add(holding.interest, interest)\n        holding.updated_ms = now_ms",
            ),
            (
                "a negative balance set by hand is issued with the wrong sign",
                'sign = -amount if place == "negative" else amount',
                "sign = amount",
            ),
            (
                "interest set by hand is issued",
                'if place not in ("borrowed", "interest"):',
                'if place != "borrowed":',
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/scheduler.py",
        [
            (
                "a payer must hold more than an automatic exchange costs",
                "if units > payer.free:",
                "if units >= payer.free:",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/books/collateral.py",
        [
            (
                "an account worth exactly nothing is not bankrupt",
                "elif maintenance and equity <= 0:",
                "elif maintenance and equity < 0:",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/books/prices.py",
        [
            (
                "a price set by hand ends its path",
                "        self.usd[asset] = price\n        self.changed_ms[asset] = now_ms",
                "        self.usd[asset] = price\n        self.paths.pop(asset, None)\n        self.changed_ms[asset] = now_ms",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/books/records.py",
        [
            (
                "records stay unsorted after the clock was set back",
                "rows[-2].time_ms > record.time_ms:",
                "rows[-2].time_ms > record.time_ms + 10**15:",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/books/bookkeeping.py",
        [
            (
                "ids of repayments do not go on behind those of the state",
                'if record.kind in ("loan", "repay"):',
                'if record.kind == "loan":',
            ),
            (
                "the first new charge has the id of the last one of the state",
                "self._next_interest = max(self._next_interest, record.id + 1)",
                "self._next_interest = max(self._next_interest, record.id)",
            ),
            (
                "the two equities of a warning are exchanged",
                '"eq": wire_text(standing.equity),\n                    "ae": wire_text(standing.actual_equity)',
                '"eq": wire_text(standing.actual_equity),\n                    "ae": wire_text(standing.equity)',
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/operations/margin.py",
        [
            (
                "a borrow stands in the ledger as a repayment",
                "principal=-amount, tran_id=tran_id)",
                "principal=amount, tran_id=tran_id)",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/operations/account.py",
        [
            (
                "an asset that the account never held is refused",
                "if not exchange.world.knows(asset) and not exchange.zeros_for_unknown_assets:",
                "if not exchange.zeros_for_unknown_assets:",
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/operations/futures_debt.py",
        [("a switched automatic repayment is not written down", "    exchange.changes.world = True\n", "")],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/operations/record_queries.py",
        [
            (
                "a flow of more than ninety days is kept where a start asks for it",
                "max(first, oldest), last",
                "first, last",
            ),
            (
                "an end alone is a filter",
                "call.facts.requires_any and start is None and",
                "call.facts.requires_any and start is None and end is None and",
            ),
            (
                "records of negative balances ignore the asset",
                'matches = exchange.records.between(call.owner.id, "negative-interest", first, last, asset=asset)',
                'matches = exchange.records.between(call.owner.id, "negative-interest", first, last)',
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/state/state_reader.py",
        [
            (
                "two accounts cannot have records with the same id",
                "identity = (record.account, record.kind, record.id)",
                'identity = ("", record.kind, record.id)',
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/state/state_writer.py",
        [
            (
                "the thresholds of negative balances are the borrow limits",
                '"negative_thresholds": _texts(world.negative_thresholds)',
                '"negative_thresholds": _texts(world.borrow_limits)',
            )
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/choices/settings.py",
        [("every number may be negative", 'negative=self.default.startswith("-"))', "negative=True)")],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/checks/parameter_checks.py",
        [
            (
                "malformed required integer answers -1100",
                "malformed = -1102 if facts.required else -1100",
                "malformed = -1100",
            ),
        ],
    ),
    (
        "signer",
        "src/paydown/httpx_auth.py",
        [
            (
                "a value with a raw equals sign is cut at the last one",
                'name, _, value = part.partition("=")',
                'name, _, value = part.rpartition("=")',
            ),
            (
                "form signed only for POST",
                "        if form:\n",
                '        if form and request.method == "POST":\n',
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/call/outcome.py",
        [
            (
                "a bool passes for an integer in success rules",
                "if type(value) is not _JSON_TYPES[rule.type]:",
                "if not isinstance(value, _JSON_TYPES[rule.type]):",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/call/call.py",
        [
            (
                "writes ask for the time when it is merely due soon",
                "yield from self.sync_if(Due.NOW)",
                "yield from self.sync_if(Due.SOON)",
            ),
            (
                "a refused timestamp of an older epoch spoils the new sample",
                "clock.refused(self.epoch)",
                "clock.refused()",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/clock.py",
        [
            (
                "a refusal does not end the pause after a failed sync",
                "                self._refused = True\n                self._failed_at_ms = None",
                "                self._refused = True",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/call/pagination.py",
        [
            (
                "the first half of a cut-off window is open at its end",
                "replace(window, end=middle, reaches_now=False)",
                "replace(window, end=middle)",
            ),
            (
                "rows are counted across windows",
                "self._page, self._counted, self._stale = 1, 0, 0",
                "self._page, self._stale = 1, 0",
            ),
            ("only the window before is remembered", "_REMEMBERED: Final = 3", "_REMEMBERED: Final = 2"),
        ],
    ),
    (
        "classifier",
        "src/paydown/transport/direct_async.py",
        [
            (
                "unasked bytes on an idle connection are overlooked",
                "        if waiting is None or waiting.done():\n            self.abort()\n            return",
                "        if waiting is None or waiting.done():\n            return",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/client.py",
        [
            (
                "awaited, connections of another loop are used",
                "            if opened[1] is loop or self._transport is not None:\n                return opened[2]",
                "            return opened[2]",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/repay/evidence/verdict.py",
        [
            (
                "equal rows of two lists are one whatever their times",
                "                and abs(other.at_ms - row.at_ms) <= slack_ms\n",
                "",
            ),
            (
                "a whole debt is what was looked at, whoever borrowed since",
                "+ self.growth + more",
                "+ self.growth",
            ),
            (
                "of a whole debt every other repayment is somebody else's",
                "        if self.intent.amount is None and debt.fits_executed and any(map(self._in_window, self.others)):\n            return None",
                "        if False:\n            return None",
            ),
            (
                "what is borrowed after a whole debt was paid belongs to it",
                "for other in borrowed if other.at_ms <= latest_ms",
                "for other in borrowed",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/repay/journal/journal.py",
        [
            (
                "a proven attempt's part is not kept",
                "(verdict, None if repaid is None else to_text(repaid), now_ms, attempt_id),",
                "(verdict, None, now_ms, attempt_id),",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/repay/planning/planner.py",
        [
            (
                "a goal above what is still owed is asked for",
                "floor_to(min(goal, owed), digits)",
                "floor_to(goal, digits)",
            ),
            (
                "no reserve for interest in the last piece",
                "reserve = growth if goal is None else ZERO",
                "reserve = ZERO",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/repay/execution/engine.py",
        [
            (
                "another amount answered than asked is counted as asked",
                "if step.amount is not None and repaid == step.amount:",
                "if step.amount is not None:",
            ),
            (
                "the oldest stream event is compared",
                "abs(events[-1].total - self._owed(base))",
                "abs(events[0].total - self._owed(base))",
            ),
            (
                "tries are not reset by a success",
                "        self.pieces_left = step.pieces - 1\n        self.tries = 0\n",
                "        self.pieces_left = step.pieces - 1\n",
            ),
        ],
    ),
    (
        "signer",
        "src/paydown/call/parameters.py",
        [
            (
                "an enum member goes as what it prints",
                "    text = _exact(value)\n    if text not in parameter.choices:",
                "    text = str(value)\n    if text not in parameter.choices:",
            ),
        ],
    ),
    (
        "classifier",
        "src/paydown/call/attempts.py",
        [
            (
                "guard tells asset names apart by case",
                "        return asset.upper()\n",
                "        return asset\n",
            ),
        ],
    ),
    (
        "sandbox",
        "src/paydown_sandbox/exchange.py",
        [
            (
                "debt calls of one account block those of all others",
                "        until = self._busy_until.get(account)\n",
                "        until = next((end for end in self._busy_until.values() if end > self.clock.now_ms()), None)\n",
            ),
        ],
    ),
]
