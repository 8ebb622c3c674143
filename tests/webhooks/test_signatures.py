import base64
import json
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from webhooks.signatures import key_of, new_secret, signed_headers

BODY = '{"type":"time_entry.created","data":{"description":"Grüße €"}}'.encode()
REFUSED = r"^Must be whsec_ and the base64 of 24 to 64 random bytes\.$"


def secret_of(size: int) -> str:
    return f"whsec_{base64.b64encode(bytes(range(size))).decode()}"


def test_the_public_package_verifies_what_we_sign() -> None:
    secret = new_secret()
    headers = signed_headers("msg_1", int(time.time()), BODY, [secret])
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


def test_while_a_secret_is_rotated_both_verify() -> None:
    new, old, other = new_secret(), new_secret(), new_secret()
    headers = signed_headers("msg_1", int(time.time()), BODY, [new, old])
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (new, old):
        assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(BODY, headers)


@pytest.mark.parametrize(
    ("message_id", "seconds"),
    [
        pytest.param("msg_2", 0, id="another id"),
        pytest.param("msg_1", -10, id="another time"),
        pytest.param("msg_1", -301, id="an old time"),
    ],
)
def test_another_id_or_time_is_not_verified(message_id: str, seconds: int) -> None:
    secret, now = new_secret(), int(time.time())
    headers = signed_headers("msg_1", now, BODY, [secret])
    changed = {"webhook-id": message_id, "webhook-timestamp": str(now + seconds)}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers | changed)


def test_another_body_is_not_verified() -> None:
    secret = new_secret()
    headers = signed_headers("msg_1", int(time.time()), BODY, [secret])
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)


def test_the_example_of_the_standard_is_signed_alike() -> None:
    assert signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_new_secret_is_32_random_bytes() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(key_of(secret)) for secret in secrets} == {32}


@pytest.mark.parametrize("size", [24, 64])
def test_a_secret_of_24_to_64_bytes_is_one(size: int) -> None:
    assert key_of(secret_of(size)) == bytes(range(size))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        secret_of(23),
        secret_of(65),
        secret_of(32)[6:],
        secret_of(32)[:-1],
        f"{secret_of(32)}\n",
        "whsec_" + "é" * 44,
        "whsk_" + secret_of(32)[6:],
    ],
)
def test_anything_else_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        key_of(secret)


@pytest.mark.parametrize(("message_id", "keys"), [("msg_1", []), ("msg.1", [secret_of(32)])])
def test_what_could_not_be_verified_is_not_signed(message_id: str, keys: list[str]) -> None:
    with pytest.raises(ValueError, match="Needs a secret"):
        signed_headers(message_id, 1, BODY, keys)
