"""Keys, reports and enrolments."""

import hashlib
import hmac
import json
import re

from check_report import check_report
from ed25519 import public_key_of, sign, verify
from strict import Refused, expect, from_base64url, read, spell, strict_json, to_base64url, verdict_of

FIELD_PRIME = 2**255 - 19

# --- keys and signatures ---------------------------------------------------------------------


def small_order(y):
    """Whether y is that of a point P with 8 P = 0: doubled three times it is the identity."""
    d = -121665 * pow(121666, -1, FIELD_PRIME) % FIELD_PRIME
    for _ in range(3):
        # y of the doubled point, from the curve's equation alone: x^2 = (y^2 - 1) / (d y^2 + 1).
        yy = y * y % FIELD_PRIME
        xx = (yy - 1) * pow(d * yy + 1, -1, FIELD_PRIME) % FIELD_PRIME
        y = (yy + xx) * pow(1 - d * xx * yy, -1, FIELD_PRIME) % FIELD_PRIME
    return y == 1


def check_jwk(jwk):
    code = "KEY_INVALID"
    if not isinstance(jwk, dict) or set(jwk) != {"kty", "crv", "x"}:
        raise Refused(code)
    if jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519" or not isinstance(jwk["x"], str):
        raise Refused(code)
    return check_public_key(from_base64url(jwk["x"], code))


def check_public_key(data):
    y = int.from_bytes(data, "little") & (2**255 - 1)
    if len(data) != 32 or y >= FIELD_PRIME or small_order(y):
        raise Refused("KEY_INVALID")
    return data


def thumbprint(jwk):
    text = json.dumps({"crv": jwk["crv"], "kty": jwk["kty"], "x": jwk["x"]}, separators=(",", ":"))
    return to_base64url(hashlib.sha256(text.encode()).digest())


def check_keys():
    vectors = read("keys.json")
    for key in vectors["good"]:
        expect("keys", key["name"], verdict_of(lambda: check_jwk(key["jwk"])), "ok")
        expect("keys", key["name"], thumbprint(key["jwk"]), key["kid"])
        x = to_base64url(public_key_of(bytes.fromhex(key["seedHex"])))
        expect("keys", key["name"], x, key["jwk"]["x"])
    for key in vectors["refused"]:
        expect("keys", key["name"], verdict_of(lambda: check_jwk(key["jwk"])), key["code"])
    for each in vectors["signatures"]:
        seed, message = bytes.fromhex(each["seedHex"]), bytes.fromhex(each["messageHex"])
        expect("keys", each["source"], sign(seed, message).hex(), each["signatureHex"])
        public = bytes.fromhex(each["publicKeyHex"])
        expect("keys", each["source"], verify(public, message, bytes.fromhex(each["signatureHex"])), True)


# --- compact JWS -----------------------------------------------------------------------------

REPORT_HEADER = {"alg", "typ", "kid", "url", "iat"}


def is_count(value):
    return type(value) is int and 0 <= value < 2**53


def parse_compact(text, signature_bytes):
    code = "JWS_MALFORMED"
    if len(text) > 16384 or not re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", text):
        raise Refused(code)
    head, body, tail = text.split(".")
    signature = from_base64url(tail, code)
    if len(signature) != signature_bytes:
        raise Refused(code)
    header = strict_json(from_base64url(head, code), code)
    payload = from_base64url(body, code)
    if not isinstance(header, dict):
        raise Refused(code)
    return header, payload, f"{head}.{body}".encode(), signature


def parse_report(text):
    code = "JWS_MALFORMED"
    header, payload, signed, signature = parse_compact(text, 64)
    if set(header) - {"nonce"} != REPORT_HEADER:
        raise Refused(code)
    if header["alg"] != "Ed25519" or header["typ"] != "reprefix-report+jws":
        raise Refused(code)
    if not isinstance(header["kid"], str) or len(from_base64url(header["kid"], code)) != 32:
        raise Refused(code)
    for name, longest in (("url", 2048), ("nonce", 256)):
        value = header.get(name, "x")
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise Refused(code)
    if not is_count(header["iat"]):
        raise Refused(code)
    return header, payload, signed, signature


def verify_report(text, jwk):
    header, payload, signed, signature = parse_report(text)
    if header["kid"] != thumbprint(jwk) or not verify(from_base64url(jwk["x"], ""), signed, signature):
        raise Refused("JWS_SIGNATURE")
    return payload


def check_reports():
    vectors = read("reports.json")

    def judge(text):
        check_report(strict_json(verify_report(text, vectors["key"]["jwk"]), "REPORT_INVALID"))

    for each in vectors["vectors"]:
        expect("reports", each["name"], verdict_of(lambda: judge(each["jws"])), each["verdict"])
        if "digest" in each:
            digest = to_base64url(hashlib.sha256(each["jws"].encode()).digest())
            expect("reports", each["name"], digest, each["digest"])


def mac_key(secret):
    """HKDF-SHA-256 (RFC 5869) without salt, 32 bytes."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, b"reprefix token mac key v1\x01", "sha256")


def is_header(header, **members):
    return set(header) == set(members) and all(test(header[name]) for name, test in members.items())


def is_text(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def verify_enrolment(text, key):
    code = "JWS_MALFORMED"
    outer, inner_bytes, signed, signature = parse_compact(text, 64)
    is_outer = is_header(
        outer,
        alg=is_text("Ed25519"),
        typ=is_text(r"reprefix-enroll\+jws"),
        jwk=lambda _: True,
        url=is_text(".{1,2048}"),
        iat=is_count,
    )
    if not is_outer:
        raise Refused(code)
    public = check_jwk(outer["jwk"])
    inner, bound, mac_signed, mac = parse_compact(inner_bytes.decode("utf-8", "replace"), 32)
    is_inner = is_header(
        inner,
        alg=is_text("HS256"),
        typ=is_text(r"reprefix-token\+jws"),
        kid=is_text("[A-Za-z0-9_-]{1,64}"),
        url=lambda url: url == outer["url"],
    )
    members = {name: outer["jwk"][name] for name in ("crv", "kty", "x")}
    if not is_inner or spell(members).encode() != bound:
        raise Refused(code)
    if not hmac.compare_digest(hmac.digest(key, mac_signed, "sha256"), mac):
        raise Refused("JWS_SIGNATURE")
    if not verify(public, signed, signature):
        raise Refused("JWS_SIGNATURE")


def check_enrolments():
    vectors = read("enrolments.json")
    for each in vectors["macKeys"]:
        made = mac_key(bytes.fromhex(each["secretHex"])).hex()
        expect("enrolments", each["secretHex"], made, each["macKeyHex"])
    key = bytes.fromhex(vectors["macKeyHex"])
    for each in vectors["enrolments"]:
        got = verdict_of(lambda: verify_enrolment(each["jws"], key))
        expect("enrolments", each["name"], got, each["verdict"])
    for each in vectors["joins"]:
        if each["verdict"] == "ok":
            text = from_base64url(each["join"].strip().removeprefix("rpj1-"), "").decode()
            _, vkey, token, secret = json.loads(text)
            got = (vkey, token, from_base64url(secret, "").hex())
            expect("enrolments", each["name"], got, (each["vkey"], each["token"], each["secretHex"]))


def verify_rotation(text, jwk):
    """Gives the successor's JWK, and what it says of itself."""
    code = "JWS_MALFORMED"
    outer, inner_bytes, signed, signature = parse_compact(text, 64)
    nonce = {"nonce": is_text(".{1,256}")} if "nonce" in outer else {}
    is_outer = is_header(
        outer,
        alg=is_text("Ed25519"),
        typ=is_text(r"reprefix-rotate\+jws"),
        kid=is_thumbprint,
        url=is_text(".{1,2048}"),
        iat=is_count,
        **nonce,
    )
    if not is_outer:
        raise Refused(code)
    inner, payload, inner_signed, inner_signature = parse_compact(inner_bytes.decode("utf-8", "replace"), 64)
    is_inner = is_header(
        inner,
        alg=is_text("Ed25519"),
        typ=is_text(r"reprefix-successor\+jws"),
        jwk=lambda _: True,
        url=is_text(".{1,2048}"),
    )
    if not is_inner:
        raise Refused(code)
    successor = check_jwk(inner["jwk"])
    said = strict_json(payload, code)
    is_said = isinstance(said, dict) and is_header(
        said,
        v=lambda version: version == 1,
        host=is_text("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
        kid=lambda kid: kid == outer["kid"],
        log=lambda log: is_header(log, size=is_count, root=is_text("[A-Za-z0-9+/]{43}=")),
    )
    if not is_said or inner["url"] != outer["url"]:
        raise Refused(code)
    is_ours = outer["kid"] == thumbprint(jwk)
    if not is_ours or not verify(from_base64url(jwk["x"], ""), signed, signature):
        raise Refused("JWS_SIGNATURE")
    if not verify(successor, inner_signed, inner_signature):
        raise Refused("JWS_SIGNATURE")
    return inner["jwk"], said


def is_thumbprint(value):
    return isinstance(value, str) and verdict_of(lambda: from_base64url(value, "x")) == "ok" and len(value) == 43


def check_rotations():
    vectors = read("rotations.json")
    for each in vectors["vectors"]:
        got = verdict_of(lambda: verify_rotation(each["jws"], vectors["key"]["jwk"]))
        expect("rotations", each["name"], got, each["verdict"])
