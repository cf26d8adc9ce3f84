"""Reads the secret, waits for a line, and reads it once more with the same credential, ten minutes later by the SDK's clock.

The SDK keeps a token file's content for ten minutes (azure-identity 1.27, `_credentials/workload_identity.py`).
"""

import os
import sys
import time
from unittest import mock

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

credential = DefaultAzureCredential()
client = SecretClient(vault_url=os.environ["AKV_URL"], credential=credential)
print(client.get_secret(os.environ["AKV_SECRET_NAME"]).value, flush=True)
sys.stdin.readline()
now = time.time
with mock.patch("time.time", lambda: now() + 601):
    print(client.get_secret(os.environ["AKV_SECRET_NAME"]).value, flush=True)
