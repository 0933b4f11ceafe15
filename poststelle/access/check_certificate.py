#!/usr/bin/env python3
"""Check a certificate of destruction of a Poststelle vault: needs Python 3.11, `cryptography` and nothing else.

    python3 check_certificate.py CERTIFICATE --key KEY

Says what was destroyed, when, and until when a backup may still have held keys of it; ends with 1 if it is forged.
`poststelle purge prove ID --hand-out DIR` writes certificate, key and this program. The key names itself: the id that
is printed must be the one that the office tells you by another way, or that stands in its earlier certificates.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def person_id(keys):
    parts = [base64.b64decode(keys[name]) for name in ("sealing", "ed25519", "ml_dsa_65")]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:32]


def holds(line, keys):
    """Whether both signatures hold over the body, and nothing rides along."""
    envelope = json.loads(line)
    if canonical(envelope) != line or set(envelope) != {"body", "ed25519", "ml_dsa_65"}:
        return False
    body = envelope["body"]
    message = b"poststelle statement v1\0" + body["vault"].encode() + b"\0" + canonical(body)
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys["ed25519"]))
        key.verify(base64.b64decode(envelope["ed25519"]), message)
        key = MLDSA65PublicKey.from_public_bytes(base64.b64decode(keys["ml_dsa_65"]))
        key.verify(base64.b64decode(envelope["ml_dsa_65"]), message)
    except InvalidSignature:
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description="Check a certificate of destruction.")
    parser.add_argument("certificate", help="the certificate, a JSON file")
    parser.add_argument("--key", required=True, help="the service's public key, a JSON file")
    options = parser.parse_args()
    line = Path(options.certificate).read_bytes().rstrip(b"\n")
    body = json.loads(line)["body"]
    keys = json.loads(Path(options.key).read_bytes())["keys"]
    if person_id(keys) != body["by"]:
        sys.exit("FORGED: the certificate is not by the service of this vault.")
    if body["kind"] != "certificate-of-destruction" or not holds(line, keys):
        sys.exit("FORGED: the signatures do not hold.")
    print(f"GENUINE: signed by the service {body['by']} of the vault {body['vault']} at {body['at']}.")
    if body["practice"]:
        print("It is from a vault for practice.")
    for letter in body["letters"]:
        print(f"destroyed: {letter['id']} {letter['number']} ({letter['class']}, due on {letter['due_on']})")
    for copy in body.get("copies", ()):
        print(f"backup {copy['backup']}: no key of it after {copy['keys_until']}")


if __name__ == "__main__":
    main()
