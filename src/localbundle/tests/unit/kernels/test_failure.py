import shutil

import pytest
from localbundle.kernels.bootstrap import describe_program
from localbundle.kernels.failure import brief_message

ADVICE = "[Errno 1] Operation not permitted; a volume on Databricks keeps no modes: '/v/{}'"


def result(error: BaseException) -> str:
    return brief_message(describe_program(error, 3))


def test_a_folders_copy_says_what_failed_first_in_one_line() -> None:
    errors = [(f"/l/{name}", f"/v/{name}", ADVICE.format(name)) for name in "abc"]
    assert result(shutil.Error(errors)) == f"Error: {ADVICE.format('a')} (and 2 more)"
    assert result(shutil.Error(errors[:1])) == f"Error: {ADVICE.format('a')}"


@pytest.mark.parametrize("what", ["Destination path '/v/a' already exists", [], ["a"]])
def test_any_other_error_of_shutil_says_what_it_says(what: object) -> None:
    assert result(shutil.Error(what)) == f"Error: {what}"
