import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.strace_log import read_calls
from tests.support.volume_calls import refused, traced, why_not

needs_strace = pytest.mark.skipif(bool(why_not()), reason=why_not() or "strace is here")


def calls(program: str, folder: Path, *arguments: str | Path) -> set[tuple[str, str]]:
    """The calls of a Python program in a folder that a volume would refuse: kind and name of the file."""
    made = traced([sys.executable, "-c", textwrap.dedent(program), str(folder), *arguments], folder)
    assert made.done.returncode == 0, made.done.stderr
    assert {call.program for call in made.calls} <= {Path(sys.executable).name, "mv"}
    return {(call.what, Path(call.path).name) for call in made.calls}


@needs_strace
def test_writing_whole_files_in_order_is_allowed(tmp_path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (tmp_path / "big").write_bytes(b"x" * 300_000)
    program = """
        import os, shutil, sys
        os.chdir(sys.argv[1])
        with open("a", "w") as file:
            for number in range(50_000):
                file.write(f"{number}\\n")
        with open("a", "w") as file:
            file.write("shorter")
        print(open("a").read())
        shutil.copyfile("../big", "big")
        os.remove("big")
        with open("big", "xb") as file:
            file.write(b"again")
        os.makedirs("b/c")
        fd = os.open("b/c/d", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.pwrite(fd, b"one", 0)
        os.pwrite(fd, b"two", 3)
        os.ftruncate(fd, 0)
        os.close(fd)
        shutil.rmtree("b")
        os.rename("../big", "../bigger")
        open("../log", "a").close()
    """
    assert calls(program, volume) == set()


@needs_strace
def test_refused_calls_of_python_are_found(tmp_path) -> None:
    program = """
        import fcntl, mmap, os, subprocess, sys, threading
        os.chdir(sys.argv[1])
        open("old", "w").write("some text")
        os.rename("old", "new")
        os.link("new", "linked")
        os.symlink("new", "pointer")
        os.chmod("new", 0o600)
        os.utime("new")
        os.truncate("new", 4)
        with open("new", "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.lockf(file, fcntl.LOCK_UN)
            mmap.mmap(file.fileno(), 0).close()
        with open("sought", "wb") as file:
            file.write(b"abc")
            file.seek(1)
            file.write(b"B")
        fd = os.open(".", os.O_RDONLY)
        os.rename("sought", "found", src_dir_fd=fd, dst_dir_fd=fd)
        subprocess.run(["mv", "found", "moved"], check=True)
        work = [threading.Thread(target=lambda n=n: [open(f"t{n}", "a").write("x") for _ in range(50)]) for n in "12"]
        [thread.start() for thread in work]
        [thread.join() for thread in work]
    """
    assert calls(program, tmp_path) == {
        *(("rename", name) for name in ("old", "new", "sought", "found", "moved")),
        *(("link", name) for name in ("new", "linked")),
        *((what, "new") for what in ("chmod", "utime", "truncate", "change in place", "lock")),
        ("symlink", "pointer"),
        ("write out of order", "sought"),
        ("append", "t1"),
        ("append", "t2"),
    }


@needs_strace
def test_refused_calls_of_compiled_code_are_found(tmp_path) -> None:
    program = """
        import sqlite3, sys
        base = sqlite3.connect(sys.argv[1] + "/own.db")
        base.execute("CREATE TABLE t (n)")
        base.executemany("INSERT INTO t VALUES (?)", [(str(n) * 100,) for n in range(100)])
        base.commit()
    """
    made = calls(program, tmp_path)
    assert {("lock", "own.db"), ("change in place", "own.db"), ("change in place", "own.db-journal")} <= made
    assert ("write out of order", "own.db") in made


@needs_strace
def test_a_zip_file_is_written_out_of_order(tmp_path) -> None:
    program = "import sys, zipfile; zipfile.ZipFile(sys.argv[1] + '/a.zip', 'w').writestr('a', 'b')"
    assert calls(program, tmp_path) == {("write out of order", "a.zip")}


@needs_strace
def test_programs_can_be_excluded(tmp_path) -> None:
    (tmp_path / "a").write_text("a")
    made = traced(["sh", "-c", "mv a b; exit 3"], tmp_path, cwd=tmp_path, without=("mv",))
    assert (made.done.returncode, made.calls) == (3, [])
    made = traced(["sh", "-c", "mv b c"], tmp_path, cwd=tmp_path)
    assert {(call.program, Path(call.path).name) for call in made.calls} == {("mv", "b"), ("mv", "c")}


LOG = r"""
10    execve("/usr/bin/python3", ["python3"], 0x7ff /* 20 vars */) = 0
10    openat(AT_FDCWD</mnt>, "v/a", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666 <unfinished ...>
11    write(1<pipe:[7]>, ""..., 5) = 5
10    <... openat resumed>)             = 4</mnt/v/a>
10    write(4</mnt/v/a>, ""..., 3 <unfinished ...>
10    <... write resumed>) = 3
10    clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD, stack=0x7f} <unfinished ...>
12    rename("v/a", "v/b, \"c\"" <unfinished ...>
10    <... clone3 resumed> => {parent_tid=[12]}, 88) = 12
12    <... rename resumed>) = 0
10    vfork( <unfinished ...>
13    execve("/usr/lib/jvm/bin/java", ["java"], 0x7ff /* 20 vars */) = 0
10    <... vfork resumed>) = 13
13    rename("/mnt/v/x", "/mnt/v/y") = 0
10    rename("/mnt/v/gone", "/mnt/v/z") = -1 ENOENT (No such file or directory)
10    chdir("/mnt/v") = 0
12    flock(5</mnt/v/\303\244>, LOCK_EX) = -1 EAGAIN (Resource temporarily unavailable)
12    link("k", "/else/l") = 0
--- SIGCHLD {si_signo=SIGCHLD} ---
10    +++ exited with 0 +++
10    rename("/mnt/v/cut off
"""


def test_a_log_of_several_threads_and_processes_is_read() -> None:
    found = refused(read_calls(LOG.strip().splitlines(), "/mnt"), Path("/mnt/v"))
    assert [(call.program, call.name, call.path) for call in found] == [
        ("python3", "rename", "/mnt/v/a"),
        ("python3", "rename", '/mnt/v/b, "c"'),
        ("java", "rename", "/mnt/v/x"),
        ("java", "rename", "/mnt/v/y"),
        ("python3", "flock", "/mnt/v/ä"),
        ("python3", "link", "/mnt/v/k"),
    ]
