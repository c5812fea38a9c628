"""Signed notes: known keys, every flipped bit."""

import pytest

from baoguan.archive.note import Signer, Verifier, checkpoint_text, open_note, parse_checkpoint
from baoguan.backends.clock import SeededEntropy
from baoguan.errors import ConfigError, VerifyError

# The example of Go's golang.org/x/mod/sumdb/note documentation.
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
MESSAGE = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNED = (
    MESSAGE
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_example_of_go():
    signer = Signer.parse(SKEY)
    assert signer.text == SKEY
    assert signer.verifier.text == VKEY
    assert signer.sign(MESSAGE).decode() == SIGNED
    assert open_note(SIGNED.encode(), Verifier.parse(VKEY)) == MESSAGE


def test_every_flipped_bit_of_a_checkpoint_is_seen():
    signer = Signer.generate("news.example/log", SeededEntropy("note"))
    note = signer.sign(checkpoint_text("news.example/log", 1234, bytes(range(32))))
    assert parse_checkpoint(note, signer.verifier).size == 1234
    for at in range(len(note)):
        for bit in range(8):
            broken = note[:at] + bytes([note[at] ^ (1 << bit)]) + note[at + 1 :]
            with pytest.raises(VerifyError):
                parse_checkpoint(broken, signer.verifier)


def test_signatures_of_others_are_passed_over():
    one, two = (Signer.generate(name, SeededEntropy(name)) for name in ("a.example", "b.example"))
    text = checkpoint_text("a.example", 1, bytes(32))
    cosigned = one.sign(text) + two.sign(text).split(b"\n\n")[1]
    assert parse_checkpoint(cosigned, one.verifier) == parse_checkpoint(cosigned, two.verifier)
    with pytest.raises(VerifyError, match=r"no signature of c\.example"):
        parse_checkpoint(cosigned, Signer.generate("c.example", SeededEntropy()).verifier)


@pytest.mark.parametrize("text", ["", "a", "a+b+c", VKEY.replace("c74f", "c74e"), SKEY, VKEY[:-4]])
def test_what_is_no_verifier_key(text):
    with pytest.raises(ConfigError):
        Verifier.parse(text)


@pytest.mark.parametrize("text", ["", VKEY, SKEY[:-5], SKEY.replace("c74f", "c74e")])
def test_what_is_no_private_key(text):
    with pytest.raises(ConfigError):
        Signer.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_names_that_notes_do_not_allow(name):
    with pytest.raises(ConfigError):
        Signer(name, bytes(32))


@pytest.mark.parametrize("text", ["a\n01\n", "a\n-1\n", "a\n1\nAAAA\n", "\n1\n" + "A" * 43 + "=\n", "a\n1\n"])
def test_what_is_no_checkpoint(text):
    signer = Signer("a", bytes(32))
    with pytest.raises(VerifyError):
        parse_checkpoint(signer.sign(text), signer.verifier)
