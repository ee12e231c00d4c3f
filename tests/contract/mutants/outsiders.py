"""More of the catalogue: what an outsider would break who has read the promises and only glanced at the code."""

Row = tuple[str, str, str] | tuple[str, str, str, int]

_SANDBOX = "src/paydown_sandbox"
_CLIENT = "src/paydown"
_WIRE = "generated_client/paydown_wire"

ROWS: list[tuple[str, str, list[Row]]] = [
    # ------------------------------------------------------------------------------------------ document
    (
        "document",
        "openapi/paths/margin.yaml",
        [
            ("borrowing is free", "value: 100, scope: ip", "value: 1, scope: ip", 1),
            ("repay-debt is a read", "x-mutates: true", "x-mutates: false", 1),
        ],
    ),
    (
        "document",
        "openapi/components/errors.yaml",
        [
            (
                "-1021 is no longer a 400",
                "{code: -1021, name: INVALID_TIMESTAMP, match: exact, http: [400]",
                "{code: -1021, name: INVALID_TIMESTAMP, match: exact, http: [401]",
            ),
            (
                "51007 may be repaired",
                "{code: 51007, name: HAS_PENDING_TRANSACTION, match: absolute",
                "{code: 51007, name: HAS_PENDING_TRANSACTION, match: exact",
            ),
        ],
    ),
    # ------------------------------------------------------------------------------------------ client
    (
        "client",
        f"{_WIRE}/models/liability_change_event.py",
        [
            (
                "an event's total is its interest",
                'total_liability=read.required("l"',
                'total_liability=read.required("i"',
            ),
            ("an event's principal is lost", 'principal=read.required("p"', 'principal=read.required("i"'),
        ],
    ),
    (
        "client",
        f"{_WIRE}/models/stream_event.py",
        [
            ("balance updates are not known", '    "balanceUpdate": BalanceUpdateEvent.from_json,\n', ""),
            ("unknown events lose their members", "additional=read.rest()", "additional={}"),
        ],
    ),
    (
        "client",
        f"{_WIRE}/resources/records.py",
        [
            ("the window's end is its start", '"endTime": end_time', '"endTime": start_time', 1),
            ("archived is not sent", '"archived": archived', '"archived": UNSET', 1),
        ],
    ),
    # ------------------------------------------------------------------------------------------ signer
    (
        "signer",
        f"{_CLIENT}/signing.py",
        [
            (
                "a blank is a plus",
                'return "".join([f"%{byte:02X}" for byte in found[0].encode("utf-8")])',
                'return "+" if found[0] == " " else "".join([f"%{byte:02X}" for byte in found[0].encode("utf-8")])',
            ),
            (
                "commas stay bare",
                '_RESERVED: Final = re.compile(r"[^A-Za-z0-9\\-_.~]")',
                '_RESERVED: Final = re.compile(r"[^A-Za-z0-9\\-_.~,]")',
            ),
            (
                "slashes stay bare",
                '_RESERVED: Final = re.compile(r"[^A-Za-z0-9\\-_.~]")',
                '_RESERVED: Final = re.compile(r"[^A-Za-z0-9\\-_.~/]")',
            ),
            (
                "tildes are encoded",
                '_RESERVED: Final = re.compile(r"[^A-Za-z0-9\\-_.~]")',
                '_RESERVED: Final = re.compile(r"[^A-Za-z0-9\\-_.]")',
            ),
            ("escapes in lower case", "{byte:02X}", "{byte:02x}"),
            ("escapes without their zero", "{byte:02X}", "{byte:X}"),
            ("Latin-1 instead of UTF-8", 'found[0].encode("utf-8")', 'found[0].encode("latin-1", "replace")'),
            (
                "letters of all scripts stay bare",
                '_BARE: Final = re.compile(r"[A-Za-z0-9\\-_.~]*")',
                '_BARE: Final = re.compile(r"[\\w\\-.~]*")',
            ),
            ("one good start is enough", "_BARE.fullmatch(text)", "_BARE.match(text)"),
            (
                "encoded twice",
                'return f"{message}&signature={percent_encode(signature)}"',
                'return f"{message}&signature={percent_encode(percent_encode(signature))}"',
            ),
            (
                "the window after the time",
                '{separator}{window}timestamp={timestamp_ms}"',
                '{separator}timestamp={timestamp_ms}&{window}".rstrip("&")',
            ),
            (
                "a signature that names itself",
                'credentials.sign(f"{before}{message}".encode())',
                'credentials.sign(f"{before}{message}&signature=".encode())',
            ),
        ],
    ),
    (
        "signer",
        f"{_CLIENT}/request.py",
        [
            (
                "one parameter too few",
                "body = encode_pairs([pair for pair in texts.items() if pair[0] in in_body])",
                "body = encode_pairs([pair for pair in texts.items() if pair[0] in in_body and pair[0] != 'specifyRepayAssets'])",
            ),
            (
                "the length is counted in characters too few",
                'b"%d" % len(content)',
                'b"%d" % max(0, len(content) - 1)',
            ),
            (
                "the body in the query as well",
                "query = encode_pairs([pair for pair in texts.items() if pair[0] not in in_body])",
                "query = encode_pairs(texts.items())",
            ),
            (
                "any server is the first one",
                "address = self._addresses.get(server)",
                'address = self._addresses.get("papi")',
            ),
            ("one time-out for all", "answer_timeout_s=route.answer_timeout_s", "answer_timeout_s=1.0"),
            (
                "the caller's time-out is not heard",
                "connect_timeout_s=self._connect_timeout_s or operation.connect_timeout_s",
                "connect_timeout_s=operation.connect_timeout_s",
            ),
        ],
    ),
    (
        "signer",
        f"{_CLIENT}/parameters.py",
        [
            (
                "the start of a pattern is enough",
                "not _compiled(parameter.pattern).fullmatch(text)",
                "not _compiled(parameter.pattern).match(text)",
            ),
            ("excluded values pass", "if text in parameter.excludes:", "if False:"),
            (
                "unknown arguments are dropped",
                'if name not in texts and name != "recvWindow" and value is not UNSET:',
                "if False:",
            ),
            (
                "bools are integers",
                'if isinstance(value, bool) or not isinstance(value, int):\n        _refuse_type(operation, parameter, f"must be an int',
                'if not isinstance(value, int):\n        _refuse_type(operation, parameter, f"must be an int',
            ),
            (
                "numbers below the minimum pass",
                "(low is not None and number < low)",
                "(low is not None and number < low - 1)",
            ),
            (
                "numbers above the maximum pass",
                "(high is not None and number > high)",
                "(high is not None and number > high + 1)",
            ),
            (
                "choices in any case",
                "if text not in parameter.choices:",
                "if text.upper() not in [choice.upper() for choice in parameter.choices]:",
            ),
            (
                "sets are lists",
                "if not isinstance(value, Sequence) or isinstance(value, (bytes, bytearray, memoryview)):",
                "if isinstance(value, (bytes, bytearray, memoryview)):",
            ),
            (
                "numbers through a float",
                'return format(number, "f")',
                'return format(Decimal(float(number)).quantize(number), "f")',
            ),
            (
                "numbers in the context's precision",
                'return format(number, "f")',
                'return format(+number, "f")',
            ),
            (
                "upper case is made",
                "    text = _exact(value)\n    if not text:",
                "    text = _exact(value).upper()\n    if not text:",
            ),
            (
                "blanks are stripped",
                "    text = _exact(value)\n    if not text:",
                "    text = _exact(value).strip()\n    if not text:",
            ),
        ],
    ),
    (
        "signer",
        f"{_CLIENT}/clock.py",
        [
            (
                "the clock does not run",
                "return reading.server_ms + elapsed - elapsed // _DRIFT",
                "return reading.server_ms",
            ),
            (
                "the clock runs backwards",
                "return reading.server_ms + elapsed - elapsed // _DRIFT",
                "return reading.server_ms - elapsed - elapsed // _DRIFT",
            ),
            (
                "the clock runs ahead",
                "server_ms=server_ms - 1 - allowed_ms,",
                "server_ms=server_ms + received_ms - sent_ms,",
            ),
            ("the sample is taken when sent", "tick_ms=received_ms,\n", "tick_ms=sent_ms,\n"),
            ("the widest sample counts", "round_trip_ms < self._best_ms", "round_trip_ms > self._best_ms"),
            ("a refusal is forgotten", "                self._refused = True\n", "                pass\n"),
            ("a sleep is not seen", "> self._jump_ms:", "> 1000 * self._jump_ms:"),
            ("only the first clock is asked", "elif self._left:", "elif False:"),
        ],
    ),
    # ------------------------------------------------------------------------------------------ classifier
    (
        "classifier",
        f"{_CLIENT}/outcome.py",
        [
            (
                "a 200 with an error code is done",
                "why = _missing(operation, answered, texts) or _denied(answered, row)",
                "why = _missing(operation, answered, texts)",
            ),
            ("a confirmation beats its status", 'if confirms and rule.executed == "no":', "if False:"),
            ("the last of two members counts", "object_pairs_hook=_once\n", "object_pairs_hook=dict\n"),
            (
                "floats in answers",
                "parse_float=Decimal, parse_constant=_no_constant)\n# Of two",
                "parse_float=float, parse_constant=_no_constant)\n# Of two",
            ),
            (
                "NaN is a number",
                "_READER: Final = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)",
                "_READER: Final = json.JSONDecoder(parse_float=Decimal)",
            ),
            (
                "redirects end as done",
                'f"{status[0]}XX", "default"',
                'f"{status[0]}XX" if status[0] != "3" else "200", "default"',
            ),
            (
                "a ban ends at once",
                "error.banned_until_ms = now_ms + int(wait_s * 1000)",
                "error.banned_until_ms = now_ms",
            ),
            (
                "a ban's end is in seconds",
                "wait_s = max(0.0, (banned - now_ms) / 1000)",
                "wait_s = max(0.0, float(banned - now_ms))",
            ),
            ("the moment of a ban is not read", 'found = _BANNED_UNTIL.search(msg or "")', "found = None"),
            (
                "a restricted account is a plain refusal",
                '"account-state": AccountRestricted',
                '"account-state": RequestRejected',
            ),
            ("the firewall is a wrong address", '"firewall": FirewallBlocked', '"firewall": WrongAddress'),
            ("messages are not shown", "        msg=msg,\n", "        msg=None,\n"),
            (
                "secrets in headers",
                'return {name: self(value) or "" for name, value in headers.items() if name != "set-cookie"}',
                "return dict(headers)",
            ),
        ],
    ),
    (
        "classifier",
        f"{_CLIENT}/retry.py",
        [
            ("Retry-After in ms", "return float(text)", "return float(text) / 1000"),
            (
                "Retry-After shortens",
                "return drawn if at_least_s is None else max(drawn, at_least_s)",
                "return drawn if at_least_s is None else min(drawn, at_least_s)",
            ),
            ("dates are not heard", "return max(0.0, moment.timestamp() - now_ms / 1000)", "return None"),
            ("pauses do not grow", "self.first_pause_s * 2.0 ** min(tries - 1, 32)", "self.first_pause_s"),
            (
                "pauses have no end",
                "longest = min(self.longest_pause_s, ",
                "longest = max(self.longest_pause_s, ",
            ),
        ],
    ),
    (
        "classifier",
        f"{_CLIENT}/flow.py",
        [
            ("reads are never repeated", "if late or self.tries >= retries.tries:", "if True:"),
            (
                "one try too many",
                "if late or self.tries >= retries.tries:",
                "if late or self.tries > retries.tries:",
            ),
            (
                "a read may last for ever",
                "if late or self.tries >= retries.tries:",
                "if self.tries >= retries.tries:",
            ),
            (
                "every refused read is repeated",
                'return error, verdict.retry == "yes-after-backoff"',
                "return error, True",
            ),
            (
                "a write is repeated once more",
                "if refused is not None or not isinstance(error_, ClockRejected):",
                "if not isinstance(error_, ClockRejected):",
            ),
            (
                "every refused write is repeated",
                "if refused is not None or not isinstance(error_, ClockRejected):",
                "if refused is not None:",
            ),
            (
                "answers are not told to the budget",
                'self.settle(ticket, "answered", used(self.charges, answer.headers))',
                'self.settle(ticket, "answered")',
            ),
            (
                "a lost call is free",
                'self.settle(ticket, "not-sent" if not_sent else "lost")',
                'self.settle(ticket, "not-sent")',
            ),
            (
                "writes queue behind reads",
                "self.priority = Priority.WRITE if operation.mutates else Priority.READ",
                "self.priority = Priority.READ",
            ),
            (
                "members twice are read leniently",
                "answered = read(answer, strict=operation.mutates)",
                "answered = read(answer, strict=False)",
            ),
            ("a closed client goes on", "        if self.closed:\n", "        if False:\n"),
            (
                "the window of a call is not heard",
                "self.recv_window if window is UNSET else checked_recv_window(window)",
                "self.recv_window",
            ),
            (
                "the observer is asked too late",
                "                self.ask_observer(attempt)\n                state = AttemptState.UNKNOWN",
                "                state = AttemptState.UNKNOWN\n                self.ask_observer(attempt)",
            ),
        ],
    ),
    (
        "classifier",
        f"{_CLIENT}/pagination.py",
        [
            ("the first page is all", "            self._page += 1\n", "            self._done = True\n"),
            ("a page is left out", "            self._page += 1\n", "            self._page += 2\n"),
            (
                "pages begin at zero",
                "        self._windows = deque(self._spans(now_ms))\n        self._window = self._windows.popleft()\n        self._page = 1",
                "        self._windows = deque(self._spans(now_ms))\n        self._window = self._windows.popleft()\n        self._page = 0",
            ),
            (
                "only the first window",
                "        if not self._windows:\n            self._done = True\n            return",
                "        self._done = True\n        return",
            ),
            ("windows have holes", "first += longest - _OVERLAP_MS", "first += longest + 2"),
            (
                "windows are too long",
                "longest = window.max_ms or last - first + 1",
                "longest = (window.max_ms or last - first) * 2",
            ),
            (
                "rows come twice",
                "if any(key in seen for seen in self._seen) or (by_id and key in here):",
                "if False:",
            ),
            (
                "the total ends the list",
                "short = not rows or self._size is None or len(rows) < self._size",
                "short = True",
            ),
            (
                "a cut list is whole",
                "return full or (total is not None and total > len(rows))",
                "return False",
            ),
            (
                "the archive is not read",
                "return [archived] if (window.end or now) < surely_archived else [archived, window]",
                "return [window]",
            ),
        ],
    ),
    (
        "classifier",
        f"{_CLIENT}/budget/ledger.py",
        [
            (
                "one call more than fits",
                "if pool.used + charge.cost > limit.limit:",
                "if pool.used > limit.limit:",
            ),
            (
                "nobody waits",
                "        if go_at > now:\n            return self._wait(",
                "        if go_at > now + 10**9:\n            return self._wait(",
            ),
            ("the gate does not close", "        if until > self.gate_until:\n", "        if False:\n"),
            (
                "a lost call frees its room",
                'expires = now + keep_ms + (self.rules.lost_ms if ended == "lost" else 0)',
                "expires = now",
            ),
            (
                "a call that never left is charged",
                '            if ended == "not-sent":\n                continue\n',
                "",
            ),
        ],
    ),
    (
        "classifier",
        f"{_CLIENT}/budget/pool.py",
        [
            (
                "what is in flight does not count",
                "return self.settled_weight + self.flying_weight + self.foreign",
                "return self.settled_weight + self.foreign",
            ),
            (
                "what others use does not count",
                "return self.settled_weight + self.flying_weight + self.foreign",
                "return self.settled_weight + self.flying_weight",
            ),
        ],
    ),
    (
        "classifier",
        f"{_CLIENT}/budget/terms.py",
        [
            (
                "a ban is a short pause",
                "return minimum_ban_ms if status == 418 else pause_after_429_ms",
                "return pause_after_429_ms",
            ),
            ("the shorter pause wins", "return max(said)", "return min(said)"),
        ],
    ),
    (
        "classifier",
        f"{_CLIENT}/charges.py",
        [
            ("the usual weight in every case", "if (case.parameter in texts) is case.present:", "if False:"),
            (
                "the cases are exchanged",
                "if (case.parameter in texts) is case.present:",
                "if (case.parameter in texts) is not case.present:",
            ),
        ],
    ),
    # ------------------------------------------------------------------------------------------ sandbox
    (
        "sandbox",
        f"{_SANDBOX}/signature.py",
        [
            (
                "base64 in any case",
                "        raw = _decoded(signature)\n        if raw is None:\n            return False\n        try:\n            self._key.verify(raw, message)",
                "        raw = _decoded(signature)\n        if raw is None:\n            return False\n        try:\n            raw = raw if len(raw) == 64 else raw[:64]\n            self._key.verify(raw, message)",
            ),
            ("Ed25519 always fits", "            self._key.verify(raw, message)\n", "            len(raw)\n"),
            (
                "SHA-1 for RSA",
                "PKCS1v15(), SHA256())",
                'PKCS1v15(), __import__("cryptography.hazmat.primitives.hashes", fromlist=["SHA1"]).SHA1())',
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/admission.py",
        [
            (
                "the default window is the longest",
                "window_ms = self._default_window_ms\n",
                "window_ms = self._longest_window_ms\n",
            ),
            ("a window of zero passes", "if window_ms < self._smallest_window_ms:", "if window_ms < 0:"),
            (
                "the window's cap is one more",
                "if window_ms > self._longest_window_ms:",
                "if window_ms > self._longest_window_ms + 1:",
            ),
            (
                "the key header may come twice",
                '                if seen:\n                    raise Refusal(-2014, reason="the key header was sent twice")\n',
                "",
            ),
            (
                "unsigned calls take a signature",
                "if signature is not None and not facts.signature_tolerated:",
                "if False:",
            ),
            (
                "an unknown key is malformed",
                'raise Refusal(-2015, reason="no such key")',
                'raise Refusal(-2014, reason="no such key")',
            ),
            (
                "the time is judged by the wall",
                "self._check_time(received.parameters, now_ms)",
                'self._check_time(received.parameters, int(received.parameters.get("timestamp") or now_ms) if (received.parameters.get("timestamp") or "").isdigit() else now_ms)',
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/validation.py",
        [
            (
                "digits of other scripts",
                '_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")',
                '_INTEGER = re.compile(r"-?(0|[1-9]\\d{0,18})")',
            ),
            ("a plus is a plus", 'unquote_to_bytes(text.replace("+", " "))', "unquote_to_bytes(text)"),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/accrual.py",
        [
            (
                "interest of a whole day each hour",
                "EXACT.multiply(principal, daily), _HOURS_PER_DAY,",
                "EXACT.multiply(principal, daily), Decimal(1),",
            ),
            (
                "interest on interest",
                "principal = holding.borrowed if on is None else on",
                "principal = holding.debt if on is None else on",
            ),
            ("interest each two hours", "self.next_hour_ms += _HOUR_MS", "self.next_hour_ms += 2 * _HOUR_MS"),
            ("an hour too early", "if at_ms >= self.next_hour_ms:", "if at_ms + 1 >= self.next_hour_ms:"),
            (
                "no interest",
                'if holding.borrowed and charge_interest(exchange, account, asset, at_ms, "PERIODIC"):',
                "if False:",
            ),
            (
                "charges leave no record",
                '    exchange.write_record(\n        Record(\n            "interest",',
                '    (lambda record: None)(\n        Record(\n            "interest",',
            ),
            (
                "charges are rounded down",
                "from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_half_up, divide_up,",
                "from paydown_sandbox.books.exact_amounts import EXACT, ZERO, divide_down as divide_half_up, divide_up,",
            ),
            (
                "automatic repayment at other hours",
                "_AUTO_REPAY_HOURS = (11, 23)",
                "_AUTO_REPAY_HOURS = (10, 22)",
            ),
            (
                "automatic repayment is always on",
                "if account.auto_repay_futures and hour in _AUTO_REPAY_HOURS:",
                "if hour in _AUTO_REPAY_HOURS:",
            ),
            ("negative balances cost nothing", "if hour == 0 and holding.negative:", "if False:"),
            (
                "negative balances cost each hour",
                "if hour == 0 and holding.negative:",
                "if holding.negative:",
            ),
            ("the threshold is inclusive", "holding.negative > threshold:", "holding.negative >= threshold:"),
            (
                "a loan is charged for the whole debt",
                "principal = holding.borrowed if on is None else on",
                "principal = holding.borrowed",
            ),
            (
                "the rate of all assets is one",
                "daily = settings.daily(asset)",
                "daily = settings.default_daily_rate",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/collateral.py",
        [
            (
                "debts are not subtracted",
                "net = multiply(subtract(holding.held, owed), price)",
                "net = multiply(holding.held, price)",
            ),
            (
                "interest is no debt",
                "owed = add(holding.debt, holding.negative)",
                "owed = add(holding.borrowed, holding.negative)",
            ),
            (
                "negative balances are no debt",
                "owed = add(holding.debt, holding.negative)",
                "owed = holding.debt",
            ),
            ("collateral counts in full", "        if net > 0:\n", "        if False:\n"),
            (
                "the margin call is exclusive",
                "elif uni_mmr <= model.margin_call_at:",
                "elif uni_mmr < model.margin_call_at:",
            ),
            (
                "nobody is bankrupt",
                "elif maintenance and equity <= 0:",
                "elif maintenance and equity < -(10**12):",
            ),
            ("two levels are exchanged", 'status = "REDUCE_ONLY"', 'status = "SUPPLY_MARGIN"'),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/streams.py",
        [
            (
                "keys live for a minute more",
                "self._streams[key].expires_ms = now_ms + self.lifetime_ms\n        return key",
                "self._streams[key].expires_ms = now_ms + self.lifetime_ms + 60_000\n        return key",
            ),
            (
                "extending does nothing",
                "        self._streams[key].expires_ms = now_ms + self.lifetime_ms\n        return True",
                "        return True",
            ),
            (
                "a new key each time",
                "        if key is None:\n            key = secrets",
                "        if True:\n            key = secrets",
            ),
            (
                "the end is not told",
                '        self._outbox.append((key, {"e": "listenKeyExpired", "E": now_ms}))',
                "        pass",
            ),
            (
                "closing changes nothing",
                "key = self._key_of.pop(account, None)",
                "key = self._key_of.get(account)",
            ),
            (
                "everybody hears everything",
                "        key = self._key_of.get(account)\n        if key is not None:\n            self._outbox.append((key, event))",
                "        for key in self._key_of.values():\n            self._outbox.append((key, event))",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/books.py",
        [
            (
                "the total before the change",
                '"l": wire_text(account.holding(asset).debt)',
                '"l": wire_text(account.holding(asset).borrowed)',
            ),
            (
                "principal and interest exchanged",
                '"p": wire_text(principal),\n                "i": wire_text(interest)',
                '"p": wire_text(interest),\n                "i": wire_text(principal)',
            ),
            (
                "event times in seconds",
                '"e": "balanceUpdate",\n                "E": at_ms',
                '"e": "balanceUpdate",\n                "E": at_ms // 1000',
            ),
            ("locked funds are free", '"l": wire_text(holding.locked)})', '"l": wire_text(holding.free)})'),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/limits.py",
        [
            (
                "a refused call costs weight",
                "        address.refusals += 1\n        self.changed.add(ip)\n",
                "        address.refusals += 1\n        window.add(now_ms, weight, used)\n        self.changed.add(ip)\n",
            ),
            (
                "the minute is shorter",
                "horizon = now_ms - self._interval_ms",
                "horizon = now_ms - self._interval_ms + 1000",
            ),
            ("bans have no end", "if now_ms < address.banned_until_ms:", "if True:"),
            ("bans grow for ever", ", settings.longest_ban_ms)", ", 1 << 62)"),
            (
                "a ban comes one refusal later",
                "if address.refusals > settings.ban_after_429:",
                "if address.refusals > settings.ban_after_429 + 1:",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/operations/margin.py",
        [
            ("the pool is not looked at", "        room = min(room, lendable)\n", "        pass\n"),
            (
                "what is borrowed does not count",
                "room = max(ZERO, EXACT.subtract(limit, borrowed))",
                "room = limit",
            ),
            ("closed assets are lent", "if asset in world.borrow_closed:", "if False:"),
            ("an account in liquidation borrows", "status in _LIQUIDATING:", "status in ():"),
            (
                "locked funds may leave",
                "free = ZERO if holding is None else holding.free",
                "free = ZERO if holding is None else holding.free + holding.locked",
            ),
            (
                "repayLoan leaves no record",
                "    _record_repayment(exchange, call, asset, tran_id, interest, principal)\n",
                "",
            ),
            (
                "a repayment flows the wrong way",
                'exchange.write_flow(account, "REPAY", asset, -amount, tran_id, call.now_ms)',
                'exchange.write_flow(account, "REPAY", asset, amount, tran_id, call.now_ms)',
            ),
            (
                "a whole repayment tells its amount",
                "    elif exchange.whole_debt_amount:\n",
                "    elif True:\n",
            ),
            (
                "an id is used twice",
                "    tran_id = exchange.next_tran()\n    exchange.book(call, asset, [transfer]",
                "    tran_id = 154266068121\n    exchange.book(call, asset, [transfer]",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/operations/records.py",
        [
            (
                "the first page is the second",
                '((call.integer("current") or 1) - 1) * size',
                '(call.integer("current") or 1) * size',
            ),
            (
                "an id of another asset is found",
                "found is not None and (asset is None or found.asset == asset)",
                "found is not None",
            ),
            ("flows after and with an id", "record.id > from_id", "record.id >= from_id"),
            ("the type is not looked at", '(kind is None or record.row["type"] == kind)', "True"),
            (
                "the latest flows are left out",
                "rows = rows[:limit] if from_id is None else rows[-limit:]",
                "rows = rows[-limit:]",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/records.py",
        [
            (
                "records of all accounts",
                "rows = self._rows.get((account, kind), [])\n        first",
                "rows = [row for (_, each), found in self._rows.items() if each == kind for row in found]\n        first",
            ),
            (
                "windows exclude their start",
                "first = bisect_left(rows, start_ms, key",
                "first = bisect_right(rows, start_ms, key",
            ),
            ("the archive is empty", "(record.time_ms < edge) == archived", "not archived"),
            (
                "the archive begins a day later",
                "_SIX_MONTHS_MS = 183 * 86_400_000",
                "_SIX_MONTHS_MS = 184 * 86_400_000",
            ),
            (
                "a start alone is not clipped",
                "return max(start, now_ms - window.longest_ms), now_ms",
                "return start, now_ms",
            ),
            (
                "no times mean everything",
                "    return now_ms - window.default_ms, now_ms",
                "    return 0, now_ms",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/ledger.py",
        [
            (
                "a loan is not owed",
                '        holding.borrowed = EXACT.add(holding.borrowed, amount)\n        self._touch(account, asset, holding, now_ms)\n        return Transfer(asset, amount, "house:pool"',
                '        self._touch(account, asset, holding, now_ms)\n        return Transfer(asset, amount, "house:pool"',
            ),
            (
                "the pool does not shrink",
                "            house.lendable = EXACT.subtract(house.lendable, amount)\n",
                "",
            ),
            ("collected twice", "                setattr(holding, wallet, ZERO)\n", ""),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/answers.py",
        [
            (
                "errors as text",
                'JSON = (b"content-type", b"application/json;charset=UTF-8")',
                'JSON = (b"content-type", b"text/plain;charset=UTF-8")',
            ),
            (
                "pages as JSON",
                'HTML = (b"content-type", b"text/html")',
                'HTML = (b"content-type", b"application/json")',
            ),
            (
                "503 A is 503 B",
                '"executed_then_503": (503, -1000, "Unknown error, please check your request or try again later.")',
                '"executed_then_503": (503, -1000, "Service Unavailable.")',
            ),
            ("no Retry-After", "        if self._retry_after:\n", "        if False:\n"),
            (
                "Retry-After in ms",
                "seconds = -((now_ms - admission.until_ms) // 1000)",
                "seconds = admission.until_ms - now_ms",
            ),
            (
                "every ban reads like a limit",
                'text="msg-418" if admission.status == 418 else "msg"',
                'text="msg"',
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/faults.py",
        [
            (
                "an unknown 503 is executed",
                '"not_executed_503_unknown": "refused"',
                '"not_executed_503_unknown": "executed"',
            ),
            ("a reset before is a reset after", '"reset_before": "gateway"', '"reset_before": "executed"'),
            ("skipped requests are struck", "if fault.seen <= fault.skip:", "if fault.seen < fault.skip:"),
            ("faults strike once more", "fault.struck >= fault.times:", "fault.struck > fault.times:"),
            (
                "matches are not looked at",
                "if any(facts.get(key) != value for key, value in fault.match.items()):",
                "if False:",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/exchange.py",
        [
            (
                "the hard caps are not counted",
                "            window.add(now_ms, 1)\n",
                "            window.add(now_ms, 0)\n",
            ),
            (
                "the hard caps are one more",
                "if window.used(now_ms) + 1 > limit:",
                "if window.used(now_ms) > limit:",
            ),
            ("large bodies pass", "LARGEST_BODY = 65_536", "LARGEST_BODY = 10**9"),
            (
                "unknown paths are JSON errors",
                'return self.answers.page(record, 404, "Not Found", headers)',
                "return self.answers.error(record, -1000, headers, status=404)",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/amounts.py",
        [
            (
                "eight zeros are cut",
                'return _tidy(value, 8) if value else "0.00000000"',
                'return _tidy(value, 0) if value else "0"',
            ),
            (
                "up is down",
                "return _UP.quantize(_UP.divide(numerator, denominator), _QUANTA[digits])",
                "return _DOWN.quantize(_DOWN.divide(numerator, denominator), _QUANTA[digits])",
            ),
        ],
    ),
    (
        "sandbox",
        f"{_SANDBOX}/prices.py",
        [
            (
                "scripted prices come late",
                "while points and points[0].at_ms <= now_ms:",
                "while points and points[0].at_ms < now_ms:",
            ),
        ],
    ),
]
