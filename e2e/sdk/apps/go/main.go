// App reads a secret of Key Vault. DefaultAzureCredential has the documented option for clouds that can't reach Azure's
// public instance discovery.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

func main() {
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{DisableInstanceDiscovery: true})
	if err != nil {
		log.Fatal(err)
	}
	client, err := azsecrets.NewClient(os.Getenv("AKV_URL"), credential, nil)
	if err != nil {
		log.Fatal(err)
	}
	secret, err := client.GetSecret(context.Background(), os.Getenv("AKV_SECRET_NAME"), "", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*secret.Value)
}
