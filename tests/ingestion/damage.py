"""Ways in which files get damaged between a hospital and here, drawn by a seeded chance."""

import gzip
import random
from collections.abc import Callable

Damage = Callable[[bytes, random.Random], bytes]


def cut_off(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def beginning_lost(content: bytes, chance: random.Random) -> bytes:
    return content[chance.randrange(len(content)) :]


def bits_flipped(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def bytes_put_in(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + chance.randbytes(chance.randint(1, 20)) + content[place:]


def marks_put_in(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    mark = chance.choice(
        [
            b'"',
            b'""',
            b"\n",
            b"\r",
            b"\r\n",
            b";",
            b",",
            b"|",
            b"^",
            b"~",
            b"\\",
            b"\0",
            b"\x0b",
            b"\xff",
            b"MSH|",
            b"{",
        ]
    )
    return content[:place] + mark + content[place:]


def piece_taken_out(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + content[place + chance.randint(1, 60) :]


def piece_repeated(content: bytes, chance: random.Random) -> bytes:
    place, length = chance.randrange(len(content)), chance.randint(1, 200)
    return content[: place + length] + content[place:]


def lines_shuffled(content: bytes, chance: random.Random) -> bytes:
    end = b"\r" if b"\r" in content and b"\n" not in content else b"\n"
    lines = content.split(end)
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return end.join(lines)


def another_encoding(content: bytes, chance: random.Random) -> bytes:
    return content.decode("utf-8", errors="replace").encode(
        chance.choice(["utf-16", "cp1252", "utf-8-sig"]), errors="replace"
    )


def filled_with_nothing(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + b"\0" * (len(content) - place)


def packed_badly(content: bytes, chance: random.Random) -> bytes:
    return bits_flipped(gzip.compress(content), chance)


WAYS: list[Damage] = [
    cut_off,
    beginning_lost,
    bits_flipped,
    bytes_put_in,
    marks_put_in,
    marks_put_in,
    piece_taken_out,
    piece_repeated,
    lines_shuffled,
    another_encoding,
    filled_with_nothing,
    packed_badly,
]


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The content after one to three accidents."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if content:
            content = chance.choice(WAYS)(content, chance)
    return content
