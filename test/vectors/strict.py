"""What every check needs: the files, the count of what was checked, and texts with one spelling."""

import base64
import json
import re
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
faults = []
checked = {}


def read(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def expect(part, name, got, wanted):
    checked[part] = checked.get(part, 0) + 1
    if got != wanted:
        faults.append(f"{part} {name}: {got!r} instead of {wanted!r}")


class Refused(Exception):
    """A fault with a stable code."""


def verdict_of(call):
    try:
        call()
        return "ok"
    except Refused as refused:
        return str(refused)


# --- encodings -------------------------------------------------------------------------------


def from_base64(text, code):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(code) from None
    if base64.b64encode(data).decode() != text:
        raise Refused(code)
    return data


def from_base64url(text, code):
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Refused(code)
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(data) != text:
        raise Refused(code)
    return data


def to_base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def strict_json(data, code):
    """JSON with one reading: each member once, no white space, everything spelled as ECMAScript does."""

    def members(pairs):
        if len({name for name, _ in pairs}) != len(pairs):
            raise Refused(code)
        return dict(pairs)

    def number(text):
        if js_number(text) != text:
            raise Refused(code)
        return int(text) if re.fullmatch(r"-?[0-9]+", text) else float(text)

    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=members, parse_int=number, parse_float=number)
        spelled = spell(value)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Refused(code) from None
    if spelled != text:
        raise Refused(code)
    return value


def spell(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"{spell(name)}:{spell(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(spell(each) for each in value) + "]"
    if isinstance(value, str):
        quoted = json.dumps(value, ensure_ascii=False)
        return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", quoted)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return js_number(repr(value))
    return json.dumps(value)


def js_number(text):
    """Number::toString of ECMAScript, which RFC 8785 §3.2.2.3 takes over."""
    value = float(text)
    if value == 0 or value != value or value in (float("inf"), float("-inf")):
        return "0" if value == 0 else "null"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    d, k, n = "".join(map(str, digits)), len(digits), len(digits) + exponent
    if k <= n <= 21:
        spelled = d + "0" * (n - k)
    elif 0 < n <= 21:
        spelled = f"{d[:n]}.{d[n:]}"
    elif -6 < n <= 0:
        spelled = "0." + "0" * -n + d
    else:
        spelled = d[0] + ("." + d[1:] if k > 1 else "") + f"e{n - 1:+d}"
    return "-" * sign + spelled
