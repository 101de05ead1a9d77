"""Receipts, the export of a log, and its entries."""

import base64
import hashlib
import json

from check_notes import open_checkpoint, prove
from check_trees import continues, leaf_hash, right_edge, subtrees, tree_hash
from check_wire import check_jwk, parse_compact, thumbprint, verify_report, verify_rotation
from ed25519 import verify
from strict import HERE, Refused, expect, from_base64, read, strict_json, to_base64url, verdict_of


def verify_receipt(receipt, vkey, kind, witness):
    """What an agent verifies; `kind` checks the entry, `witness` is (size, root) or None."""
    code = "RECEIPT_INVALID"
    try:
        entry = strict_json(receipt["entry"].encode(), code)
        if not kind(entry, receipt["result"]) or len(receipt["consistency"]) > 64:
            raise Refused(code)
        index, size, root = prove(receipt["proof"], vkey, receipt["entry"])
        proof = [from_base64(each, code) for each in receipt["consistency"]]
    except (KeyError, TypeError, AttributeError, Refused):
        raise Refused(code) from None
    if witness is not None and not continues(witness[0], witness[1], size, root, proof):
        raise Refused(code)
    return index, size, root


def check_receipts():
    vectors = read("receipts.json")
    for each in vectors["reports"]:
        digest = to_base64url(hashlib.sha256(each["jws"].encode()).digest())
        witness = (each["witness"]["size"], bytes.fromhex(each["witness"]["rootHex"]))

        def is_applied(entry, result):
            is_ours = entry["kind"] == "applied" and entry["digest"] == digest
            return is_ours and entry["outcomes"] == result["outcomes"]

        got = verdict_of(lambda: verify_receipt(each["receipt"], vectors["vkey"], is_applied, witness))
        expect("receipts", each["name"], got, each["verdict"])
    for each in vectors["enrolments"]:

        def is_enrolment(entry, result):
            is_ours = entry["kind"] == "enroll" and entry["kid"] == each["kid"]
            is_whole = all(isinstance(result[name], list) for name in ("names", "types", "prefixes"))
            return is_ours and is_whole and entry["host"] == result["host"]

        got = verdict_of(lambda: verify_receipt(each["receipt"], vectors["vkey"], is_enrolment, None))
        expect("receipts", each["name"], got, each["verdict"])


    for each in vectors["rotations"]:
        witness = (each["witness"]["size"], bytes.fromhex(each["witness"]["rootHex"]))

        def is_rotation(entry, result):
            names = {"kind": "rotate", **{name: each[name] for name in ("host", "kid", "successor")}}
            return all(entry[name] == value for name, value in names.items())

        got = verdict_of(lambda: verify_receipt(each["receipt"], vectors["vkey"], is_rotation, witness))
        expect("receipts", each["name"], got, each["verdict"])


def is_line(text):
    """Whether a line is one of an export, spelled in the one way."""
    try:
        line = strict_json(text.encode(), "line")
    except Refused:
        return False
    names = [name for name in ("index", "leaf", "tree", "entry") if name in line]
    return list(line) == ["checkpoint"] or list(line) == names and {"index", "entry"} <= set(names)


def tree_digest(leaves):
    """What the log keeps with the last of these leaves: the subtrees it completes, then the right edge."""
    nodes, edge = subtrees(leaves), right_edge(leaves)
    return hashlib.sha256(b"".join(nodes + edge)).digest()


def tree_faults(lines, vkey):
    """What tree and signature alone tell; who may do what is not judged here."""
    leaves, note = [], None
    for text in lines:
        if not is_line(text) or note is not None:
            return "line"
        line = json.loads(text)
        if "checkpoint" in line:
            note = line["checkpoint"]
            continue
        if line["index"] != len(leaves):
            return "line"
        leaves.append(leaf_hash(line["entry"].encode()))
        for name, made in (("leaf", leaves[-1]), ("tree", tree_digest(leaves))):
            if name in line and line[name] != base64.b64encode(made).decode():
                return name
    try:
        _, size, root = open_checkpoint(note or "", [vkey])
    except Refused:
        return "checkpoint"
    return None if (size, root) == (len(leaves), tree_hash(leaves)) else "root"


def check_log():
    vectors = read("log.json")
    export = (HERE / "export.ndjson").read_text(encoding="utf-8").splitlines()
    for each in vectors["vectors"]:
        lines = [line if isinstance(line, str) else export[line] for line in each["lines"]]
        is_only_in_entries = each["name"].startswith(("intact", "forged/", "rewritten/"))
        got = tree_faults(lines, each.get("vkey", vectors["vkey"]))
        expect("logs", each["name"], got is None, is_only_in_entries)
    for each in read("entries.json")["vectors"]:
        expect("entries", each["name"], leaf_hash(each["entry"].encode()).hex(), each["leafHashHex"])
    jwks, claims, due = {}, {}, {}
    for line in export[:-1]:
        entry = json.loads(json.loads(line)["entry"])
        if entry["kind"] == "enroll":
            header, inner, signed, signature = parse_compact(entry["jws"], 64)
            jwks[entry["kid"]] = header["jwk"]
            is_signed = verify(check_jwk(header["jwk"]), signed, signature)
            expect("entries", entry["kind"], is_signed, True)
            expect("entries", entry["kind"], thumbprint(header["jwk"]), entry["kid"])
        if entry["kind"] == "rotate":
            jwk, said = verify_rotation(entry["jws"], jwks.pop(entry["kid"]))
            jwks[entry["successor"]] = jwk
            wanted = (entry["host"], entry["successor"])
            expect("entries", entry["kind"], (said["host"], thumbprint(jwk)), wanted)
        if entry["kind"] in ("report", "denied"):
            payload = json.loads(verify_report(entry["jws"], jwks[entry["kid"]]))
            expect("entries", entry["kind"], (payload["host"], payload["seq"]), (entry["host"], entry["seq"]))
        if entry["kind"] == "report":
            # No host of this log shares a name, so what is due is what its report claims.
            due.update({key: [] for key in claims.get(entry["host"], [])})
            claims[entry["host"]] = {(each["name"], each["type"]): each["values"] for each in payload["records"]}
            due.update(claims[entry["host"]])
        if entry["kind"] == "drift":
            for each in entry["records"]:
                is_inside = each["name"] == entry["zone"] or each["name"].endswith("." + entry["zone"])
                expect("entries", entry["kind"], is_inside and each["cause"] in ("changed", "lost"), True)
                expect("entries", entry["kind"], each["values"], sorted(due[each["name"], each["type"]]))
