"""The article's application: reads a secret of Key Vault. Nothing here knows about workload identity."""

import os

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

credential = DefaultAzureCredential()
client = SecretClient(vault_url=os.environ["AKV_URL"], credential=credential)
print(client.get_secret(os.environ["AKV_SECRET_NAME"]).value)
