"""What is installed carries its data files: an image is built from the installed package alone."""

import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOR_OTHERS = {"Dockerfile", "results.json"}  # read by docker and by people, by nothing installed


def data_files(package: Path) -> set[Path]:
    return {
        file
        for file in package.rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"} and file.name not in FOR_OTHERS
    }


@pytest.mark.parametrize(
    "package", ["parameters", "processor", "rotation", "local", "deployer", "stacks", "bench"]
)
def test_every_data_file_of_a_package_is_installed_with_it(package: str) -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    patterns = setup["options.package_data"].get(package, "").replace("\n", ",").split(",")

    installed = {
        file for pattern in patterns if pattern.strip() for file in (ROOT / package).glob(pattern.strip())
    }

    assert data_files(ROOT / package) == installed


def test_the_processor_has_data_files_to_install() -> None:
    assert {file.suffix for file in data_files(ROOT / "processor")} == {".sql"}
