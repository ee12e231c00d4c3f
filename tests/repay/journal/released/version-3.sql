-- A journal of schema version 3, as the program wrote it then. Never edited: it stands for the files of users.
PRAGMA application_id = 1887003758;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE accounts (
    account     TEXT PRIMARY KEY NOT NULL,
    owner       TEXT NOT NULL,
    base_url    TEXT NOT NULL,
    name        TEXT,
    added_at_ms INTEGER NOT NULL,
    CHECK ((account = owner) = (name IS NOT NULL))
);
INSERT INTO "accounts" VALUES('acc','acc','http://sandbox','',1795000000000);
INSERT INTO "accounts" VALUES('key','acc','http://sandbox',NULL,1795000000000);
CREATE TABLE adoptions (
    id         INTEGER PRIMARY KEY,
    account    TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    note       TEXT NOT NULL,
    body       TEXT NOT NULL
);
INSERT INTO "adoptions" VALUES(1,'acc',1795000000009,'looked','{"remembered":[]}');
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
) WITHOUT ROWID;
INSERT INTO "attempts" VALUES('a1',1,'acc',1,'BNB',NULL,'1.501','["USDT"]','{"look":{"sent_at_ms":1794999999980,"answered_at_ms":1794999999990,"assets":{"BNB":{"borrowed":"1.5","interest":"0.001","free":"0","locked":"0"}}},"since":[]}',1795000000000,5000,'EXECUTED','{"kind":"x"}','1',1795000000001,1795000000001);
INSERT INTO "attempts" VALUES('a2',1,'acc',2,'BNB',NULL,'1.501','["USDT"]','{"look":{"sent_at_ms":1794999999980,"answered_at_ms":1794999999990,"assets":{"BNB":{"borrowed":"1.5","interest":"0.001","free":"0","locked":"0"}}},"since":[]}',1795000000000,5000,'UNKNOWN','{"kind":"x"}',NULL,1795000000002,1795000000002);
CREATE TABLE corrections (
    id         INTEGER PRIMARY KEY,
    attempt_id TEXT NOT NULL REFERENCES attempts (id),
    made_at_ms INTEGER NOT NULL,
    executed   INTEGER NOT NULL CHECK (executed IN (0, 1)),
    moved      TEXT NOT NULL,
    note       TEXT NOT NULL
);
INSERT INTO "corrections" VALUES(1,'a1',1795000000002,1,'1.2','seen');
CREATE TABLE counter (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
);
INSERT INTO "counter" VALUES(1,6);
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
INSERT INTO "looks" VALUES(1,'acc','BNB',1794999999990,'1.5','0.001');
INSERT INTO "looks" VALUES(2,'acc','BNB',1794999999990,'1.5','0.001');
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
);
INSERT INTO "meta" VALUES('salt',X'00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF');
INSERT INTO "meta" VALUES('identity',X'3930623031656136333564323834383938316130306630356633336532336435');
CREATE TABLE plans (
    id            INTEGER PRIMARY KEY,
    account       TEXT NOT NULL,
    key           TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,
    plan          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('PLANNED', 'RUNNING', 'STOPPED', 'UNDECIDED', 'DONE')),
    report        TEXT,
    created_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL, first_report TEXT, corrected INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, key)
);
INSERT INTO "plans" VALUES(1,'acc','k','e19368a39f5c1e2be4cf2fd60d7c1ae8b06fc99cfffff85302efedc79c48a4ed','{"key":"k","request":{"asset":"BNB","amount":null,"pay_with":["USDT"],"given_prices":{},"margin":"0.02"},"debt":"1.501","total":"1.501","value_usd":"900.6","whole":true,"look":{"sent_at_ms":1794999999980,"answered_at_ms":1794999999990,"assets":{"BNB":{"borrowed":"1.5","interest":"0.001","free":"0","locked":"0"}}},"prices":{"BNB":{"usd":"600","source":"index"}},"piece_limit_usd":"49000","pieces":[{"number":1,"amount":null,"expected":"1.501","value_usd":"900.6","reason":"clears the whole debt"}],"weight":3060,"earliest_finish_ms":1795000000000,"warnings":[],"created_at_ms":1795000000000}','RUNNING',NULL,1795000000000,1795000000000,NULL,0);
CREATE UNIQUE INDEX attempts_one_open_per_account ON attempts (account)
    WHERE state IN ('INTENT', 'UNKNOWN');
CREATE INDEX evidence_of_attempt ON evidence (attempt_id);
CREATE TRIGGER attempts_begin BEFORE INSERT ON attempts
WHEN NEW.state <> 'INTENT'
BEGIN SELECT RAISE(ABORT, 'an attempt begins as INTENT'); END;
CREATE TRIGGER attempts_proof BEFORE UPDATE OF state ON attempts
WHEN NEW.state IN ('PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED')
    AND NOT EXISTS (SELECT 1 FROM evidence WHERE attempt_id = OLD.id AND verdict = NEW.state)
BEGIN SELECT RAISE(ABORT, 'a proof needs its evidence stored first'); END;
CREATE TRIGGER attempts_kept BEFORE DELETE ON attempts
BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;
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
CREATE TRIGGER meta_fixed BEFORE UPDATE ON meta
BEGIN SELECT RAISE(ABORT, 'the journal keeps its identity and its salt'); END;
CREATE TRIGGER meta_kept BEFORE DELETE ON meta
BEGIN SELECT RAISE(ABORT, 'the journal keeps its identity and its salt'); END;
CREATE TRIGGER counter_grows BEFORE UPDATE ON counter
WHEN NEW.id <> OLD.id OR NEW.value <= OLD.value
BEGIN SELECT RAISE(ABORT, 'the count only grows'); END;
CREATE TRIGGER counter_kept BEFORE DELETE ON counter
BEGIN SELECT RAISE(ABORT, 'the count only grows'); END;
CREATE UNIQUE INDEX accounts_names ON accounts (base_url, name) WHERE name IS NOT NULL;
CREATE INDEX accounts_owners ON accounts (owner);
CREATE TRIGGER accounts_fixed BEFORE UPDATE ON accounts
WHEN NEW.account <> OLD.account OR NEW.owner <> OLD.owner OR NEW.base_url <> OLD.base_url
BEGIN SELECT RAISE(ABORT, 'a key stays with its account'); END;
CREATE TRIGGER accounts_kept BEFORE DELETE ON accounts
BEGIN SELECT RAISE(ABORT, 'accounts are never deleted'); END;
CREATE INDEX corrections_of_attempt ON corrections (attempt_id);
CREATE TRIGGER corrections_begin BEFORE INSERT ON corrections
WHEN EXISTS (SELECT 1 FROM attempts WHERE id = NEW.attempt_id AND state IN ('INTENT', 'UNKNOWN'))
BEGIN SELECT RAISE(ABORT, 'an open attempt is settled, not corrected'); END;
CREATE TRIGGER corrections_fixed BEFORE UPDATE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are never changed'); END;
CREATE TRIGGER corrections_kept BEFORE DELETE ON corrections
BEGIN SELECT RAISE(ABORT, 'corrections are never deleted'); END;
CREATE TRIGGER corrections_counted AFTER INSERT ON corrections
BEGIN UPDATE counter SET value = value + 1; END;
CREATE TRIGGER adoptions_fixed BEFORE UPDATE ON adoptions
BEGIN SELECT RAISE(ABORT, 'adoptions are never changed'); END;
CREATE TRIGGER adoptions_kept BEFORE DELETE ON adoptions
BEGIN SELECT RAISE(ABORT, 'adoptions are never deleted'); END;
CREATE TRIGGER attempts_move BEFORE UPDATE OF state ON attempts
WHEN NOT (
    (OLD.state = 'INTENT' AND NEW.state IN ('EXECUTED', 'REJECTED', 'NOT_SENT', 'UNKNOWN'))
    OR (OLD.state = 'UNKNOWN' AND NEW.state IN ('PROVEN_EXECUTED', 'PROVEN_NOT_EXECUTED'))
    OR (OLD.state = 'REJECTED' AND NEW.state = 'UNKNOWN')
)
BEGIN SELECT RAISE(ABORT, 'an attempt cannot move that way'); END;
CREATE TRIGGER attempts_contradicted BEFORE UPDATE OF state ON attempts
WHEN OLD.state = 'REJECTED' AND (
    NOT EXISTS (SELECT 1 FROM evidence WHERE attempt_id = OLD.id AND verdict = 'UNDECIDED')
    OR EXISTS (SELECT 1 FROM corrections WHERE attempt_id = OLD.id)
)
BEGIN SELECT RAISE(ABORT, 'a refusal is doubted only by stored evidence, and not after a correction'); END;
CREATE TRIGGER attempts_one_open_of_all_keys BEFORE INSERT ON attempts
WHEN EXISTS (
    SELECT 1 FROM attempts AS other WHERE other.state IN ('INTENT', 'UNKNOWN')
    AND coalesce((SELECT owner FROM accounts WHERE account = other.account), other.account)
        = coalesce((SELECT owner FROM accounts WHERE account = NEW.account), NEW.account)
)
BEGIN SELECT RAISE(ABORT, 'another attempt of the account is open'); END;
CREATE TRIGGER attempts_one_doubt_of_all_keys BEFORE UPDATE OF state ON attempts
WHEN NEW.state = 'UNKNOWN' AND OLD.state <> 'INTENT' AND EXISTS (
    SELECT 1 FROM attempts AS other WHERE other.state IN ('INTENT', 'UNKNOWN')
    AND coalesce((SELECT owner FROM accounts WHERE account = other.account), other.account)
        = coalesce((SELECT owner FROM accounts WHERE account = NEW.account), NEW.account)
)
BEGIN SELECT RAISE(ABORT, 'another attempt of the account is open'); END;
CREATE TRIGGER attempts_fixed BEFORE UPDATE ON attempts
WHEN NEW.id <> OLD.id OR NEW.plan_id <> OLD.plan_id OR NEW.account <> OLD.account OR NEW.number <> OLD.number
    OR NEW.asset <> OLD.asset OR NEW.amount IS NOT OLD.amount OR NEW.expected <> OLD.expected
    OR NEW.pay_with <> OLD.pay_with OR NEW.before <> OLD.before OR NEW.opened_at_ms <> OLD.opened_at_ms
    OR NEW.recv_window_ms <> OLD.recv_window_ms OR NEW.signed_at_ms < OLD.signed_at_ms
    OR (OLD.state <> 'INTENT' AND NEW.signed_at_ms <> OLD.signed_at_ms)
BEGIN SELECT RAISE(ABORT, 'what was sent cannot be rewritten'); END;
CREATE TRIGGER attempts_counted AFTER INSERT ON attempts
BEGIN UPDATE counter SET value = value + 1; END;
CREATE TRIGGER attempts_moves_counted AFTER UPDATE OF state ON attempts
BEGIN UPDATE counter SET value = value + 1; END;
CREATE TRIGGER plans_move BEFORE UPDATE OF state ON plans
WHEN NOT (
    (OLD.state = 'PLANNED' AND NEW.state = 'RUNNING')
    OR (OLD.state = 'RUNNING' AND NEW.state IN ('RUNNING', 'STOPPED', 'UNDECIDED', 'DONE'))
    OR (OLD.state = 'STOPPED' AND NEW.state = 'RUNNING')
    OR (OLD.state = 'UNDECIDED' AND NEW.state IN ('UNDECIDED', 'RUNNING', 'STOPPED'))
    OR (OLD.state = 'DONE' AND NEW.state = 'RUNNING')
)
BEGIN SELECT RAISE(ABORT, 'a plan cannot move that way'); END;
CREATE TRIGGER plans_reopened BEFORE UPDATE OF state ON plans
WHEN OLD.state = 'DONE' AND NOT EXISTS (
    SELECT 1 FROM corrections JOIN attempts ON attempts.id = corrections.attempt_id
    WHERE attempts.plan_id = OLD.id AND corrections.id > OLD.corrected
)
BEGIN SELECT RAISE(ABORT, 'a plan cannot move that way: it is done, and no attempt was corrected since'); END;
CREATE TRIGGER plans_first_report AFTER UPDATE OF state ON plans
WHEN OLD.state = 'DONE' AND OLD.first_report IS NULL
BEGIN UPDATE plans SET first_report = OLD.report WHERE id = OLD.id; END;
CREATE TRIGGER plans_done AFTER UPDATE OF state ON plans
WHEN NEW.state = 'DONE'
BEGIN
    UPDATE plans SET corrected = coalesce((
        SELECT max(corrections.id) FROM corrections JOIN attempts ON attempts.id = corrections.attempt_id
        WHERE attempts.plan_id = NEW.id
    ), 0) WHERE id = NEW.id;
END;
CREATE TRIGGER plans_reports_fixed BEFORE UPDATE ON plans
WHEN NEW.corrected < OLD.corrected
    OR (OLD.first_report IS NOT NULL AND NEW.first_report IS NOT OLD.first_report)
BEGIN SELECT RAISE(ABORT, 'a report that was given is kept'); END;
COMMIT;
