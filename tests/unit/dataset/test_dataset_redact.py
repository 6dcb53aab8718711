"""Nothing personal and nothing of the network is published."""

from __future__ import annotations

import io
import re

import pyarrow.parquet as pq
import pytest
from assay.dataset.build import build_documents
from assay.dataset.redact import redact
from dataset_content import make_content, stream


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 10.1.2.3, port 80", "at <ip>, port 80"),
        ("from 255.255.255.255.", "from <ip>."),
        ("fe80::1ff:fe23:4567:890a answers", "<ip> answers"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "<ip>"),
        ("link 0a:1b:2c:3d:4e:5f up", "link <mac> up"),
        ("i-0abc1234def567890 in vpc-0a1b2c3d", "<id> in <id>"),
        ("account 123456789012 ", "account <account> "),
        ("arn:aws:iam::123456789012:role/bench", "<arn>"),
        ("ip-10-1-2-3.ec2.internal", "<host>"),
        ("db.corp.internal", "<host>"),
        ("write to someone@example.com", "write to <email>"),
        ("/home/someone/run.sh: not found", "<path>: not found"),
        ("read '/tmp/x'", "read '<path>'"),
        ("gcc -O3 -I/usr/include/x -march=native", "gcc -O3 -I<path> -march=native"),
        ("gcc --sysroot=/opt/sys -O2", "gcc --sysroot=<path> -O2"),
        (r"C:\Users\someone\x.txt", "<path>"),
        ("AKIAIOSFODNN7EXAMPLE", "<key>"),
    ],
)
def test_it_is_taken_out(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "triad 6.3 % > 5 %",
        "47.9 GB/s and 3/4 of the peak",
        "gcc 12.2.0 -O3 -march=native -fopenmp",
        "20241120T093011Z-3fa9c24be01d",
        "2024-11-20T09:30:11Z",
        "host-1a2b3c4d",
        "stream-all/1/stdout.txt",
        "https://github.com/SpareCores/sc-inspector-data",
        "m7i.large, c7g.metal",
        "5.10.0-28-cloud-amd64",
        "and/or",
        "N=16128, 8.5e+11 bytes/s, 123456789012.5",
        "std::vector is C++",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert redact(text) == text


LEAKS = re.compile(
    rb"10\.1\.2\.3|ec2\.internal|i-0abc|/home/|someone|123456789012|fe80:|/opt/secret|ip-10-|hostname", re.IGNORECASE
)


def test_no_published_byte_names_a_host_an_address_an_account_or_a_path() -> None:
    series = stream("m7i.large", 47.9, build_flags="gcc 12.2.0 -O3 -I/opt/secret/include", implementation="/home/someone/stream")
    for name, data in build_documents(make_content(series)).items():
        text = data if name.endswith(".json") else repr(pq.read_table(io.BytesIO(data)).to_pylist()).encode()
        assert not LEAKS.search(text), f"{name}: {LEAKS.search(text)}"
