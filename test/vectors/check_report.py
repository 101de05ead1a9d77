"""The payload of a report, member by member, as docs/spec/wire.md has it."""

import datetime
import ipaddress
import re

from strict import Refused, from_base64, verdict_of

LABEL = "_?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
TIME = r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z"


def length(text):
    """In UTF-16 code units."""
    return sum(2 if ord(character) > 0xFFFF else 1 for character in text)


def is_text(least, most):
    return lambda value: isinstance(value, str) and least <= length(value) <= most


def is_one_of(*values):
    return lambda value: isinstance(value, str) and value in values


def is_count(least):
    return lambda value: type(value) is int and least <= value < 2**53


def is_number(value):
    return type(value) in (int, float) and 0 <= value < float("inf")


def is_host(value):
    return isinstance(value, str) and re.fullmatch(HOST, value) is not None


def is_name(value):
    if not isinstance(value, str) or not 1 <= len(value) <= 253:
        return False
    labels = value.split(".")
    if re.fullmatch("[0-9]+", labels[-1]):
        return False
    if labels[0] == "*" and len(labels) > 1:
        labels.pop(0)
    return all(len(each) <= 63 and re.fullmatch(LABEL, each) for each in labels)


def spell_ipv6(number):
    """RFC 5952, hexadecimal throughout: the longest run of two zero groups or more, the first of equals."""
    groups = [number >> shift & 0xFFFF for shift in range(112, -1, -16)]
    best, at = 1, None
    for start in range(8):
        end = start
        while end < 8 and groups[end] == 0:
            end += 1
        if end - start > best:
            best, at = end - start, start
    words = [f"{group:x}" for group in groups]
    if at is None:
        return ":".join(words)
    return ":".join(words[:at]) + "::" + ":".join(words[at + best :])


def is_ipv6(value):
    try:
        return isinstance(value, str) and spell_ipv6(int(ipaddress.IPv6Address(value))) == value
    except ValueError:
        return False


def is_ipv4(value):
    try:
        return isinstance(value, str) and str(ipaddress.IPv4Address(value)) == value
    except ValueError:
        return False


def is_prefix(value):
    if not isinstance(value, str) or not re.fullmatch("[^/]+/(?:0|[1-9][0-9]{0,2})", value):
        return False
    address, _, bits = value.partition("/")
    if not is_ipv6(address) or int(bits) > 128:
        return False
    return int(ipaddress.IPv6Address(address)) & ((1 << 128 - int(bits)) - 1) == 0


def is_time(value):
    match = re.fullmatch(TIME, value) if isinstance(value, str) else None
    try:
        return match is not None and bool(datetime.datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return False


def is_hash(value):
    if not isinstance(value, str) or verdict_of(lambda: from_base64(value, "x")) != "ok":
        return False
    return len(from_base64(value, "x")) == 32


def is_list(test, least, most):
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(test, value))


def is_object(optional=(), **members):
    def test(value):
        if not isinstance(value, dict) or set(value) - set(optional) != set(members) - set(optional):
            return False
        return all(members[name](each) for name, each in value.items())

    return test


def is_record(value):
    shape = is_object(
        name=is_name,
        type=is_one_of("A", "AAAA"),
        values=is_list(lambda _: True, 1, 32),
    )
    if not shape(value):
        return False
    test = is_ipv4 if value["type"] == "A" else is_ipv6
    return all(map(test, value["values"])) and len(set(value["values"])) == len(value["values"])


def is_claim(value):
    if not is_list(is_record, 0, float("inf"))(value):
        return False
    keys = {(each["name"], each["type"]) for each in value}
    return len(keys) == len(value) and len({name for name, _ in keys}) <= 64


is_report = is_object(
    v=lambda value: type(value) is int and value == 1,
    host=is_host,
    seq=is_count(1),
    prefix=is_object(
        optional=("others", "previous", "validUntil"),
        current=is_prefix,
        others=is_list(is_prefix, 1, 7),
        previous=is_prefix,
        validUntil=is_time,
        cause=is_one_of("initial", "flash", "planned", "claims"),
    ),
    records=is_claim,
    steps=is_list(
        is_object(
            step=is_text(0, 64),
            target=is_text(0, 255),
            outcome=is_one_of("done", "failed"),
            ms=is_number,
        ),
        0,
        256,
    ),
    log=is_object(size=is_count(0), root=is_hash),
    agent=is_text(1, 64),
)


def check_report(value):
    if not is_report(value):
        raise Refused("REPORT_INVALID")
