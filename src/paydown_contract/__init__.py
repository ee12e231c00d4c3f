"""Judges anything that claims to speak the paydown document: a client by the bytes that it sends, a server by its
answers.

Everything here is derived from an OpenAPI document and from nothing else. It imports neither the client nor the
sandbox of this project, so that a mistake in them cannot agree with itself here.

    document  reads the document, several files or one, and resolves it
    wire      splits raw query and body text, strictly
    proof     signs and verifies: HMAC-SHA256, RSA, Ed25519
    oracle    says for one raw request which statuses and codes the document allows
    tamper    writes every variation of a request that a server must tell apart
"""
