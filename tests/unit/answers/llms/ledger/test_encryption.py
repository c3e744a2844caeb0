import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.ledger.encryption import KeyRing, Sealed
from ragops.errors import UserError

OLD, NEW, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))


def ring(**keys: bytes) -> KeyRing:
    return KeyRing.parse(" ".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items()))


@given(st.binary(max_size=500), st.text(max_size=40))
def test_an_encrypted_payload_decrypts_to_the_same_text(plain: bytes, call_id: str) -> None:
    sealed = ring(k1=OLD).seal(plain, call_id)
    assert sealed.key_id == "k1"
    assert ring(k1=OLD).open(sealed, call_id) == plain
    assert len(plain) < 8 or plain not in sealed.data


@given(st.binary(max_size=50), st.data())
def test_any_changed_bit_is_detected(plain: bytes, data: st.DataObject) -> None:
    sealed = ring(k1=OLD).seal(plain, "c1")
    at = data.draw(st.integers(0, len(sealed.data) * 8 - 1))
    changed = bytearray(sealed.data)
    changed[at // 8] ^= 1 << at % 8
    with pytest.raises(UserError, match="c1.* key k1"):
        ring(k1=OLD).open(Sealed("k1", bytes(changed)), "c1")


@given(st.binary(max_size=50), st.integers(0, 27))
def test_a_truncated_payload_is_detected(plain: bytes, left: int) -> None:
    sealed = ring(k1=OLD).seal(plain, "c1")
    with pytest.raises(UserError, match="payload of call"):
        ring(k1=OLD).open(Sealed("k1", sealed.data[:left]), "c1")


def test_a_payload_decrypts_only_with_its_call_and_its_key() -> None:
    sealed = ring(k1=OLD).seal(b"secret", "c1")
    for keys, call_id in ((ring(k1=OLD), "c2"), (ring(k1=OTHER), "c1")):
        with pytest.raises(UserError, match="payload of call") as raised:
            keys.open(sealed, call_id)
        assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match="k1.*k2"):
        ring(k2=NEW).open(sealed, "c1")


@given(st.binary(max_size=50))
def test_after_rotation_the_old_key_is_not_needed(plain: bytes) -> None:
    both = ring(k2=NEW, k1=OLD)
    fresh = both.reseal(ring(k1=OLD).seal(plain, "c1"), "c1")
    assert fresh.key_id == both.newest == "k2"
    assert ring(k2=NEW).open(fresh, "c1") == plain
    assert both.reseal(fresh, "c1") is fresh


def test_encrypting_the_same_text_twice_gives_different_data() -> None:
    assert ring(k1=OLD).seal(b"x", "c").data != ring(k1=OLD).seal(b"x", "c").data


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("", "the secret is empty"),
        ("AAAA", "an entry without an id"),
        ("k1:not*base64", "payload key k1: not Base64"),
        ("k1:AAAA", "payload key k1: 3 bytes"),
        (f"k1:{base64.b64encode(OLD).decode()} k1:{base64.b64encode(NEW).decode()}", "two have the id k1"),
    ],
)
def test_an_invalid_key_secret_is_reported_without_showing_it(secret: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as raised:
        KeyRing.parse(secret)
    assert "not*base64" not in str(raised.value)


def test_the_repr_of_a_key_ring_shows_no_keys() -> None:
    assert repr(OLD)[2:-1] not in repr(ring(k1=OLD))
