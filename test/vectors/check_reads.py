"""What is read of a log over HTTP: tiles, entries, proofs and the checkpoint."""

import hashlib
import json
import re

from check_log import is_line
from check_notes import open_checkpoint, prove
from check_trees import leaf_hash, tree_hash
from strict import expect, read

WIDTH = 256


def tile_of(path, entries, leaves):
    """The bytes of a tile, or None where its path is not spelled in the one way or the log is too short."""
    match = re.fullmatch(r"tile/(0|[1-9][0-9]?|entries)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?", path)
    if not match or match[2].startswith("x000/") or int(match[3] or 0) >= WIDTH:
        return None
    first = int(re.sub("[x/]", "", match[2])) * WIDTH
    width = int(match[3] or WIDTH)
    if match[1] == "entries":
        texts = [each.encode() for each in entries[first : first + width]]
        return b"".join(len(each).to_bytes(2, "big") + each for each in texts) if len(texts) == width else None
    span = WIDTH ** int(match[1])
    parts = [leaves[place * span : (place + 1) * span] for place in range(first, first + width)]
    return b"".join(map(tree_hash, parts)) if all(len(each) == span for each in parts) else None


def number(query, name):
    match = re.search(rf"(?:^|&){name}=(\d{{1,15}})(?:&|$)", query)
    return int(match[1]) if match else None


def check_text(each, vectors, leaves):
    path, _, query = each["path"].partition("?")
    size = len(leaves)
    if path == "checkpoint":
        _, signed, root = open_checkpoint(each["body"], [vectors["vkey"]])
        return (signed, root) == (size, tree_hash(leaves))
    if path == "proof":
        index, upto = number(query, "index"), number(query, "size") or size
        proven = prove(each["body"], vectors["vkey"], vectors["entries"][index])
        return proven == (index, upto, tree_hash(leaves[:upto]))
    start, limit = number(query, "start"), number(query, "limit") or 1000
    lines = each["body"].splitlines()
    texts = [json.loads(line)["entry"] for line in lines if is_line(line)]
    return len(texts) == len(lines) and texts == vectors["entries"][start : start + limit]


def check_reads():
    vectors = read("reads.json")
    leaves = [leaf_hash(entry.encode()) for entry in vectors["entries"]]
    for each in vectors["reads"]:
        if "body" in each:
            expect("reads", each["name"], check_text(each, vectors, leaves), True)
        elif each["path"].startswith("tile/") and each["status"] != 401:
            tile = tile_of(each["path"], vectors["entries"], leaves)
            got = None if tile is None else (len(tile), hashlib.sha256(tile).hexdigest())
            wanted = (each["length"], each["sha256Hex"]) if each["status"] == 200 else None
            expect("reads", each["name"], got, wanted)
