"""The outside of a pod, on loopback and over TLS: the cluster's OIDC issuer, Microsoft Entra, Key Vault."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

VAULT_RESOURCE = "https://vault.azure.net"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class CertificateAuthority:
    """A private authority, made for the run, and a certificate for the names that the servers go by."""

    def __init__(self, folder: Path, names: list[str]):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.certificate = folder / "ca.pem"
        self.chain = folder / "server.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "e2e")])

        def build(name, public_key):
            builder = x509.CertificateBuilder().subject_name(name).issuer_name(subject).public_key(public_key)
            builder = builder.serial_number(x509.random_serial_number())
            return builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))

        authority = build(subject, key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate.write_bytes(authority.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        own = ec.generate_private_key(ec.SECP256R1())
        alternatives = [x509.DNSName(name) for name in names] + [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        server = build(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])]), own.public_key())
        server = server.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        private = own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.chain.write_bytes(private + server.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain)
        return context


class SigningKey:
    """An RSA key, made for the run, and the JWKS that it is published in."""

    def __init__(self):
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.id = uuid.uuid4().hex

    def jwks(self) -> dict:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.id, "use": "sig", "alg": "RS256"}]}

    def sign(self, claims: dict) -> str:
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.id})


class Server:
    """A Flask application behind TLS on loopback, on a free port if it is not told which."""

    def __init__(self, authority: CertificateAuthority, host: str = "localhost", port: int = 0):
        self.app = Flask(type(self).__name__)
        self.routes()
        self.server = make_server("127.0.0.1", port, self.app, threaded=True, ssl_context=authority.context())
        self.url = f"https://{host}" if port == 443 else f"https://{host}:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def routes(self):
        raise NotImplementedError

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()


class Issuer(Server):
    """The cluster's OIDC issuer, and the signer of ServiceAccount tokens."""

    def __init__(self, authority):
        self.key = SigningKey()
        super().__init__(authority)

    def routes(self):
        @self.app.get("/.well-known/openid-configuration")
        def discovery():
            return jsonify(
                issuer=self.url,
                jwks_uri=f"{self.url}/openid/v1/jwks",
                response_types_supported=["id_token"],
                subject_types_supported=["public"],
                id_token_signing_alg_values_supported=["RS256"],
            )

        @self.app.get("/openid/v1/jwks")
        def keys():
            return jsonify(self.key.jwks())

    def token(self, namespace: str, service_account: str, audience: str, seconds: int, key: SigningKey | None = None) -> str:
        """A ServiceAccount token as the API server's TokenRequest makes it."""
        now = int(time.time())
        return (key or self.key).sign(
            {
                "iss": self.url,
                "sub": f"system:serviceaccount:{namespace}:{service_account}",
                "aud": [audience],
                "iat": now,
                "nbf": now - 10,
                "exp": now + seconds,
                "jti": str(uuid.uuid4()),
                "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": service_account}},
            }
        )


@dataclass(frozen=True)
class FederatedCredential:
    """What `az identity federated-credential create` writes down."""

    issuer: str
    subject: str
    audience: str


class Refused(Exception):
    """An error in Entra's form."""

    def __init__(self, error: str, code: int, text: str, status: int = 401):
        super().__init__(text)
        self.error, self.code, self.text, self.status = error, code, text, status


@dataclass
class Entra(Server):
    """Microsoft Entra's token endpoint for one tenant and its managed identities."""

    authority: CertificateAuthority
    tenant: str
    credentials: dict[str, list[FederatedCredential]] = field(default_factory=dict)
    assertions: list[str] = field(default_factory=list)
    token_lifetime: int = 3599

    def __post_init__(self):
        self.key = SigningKey()
        super().__init__(self.authority)

    def routes(self):
        @self.app.get("/<tenant>/v2.0/.well-known/openid-configuration")
        def discovery(tenant):
            return jsonify(
                issuer=f"{self.url}/{tenant}/v2.0",
                authorization_endpoint=f"{self.url}/{tenant}/oauth2/v2.0/authorize",
                token_endpoint=f"{self.url}/{tenant}/oauth2/v2.0/token",
                jwks_uri=f"{self.url}/{tenant}/discovery/v2.0/keys",
            )

        @self.app.get("/<tenant>/discovery/v2.0/keys")
        def keys(tenant):
            return jsonify(self.key.jwks())

        @self.app.post("/<tenant>/oauth2/v2.0/token")
        def token(tenant):
            try:
                return jsonify(self.exchange(tenant, request.form))
            except Refused as refused:
                correlation = request.args.get("client-request-id") or str(uuid.uuid4())
                now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
                return jsonify(
                    error=refused.error,
                    error_description=f"AADSTS{refused.code}: {refused.text} Trace ID: {uuid.uuid4()} Correlation ID: {correlation} Timestamp: {now}",
                    error_codes=[refused.code],
                    timestamp=now,
                    trace_id=str(uuid.uuid4()),
                    correlation_id=correlation,
                    error_uri=f"https://login.microsoftonline.com/error?code={refused.code}",
                ), refused.status

    def exchange(self, tenant: str, form) -> dict:
        if tenant != self.tenant:
            raise Refused("invalid_request", 90002, f"Tenant '{tenant}' not found.", 400)
        client = form.get("client_id", "")
        if client not in self.credentials:
            raise Refused("unauthorized_client", 700016, f"Application with identifier '{client}' was not found in the directory.", 400)
        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != BEARER:
            raise Refused("unsupported_grant_type", 70003, "The app requested an unsupported grant type.", 400)
        assertion = form.get("client_assertion", "").strip()
        self.assertions.append(assertion)
        self.verify(assertion, self.credentials[client])
        resources = [scope.removesuffix("/.default") for scope in form.get("scope", "").split() if scope.endswith("/.default")]
        now = int(time.time())
        claims = {"iss": f"{self.url}/{tenant}/v2.0", "aud": resources[0], "appid": client, "tid": tenant, "iat": now, "exp": now + 3600}
        lifetime = self.token_lifetime
        return {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": self.key.sign(claims)}

    def verify(self, assertion: str, credentials: list[FederatedCredential]):
        try:
            claims = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise Refused("invalid_request", 50027, f"JWT token is invalid or malformed ({error}).", 400) from error
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        matching = [c for c in credentials if c.issuer == claims["iss"] and c.subject == claims["sub"] and c.audience in audiences]
        if not matching:
            raise self.mismatch(claims["iss"], claims["sub"], audiences[0], credentials)
        try:
            jwt.decode(assertion, self.issuer_key(matching[0].issuer, assertion), algorithms=["RS256"], audience=matching[0].audience)
        except jwt.ExpiredSignatureError as error:
            raise Refused("invalid_client", 700024, "Client assertion is not within its valid time range.") from error
        except jwt.InvalidTokenError as error:
            raise Refused("invalid_request", 50027, f"JWT token is invalid or malformed ({error}).", 400) from error

    def mismatch(self, issuer: str, subject: str, audience: str, credentials: list[FederatedCredential]) -> Refused:
        """Which of the three differs, as Entra says it since 2024 (before, AADSTS70021 for all of them)."""
        check = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
        page = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
        of_issuer = [c for c in credentials if c.issuer == issuer]
        if not of_issuer:
            code, part, extra = 700211, f"issuer '{issuer}'", ""
        elif any(c.subject == subject for c in of_issuer):
            code, part, extra = 700212, f"audience '{audience}'", ""
        elif any(c.subject.lower() == subject.lower() for c in of_issuer):
            extra = "The subject matches with case-insensitive comparison, but not with case-sensitive comparison. "
            code, part = 7002138, f"subject '{subject}'"
        else:
            code, part, extra = 700213, f"subject '{subject}'", ""
        return Refused("invalid_client", code, f"No matching federated identity record found for presented assertion {part}. {extra}{check}{page}")

    def issuer_key(self, issuer: str, assertion: str):
        def get(url):
            answer = requests.get(url, verify=str(self.authority.certificate), timeout=10)
            answer.raise_for_status()
            return answer.json()

        keys = get(get(f"{issuer}/.well-known/openid-configuration")["jwks_uri"])["keys"]
        wanted = jwt.get_unverified_header(assertion).get("kid")
        for key in keys:
            if key["kid"] == wanted:
                return jwt.PyJWK(key).key
        raise jwt.InvalidTokenError("its key is not among the issuer's")


class KeyVault(Server):
    """Key Vault's data plane: the challenge, and the secret for a token of the right audience."""

    def __init__(self, authority, name: str, entra: Entra, secrets: dict[str, str]):
        self.entra, self.secrets = entra, secrets
        # SDKs compare the challenge's resource with the vault's host: with a port in it they differ.
        super().__init__(authority, f"{name}.vault.azure.net", 443)

    def routes(self):
        @self.app.get("/secrets/<name>/", strict_slashes=False)
        def secret(name):
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            try:
                if scheme != "Bearer":
                    raise jwt.InvalidTokenError("no token")
                key = jwt.PyJWK(self.entra.key.jwks()["keys"][0]).key
                jwt.decode(token, key, algorithms=["RS256"], audience=VAULT_RESOURCE)
            except jwt.InvalidTokenError as error:
                challenge = f'Bearer authorization="{self.entra.url}/{self.entra.tenant}", resource="{VAULT_RESOURCE}"'
                return jsonify(error={"code": "Unauthorized", "message": str(error)}), 401, {"WWW-Authenticate": challenge}
            if name not in self.secrets:
                return jsonify(error={"code": "SecretNotFound", "message": f"A secret with name {name} was not found"}), 404
            now = int(time.time())
            attributes = {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable"}
            return jsonify(value=self.secrets[name], id=f"{self.url}/secrets/{name}/{'0' * 32}", attributes=attributes)
