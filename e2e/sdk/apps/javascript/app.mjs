// DefaultAzureCredential with the documented option for clouds that can't reach Azure's public instance discovery.
import { DefaultAzureCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

const credential = new DefaultAzureCredential({ disableInstanceDiscovery: true });
const client = new SecretClient(process.env.AKV_URL, credential);
console.log((await client.getSecret(process.env.AKV_SECRET_NAME)).value);
