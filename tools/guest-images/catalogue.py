#!/usr/bin/python3
"""Fills redis with a catalogue: three quarters of it the same in every guest, one quarter the guest's own."""
import random
import socket
import sys

BATCH = 200
count, name = int(sys.argv[1]), sys.argv[2]
words = open("/usr/share/common-licenses/GPL-3").read().split()
everybodys, own = random.Random(42), random.Random(name)
redis = socket.create_connection(("127.0.0.1", 6379))
answers = redis.makefile("rb")


def command(*parts):
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


for start in range(0, count, BATCH):
    batch = b""
    for number in range(start, min(start + BATCH, count)):
        source = own if number % 4 == 0 else everybodys
        text = " ".join(source.choices(words, k=source.randint(20, 120)))
        batch += command(b"SET", b"article:%d" % number, text.encode())
    redis.sendall(batch)
    for number in range(start, min(start + BATCH, count)):
        answers.readline()
