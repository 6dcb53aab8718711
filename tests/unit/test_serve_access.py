"""Who may ask the reporting API: everybody on this machine, or whoever has the token."""

from __future__ import annotations

import pytest
from assay.errors import AssayError
from assay.serve.access import check_exposure, is_loopback
from pydantic import SecretStr

LONG = SecretStr("sixteen-chars-ok")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_alone_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    check_exposure(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "assay.example.org"])
def test_an_address_that_others_reach_needs_a_token(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(AssayError, match=f"--host: found {host}, .* a token of 16 characters"):
        check_exposure(host, None)
    check_exposure(host, LONG)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_token_that_can_be_guessed_is_refused_and_not_repeated(host: str) -> None:
    with pytest.raises(AssayError, match="ASSAY_SERVE_TOKEN: found 9 characters; expected 16 or more") as refused:
        check_exposure(host, SecretStr("guessable"))
    assert "guessable" not in str(refused.value)
