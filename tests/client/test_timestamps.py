"""Milliseconds into datetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paydown import utc


def test_the_documented_sample_is_a_november_morning():
    """1636371437000, the time of the published repay-debt sample, is 2021-11-08 11:37:17 UTC."""
    assert utc(1636371437000) == datetime(2021, 11, 8, 11, 37, 17, tzinfo=UTC)


@given(st.integers(min_value=0, max_value=9_999_999_999_999))
def test_no_millisecond_is_lost(ms):
    """A float in between would round."""
    assert (utc(ms) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1) == ms
    assert utc(ms).tzinfo is UTC


@pytest.mark.parametrize("value", [1636371437000.0, True, "1636371437000", None])
def test_only_an_int_is_a_time(value):
    """A float loses milliseconds, and True would be one of 1970."""
    with pytest.raises(TypeError, match="int of UTC milliseconds"):
        utc(value)
