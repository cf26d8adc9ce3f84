"""The application in four languages: `python apps.py` builds it in each, with the packages as their registries have them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pod import ROOT

APPS = Path(__file__).parent / "apps"
BUILD = ROOT / "target/e2e-sdk"
TOOLS = {"python": "python3", "javascript": "npm", "go": "go", "java": "mvn"}


@dataclass
class App:
    """How the application is started, and the environment that its image brings: a way to trust the private authority."""

    argv: list[str]
    image: dict[str, str]


def build(language: str):
    source, target = APPS / language, BUILD / language
    target.mkdir(parents=True, exist_ok=True)
    if language == "javascript":
        for name in ["package.json", "package-lock.json", "app.mjs"]:
            shutil.copy(source / name, target)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=target, check=True)
    elif language == "go":
        subprocess.run(["go", "build", "-mod=readonly", "-o", target / "app", "."], cwd=source, check=True)
    elif language == "java":
        shutil.copytree(source, target, dirs_exist_ok=True)
        goals = ["compile", "dependency:copy-dependencies", f"-DoutputDirectory={target}/lib"]
        subprocess.run(["mvn", "-B", "-ntp", "-q", *goals], cwd=target, check=True)


def app(language: str, certificate: Path) -> App:
    """The built application, in an image that trusts `certificate`."""
    target = BUILD / language
    image = {"PATH": os.environ["PATH"], "HOME": str(target)}
    if language == "python":
        return App([sys.executable, str(APPS / "python/app.py")], {**image, "REQUESTS_CA_BUNDLE": str(certificate)})
    if language == "javascript":
        return App(["node", str(target / "app.mjs")], {**image, "NODE_EXTRA_CA_CERTS": str(certificate)})
    if language == "go":
        return App([str(target / "app")], {**image, "SSL_CERT_FILE": str(certificate)})
    store = certificate.with_suffix(".p12")
    if not store.exists():
        entry = ["-importcert", "-noprompt", "-alias", "e2e", "-file", certificate, "-keystore", store]
        subprocess.run(["keytool", *entry, "-storetype", "PKCS12", "-storepass", "changeit"], check=True, stderr=subprocess.DEVNULL)
    trust = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
    return App(["java", *trust, "-cp", f"{target}/target/classes:{target}/lib/*", "app.App"], image)


if __name__ == "__main__":
    for name, tool in TOOLS.items():
        if shutil.which(tool):
            build(name)
