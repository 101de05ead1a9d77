"""Signed notes, checkpoints and tlog-proofs."""

import hashlib
import re

from check_trees import includes, leaf_hash
from check_wire import check_public_key
from ed25519 import public_key_of, verify
from strict import Refused, expect, from_base64, read, verdict_of


def parse_vkey(text):
    code = "KEY_INVALID"
    match = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text)
    if not match or text.endswith("\n"):
        raise Refused(code)
    name, key_id, encoded = match.groups()
    material = from_base64(encoded, code)
    if material[0] != 1:
        raise Refused(code)
    check_public_key(material[1:])
    if hashlib.sha256(name.encode() + b"\n" + material).digest()[:4].hex() != key_id:
        raise Refused(code)
    return name, key_id, material[1:]


def open_note(note, vkeys):
    code = "CHECKPOINT_INVALID"
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n"):
        raise Refused(code)
    text, known, signers = note[: at + 1], [parse_vkey(each) for each in vkeys], []
    if re.search(r"[\x00-\x09\x0b-\x1f]", text):
        raise Refused(code)
    for line in note[at + 2 : -1].split("\n"):
        match = re.fullmatch("\u2014 ([^ +]+) ([^ ]+)", line)
        if not match:
            raise Refused(code)
        data = from_base64(match[2], code)
        if len(data) <= 4:
            raise Refused(code)
        for key in known:
            if key[:2] != (match[1], data[:4].hex()) or key in signers:
                continue
            if not verify(key[2], text.encode(), data[4:]):
                raise Refused(code)
            signers.append(key)
    if not signers:
        raise Refused(code)
    return text, [name for name, _, _ in signers]


def open_checkpoint(note, vkeys):
    code = "CHECKPOINT_INVALID"
    text, signers = open_note(note, vkeys)
    lines = text[:-1].split("\n")
    if len(lines) < 3 or lines[0] not in signers or "" in lines:
        raise Refused(code)
    if not re.fullmatch(r"0|[1-9][0-9]*", lines[1]) or int(lines[1]) >= 2**53:
        raise Refused(code)
    root = from_base64(lines[2], code)
    if len(root) != 32:
        raise Refused(code)
    return lines[0], int(lines[1]), root


def check_notes():
    vectors = read("notes.json")
    for each in vectors["keys"]:
        expect("verifier keys", each["name"], verdict_of(lambda: parse_vkey(each["vkey"])), each["verdict"])
        if each["verdict"] == "ok":
            name, key_id, public = parse_vkey(each["vkey"])
            wanted = (each["keyName"], each["keyIdHex"], each["publicKeyHex"])
            expect("verifier keys", each["name"], (name, key_id, public.hex()), wanted)
        if "seedHex" in each:
            public = public_key_of(bytes.fromhex(each["seedHex"])).hex()
            expect("verifier keys", each["name"], public, each["publicKeyHex"])
    for each in vectors["notes"]:
        got = verdict_of(lambda: open_note(each["note"], each["vkeys"]))
        expect("notes", each["name"], got, each["verdict"])
        if got == each["verdict"] == "ok":
            text, signers = open_note(each["note"], each["vkeys"])
            expect("notes", each["name"], (text, signers), (each["text"], each["signers"]))
    for each in vectors["checkpoints"]:
        got = verdict_of(lambda: open_checkpoint(each["note"], each["vkeys"]))
        expect("checkpoints", each["name"], got, each["verdict"])
        if got == each["verdict"] == "ok":
            origin, size, root = open_checkpoint(each["note"], each["vkeys"])
            wanted = (each["origin"], each["size"], each["rootHex"])
            expect("checkpoints", each["name"], (origin, size, root.hex()), wanted)


def parse_proof(text):
    code = "PROOF_INVALID"
    head, found, note = text.partition("\n\n")
    lines = head.split("\n")
    if not found or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Refused(code)
    if lines and lines[0].startswith("extra "):
        from_base64(lines.pop(0)[6:], code)
    match = re.fullmatch(r"index (0|[1-9][0-9]*)", lines.pop(0) if lines else "")
    if not match or int(match[1]) >= 2**53 or len(lines) > 53:
        raise Refused(code)
    hashes = [from_base64(line, code) for line in lines]
    if any(len(each) != 32 for each in hashes):
        raise Refused(code)
    return int(match[1]), hashes, note


def prove(text, vkey, entry):
    index, hashes, note = parse_proof(text)
    _, size, root = open_checkpoint(note, [vkey])
    if not includes(leaf_hash(entry.encode()), index, size, hashes, root):
        raise Refused("unproven")
    return index, size, root


def check_proofs():
    vectors = read("proofs.json")
    for each in vectors["vectors"]:
        got = verdict_of(lambda: prove(each["proof"], vectors["vkey"], each["entry"]))
        expect("tlog-proofs", each["name"], got, each["verdict"])
        if got == each["verdict"] == "ok":
            index, size, _ = prove(each["proof"], vectors["vkey"], each["entry"])
            expect("tlog-proofs", each["name"], (index, size), (each["index"], each["size"]))
