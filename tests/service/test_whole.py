"""The whole thing as it is run: `dipcheck serve` with its own PostgreSQL, real messages, kills, rows.

What is in-process in `tests/http` is a process tree here, so these are slow.
"""

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.packs import EXAMPLE, STARTER
from tests.http.test_recorded import eventually
from tests.postgres import execute, value

pytestmark = [pytest.mark.db, pytest.mark.slow]
ROOT = Path(__file__).parents[2]


class Running:
    """A served instance."""

    def __init__(self, process, data_dir):
        self.process = process
        self.data_dir = data_dir
        self.url = process.stdout.readline().rpartition(" ")[2].strip()
        threading.Thread(target=process.stdout.read, daemon=True).start()

    @property
    def database_url(self):
        return (self.data_dir / "run" / "database.url").read_text()

    def ready(self):
        """Wait until checks are recorded and the database says what is active."""
        eventually(self._confirmed)
        return self

    def _confirmed(self):
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).json()["activation"] == "database"
        except (httpx.HTTPError, ValueError, KeyError):
            return False

    def check(self, **changes):
        return httpx.post(f"{self.url}/v1/checks", json=EXAMPLE | changes, timeout=10).json()

    def workers(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"service.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@contextmanager
def served(data_dir, **settings):
    """Run `dipcheck serve` on a free port while the block lasts."""
    environment = os.environ | {"DIPCHECK_DATA_DIR": str(data_dir), "DIPCHECK_PORT": "0"}
    environment |= {f"DIPCHECK_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "service.cli", "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process, data_dir)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)


def stored(running):
    return {str(row["id"]) for row in execute(running.database_url, "SELECT id FROM verdict")}


def test_a_newcomers_path(tmp_path):
    """Serve, send the printed example, find the rows, read the verdict back, activate another pack, stop, start."""
    data_dir = tmp_path / "数据 data"
    with served(data_dir, workers=2) as running:
        running.ready()
        answer = running.check()
        assert "warned" == answer["state"]
        eventually(lambda: answer["id"] in stored(running))
        assert 200 == httpx.get(f"{running.url}/v1/verdicts/{answer['id']}").status_code

        other = _without_insurance_limits(tmp_path / "other")
        command = [sys.executable, "-m", "service.cli", "pack", "activate", str(other), "--by", "test"]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"DIPCHECK_DATA_DIR": str(data_dir)}, check=True)
        time.sleep(1.0)
        assert {answer["digests"]["rulebook"]}.isdisjoint(
            running.check(message_id=f"after-{at}")["digests"]["rulebook"] for at in range(20)
        )
        assert 0 == _stop(running)
    with served(data_dir) as again:
        again.ready()
        assert answer["id"] in stored(again)
        assert "2026.13.1" == httpx.get(f"{again.url}/readyz").json()["packs"]["national-2026"]


def _stop(running):
    running.process.terminate()
    return running.process.wait(60)


def _without_insurance_limits(folder):
    shutil.copytree(STARTER, folder)
    (folder / "insurance_limit.csv").unlink()
    shutil.rmtree(folder / "cases")
    manifest = folder / "pack.yaml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("2026.13.0", "2026.13.1"), encoding="utf-8")
    return folder


def test_metrics_of_all_workers_are_one_page(tmp_path):
    """Whichever worker is asked, the page counts what all of them did."""
    with served(tmp_path / "data", workers=2) as running:
        running.ready()
        for at in range(40):
            with httpx.Client() as fresh:
                fresh.post(f"{running.url}/v1/checks", json=EXAMPLE | {"message_id": f"m{at}"})

        pages = [httpx.get(f"{running.url}/metrics").text for _ in range(6)]
        counts = {
            re.search(r'dipcheck_checks_total\{dialect="native",state="warned"\} (\S+)', page)[1] for page in pages
        }
        assert {"40.0"} == counts


def test_https_to_callers(tmp_path):
    """With a certificate and its key the service speaks HTTPS, and nothing else."""
    certificate, key = _self_signed(tmp_path)
    with served(tmp_path / "data", tls_certificate=certificate, tls_key=key) as running:
        assert running.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(certificate))

        def alive():
            try:
                return httpx.get(f"{running.url}/livez", verify=trusting).status_code == 200
            except httpx.HTTPError:
                return False

        eventually(alive)
        with pytest.raises(httpx.HTTPError):
            httpx.get(running.url.replace("https", "http") + "/livez")


def _self_signed(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return pem, private


@pytest.mark.parametrize("victim", ["worker", "parent"])
def test_kill_9_loses_no_answered_verdict(tmp_path, victim):
    """Verdicts answered before a kill are in the database after the restart, once each."""
    data_dir = tmp_path / "data"
    answered = set()
    with served(data_dir) as running:
        running.ready()
        stop = threading.Event()
        senders = [threading.Thread(target=_send, args=(running, answered, stop, at)) for at in range(4)]
        for sender in senders:
            sender.start()
        time.sleep(1.5)
        os.kill(running.workers()[0] if victim == "worker" else running.process.pid, signal.SIGKILL)
        time.sleep(0.5)
        stop.set()
        for sender in senders:
            sender.join()
        if victim == "worker":
            _stop(running)
    assert len(answered) > 20
    with served(data_dir) as again:
        again.ready()
        eventually(lambda: answered <= stored(again))
        assert value(again.database_url, "SELECT count(*) = count(DISTINCT id) FROM verdict")


def _send(running, answered, stop, sender):
    at = 0
    with httpx.Client() as client:
        while not stop.is_set():
            at += 1
            try:
                reply = client.post(f"{running.url}/v1/checks", json=EXAMPLE | {"message_id": f"{sender}-{at}"}).json()
            except (httpx.HTTPError, ValueError):
                time.sleep(0.05)
                continue
            if reply.get("recorded"):
                answered.add(reply["id"])
