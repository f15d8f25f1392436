"""Readers with the faults that scripts/fuzz_readers.py looks for."""

import os
import time


def forget_the_name(path):
    raise ValueError("cut off")


def raise_another(path):
    raise KeyError(path)


def hang(path):
    time.sleep(60)


def hoard(path):
    bytearray(b"x") * (5 << 29)


def crash(path):
    os.abort()
