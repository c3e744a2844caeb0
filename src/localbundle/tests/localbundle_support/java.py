"""How the tests' Java compiles and loads classes."""

import os


def compile_lightly() -> None:
    """Makes every Java process of the tests leave out the optimizing compiler and the verification of classes.

    On a server that stays, the compiler pays off after many runs; a test's server ends before. A first refresh took
    31 s of the server's CPU time with it and 21 s without. The code cache would be smaller then, and full after one
    run. Verifying the classes of published jars took 2 of the 10.5 s until a new server has made its first schema.
    """
    compiler = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
    verification = "-XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
    os.environ.setdefault("JAVA_TOOL_OPTIONS", f"{compiler} {verification}")
