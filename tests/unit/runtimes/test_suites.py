from tests.runtimes.suites import Counted, count

REPORT = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite tests="4">
<testcase classname="tests.unit.test_a" name="test_right" time="0.1"/>
<testcase classname="tests.unit.test_a" name="test_left"><skipped message="no chromium"/></testcase>
<testcase classname="tests.unit.test_a" name="test_wrong"><failure message="1 != 2"/></testcase>
<testcase classname="tests.unit.test_b" name="test_broken"><error message="no fixture"/></testcase>
</testsuite></testsuites>"""


def test_tests_are_counted_by_outcome() -> None:
    assert count(REPORT) == Counted(1, 1, ("tests.unit.test_a::test_wrong", "tests.unit.test_b::test_broken"))
