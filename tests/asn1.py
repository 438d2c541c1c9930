"""Just enough DER to take a CMS EnvelopedData apart by hand, as a client without our library would."""

OAEP = bytes.fromhex("2a864886f70d010107")
AES256 = bytes.fromhex("60864801650304012a")


def children(data):
    """(tag, content) of every element in a row."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[at:at + count], "big")
            at += count
        yield tag, data[at:at + length]
        at += length


def find_octets(der):
    """(encrypted key, iv, ciphertext, key is OAEP, content is AES) of an EnvelopedData with one recipient."""
    (_, info), = children(der)
    _, (_, explicit) = children(info)
    (_, enveloped), = children(explicit)
    _, (_, recipients), (_, content) = children(enveloped)
    (_, recipient), = children(recipients)
    _, _, (_, algorithm), (_, key) = children(recipient)
    _, (_, cipher), (tag, data) = children(content)
    assert tag == 0x80, "encryptedContent must be primitive [0]"
    (_, oid), (_, iv) = children(cipher)
    (_, key_oid), *_ = children(algorithm)
    return key, iv, data, key_oid == OAEP, oid == AES256
