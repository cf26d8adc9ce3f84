"""Servers and SDKs, once for all tests. A language whose toolchain is missing is left out, and said so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from apps import TOOLS, App, app
from pod import ROOT, Kubelet
from servers import CertificateAuthority, Entra, FederatedCredential, Issuer, KeyVault

TENANT = "2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1"
CLIENT = "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa"
SUBJECT = "system:serviceaccount:default:myserviceaccount"
AUDIENCE = "api://AzureADTokenExchange"
SECRET = "correct horse battery staple"


class World:
    """All that is outside of the pod, and the kubelet."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.authority = CertificateAuthority(folder, ["localhost", "yadavault.vault.azure.net"])
        self.issuer = Issuer(self.authority)
        self.entra = Entra(self.authority, TENANT)
        self.entra.credentials[CLIENT] = [FederatedCredential(self.issuer.url, SUBJECT, AUDIENCE)]
        self.vault = KeyVault(self.authority, "yadavault", self.entra, {"sqlpassword": SECRET})
        hosts = "127.0.0.1 localhost yadavault.vault.azure.net\n"
        self.kubelet = Kubelet(folder, self.issuer, hosts)
        self.apps: dict[str, App] = {}

    def app(self, language: str) -> App:
        if language not in self.apps:
            self.apps[language] = app(language, self.authority.certificate)
        return self.apps[language]

    def settings(self, **more) -> dict:
        """The policy's settings: the authority is reached because they say where it is."""
        return {"tenantId": TENANT, "authorityHost": f"{self.entra.url}/", **more}


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    with world.issuer, world.entra, world.vault:
        yield world


@pytest.fixture(params=list(TOOLS))
def language(request):
    if not shutil.which(TOOLS[request.param]):
        pytest.skip(f"{TOOLS[request.param]} is not there: {request.param}'s SDK was not tried")
    return request.param


def pytest_terminal_summary(terminalreporter, exitstatus):
    """Leaves a section for the summary of `make test`."""
    stats = terminalreporter.stats
    passed, skipped = len(stats.get("passed", [])), stats.get("skipped", [])
    lines = [f"{passed} passed: unmodified Azure SDKs in the pods that the policy made, {len(stats.get('failed', []))} failed"]
    lines += sorted({f"skipped: {report.longrepr[2].removeprefix('Skipped: ')}" for report in skipped})
    if exitstatus == 0:
        summary = ROOT / "target/summary"
        summary.mkdir(parents=True, exist_ok=True)
        (summary / "SDKs").write_text("\n".join(lines))
