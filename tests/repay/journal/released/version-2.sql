-- A journal of schema version 2, as the program wrote it then. Never edited: it stands for the files of users.
PRAGMA application_id = 1887003758;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE attempts (
    id             TEXT PRIMARY KEY NOT NULL,
    plan_id        INTEGER NOT NULL REFERENCES plans (id),
    account        TEXT NOT NULL,
    number         INTEGER NOT NULL,
    asset          TEXT NOT NULL,
    amount         TEXT,
    expected       TEXT NOT NULL,
    pay_with       TEXT NOT NULL,
    before         TEXT NOT NULL,
    signed_at_ms   INTEGER NOT NULL,
    recv_window_ms INTEGER NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('INTENT', 'EXECUTED', 'REJECTED', 'NOT_SENT', 'UNKNOWN', 'PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED')),
    outcome        TEXT,
    repaid         TEXT,
    opened_at_ms   INTEGER NOT NULL,
    closed_at_ms   INTEGER,
    UNIQUE (plan_id, number)
);
INSERT INTO "attempts" VALUES('a1',1,'acc',1,'BNB',NULL,'1.501','["USDT"]','{"look":{"sent_at_ms":1794999999980,"answered_at_ms":1794999999990,"assets":{"BNB":{"borrowed":"1.5","interest":"0.001","free":"0","locked":"0"}}},"since":[]}',1795000000000,5000,'EXECUTED','{"kind":"x"}','1',1795000000001,1795000000001);
INSERT INTO "attempts" VALUES('a2',1,'acc',2,'BNB',NULL,'1.501','["USDT"]','{"look":{"sent_at_ms":1794999999980,"answered_at_ms":1794999999990,"assets":{"BNB":{"borrowed":"1.5","interest":"0.001","free":"0","locked":"0"}}},"since":[]}',1795000000000,5000,'UNKNOWN','{"kind":"x"}',NULL,1795000000002,1795000000002);
CREATE TABLE evidence (
    id          INTEGER PRIMARY KEY,
    attempt_id  TEXT NOT NULL REFERENCES attempts (id),
    taken_at_ms INTEGER NOT NULL,
    verdict     TEXT NOT NULL CHECK (verdict IN ('PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED', 'UNDECIDED')),
    body        TEXT NOT NULL
);
INSERT INTO "evidence" VALUES(1,'a2',1795000000009,'UNDECIDED','{}');
CREATE TABLE looks (
    id          INTEGER PRIMARY KEY,
    account     TEXT NOT NULL,
    asset       TEXT NOT NULL,
    taken_at_ms INTEGER NOT NULL,
    principal   TEXT NOT NULL,
    interest    TEXT NOT NULL
);
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
);
INSERT INTO "meta" VALUES('salt',X'00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF');
CREATE TABLE plans (
    id            INTEGER PRIMARY KEY,
    account       TEXT NOT NULL,
    key           TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,
    plan          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('PLANNED', 'RUNNING', 'STOPPED', 'UNDECIDED', 'DONE')),
    report        TEXT,
    created_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    UNIQUE (account, key)
);
INSERT INTO "plans" VALUES(1,'acc','k','e19368a39f5c1e2be4cf2fd60d7c1ae8b06fc99cfffff85302efedc79c48a4ed','{"key":"k","request":{"asset":"BNB","amount":null,"pay_with":["USDT"],"given_prices":{},"margin":"0.02"},"debt":"1.501","total":"1.501","value_usd":"900.6","whole":true,"look":{"sent_at_ms":1794999999980,"answered_at_ms":1794999999990,"assets":{"BNB":{"borrowed":"1.5","interest":"0.001","free":"0","locked":"0"}}},"prices":{"BNB":{"usd":"600","source":"index"}},"piece_limit_usd":"49000","pieces":[{"number":1,"amount":null,"expected":"1.501","value_usd":"900.6","reason":"clears the whole debt"}],"weight":3060,"earliest_finish_ms":1795000000000,"warnings":[],"created_at_ms":1795000000000}','RUNNING',NULL,1795000000000,1795000000000);
CREATE UNIQUE INDEX attempts_one_open_per_account ON attempts (account)
    WHERE state IN ('INTENT', 'UNKNOWN');
CREATE INDEX evidence_of_attempt ON evidence (attempt_id);
CREATE TRIGGER attempts_begin BEFORE INSERT ON attempts
WHEN NEW.state <> 'INTENT'
BEGIN SELECT RAISE(ABORT, 'an attempt begins as INTENT'); END;
CREATE TRIGGER attempts_move BEFORE UPDATE OF state ON attempts
WHEN NOT ((OLD.state = 'INTENT' AND NEW.state = 'EXECUTED') OR (OLD.state = 'INTENT' AND NEW.state = 'NOT_SENT') OR (OLD.state = 'INTENT' AND NEW.state = 'REJECTED') OR (OLD.state = 'INTENT' AND NEW.state = 'UNKNOWN') OR (OLD.state = 'UNKNOWN' AND NEW.state = 'PROVEN_EXECUTED') OR (OLD.state = 'UNKNOWN' AND NEW.state = 'PROVEN_NOT_EXECUTED'))
BEGIN SELECT RAISE(ABORT, 'an attempt cannot move that way'); END;
CREATE TRIGGER attempts_proof BEFORE UPDATE OF state ON attempts
WHEN NEW.state IN ('PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED')
    AND NOT EXISTS (SELECT 1 FROM evidence WHERE attempt_id = OLD.id AND verdict = NEW.state)
BEGIN SELECT RAISE(ABORT, 'a proof needs its evidence stored first'); END;
CREATE TRIGGER attempts_fixed BEFORE UPDATE ON attempts
WHEN NEW.id <> OLD.id OR NEW.plan_id <> OLD.plan_id OR NEW.account <> OLD.account OR NEW.number <> OLD.number
    OR NEW.asset <> OLD.asset OR NEW.amount IS NOT OLD.amount OR NEW.before <> OLD.before
    OR NEW.signed_at_ms < OLD.signed_at_ms
    OR (OLD.state <> 'INTENT' AND NEW.signed_at_ms <> OLD.signed_at_ms)
BEGIN SELECT RAISE(ABORT, 'what was sent cannot be rewritten'); END;
CREATE TRIGGER attempts_kept BEFORE DELETE ON attempts
BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;
CREATE TRIGGER plans_move BEFORE UPDATE OF state ON plans
WHEN NOT ((OLD.state = 'PLANNED' AND NEW.state = 'RUNNING') OR (OLD.state = 'RUNNING' AND NEW.state = 'DONE') OR (OLD.state = 'RUNNING' AND NEW.state = 'RUNNING') OR (OLD.state = 'RUNNING' AND NEW.state = 'STOPPED') OR (OLD.state = 'RUNNING' AND NEW.state = 'UNDECIDED') OR (OLD.state = 'STOPPED' AND NEW.state = 'RUNNING') OR (OLD.state = 'UNDECIDED' AND NEW.state = 'RUNNING') OR (OLD.state = 'UNDECIDED' AND NEW.state = 'STOPPED') OR (OLD.state = 'UNDECIDED' AND NEW.state = 'UNDECIDED'))
BEGIN SELECT RAISE(ABORT, 'a plan cannot move that way'); END;
CREATE TRIGGER plans_fixed BEFORE UPDATE ON plans
WHEN NEW.id <> OLD.id OR NEW.account <> OLD.account OR NEW.key <> OLD.key
    OR NEW.fingerprint <> OLD.fingerprint OR NEW.plan <> OLD.plan
BEGIN SELECT RAISE(ABORT, 'a plan cannot be rewritten'); END;
CREATE TRIGGER plans_kept BEFORE DELETE ON plans
BEGIN SELECT RAISE(ABORT, 'plans are never deleted'); END;
CREATE TRIGGER evidence_fixed BEFORE UPDATE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE TRIGGER evidence_kept BEFORE DELETE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is never deleted'); END;
CREATE INDEX looks_of_debt ON looks (account, asset, taken_at_ms);
COMMIT;
