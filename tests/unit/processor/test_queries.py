from processor.queries import load_queries


def test_statements_are_found_by_name_without_their_semicolon() -> None:
    queries = load_queries()
    assert {"advance_shard", "insert_readings", "add_rollups", "add_refused"} <= queries.keys()
    assert all(statement and not statement.endswith(b";") for statement in queries.values())
    assert all(b"-- name:" not in statement for statement in queries.values())
