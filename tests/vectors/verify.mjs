// Holds the vectors against another implementation: Node.js and its own cryptography, no package.
//
//     node tests/vectors/verify.mjs [FOLDER]
//
// FOLDER holds the tamper matrix, as `python -m tests.contract.support.tamper_vectors` writes it; without it only
// the signatures are checked.
// Prints what it checked, and ends with 1 at the first vector that does not hold.
import { createHmac, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const read = (...names) => JSON.parse(readFileSync(join(here, ...names), "utf8"));
const keys = read("signing", "keys.json");
const bytes = (text) => Buffer.from(text, "latin1");

function fail(what) {
  console.error(`does not hold: ${what}`);
  process.exit(1);
}

function verifies(key, signature, message) {
  if (key.algorithm === "hmac") {
    return createHmac("sha256", key.secret).update(message).digest("hex") === signature.toLowerCase();
  }
  const octets = Buffer.from(signature, "base64");
  if (key.algorithm === "ed25519") {
    const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(key.public_hex, "hex").toString("base64url") };
    return verify(null, message, createPublicKey({ key: jwk, format: "jwk" }), octets);
  }
  const jwk = { kty: "RSA", n: key.n, e: key.e };
  return verify("sha256", message, createPublicKey({ key: jwk, format: "jwk" }), octets);
}

// Ed25519 and HMAC are deterministic: the very same text must come out.
function signatureOf(key, message) {
  if (key.algorithm === "hmac") return createHmac("sha256", key.secret).update(message).digest("hex");
  if (key.algorithm !== "ed25519") return null;
  const jwk = {
    kty: "OKP", crv: "Ed25519",
    d: Buffer.from(key.seed_hex, "hex").toString("base64url"),
    x: Buffer.from(key.public_hex, "hex").toString("base64url"),
  };
  return sign(null, message, createPrivateKey({ key: jwk, format: "jwk" })).toString("base64");
}

let right = 0, wrong = 0;
for (const name of readdirSync(join(here, "signing")).filter((each) => /^[a-z][0-9]+\.json$/.test(each))) {
  const vector = read("signing", name);
  const key = keys[vector.key];
  const message = Buffer.from(vector.query + vector.body, "utf8");
  if (vector.message !== vector.query + vector.body) fail(`${vector.id}: message is not query and body`);
  if (verifies(key, vector.signature, message) !== vector.verifies) fail(vector.id);
  if (vector.verifies) {
    const made = signatureOf(key, message);
    if (made !== null && made !== vector.signature) fail(`${vector.id}: another signature comes out`);
    right += 1;
  } else {
    if (!verifies(key, vector.correct_signature, message)) fail(`${vector.id}: the correct signature`);
    wrong += 1;
  }
}
console.log(`signing: ${right} signatures verify, ${wrong} that were printed wrongly do not`);

// The rule of the document, in a few lines: query, then body, without the signature; it stands last.
const isProof = (piece) => piece.startsWith("signature=");
const rest = (text) => text.split("&").filter((piece) => piece && !isProof(piece)).join("&");
const proof = (text) => text.split("&").filter(isProof).map((piece) => decodeURIComponent(piece.slice(10)));

const [tamper] = process.argv.slice(2);
const matrices = tamper === undefined ? [] : readdirSync(tamper).filter((each) => each.endsWith(".json"));
if (tamper !== undefined && matrices.length === 0) fail(`there is no tamper matrix in ${tamper}`);
for (const name of matrices) {
  const matrix = JSON.parse(readFileSync(join(tamper, name), "utf8"));
  const key = keys[matrix.keys[0]];
  let accepted = 0, refused = 0, forged = 0;
  for (const [what, , , query, body, number, headers] of matrix.requests) {
    const verdict = matrix.verdicts[number];
    verdict.accepted ? (accepted += 1) : (refused += 1);
    const senders = (headers ?? matrix.headers).filter(([header]) => header.toLowerCase() === "x-mbx-apikey");
    const ours = senders.length === 1 && senders[0][1] === key.api_key;
    if (!matrix.signed || !ours || !(query + body).includes("signature=")) continue;
    const found = [...proof(query), ...proof(body)];
    const holds = found.length === 1 && verifies(key, found[0], bytes(rest(query) + rest(body)));
    if (verdict.accepted && !holds) fail(`${name}: ${what}: accepted, and its signature does not verify`);
    if (verdict.clauses.some((clause) => clause.includes("the signature does not fit"))) {
      if (holds) fail(`${name}: ${what}: refused for its signature, which verifies`);
      forged += 1;
    }
  }
  console.log(`tamper/${name}: ${accepted} accepted, ${refused} refused, ${forged} of them for their signature`);
}
