"""Trees and their proofs, by the definitions of RFC 6962 §2.1: recursion over whole trees."""

import hashlib

from strict import expect, read

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(count):
    """The largest power of two below count."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree_hash(leaves):
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return path(m, leaves[:k]) + [tree_hash(leaves[k:])]
    return path(m - k, leaves[k:]) + [tree_hash(leaves[:k])]


def consistency(m, leaves, is_whole=True):
    if m == len(leaves):
        return [] if is_whole else [tree_hash(leaves)]
    k = split(len(leaves))
    if m <= k:
        return consistency(m, leaves[:k], is_whole) + [tree_hash(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [tree_hash(leaves[:k])]


def root_from_path(leaf, m, count, proof):
    """The root that the path leads to, or None when it has another length."""
    if count == 1:
        return None if proof else leaf
    if not proof:
        return None
    k = split(count)
    below = root_from_path(leaf, m if m < k else m - k, k if m < k else count - k, proof[:-1])
    if below is None:
        return None
    return node_hash(below, proof[-1]) if m < k else node_hash(proof[-1], below)


def includes(leaf, m, count, proof, root):
    if not 0 <= m < count or any(len(each) != 32 for each in [leaf, root, *proof]):
        return False
    return root_from_path(leaf, m, count, proof) == root


def roots_from_consistency(m, count, old_root, proof, is_whole=True):
    """The old and the new root that the proof leads to, or None when it has another length."""
    if m == count:
        if is_whole:
            return None if proof else (old_root, old_root)
        return (proof[0], proof[0]) if len(proof) == 1 else None
    if not proof:
        return None
    k, last = split(count), proof[-1]
    if m <= k:
        below = roots_from_consistency(m, k, old_root, proof[:-1], is_whole)
        return None if below is None else (below[0], node_hash(below[1], last))
    below = roots_from_consistency(m - k, count - k, old_root, proof[:-1], False)
    return None if below is None else (node_hash(last, below[0]), node_hash(last, below[1]))


def continues(m, old_root, count, new_root, proof):
    if m > count or any(len(each) != 32 for each in [old_root, new_root, *proof]):
        return False
    if m == 0:
        # The empty tree is the beginning of every tree, and equal to itself alone.
        return not proof and old_root == EMPTY_ROOT and (count > 0 or new_root == EMPTY_ROOT)
    return roots_from_consistency(m, count, old_root, proof) == (old_root, new_root)


def unhex(texts):
    return [bytes.fromhex(text) for text in texts]


def check_trees():
    vectors = read("trees.json")
    made = {}
    for tree in vectors["trees"]:
        leaves = [leaf_hash(each) for each in unhex(tree["leavesHex"])]
        made[tree["name"]] = leaves
        expect("trees", tree["name"], [each.hex() for each in leaves], tree["leafHashesHex"])
        roots = [tree_hash(leaves[:size]).hex() for size in range(len(leaves) + 1)]
        expect("trees", tree["name"], roots, tree["rootsHex"])
        for i, row in enumerate(tree["rows"]):
            check_row(f"{tree['name']} {i}", leaves[: i + 1], row)
    for each in vectors["inclusion"]:
        proof, root = unhex(each["proofHex"]), bytes.fromhex(each["rootHex"])
        leaf = bytes.fromhex(each["leafHashHex"])
        got = includes(leaf, each["index"], each["size"], proof, root)
        expect("inclusion proofs", each["name"], got, each["valid"])
        leaves = made.get(each["name"].split("/")[0])
        if leaves:
            expect("inclusion proofs", each["name"], path(each["index"], leaves[: each["size"]]), proof)
    for each in vectors["consistency"]:
        proof = unhex(each["proofHex"])
        old, new = unhex([each["fromRootHex"], each["toRootHex"]])
        got = continues(each["fromSize"], old, each["toSize"], new, proof)
        expect("consistency proofs", each["name"], got, each["valid"])
        leaves = made.get(each["name"].split("/")[0])
        if leaves and each["fromSize"] > 0:
            wanted = consistency(each["fromSize"], leaves[: each["toSize"]])
            expect("consistency proofs", each["name"], wanted, proof)


def subtrees(leaves):
    """The roots of the perfect subtrees that the last leaf completes, by level."""
    count = len(leaves)
    return [tree_hash(leaves[count - 2**level :]) for level in range(53) if count % 2**level == 0]


def right_edge(leaves):
    """The roots of the perfect subtrees that the leaves consist of, largest first."""
    edge, start = [], 0
    for level in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> level & 1:
            edge.append(tree_hash(leaves[start : start + 2**level]))
            start += 2**level
    return edge


def check_row(name, leaves, row):
    expect("rows", name, [each.hex() for each in subtrees(leaves)], row["nodesHex"])
    expect("rows", name, [each.hex() for each in right_edge(leaves)], row["frontierHex"])
