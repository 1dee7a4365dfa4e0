"""One child of a task tells people of alarms."""

from pathlib import Path

from processor.engine.post import Post


def test_one_has_the_post_until_it_leaves_or_ends(tmp_path: Path) -> None:
    first, second = Post(tmp_path), Post(tmp_path)
    assert first.taken(wanted=True)
    assert first.taken(wanted=True)
    assert not second.taken(wanted=True)
    assert not first.taken(wanted=False)
    assert second.taken(wanted=True)
    assert not first.taken(wanted=True)
    second.taken(wanted=False)


def test_where_nothing_can_be_written_nobody_has_it(tmp_path: Path) -> None:
    assert not Post(tmp_path / "not-there").taken(wanted=True)
