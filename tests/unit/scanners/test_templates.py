from pathlib import Path

import pytest

from scanners.finding import ScannerError
from scanners.templates import read


def test_short_tags_hide_no_type(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/keys.yaml").write_text(
        "Resources:\n"
        "  Data: {Type: AWS::KMS::Key, Properties: {Description: !Sub '${A}', Tags: !If [a, [b], {c: d}]}}\n"
        "  Log:\n    Type: AWS::Logs::LogGroup\n    Properties:\n      KmsKeyId: !GetAtt Data.Arn\n"
    )

    (template,) = read(tmp_path)

    assert template.types == {"Data": "AWS::KMS::Key", "Log": "AWS::Logs::LogGroup"}
    assert template.where("Data") == "dev/keys.Data"
    assert template.where(None) == "dev/keys"


def test_no_templates_are_no_clean_templates(tmp_path: Path) -> None:
    with pytest.raises(ScannerError, match=r"holds no templates; run `python build.py` first"):
        read(tmp_path)


def test_ours_are_all_read() -> None:
    directory = Path(__file__).parents[3] / "templates"
    assert len(read(directory)) == len(list(directory.glob("*/*.yaml"))) >= 24
