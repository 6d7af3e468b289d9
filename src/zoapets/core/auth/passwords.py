"""Passwords: argon2id, in a bounded pool of threads; bcrypt hashes of older systems are accepted and upgraded."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane, at the least.
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
SHORTEST, LONGEST = 8, 200


class Passwords:
    """Hashes and verifies without stopping the event loop; at most `threads` at a time."""

    def __init__(self, threads: int = 1) -> None:
        self._hasher = PasswordHash(
            (Argon2Hasher(memory_cost=MEMORY_KIB, time_cost=PASSES, parallelism=LANES), BcryptHasher())
        )
        # Verified in place of an account that does not exist: ready before the first of them is asked for.
        self._nobody = self._hasher.hash("a conta que não existe")
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="passwords")

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        """Whether it fits, and a better hash to keep from now on. With no hash it takes as long and does not fit."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, password, hashed)

    def _verify(self, password: str, hashed: str | None) -> tuple[bool, str | None]:
        try:
            fits, better = self._hasher.verify_and_update(password, hashed or self._nobody)
        except (UnknownHashError, ValueError):
            # bcrypt raises on more than 72 bytes: such a password was never one of its own.
            return False, None
        return (fits, better) if hashed else (False, None)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
