package app;

import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.security.keyvault.secrets.SecretClientBuilder;

/** Reads a secret of Key Vault, with the documented option for clouds that can't reach Azure's public instance discovery. */
public class App {
    public static void main(String[] args) {
        var credential = new DefaultAzureCredentialBuilder().disableInstanceDiscovery().build();
        var client = new SecretClientBuilder().vaultUrl(System.getenv("AKV_URL")).credential(credential).buildClient();
        System.out.println(client.getSecret(System.getenv("AKV_SECRET_NAME")).getValue());
    }
}
