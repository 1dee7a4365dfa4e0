from deployer import documents


def test_the_schemas_are_what_the_code_says() -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in documents.SCHEMAS.glob("*.json")}

    assert written == {f"{command}.schema.json": documents.schema(command) for command in documents.DOCUMENTS}
