"""Text that is signed is the text that is sent."""

from __future__ import annotations

import hashlib
import hmac
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown.call.signing import encode_pairs, percent_encode, signed
from tests.client.support.kit import NOW_MS, SECRET, credentials, vector

UNRESERVED = string.ascii_letters + string.digits + "-_.~"
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("USDT,BTC", "USDT%2CBTC"),
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a=b&c", "a%3Db%26c"),
        ("100%", "100%25"),
        ("%2C", "%252C"),
        ("１２３４５６", "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"),
        ("币安人生", "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9F"),
        ("/:?#[]@!$'()*;", "%2F%3A%3F%23%5B%5D%40%21%24%27%28%29%2A%3B"),
        (UNRESERVED, UNRESERVED),
        ("\r\n\x00", "%0D%0A%00"),
        ("", ""),
    ],
)
def test_only_unreserved_characters_stay_bare(text, wire):
    """UTF-8, upper-case hex, a blank is %20 and never +; the full-width digits are those of vector V4."""
    assert percent_encode(text) == wire


@settings(deadline=None)
@given(ANY_TEXT)
def test_encoding_is_that_of_the_rule_byte_by_byte(text):
    """Written out naively, the rule gives the same for any text."""
    naive = "".join(chr(byte) if chr(byte) in UNRESERVED else f"%{byte:02X}" for byte in text.encode("utf-8"))

    assert percent_encode(text) == naive


def test_a_lone_surrogate_cannot_be_encoded():
    """No UTF-8 text holds one: it is an error here, not a question mark on the wire."""
    with pytest.raises(UnicodeEncodeError):
        percent_encode("\ud800")


def repay_pairs(*names: str) -> list[tuple[str, str]]:
    values = {"asset": "BNB", "amount": "0.10000000", "specifyRepayAssets": "USDT,BTC"}
    return [(name, values[name]) for name in names]


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("c1", repay_pairs("asset", "amount", "specifyRepayAssets")),
        ("c4", repay_pairs("asset", "specifyRepayAssets")),
        ("c5", repay_pairs("asset")),
        ("c6", repay_pairs("asset", "amount", "specifyRepayAssets")),
        ("c7", repay_pairs("asset", "amount", "specifyRepayAssets")),
    ],
)
def test_parameters_become_the_text_of_the_vectors(name, pairs):
    """Parameters, recvWindow, timestamp, signature: in this order, encoded as the vectors are."""
    expected = vector(name)

    text = signed(
        encode_pairs(pairs), credentials(expected["key"]), timestamp_ms=1636371437000, recv_window=5000
    )

    assert text == f"{expected['message']}&signature={expected['signature_on_the_wire']}"


def test_query_and_body_are_signed_as_one_text_without_a_separator():
    """Vector C2: the query comes first, directly followed by the body, and the signature goes to the body's end."""
    expected = vector("c2")

    body = signed(
        encode_pairs(repay_pairs("specifyRepayAssets")),
        credentials("S1"),
        timestamp_ms=1636371437000,
        recv_window=5000,
        before=expected["query"],
    )

    assert body == f"{expected['body']}&signature={expected['signature']}"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text(string.ascii_letters, min_size=1, max_size=8), ANY_TEXT), max_size=6),
    st.integers(min_value=1, max_value=60000) | st.none(),
    st.integers(min_value=0, max_value=10**13),
    st.sampled_from(["S1", "E1"]),
)
def test_the_signature_is_last_and_covers_everything_before_it(pairs, window, now_ms, key):
    """Whatever the parameters: strip the signature, and the rest is what was signed."""
    signer = credentials(key)

    text = signed(encode_pairs(pairs), signer, timestamp_ms=now_ms, recv_window=window)
    message, _, signature = text.rpartition("&signature=")

    assert text.count("&signature=") + text.startswith("signature=") >= 1
    assert signature == percent_encode(signer.sign(message))
    assert message.split("&")[-1] == f"timestamp={now_ms}"
    assert (f"recvWindow={window}" in message.split("&")) is (window is not None)
    assert text.isascii()


def test_hmac_is_what_the_standard_library_computes():
    """An independent computation over the same bytes."""
    text = signed("asset=BNB", credentials("S1"), timestamp_ms=NOW_MS, recv_window=None)
    message = text.rpartition("&signature=")[0]

    assert text.endswith(hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest())


def test_a_call_without_parameters_begins_with_the_window():
    """No stray ampersand at the start: it would be an empty parameter."""
    text = signed("", credentials("S1"), timestamp_ms=NOW_MS, recv_window=5000)

    assert text.startswith(f"recvWindow=5000&timestamp={NOW_MS}&signature=")
