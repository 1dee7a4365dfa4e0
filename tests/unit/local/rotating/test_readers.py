"""What of a processor's log is trouble."""

import json
from pathlib import Path

from local.rotating.readers import trouble


def test_warnings_errors_and_what_is_no_line_of_ours_are_trouble(tmp_path: Path) -> None:
    lines = [
        json.dumps({"level": "info", "message": "the cache is back"}),
        json.dumps({"level": "warning", "message": "reading refused", "reason": "too_new"}),
        json.dumps({"level": "warning", "message": "the database is away: trying again", "cause": "57P01"}),
        json.dumps({"_aws": {"CloudWatchMetrics": []}, "Lag": 3}),
        "Traceback (most recent call last):",
    ]
    log = tmp_path / "processor.log"
    log.write_text("\n".join(lines))

    assert trouble(log) == [
        "warning: the database is away: trying again 57P01",
        "Traceback (most recent call last):",
    ]
