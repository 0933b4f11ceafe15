#!/usr/bin/env python3
"""Read letters out of a Poststelle vault with the recovery kit: needs Python 3.11, `cryptography` and nothing else.

    python3 recover.py --kit KIT list                 ids, numbers and source file names
    python3 recover.py --kit KIT original ID -o FILE  the file as it was received
    python3 recover.py --kit KIT text ID -o FILE      recognised text and facts (JSON)
    python3 recover.py --kit KIT check                opens every key the kit must open; says OK

docs/archive-format.md describes what this program does, so that it can be written anew.
"""

import argparse
import base64
import hashlib
import json
import sqlite3
import sys
import zlib
from pathlib import Path

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def purpose(*fields):
    return b"\0".join(str(field).encode() for field in fields)


class PrivateKey:
    """An X-Wing private key from its 96 bytes of seeds."""

    def __init__(self, seeds):
        ml_kem, x25519 = MLKEM768PrivateKey.from_seed_bytes(seeds[:64]), X25519PrivateKey.from_private_bytes(seeds[64:])
        self.public = ml_kem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        self.key = MLKEM768X25519PrivateKey(ml_kem, x25519)

    def unwrap(self, wrap, *fields):
        return SUITE.decrypt(wrap, self.key, info=purpose(*fields))


class Vault:
    """The kit, the key book's epochs and the key store."""

    def __init__(self, folder, key_store, kit_file):
        self.folder = Path(folder)
        try:
            lines = Path(kit_file).read_text(encoding="utf-8").splitlines()
            fields = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(" "))
            secret = "".join("".join(line.split()) for line in lines if line.startswith("  "))
            self.kit = PrivateKey(base64.b32decode(secret + "=" * (-len(secret) % 8)))
            self.id, self.genesis = fields["vault"], fields["genesis"]
        except (OSError, ValueError, KeyError):
            sys.exit(f"{kit_file} is no recovery kit that can be read.")
        self.kit_id = hashlib.sha256(self.kit.public).hexdigest()[:32]
        book = (self.folder / "keybook.jsonl").read_bytes().splitlines()
        if hashlib.sha256(book[0]).hexdigest() != self.genesis:
            sys.exit("This kit belongs to another vault, or the key book was replaced.")
        self.epochs = {}
        for entry in (e for line in book for e in json.loads(line)["body"].get("epochs", ())):
            self.epochs[entry["scope_id"], entry["number"]] = entry
        self.keys = sqlite3.connect(f"file:{key_store or self.folder / 'keys' / 'keys.db'}?mode=ro", uri=True)

    def scope_key(self, scope_id, epoch):
        entry = self.epochs[scope_id, epoch]
        question = "SELECT wrap FROM epochs WHERE scope = ? AND epoch = ? AND recipient = ?"
        row = self.keys.execute(question, (scope_id, epoch, self.kit_id)).fetchone()
        if row is None:
            sys.exit(
                f"This kit does not open {entry['scope']}, key {epoch}: another kit took its place, or keys are lost."
            )
        key = PrivateKey(self.kit.unwrap(row[0], "poststelle epoch v1", self.id, scope_id, epoch, self.kit_id))
        if key.public != base64.b64decode(entry["public"]):
            sys.exit(f"The key of {entry['scope']} is not the one the key book names.")
        return key

    def part(self, document, part):
        part_set = "text" if part == "text" else "content"
        question = """SELECT w.scope, w.epoch, w.version, w.wrap FROM wraps w LEFT JOIN register r USING (document)
            WHERE document = ? AND part_set = ? AND (part_set = 'content' OR w.version = r.text_version)"""
        row = self.keys.execute(question, (document, part_set)).fetchone()
        if row is None:
            sys.exit(f"There is no key for {document}: it was destroyed, or the id is wrong.")
        scope, epoch, version, wrap = row
        info = ("poststelle document v1", self.id, document, part_set, version, scope, epoch)
        keys = self.scope_key(scope, epoch).unwrap(wrap, *info)
        key = keys[32:] if part == "rendition" else keys[:32]
        sealed = (self.folder / "objects" / document[:2] / f"{document}.{part}.{version}").read_bytes()
        opened = Cobblestone256Decryptor(key, context=purpose("poststelle part v1", self.id, document, part, version))
        content = opened.update(sealed[8:]) + opened.finalize()
        return zlib.decompress(content) if part == "text" else content

    def documents(self):
        question = "SELECT document, kind, year, number FROM register ORDER BY sequence"
        for document, kind, year, number in self.keys.execute(question):
            text = json.loads(self.part(document, "text"))
            yield document, f"{kind} {year}-{number:06}", text["file"]["name"]

    def check(self):
        for scope_id, epoch in self.epochs:
            self.scope_key(scope_id, epoch)
        return len(self.epochs)


def main():
    parser = argparse.ArgumentParser(description="Read letters out of a vault with the recovery kit.")
    parser.add_argument("--kit", required=True, help="the recovery kit, as a text file")
    parser.add_argument("--vault", default=Path(__file__).resolve().parent, help="folder of the vault")
    parser.add_argument("--keys", help="the key store (keys.db or its mirror), if it is not in the vault")
    parser.add_argument("what", choices=["list", "check", "original", "rendition", "text"])
    parser.add_argument("id", nargs="?", help="id of the letter")
    parser.add_argument("-o", "--output", help="file to write; without it, standard output")
    options = parser.parse_args()
    vault = Vault(options.vault, options.keys, options.kit)
    if options.what == "check":
        print(f"OK: the kit opens {vault.check()} keys")
    elif options.what == "list":
        for document, number, name in vault.documents():
            print(document, number, name, sep="\t")
    elif not options.id:
        parser.error("say which letter: its id, see list")
    else:
        content = vault.part(options.id, options.what)
        if options.output:
            with open(options.output, "xb") as stream:
                stream.write(content)
        else:
            sys.stdout.buffer.write(content)


if __name__ == "__main__":
    main()
