"""Keys: what they sign, what is refused, and that nothing gets out."""

from __future__ import annotations

import copy
import json
import pickle
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from paydown import Credentials, InvalidCredentials
from paydown.credentials import masked
from tests.client.support.kit import API_KEY, SECRET, VERIFYING, WRONG, credentials, pem, private_key, vector

ENV_KEY, ENV_SECRET = "PAYDOWN_API_KEY", "PAYDOWN_API_SECRET"
ENV_FILE, ENV_PASSWORD = "PAYDOWN_PRIVATE_KEY_FILE", "PAYDOWN_PRIVATE_KEY_PASSWORD"


@pytest.mark.parametrize("name", VERIFYING)
def test_published_and_computed_vectors_verify(name):
    """Each vector's message gives its signature, as text and as bytes, raw and as it goes on the wire."""
    expected = vector(name)
    signer = credentials(expected["key"])

    assert expected["message"] == expected["query"] + expected["body"]
    assert signer.sign(expected["message"]) == expected["signature"]
    assert signer.sign(expected["message"].encode()) == expected["signature"]
    assert quote(signer.sign(expected["message"]), safe="-_.~") == expected["signature_on_the_wire"]


@pytest.mark.parametrize("name", WRONG)
def test_published_vectors_that_are_wrong_do_not_verify(name):
    """What the pages print is not the signature of what they print; the digest we give is."""
    printed = vector(name)
    signer = credentials(printed["key"])

    assert signer.sign(printed["message"]) != printed["signature"]
    assert signer.sign(printed["message"]) == printed["correct_signature"]


def test_every_vector_is_tried():
    """Four that verify, seven of ours, four that do not: none fell out of the folder."""
    assert VERIFYING == ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "v1", "v2", "v3", "v4"]
    assert WRONG == ["n1", "n2", "n3", "n4"]


def test_the_rsa_key_reproduces_the_signature_that_its_rfc_prints():
    """RFC 7515, A.2: so the numbers were copied right, and the algorithm is the one meant."""
    signed_input = (
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    printed = (
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
        "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d"
        "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
        "cN_IoypGlUPQGe77Rw"
    )

    signature = credentials("R1").sign(signed_input)

    assert signature.rstrip("=").translate(str.maketrans("+/", "-_")) == printed


@pytest.mark.parametrize("key", ["S1", "R1", "E1"])
def test_signatures_hold_no_line_break(key):
    """A line break in base64 would end the form early."""
    assert not set(credentials(key).sign("x" * 500)) & set("\r\n ")


# ------------------------------------------------------------------------------------------------- PEM

FORMS = {
    "plain": (pem, None),
    "text": (lambda name: pem(name).decode(), None),
    "CRLF": (lambda name: pem(name).replace(b"\n", b"\r\n"), None),
    "CRLF text": (lambda name: pem(name).decode().replace("\n", "\r\n"), None),
    "old Mac": (lambda name: pem(name).replace(b"\n", b"\r"), None),
    "byte order mark": (lambda name: b"\xef\xbb\xbf" + pem(name), None),
    "blank lines around": (lambda name: b"\n\n" + pem(name) + b"\n\n", None),
    "no final line break": (lambda name: pem(name).rstrip(b"\n"), None),
    "encrypted": (lambda name: pem(name, b"open sesame"), "open sesame"),
    "encrypted, password as bytes": (lambda name: pem(name, b"open sesame"), b"open sesame"),
    "encrypted, CRLF": (lambda name: pem(name, b"open sesame").replace(b"\n", b"\r\n"), "open sesame"),
    "encrypted, password not ASCII": (lambda name: pem(name, "пароль".encode()), "пароль"),
    "empty password, not encrypted": (pem, ""),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["R1", "E1"])
def test_a_pem_is_read_in_every_form_that_people_have(name, form):
    """Encrypted or not, with the line ends of any system: the same key signs the same."""
    make, password = FORMS[form]
    build = Credentials.rsa if name == "R1" else Credentials.ed25519

    signer = build(API_KEY, make(name), password)

    expected = vector("c7" if name == "R1" else "c6")
    assert signer.sign(expected["message"]) == expected["signature"]
    assert signer.kind == ("rsa" if name == "R1" else "ed25519")


def test_an_rsa_key_in_its_older_form_is_read_too():
    """openssl genrsa wrote PKCS#1 for decades."""
    signer = Credentials.rsa(API_KEY, pem("R1", form="TraditionalOpenSSL"))

    assert signer.sign(vector("c7")["message"]) == vector("c7")["signature"]


def small_rsa() -> bytes:
    key = rsa.generate_private_key(65537, 1024)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def elliptic() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public() -> bytes:
    return (
        private_key("R1")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


BAD_PEMS = {
    "wrong password": (lambda: pem("R1", b"right"), "wrong", "password is wrong"),
    "no password": (lambda: pem("R1", b"right"), None, "is encrypted. Give its password"),
    "password for nothing": (lambda: pem("R1"), "x", "not encrypted"),
    "too small": (small_rsa, None, "1024 bits"),
    "elliptic curve": (elliptic, None, "no keys of this kind"),
    "public half": (public, None, "public key"),
    "OpenSSH": (lambda: pem("R1", form="OpenSSH"), None, "OpenSSH"),
    "file name": (lambda: "/home/me/key.pem", None, "not its name"),
    "nothing": (lambda: "", None, "not PEM"),
    "damaged": (lambda: pem("R1").replace(b"A", b"B", 5), None, "damaged"),
    "cut short": (lambda: pem("R1")[:200], None, "damaged"),
    "binary": (lambda: bytes(range(256)), None, "not PEM"),
    "huge": (lambda: b"-----BEGIN PRIVATE KEY-----" + b"A" * 10**6, None, "too long"),
    "not text": (lambda: 5, None, "not int"),
    "letters": (lambda: "-----BEGIN PRIVATE KEY-----\nключ", None, "no PEM text"),
    "password is a number": (lambda: pem("R1", b"5"), 5, "str or bytes"),
    "Ed25519 for RSA": (lambda: pem("E1"), None, "Credentials.ed25519"),
}


@pytest.mark.parametrize("case", BAD_PEMS)
def test_a_pem_that_cannot_sign_is_refused_and_the_text_says_why(case):
    """Each way to get a key file wrong has a message of its own, and none repeats the key."""
    make, password, said = BAD_PEMS[case]

    with pytest.raises(InvalidCredentials, match=said) as caught:
        Credentials.rsa(API_KEY, make(), password)

    assert "BEGIN" not in str(caught.value) or "no '-----BEGIN' line" in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["E1", "R1"])
def test_a_file_that_holds_both_halves_is_read(name):
    """Some tools write the public half or a certificate before or behind the private one."""
    make = Credentials.ed25519 if name == "E1" else Credentials.rsa
    alone = make(API_KEY, pem(name))

    for both in (public() + pem(name), pem(name) + public()):
        assert make(API_KEY, both).sign("x") == alone.sign("x")


def test_an_rsa_key_is_not_taken_for_ed25519():
    """The message names the constructor that fits."""
    with pytest.raises(InvalidCredentials, match=r"Credentials\.rsa\(\)"):
        Credentials.ed25519(API_KEY, pem("R1"))


# ------------------------------------------------------------------------------------------ keys as text


@pytest.mark.parametrize(
    "text",
    ["", " ", "key\n", "key\r", "ke y", "key\t", "\x00key", "key\x7f", "kеy", "key\u200b", '"ключ"', None, 5],
)
def test_an_api_key_that_no_header_could_carry_is_refused(text):
    """Blanks, line breaks, controls and look-alike letters come from copying; a line break could even add a header."""
    with pytest.raises(InvalidCredentials, match="API key") as caught:
        Credentials.hmac(text, SECRET)

    assert isinstance(caught.value, ValueError)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("text", ["", "sec ret", "secret\n", None, b"secret"])
def test_a_secret_with_a_copying_mistake_is_refused_without_being_repeated(text):
    """A trailing line break would sign everything wrong (-1022) and be hard to see."""
    with pytest.raises(InvalidCredentials, match="API secret") as caught:
        Credentials.hmac(API_KEY, text)

    assert "sec" not in str(caught.value).replace("API secret", "")


# -------------------------------------------------------------------------------------------- environment


def test_from_env_makes_an_hmac_key():
    """Key and secret are enough."""
    signer = Credentials.from_env({ENV_KEY: API_KEY, ENV_SECRET: SECRET})

    assert signer.kind == "hmac"
    assert signer.api_key == API_KEY
    assert signer.sign(vector("c5")["message"]) == vector("c5")["signature"]


def test_from_env_reads_the_process_environment(monkeypatch):
    """Without an argument it is os.environ that counts."""
    monkeypatch.setenv(ENV_KEY, API_KEY)
    monkeypatch.setenv(ENV_SECRET, SECRET)
    monkeypatch.delenv(ENV_FILE, raising=False)
    monkeypatch.delenv(ENV_PASSWORD, raising=False)

    assert Credentials.from_env().sign("x") == credentials().sign("x")


@pytest.mark.parametrize(("name", "kind"), [("R1", "rsa"), ("E1", "ed25519")])
@pytest.mark.parametrize("password", [None, "open sesame"])
def test_from_env_finds_out_what_kind_of_key_the_file_holds(tmp_path, name, kind, password):
    """One variable serves RSA and Ed25519, encrypted or not."""
    path = tmp_path / "key.pem"
    path.write_bytes(pem(name, None if password is None else password.encode()))
    env = {ENV_KEY: API_KEY, ENV_FILE: str(path)}
    if password is not None:
        env[ENV_PASSWORD] = password

    assert Credentials.from_env(env).kind == kind


BAD_ENVIRONMENTS = {
    "nothing": ({}, ENV_KEY),
    "no key": ({ENV_SECRET: SECRET}, ENV_KEY),
    "no secret": ({ENV_KEY: API_KEY}, ENV_SECRET),
    "two of them": ({ENV_KEY: API_KEY, ENV_SECRET: SECRET, ENV_FILE: "key.pem"}, ENV_FILE),
    "key with line break": ({ENV_KEY: API_KEY + "\n", ENV_SECRET: SECRET}, ENV_KEY),
    "secret with line break": ({ENV_KEY: API_KEY, ENV_SECRET: SECRET + "\n"}, ENV_SECRET),
    "password without file": ({ENV_KEY: API_KEY, ENV_SECRET: SECRET, ENV_PASSWORD: "x"}, ENV_PASSWORD),
    "no such file": ({ENV_KEY: API_KEY, ENV_FILE: "/nowhere/key.pem"}, ENV_FILE),
    "file is a folder": ({ENV_KEY: API_KEY, ENV_FILE: "/"}, ENV_FILE),
    "file name with a null": ({ENV_KEY: API_KEY, ENV_FILE: "a\0b"}, ENV_FILE),
}


@pytest.mark.parametrize("case", BAD_ENVIRONMENTS)
def test_from_env_names_the_variable_at_fault_and_never_its_value(case):
    """The message says which variable to set or unset."""
    env, variable = BAD_ENVIRONMENTS[case]

    with pytest.raises(InvalidCredentials, match=variable) as caught:
        Credentials.from_env(env)

    assert SECRET not in str(caught.value)
    assert API_KEY not in str(caught.value)


def test_from_env_says_which_file_and_password_variables_are_meant(tmp_path):
    """A wrong password is found out at once, and the variable that holds it is named."""
    path = tmp_path / "key.pem"
    path.write_bytes(pem("R1", b"right"))

    with pytest.raises(InvalidCredentials, match=ENV_PASSWORD) as caught:
        Credentials.from_env({ENV_KEY: API_KEY, ENV_FILE: str(path), ENV_PASSWORD: "hunter2"})

    assert "hunter2" not in str(caught.value)


# --------------------------------------------------------------------------------------- nothing gets out


@pytest.mark.parametrize("key", ["S1", "R1", "E1"])
def test_nothing_printed_holds_the_secret_or_the_whole_key(key):
    """repr, str and format show four characters of the key at most."""
    signer = credentials(key)

    for text in (repr(signer), str(signer), f"{signer}", f"{signer!r:>80}", repr([signer])):
        assert SECRET not in text
        assert API_KEY not in text
        assert signer.api_key[-5:] not in text
        assert signer.api_key[-4:] in text


def test_a_short_key_is_not_shown_at_all():
    """Four of eight characters would be half of it."""
    assert masked("12345678") == "…"
    assert "5678" not in repr(Credentials.hmac("12345678", "secret"))


@pytest.mark.parametrize("key", ["S1", "R1", "E1"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_credentials_refuse_to_be_pickled(key, protocol):
    """A pickle is a file or a message: no secret belongs there."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(credentials(key), protocol)


def test_credentials_cannot_be_taken_apart():
    """No attribute, state or JSON gives the secret away by accident."""
    signer = credentials()

    assert not hasattr(signer, "__dict__")
    with pytest.raises(TypeError):
        signer.__getstate__()
    with pytest.raises(TypeError):
        json.dumps(signer)
    assert SECRET not in str([getattr(signer, name) for name in dir(signer) if not name.startswith("__")])


@pytest.mark.parametrize("key", ["S1", "R1", "E1"])
def test_copies_are_the_same_object(key):
    """Settings are deep-copied by many frameworks; that must neither fail nor multiply secrets."""
    signer = credentials(key)

    assert copy.copy(signer) is signer
    assert copy.deepcopy({"signer": signer})["signer"] is signer


def test_credentials_cannot_be_changed():
    """A key that changes under a running client would sign half of its calls wrong."""
    with pytest.raises(AttributeError):
        credentials().api_key = "other"


@pytest.mark.parametrize("letter", [chr(code) for code in range(0x21, 0x7F)])
def test_every_letter_that_a_header_carries_may_stand_in_a_key(letter):
    """All of printable ASCII but the blank, from the first to the last."""
    key = Credentials.hmac(f"{letter}{API_KEY}{letter}", f"{letter}{SECRET}{letter}")

    assert key.api_key == f"{letter}{API_KEY}{letter}"


def test_from_env_looks_only_where_it_was_told(monkeypatch):
    """An empty mapping holds no key, whatever the process has."""
    monkeypatch.setenv("PAYDOWN_API_KEY", API_KEY)
    monkeypatch.setenv("PAYDOWN_API_SECRET", SECRET)

    with pytest.raises(InvalidCredentials, match="PAYDOWN_API_KEY is not set"):
        Credentials.from_env({})


@pytest.mark.parametrize("name", ["PAYDOWN_PRIVATE_KEY_FILE", "PAYDOWN_PRIVATE_KEY_PASSWORD"])
def test_from_env_takes_an_empty_variable_for_none(name):
    """As shells and compose files leave them behind."""
    env = {"PAYDOWN_API_KEY": API_KEY, "PAYDOWN_API_SECRET": SECRET, name: ""}

    assert Credentials.from_env(env).kind == "hmac"
