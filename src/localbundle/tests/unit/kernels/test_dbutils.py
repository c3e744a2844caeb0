import pytest
from localbundle.errors import BundleError
from localbundle.kernels.dbutils import VALUE_LIMIT, Context, DBUtils, NotebookExit, read_state
from localbundle.volumes.strict import install, remove


@pytest.fixture
def make(tmp_path):
    def dbutils(task="a", **parameters) -> DBUtils:
        return DBUtils(
            Context(task=task, folder="n", parameters=parameters, run_folder=str(tmp_path), home=str(tmp_path))
        )

    return dbutils


def test_a_passed_value_wins_over_a_widgets_default(make) -> None:
    widgets = make(schema="given").widgets
    widgets.text("schema", "default")
    widgets.dropdown("size", "s", ["s", "m"])
    assert widgets.get("schema") == "given"
    assert widgets.getAll() == {"schema": "given", "size": "s"}
    widgets.removeAll()
    assert widgets.getAll() == {"schema": "given"}
    with pytest.raises(BundleError, match="no widget or parameter is named shema; did you mean schema?"):
        widgets.get("shema")


def test_task_values_go_from_task_to_task(make) -> None:
    make("a").jobs.taskValues.set("n", {"deep": [1, None, "ü"]})
    later = make("b").jobs.taskValues
    assert later.get("a", "n") == {"deep": [1, None, "ü"]}
    assert later.get("a", "m", default=0) == 0
    with pytest.raises(ValueError, match="task a has not set the value m"):
        later.get("a", "m", debugValue=1)


def test_a_task_value_has_at_most_48_kib(make) -> None:
    values = make().jobs.taskValues
    values.set("fits", "x" * (VALUE_LIMIT - 2))
    with pytest.raises(ValueError, match="task value big has 49153 bytes, the limit is 49152"):
        values.set("big", "x" * (VALUE_LIMIT - 1))
    with pytest.raises(TypeError):
        values.set("set", {1})
    with pytest.raises(TypeError):
        values.set(1, 1)


def test_exit_passes_any_except_of_the_notebook(make, tmp_path) -> None:
    with pytest.raises(NotebookExit):
        try:
            make("a").notebook.exit(5)
        except Exception:
            pytest.fail("swallowed")
    assert read_state(tmp_path, "a").exit == "5"


def test_secrets(make, tmp_path, monkeypatch) -> None:
    (tmp_path / "secrets.json").write_text('{"rag": {"token": "t"}}')
    secrets = make().secrets
    assert secrets.get("rag", "token") == "t"
    with pytest.raises(BundleError, match="secret rag/other-key is not set; .*LOCALBUNDLE_SECRET_RAG_OTHER_KEY"):
        secrets.get("rag", "other-key")
    monkeypatch.setenv("LOCALBUNDLE_SECRET_RAG_OTHER_KEY", "o")
    assert secrets.get("rag", "other-key") == "o"


def test_volumes_are_a_folder_of_the_workspace(make, tmp_path) -> None:
    fs = make().fs
    fs.mkdirs("dbfs:/Volumes/c/s/v")
    fs.put("/Volumes/c/s/v/a.txt", "text")
    assert (tmp_path / "Volumes/c/s/v/a.txt").read_text() == "text"
    assert [(info.path, info.size) for info in fs.ls("/Volumes/c/s/v")] == [("/Volumes/c/s/v/a.txt", 4)]
    assert fs.head("/Volumes/c/s/v/a.txt", 2) == "te"
    with pytest.raises(FileExistsError):
        fs.put("/Volumes/c/s/v/a.txt", "new")
    assert fs.rm("/Volumes/c", recurse=True)
    assert not fs.rm("/Volumes/c")


def test_outside_a_job_nothing_is_left_behind(tmp_path) -> None:
    dbutils = DBUtils(Context(task="", folder="n", run_folder="", home=str(tmp_path)))
    dbutils.jobs.taskValues.set("n", 1)
    assert dbutils.jobs.taskValues.get("a", "n", debugValue=7) == 7
    with pytest.raises(TypeError, match="task value a.n: .* debugValue="):
        dbutils.jobs.taskValues.get("a", "n", default=1)
    assert list(tmp_path.iterdir()) == []


def test_files_are_copied_and_moved_on_strict_volumes(make, tmp_path) -> None:
    fs, volume = make().fs, "/Volumes/c/s/v"
    fs.mkdirs(f"{volume}/from/deep")
    install([tmp_path / "Volumes"])
    try:
        fs.put(f"{volume}/from/a.txt", "a")
        fs.put(f"{volume}/from/deep/b.txt", "b")
        assert fs.cp(f"{volume}/from/a.txt", f"{volume}/from/deep")
        assert fs.cp(f"{volume}/from", f"{volume}/to", recurse=True)
        assert fs.mv(f"{volume}/from/deep/b.txt", f"{volume}/moved.txt")
        assert fs.mv(f"{volume}/to/deep", f"{volume}/from")
        assert fs.mv(f"{volume}/to", f"{volume}/last")
    finally:
        remove([tmp_path / "Volumes"])
    root = tmp_path / "Volumes/c/s/v"
    found = {str(file.relative_to(root)): file.read_text() for file in root.rglob("*.txt")}
    assert found == {
        "from/a.txt": "a",
        "from/deep/a.txt": "a",
        "from/deep/b.txt": "b",
        "last/a.txt": "a",
        "moved.txt": "b",
    }
