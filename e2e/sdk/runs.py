"""The article's pod, and what its containers print."""

from __future__ import annotations

from pathlib import Path

import yaml

from conftest import SECRET, World
from pod import ROOT

WALKTHROUGH = ROOT / "examples/walkthrough"
OTHER_TENANT = "00000000-1111-4222-8333-444444444444"


def walkthrough() -> tuple[dict, dict]:
    """The article's ServiceAccount, and its pod, which has no label and says nothing of Azure's identities."""
    account, pod = (yaml.safe_load(Path(WALKTHROUGH, f"{name}.yaml").read_text()) for name in ["serviceaccount", "pod"])
    assert "azure.workload.identity/use" not in pod["metadata"]["labels"]
    return account, pod


class Run:
    """What a container printed."""

    def __init__(self, process, answer: str = ""):
        self.out, self.err = process.communicate(answer, timeout=120)
        self.code = process.returncode

    def read_its_secret(self):
        assert (self.code, self.out.strip().splitlines()[-1:]) == (0, [SECRET]), self.err

    def failed_with(self, *texts: str):
        assert self.code != 0, self.out
        missing = [text for text in texts if text not in self.err]
        assert not missing, f"{missing} not in {self.err}"
        shown = [line for line in self.err.splitlines() if any(text in line for text in texts)]
        print(f"\n  the SDK's own error: {shown[0].strip()[:400]}")


def run(world: World, language: str, pod: dict, container: dict, volumes=None, sign=None, argv=None, answer="") -> Run:
    app = world.app(language)
    image = {**app.image, "AKV_URL": world.vault.url}
    volumes = volumes if volumes is not None else world.kubelet.volumes(pod, sign)
    return Run(world.kubelet.start(pod, container, volumes, argv or app.argv, image), answer)


def container(pod: dict, name: str = "yadaapi") -> dict:
    lists = pod["spec"].get("initContainers", []) + pod["spec"]["containers"]
    return next(container for container in lists if container["name"] == name)
