import pytest

from deployer.naming import Ambiguous, NoSuchName, meant

PATHS = ["Stream/Readings", "Archive/Readings", "Database/Database"]


def test_a_path_or_a_logical_id_that_is_ones_only_names_a_resource() -> None:
    assert meant("--empty", ["Database", "Stream/Readings"], PATHS) == {
        "Database/Database",
        "Stream/Readings",
    }


def test_a_name_that_could_be_two_is_refused_with_both() -> None:
    with pytest.raises(Ambiguous, match="--empty Readings could be any of Stream/Readings, Archive/Re"):
        meant("--empty", ["Readings"], PATHS)


@pytest.mark.parametrize(("paths", "known"), [(PATHS, "Stream/Readings, Archive"), ([], "what it is for")])
def test_a_name_of_nothing_is_refused_with_those_there_are(paths: list[str], known: str) -> None:
    with pytest.raises(NoSuchName, match=f"--empty Reading: that is none of {known}"):
        meant("--empty", ["Reading"], paths)
