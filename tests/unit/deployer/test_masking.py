import pytest

from deployer.masking import MASKED, looks_secret, mask


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("MasterUserPassword", "hunter2", True),
        ("DB_PASSWORD", "12345", True),
        ("Passwords", "hunter2", True),
        ("SecretString", "s", True),
        ("AuthToken", "t", True),
        ("GITHUB_TOKEN", "t", True),
        ("Anything", "AKIAIOSFODNN7EXAMPLE", True),
        ("Anything", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("Url", "postgresql://user:hunter2@host/db", True),
        ("MasterUserPassword", "{{resolve:secretsmanager:s:SecretString:password}}", False),
        ("MasterUserPassword", MASKED, False),
        ("ManageMasterUserPassword", "true", False),
        ("PasswordLength", "32", False),
        ("SecretArn", "arn:aws:secretsmanager:eu-west-2:111122223333:secret:s", False),
        ("MASTER_SECRET", "arn:aws:secretsmanager:eu-west-2:111122223333:secret:s", False),
        ("SecretName", "millrace", False),
        ("RotationCodeKey", "functions/rotation.zip", False),
        ("Url", "https://host/path", False),
        ("DelaySeconds", "5", False),
    ],
)
def test_a_secret_is_known_by_its_name_or_its_shape(name: str, value: str, secret: bool) -> None:
    assert looks_secret(name, value) is secret


def test_a_document_is_masked_at_any_depth() -> None:
    environment = [{"Name": "DB_PASSWORD", "Value": "hunter2"}, {"Name": "DB_HOST", "Value": "h"}]
    document = {
        "Environment": environment,
        "Variables": {"API_KEY": "k"},
        "GenerateSecretString": {"PasswordLength": 32},
        "Passwords": ["one", "two"],
    }

    assert mask("", document) == {
        "Environment": [{"Name": "DB_PASSWORD", "Value": MASKED}, {"Name": "DB_HOST", "Value": "h"}],
        "Variables": {"API_KEY": MASKED},
        "GenerateSecretString": {"PasswordLength": 32},
        "Passwords": [MASKED, MASKED],
    }
