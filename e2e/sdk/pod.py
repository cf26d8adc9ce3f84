"""The inside of the cluster: the policy makes the pod, and the kubelet's part makes a container of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
RUNNER = ROOT / "target/host/azwi-policy"
MODULE = ROOT / "policy.wasm"

# In a mount namespace of its own: what is mounted there is seen by the container alone, and is gone with it.
ENTER = ["unshare", "--mount", "--propagation", "private"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
MOUNT = """set -eu
hosts=$1; shift
mount --bind "$hosts" /etc/hosts
mount -t tmpfs tmpfs "$(readlink -f /var/run)"
while [ "$1" != -- ]; do
  mkdir -p "$2"
  mount --bind "$1" "$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$2"
  shift 3
done
shift
exec "$@"
"""


def mutate(settings: dict, service_account: dict, pod: dict) -> dict:
    """The pod as it comes out of the module: `azwi-policy check`, as a user runs it."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"settings": settings, "serviceaccount": service_account, "pod": pod}
        for name, content in files.items():
            Path(folder, f"{name}.yaml").write_text(yaml.safe_dump(content))
        command = [RUNNER, "check", "--policy", MODULE, "--settings", f"{folder}/settings.yaml", "-o", "objects"]
        done = subprocess.run(command + [f"{folder}/serviceaccount.yaml", f"{folder}/pod.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    decoder, text, objects = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        value, end = decoder.raw_decode(text)
        objects.append(value)
        text = text[end:].strip()
    return next(value for value in objects if value["kind"] == "Pod")


def expand(entries: list[dict]) -> dict[str, str]:
    """Environment variables as the kubelet expands them: $(NAME) of those before, $$ for a dollar sign."""
    env: dict[str, str] = {}
    for entry in entries:
        replace = lambda match: "$" if match[0] == "$$" else env.get(match[1], match[0])
        env[entry["name"]] = re.sub(r"\$\$|\$\(([^)]*)\)", replace, entry.get("value", ""))
    return env


class Volume:
    """A projected volume, written as the kubelet does: a folder of its own for each version, and a symlink that is swapped."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()

    def write(self, files: dict[str, str]):
        version = self.folder / f"..{time.time_ns()}"
        for path, content in files.items():
            (version / path).parent.mkdir(parents=True, exist_ok=True)
            (version / path).write_text(content)
            (version / path).chmod(0o644)
            first = Path(path).parts[0]
            if not (self.folder / first).is_symlink():
                (self.folder / first).symlink_to(Path("..data", first))
        new = self.folder / "..data_tmp"
        new.symlink_to(version.name)
        new.rename(self.folder / "..data")


@dataclass
class Kubelet:
    """Projects tokens as the pod's volumes say, and runs containers."""

    folder: Path
    issuer: object
    hosts: str

    def volumes(self, pod: dict, sign=None) -> dict[str, Volume]:
        """All projected volumes of the pod; `sign` makes a token other than the pod's own."""
        volumes = {}
        for volume in pod["spec"].get("volumes", []):
            if "projected" in volume:
                target = self.folder / f"{time.time_ns()}-{volume['name']}"
                volumes[volume["name"]] = Volume(target)
                volumes[volume["name"]].write(self.tokens(pod, volume, sign))
        return volumes

    def tokens(self, pod: dict, volume: dict, sign=None) -> dict[str, str]:
        files = {}
        for source in volume["projected"]["sources"]:
            token = source.get("serviceAccountToken")
            if token:
                own = (pod["metadata"].get("namespace", "default"), pod["spec"].get("serviceAccountName", "default"))
                arguments = (*own, token.get("audience", self.issuer.url), token.get("expirationSeconds", 3600))
                files[token["path"]] = (sign or self.issuer.token)(*arguments)
        return files

    def command(self, container: dict, volumes: dict[str, Volume], argv: list[str]) -> list[str]:
        hosts = self.folder / "hosts"
        hosts.write_text(self.hosts)
        mounts = []
        for mount in container.get("volumeMounts", []):
            if mount["name"] in volumes:
                mode = "ro" if mount.get("readOnly") else "rw"
                mounts += [str(volumes[mount["name"]].folder), mount["mountPath"], mode]
        return [*ENTER, "sh", "-c", MOUNT, "sh", str(hosts), *mounts, "--", *argv]

    def start(self, pod: dict, container: dict, volumes: dict[str, Volume], argv: list[str], image: dict[str, str]) -> subprocess.Popen:
        """Starts a container: `image` is the environment that its image brings, which has nothing of Azure's."""
        assert not any(name.startswith("AZURE_") for name in image)
        env = {**image, **expand(container.get("env", []))}
        return subprocess.Popen(
            self.command(container, volumes, argv), env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
