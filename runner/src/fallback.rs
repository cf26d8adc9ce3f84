//! A MutatingAdmissionPolicy that gives pods their identity inside the API server, made from the policy's own settings. It works while the
//! PolicyServer is down. It handles the plain case and leaves everything else to the policy.

mod limits;

use azure_workload_identity_policy::{AllowedIdentity, NamedIdentity, Place, Settings, names};
use serde_json::{Value, json};

pub use self::limits::cost;
use self::limits::{too_dear, too_long};

/// Name of the policy, and the beginning of its bindings'.
const NAME: &str = "azure-workload-identity-fallback";
/// What the generated policy does not do, for the head of the file.
pub const HEAD: &str = "\
# Made by azwi-policy fallback from the settings of the Azure workload identity policy: make it again when they change.
#
# It gives pods their identity inside the API server, also while the PolicyServer is down. It leaves to the policy, untouched:
#   - every message: what is wrong with a client ID, a tenant, an annotation is neither refused nor told here;
#   - a ServiceAccount that was changed a moment ago: the API server's cache is asked, and no second time;
#   - the hash in the volume's name and path: both are the same in every pod;
#   - pods that ask for the proxy, for a custom token endpoint, for container-identities, or for a layout of their own;
#   - pods that have a token already, and containers that set one of the four variables themselves;
#   - with allowedIdentities, pods whose containers bring ids of their own. What it does not allow is not given here either, but a
#     pod that is refused by the policy is not refused here: it starts without an identity.
# Needs Kubernetes 1.36, or 1.34 with the feature gate MutatingAdmissionPolicy and the beta API.
";

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// What is wrong with the settings.
    Settings(String),
    /// The API server would not take or not finish it: which setting is too large, and by how much.
    TooLarge(String),
}

/// The policy and its bindings, from the settings' JSON, for pods of up to `containers` containers.
///
/// # Errors
/// Settings that are not valid, or too large for the API server's CEL.
pub fn from_settings(
    settings: &Value,
    selector: Option<&Value>,
    containers: usize,
) -> Result<Vec<Value>, Refused> {
    let settings = Settings::parse(&settings.to_string()).map_err(|problems| {
        Refused::Settings(problems.first().iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let documents = documents(&settings, selector);
    match documents.first().and_then(too_long).or_else(|| too_dear(&settings, containers)) {
        Some(problem) => Err(Refused::TooLarge(problem)),
        None => Ok(documents),
    }
}

/// The policy and its bindings. `selector` is the namespace selector of the policy's manifest, where there is one.
fn documents(settings: &Settings, selector: Option<&Value>) -> Vec<Value> {
    let place = &settings.fallback_place();
    let mut constraints = json!({"resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]});
    if let (Some(selector), Some(constraints)) = (selector, constraints.as_object_mut()) {
        constraints.insert("namespaceSelector".to_owned(), selector.clone());
    }
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            // What can't be evaluated is left to the policy.
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "IfNeeded",
            "paramKind": {"apiVersion": "v1", "kind": "ServiceAccount"},
            "matchConstraints": constraints,
            "matchConditions": conditions(),
            "variables": variables(settings, place),
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patches(settings, place)}}],
        },
    });
    std::iter::once(policy).chain(bindings(settings)).collect()
}

/// One binding for labelled ServiceAccounts, and one for labelled pods of the others. One that the trigger does not want selects no pod.
fn bindings(settings: &Settings) -> Vec<Value> {
    let labelled = json!({"matchLabels": {names::USE_LABEL: "true"}});
    let not_labelled = json!({"key": names::USE_LABEL, "operator": "NotIn", "values": ["true"]});
    let others = json!({"matchExpressions": [not_labelled]});
    // Both bindings are always there, so that applying them after the trigger changed leaves none behind that injects.
    let no_pod = json!({"matchLabels": {names::USE_LABEL: "true"}, "matchExpressions": [not_labelled]});
    let binding = |suffix: &str, selector: Value, pods: Option<&Value>| {
        let mut spec = json!({"policyName": NAME,
            "paramRef": {"selector": selector, "parameterNotFoundAction": "Allow"}});
        if let (Some(pods), Some(spec)) = (pods, spec.as_object_mut()) {
            spec.insert("matchResources".to_owned(), json!({"objectSelector": pods}));
        }
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": format!("{NAME}-{suffix}")}, "spec": spec})
    };
    let (of_accounts, of_pods) = match (settings.by_account(), settings.by_pod()) {
        (true, true) => ((labelled.clone(), None), (others, &labelled)),
        (true, false) => ((labelled, None), (others, &no_pod)),
        (false, _) => ((labelled.clone(), Some(&no_pod)), (json!({}), &labelled)),
    };
    vec![
        binding("service-accounts", of_accounts.0, of_accounts.1),
        binding("pods", of_pods.0, Some(of_pods.1)),
    ]
}

/// A CEL string: as it stands in single quotes where it can, or else with JSON's escapes.
fn text(text: &str) -> String {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte) && !matches!(byte, b'\'' | b'\\'));
    if plain { format!("'{text}'") } else { Value::from(text).to_string() }
}

fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|one| text(one.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

fn conditions() -> Value {
    let (label, mirror) = (text(names::USE_LABEL), text(names::MIRROR_POD));
    let account = "params.metadata.name == (has(object.spec.serviceAccountName)\n\
        && object.spec.serviceAccountName != '' ? object.spec.serviceAccountName : 'default')";
    let declined = format!(
        "!has(object.metadata.labels) || !({label} in object.metadata.labels)\n\
         || object.metadata.labels[{label}] != 'false'"
    );
    let mirror = format!("!has(object.metadata.annotations)\n|| !({mirror} in object.metadata.annotations)");
    json!([
        {"name": "of-its-service-account", "expression": account},
        {"name": "not-declined", "expression": declined},
        {"name": "not-a-mirror", "expression": mirror},
    ])
}

/// The value of an annotation in a map, the empty text where there is none.
fn value(map: &str, annotation: &str) -> String {
    format!("variables.{map}[?{}].orValue('')", text(annotation))
}

const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";
const DOMAIN: &str =
    "^([0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?[.])+[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?$";

fn variables(settings: &Settings, place: &Place) -> Value {
    let of_identity = of_identity(settings);
    let skipped = value("pod", names::SKIP_CONTAINERS);
    let all = [
        ("pod", "has(object.metadata.annotations) ? object.metadata.annotations : {}".to_owned()),
        ("account", "has(params.metadata.annotations) ? params.metadata.annotations : {}".to_owned()),
    ];
    let then = [
        ("skipped", format!("{skipped}.split(';').map(name, name.trim())")),
        ("volumes", "has(object.spec.volumes) ? object.spec.volumes : []".to_owned()),
        ("init", "has(object.spec.initContainers) ? object.spec.initContainers : []".to_owned()),
        ("plain", plain_case(settings, place)),
        ("due", due(settings, place)),
    ];
    let all = all.into_iter().chain(of_identity).chain(then);
    all.map(|(name, expression)| json!({"name": name, "expression": expression})).collect()
}

/// Client ID, tenant and expiration: each from where the policy takes it, in the same order.
fn of_identity(settings: &Settings) -> Vec<(&'static str, String)> {
    let of_account = |annotation| value("account", annotation);
    let client = of_account(names::CLIENT_ID);
    let tenant = text(settings.tenant_id().unwrap_or_default());
    let expiration = text(&settings.token_expiration().to_string());
    let mut all = Vec::new();
    let (client, tenant, expiration) = match settings.identities() {
        None => (client, tenant, expiration),
        Some(identities) => {
            let map = |of: &dyn Fn(&NamedIdentity) -> String| {
                let entries =
                    identities.iter().map(|one| format!("{}: {}", text(one.name()), text(&of(one))));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
            };
            let tenant_of =
                |one: &NamedIdentity| one.tenant_id().or(settings.tenant_id()).unwrap_or_default().to_owned();
            all.extend([
                ("name", of_account(names::IDENTITY)),
                ("clientIds", map(&|one| one.client_id().to_owned())),
                ("tenantIds", map(&tenant_of)),
                (
                    "expirations",
                    map(&|one| one.token_expiration().unwrap_or(settings.token_expiration()).to_string()),
                ),
            ]);
            let named = |map: &str, other: &str| format!("variables.{map}[?variables.name].orValue({other})");
            // An account with both annotations gets nothing here where the two do not agree: the policy refuses it.
            let of_name = named("clientIds", "''");
            let client = format!(
                "variables.name == '' ? {client}
: ({client} == '' || {client}.lowerAscii() == {of_name}.lowerAscii() ? {of_name} : '')"
            );
            (client, named("tenantIds", &tenant), named("expirations", &expiration))
        }
    };
    let first = |of: &[String], last: &str| {
        of.iter().rev().fold(last.to_owned(), |rest, value| {
            format!(
                "({value} != '' ? {value}
: {rest})"
            )
        })
    };
    let expirations = [value("pod", names::TOKEN_EXPIRATION), of_account(names::TOKEN_EXPIRATION)];
    all.extend([
        ("clientId", client),
        ("tenantId", first(&[of_account(names::TENANT_ID)], &tenant)),
        ("expiration", first(&expirations, &expiration)),
    ]);
    all
}

/// Whether the pod is the plain case.
fn plain_case(settings: &Settings, place: &Place) -> String {
    let (volume, path, audience) = (text(&place.volume), text(&place.token_path), text(settings.audience()));
    let (prefix, legacy) = (text(names::VOLUME_PREFIX), text(names::LEGACY_VOLUME));
    let (uuid, domain) = (text(UUID), text(DOMAIN));
    let proxy = text(names::INJECT_PROXY_SIDECAR);
    let [shortest, longest] = Settings::TOKEN_EXPIRATIONS;
    let token = format!(
        "has(s.serviceAccountToken) && has(s.serviceAccountToken.audience) && s.serviceAccountToken.audience == {audience}"
    );
    // Also excludes paths that the kernel resolves to a different path than they appear to be.
    let free = |path: &str| format!("!{path}.matches('secrets/+azure|//|/[.]')");
    let mut all = vec![
        format!("variables.clientId.matches({uuid})"),
        format!(
            "(variables.tenantId.matches({uuid}) || (variables.tenantId.matches({domain})
&& variables.tenantId.size() <= 253 && !variables.tenantId.matches('[.][0-9]+$')))"
        ),
        "variables.expiration.matches('^[0-9]{4,5}$')".to_owned(),
        format!("int(variables.expiration) >= {shortest} && int(variables.expiration) <= {longest}"),
        format!("variables.pod[?{proxy}].orValue('false') == 'false'"),
        format!("{} == ''", value("pod", names::CONTAINER_IDENTITIES)),
        // Another layout than the cluster's is the policy's.
        format!("{} == '' && {} == ''", value("pod", names::LAYOUT), value("account", names::LAYOUT)),
        // There is no token yet, except from an earlier call of this policy.
        format!(
            "variables.volumes.all(v, v.name == {volume}
? has(v.projected) && has(v.projected.sources) && v.projected.sources.exists(s,
{token} && s.serviceAccountToken.path == {path}
&& s.serviceAccountToken.expirationSeconds == int(variables.expiration))
: !v.name.startsWith({prefix}) && v.name != {legacy}
&& !(has(v.projected) && has(v.projected.sources) && v.projected.sources.exists(s,
{token})))"
        ),
        format!(
            "(variables.init + object.spec.containers).all(c,
(!has(c.volumeMounts) || c.volumeMounts.all(m, m.name == {volume} || {}))
&& (!has(c.volumeDevices) || c.volumeDevices.all(d, d.name != {volume} && {})))",
            free("m.mountPath"),
            free("d.devicePath")
        ),
    ];
    if let Some(endpoint) = settings.endpoint_annotation() {
        all.push(format!("{}.lowerAscii() != 'true'", value("pod", endpoint)));
    }
    if let Some(allowed) = settings.allowed_identities() {
        let entries: Vec<String> = allowed.iter().map(entry).collect();
        let entries = entries.join("\n|| ");
        let ids = list([names::AZURE_CLIENT_ID, names::AZURE_TENANT_ID]);
        all.push(format!(
            "(variables.init + object.spec.containers).all(c, !has(c.env) || c.env.all(e, !(e.name in {ids})))"
        ));
        all.push(if entries.is_empty() { "false".to_owned() } else { format!("({entries})") });
    }
    all.join("\n&& ")
}

/// Whether an entry of `allowedIdentities` allows the identity.
fn entry(allowed: &AllowedIdentity) -> String {
    let lower = |ids: &[&str]| list(ids.iter().map(|id| id.to_ascii_lowercase()));
    let namespaces = allowed.namespaces();
    let namespaces = namespaces.map(|all| format!("request.namespace.matches({})", text(&pattern(&all))));
    let clients = allowed.client_ids();
    let clients = clients.map(|all| format!("variables.clientId.lowerAscii() in {}", lower(&all)));
    let tenants = allowed.tenant_ids();
    let tenants = tenants.map(|all| format!("variables.tenantId.lowerAscii() in {}", lower(&all)));
    let all: Vec<String> = [namespaces, clients, tenants].into_iter().flatten().collect();
    if all.is_empty() { "true".to_owned() } else { format!("({})", all.join(" && ")) }
}

/// A regular expression for what any of the globs fits; a name has only lower-case letters, digits and dashes.
fn pattern(globs: &[&str]) -> String {
    let globs: Vec<String> = globs.iter().map(|glob| glob.replace('*', ".*").replace('?', ".")).collect();
    format!("^({})$", globs.join("|"))
}

/// The containers that get an identity, each with its path and what it has already.
fn due(settings: &Settings, place: &Place) -> String {
    let (volume, four) = (text(&place.volume), list(names::IDENTITY_VARIABLES));
    let skipped = if settings.skip_containers().is_empty() {
        String::new()
    } else {
        format!("\n&& !c.name.matches({})", text(&pattern(&settings.skip_containers())))
    };
    let of = |containers: &str, field: &str| {
        let path = text(&format!("/spec/{field}/"));
        format!(
            "{containers}.transformList(i, c, !(c.name in variables.skipped){skipped}
&& !(has(c.env) && c.env.exists(e, e.name in {four}))
&& !(has(c.volumeMounts) && c.volumeMounts.exists(m, m.name == {volume})),
{{'path': dyn({path} + string(i)), 'env': dyn(has(c.env)), 'mounts': dyn(has(c.volumeMounts)),
'names': dyn(has(c.env) ? c.env.map(e, e.name) : [])}})"
        )
    };
    format!("{}\n+ {}", of("variables.init", "initContainers"), of("object.spec.containers", "containers"))
}

/// The JSON patch: the volume, and to each container the variables and the mount, each at the end of its list.
fn patches(settings: &Settings, place: &Place) -> String {
    let (volume, mount_path, path) = (text(&place.volume), text(&place.mount_path), text(&place.token_path));
    let audience = text(settings.audience());
    let token = format!(
        "Object.spec.volumes{{name: {volume}, projected: Object.spec.volumes.projected{{sources: [
Object.spec.volumes.projected.sources{{serviceAccountToken: Object.spec.volumes.projected.sources.serviceAccountToken{{
audience: {audience}, expirationSeconds: int(variables.expiration), path: {path}}}}}]}}}}"
    );
    // A patch can't contain a list of objects (Kubernetes 1.36: the conversion breaks down), so a list that is missing is added empty.
    let is_there = format!("variables.volumes.exists(v, v.name == {volume})");
    let mut all = vec![
        "(has(object.spec.volumes) ? [] : [JSONPatch{op: 'add', path: '/spec/volumes', value: []}])"
            .to_owned(),
        format!("({is_there} ? []\n: [JSONPatch{{op: 'add', path: '/spec/volumes/-', value: {token}}}])"),
        "variables.due.filter(c, !c.env).map(c, JSONPatch{op: 'add', path: c.path + '/env', value: []})"
            .to_owned(),
    ];
    let file = format!("{}/{}", place.mount_path, place.token_path);
    let value = |name: &str| match name {
        names::AZURE_CLIENT_ID => "variables.clientId".to_owned(),
        names::AZURE_TENANT_ID => "variables.tenantId".to_owned(),
        names::AZURE_FEDERATED_TOKEN_FILE => text(&file),
        _ => text(settings.authority_host()),
    };
    let four = names::FALLBACK_VARIABLES.map(|name| (name, value(name)));
    let add = |which: &str, name: &str, value: &str| {
        let name = text(name);
        format!(
            "{which}.map(c, JSONPatch{{op: 'add', path: c.path + '/env/-',
value: Object.spec.containers.env{{name: {name}, value: {value}}}}})"
        )
    };
    all.extend(four.iter().map(|(name, value)| add("variables.due", name, value)));
    // The policy leaves out a variable that has no value.
    for (name, value) in settings.extra_env().filter(|(_, value)| !value.is_empty()) {
        let lacking = format!("variables.due.filter(c, !({} in c.names))", text(name));
        all.push(add(&lacking, name, &text(value)));
    }
    all.push(
        "variables.due.filter(c, !c.mounts).map(c, JSONPatch{op: 'add', path: c.path + '/volumeMounts', value: []})"
            .to_owned(),
    );
    all.push(format!(
        "variables.due.map(c, JSONPatch{{op: 'add', path: c.path + '/volumeMounts/-',
value: Object.spec.containers.volumeMounts{{name: {volume}, mountPath: {mount_path}, readOnly: true}}}})"
    ));
    format!("!variables.plain || variables.due.size() == 0 ? [] :\n{}", all.join("\n+ "))
}
