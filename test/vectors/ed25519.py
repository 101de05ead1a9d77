"""Ed25519 by RFC 8032 §5.1, for checking vectors: slow, not constant in time, never for real keys."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def _add(a, b):
    """Points in extended coordinates (X, Y, Z, T), x = X/Z, y = Y/Z, x y = T/Z (RFC 8032 §5.1.4)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    w, x, y, z = f - e, h - g, h + g, f + e
    return (w * x % P, y * z % P, x * y % P, w * z % P)


def _multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _recover_x(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * SQRT_OF_MINUS_1 % P
    if (x * x - xx) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def _decompress(data):
    number = int.from_bytes(data, "little")
    y, sign = number & (2**255 - 1), number >> 255
    x = _recover_x(y, sign) if y < P else None
    return None if x is None else (x, y, 1, x * y % P)


def _compress(point):
    z = pow(point[2], -1, P)
    x, y = point[0] * z % P, point[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE_Y = 4 * pow(5, -1, P) % P
_BASE_X = _recover_x(_BASE_Y, 0)
BASE = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % P)


def _hash(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def _expand(seed):
    data = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(data[:32], "little") & ~7 & (2**255 - 1) | 1 << 254
    return scalar & (2**255 - 1), data[32:]


def public_key_of(seed):
    """The public key of a 32-byte private key."""
    return _compress(_multiply(_expand(seed)[0], BASE))


def sign(seed, message):
    """The deterministic signature, 64 bytes."""
    scalar, prefix = _expand(seed)
    public = public_key_of(seed)
    r = _hash(prefix, message) % L
    point = _compress(_multiply(r, BASE))
    s = (r + _hash(point, public, message) * scalar) % L
    return point + s.to_bytes(32, "little")


def verify(public, message, signature):
    """Whether the signature is valid; refuses S that is not below the order of the group."""
    if len(signature) != 64:
        return False
    key, point = _decompress(public), _decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or point is None or s >= L:
        return False
    left = _multiply(s, BASE)
    right = _add(point, _multiply(_hash(signature[:32], public, message) % L, key))
    same_x = left[0] * right[2] % P == right[0] * left[2] % P
    return same_x and left[1] * right[2] % P == right[1] * left[2] % P
