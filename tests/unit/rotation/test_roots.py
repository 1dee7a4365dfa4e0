"""The roots that we trust for the database: RDS's own, of our region, valid, and no other."""

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

import rotation

BUNDLE = Path(rotation.__file__).parent.parent / "certificates" / "rds-eu-west-2.pem"
ROOTS = x509.load_pem_x509_certificates(BUNDLE.read_bytes())


def name_of(root: x509.Certificate) -> str:
    return str(root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def test_are_the_regions_three() -> None:
    assert sorted(map(name_of, ROOTS)) == [
        "Amazon RDS eu-west-2 Root CA ECC384 G1",
        "Amazon RDS eu-west-2 Root CA RSA2048 G1",
        "Amazon RDS eu-west-2 Root CA RSA4096 G1",
    ]


def test_are_authorities_that_signed_themselves_and_are_valid() -> None:
    now = datetime.datetime.now(datetime.UTC)
    for root in ROOTS:
        assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        root.verify_directly_issued_by(root)  # raises unless name and signature are its own
        assert root.not_valid_before_utc < now < root.not_valid_after_utc, name_of(root)


def test_are_described_truly() -> None:
    text = BUNDLE.read_text()
    assert "https://truststore.pki.rds.amazonaws.com/eu-west-2/eu-west-2-bundle.pem" in text
    for root in ROOTS:
        assert f"# Subject: {root.subject.rfc4514_string()}\n" in text
        assert f"# SHA-256: {root.fingerprint(hashes.SHA256()).hex(':').upper()}\n" in text


def test_are_read_by_what_connects() -> None:
    assert len(ssl.create_default_context(cafile=BUNDLE).get_ca_certs()) == 3
