"""Randomness: unguessable and never handed out twice, or repeatable from a seed."""

import os

from clearhouse.kernel.randomness import SeededRandomness, SystemRandomness


def test_no_bytes_are_handed_out_twice() -> None:
    source = SystemRandomness()
    drawn = [source.token(16) for _ in range(5_000)]
    assert len(set(drawn)) == 5_000
    assert {len(one) for one in drawn} == {16}
    assert len(source.token(10_000)) == 10_000


def test_a_forked_process_draws_its_own() -> None:
    source = SystemRandomness()
    source.token(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, source.token(32))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 32) != source.token(32)


def test_a_seed_repeats_everything() -> None:
    one, other = SeededRandomness(5), SeededRandomness(5)
    assert one.token(99) == other.token(99)
    assert one.uniform(0, 9) == other.uniform(0, 9)
    assert 0 <= SystemRandomness().uniform(0, 1) <= 1
