//! The entries that are written into a pod, as JSON.
//!
//! These are the fields of `k8s-openapi`'s `EnvVar`, `VolumeMount`, `Volume` and `VolumeProjection` that the policy sets. A test reads
//! them into those types. The types themselves would add 200 KB to the module: every kind of volume, and a calendar for their claims.

use crate::{
    feature::token_endpoint::TokenEndpoint,
    json::json_string,
    value::{
        layout::Place,
        token::{Audience, TokenExpiration},
    },
};

/// An entry of `env`.
#[must_use]
pub(crate) fn variable(name: &str, value: &str) -> String {
    format!("{{\"name\":{},\"value\":{}}}", json_string(name), json_string(value))
}

/// The entry of `volumeMounts`.
pub(crate) fn mount(place: &Place) -> String {
    let (name, path) = (json_string(&place.volume), json_string(&place.mount_path));
    format!("{{\"mountPath\":{path},\"name\":{name},\"readOnly\":true}}")
}

/// The entry of `volumes`.
pub(crate) fn volume(
    place: &Place,
    audience: &Audience,
    expiration: TokenExpiration,
    endpoint: Option<&TokenEndpoint>,
) -> String {
    let (audience, path) = (json_string(audience.as_str()), json_string(&place.token_path));
    let seconds = expiration.seconds();
    let token = format!("{{\"audience\":{audience},\"expirationSeconds\":{seconds},\"path\":{path}}}");
    let source =
        endpoint.and_then(TokenEndpoint::source).map(|source| format!(",{source}")).unwrap_or_default();
    let sources = format!("[{{\"serviceAccountToken\":{token}}}{source}]");
    format!("{{\"name\":{},\"projected\":{{\"sources\":{sources}}}}}", json_string(&place.volume))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{EnvVar, Volume, VolumeMount};

    #[test]
    fn writes_what_kubernetes_types_read() {
        let read: EnvVar = serde_json::from_str(&variable("A", "\"\n")).unwrap();
        assert_eq!((read.name.as_str(), read.value.as_deref()), ("A", Some("\"\n")));
        let place = Place { volume: "v".into(), mount_path: "/v".into(), token_path: "t".into() };
        let read: VolumeMount = serde_json::from_str(&mount(&place)).unwrap();
        let expected = VolumeMount {
            name: "v".to_owned(),
            mount_path: "/v".to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        };
        assert_eq!(read, expected);
        let text = volume(&place, &Audience::default(), TokenExpiration::DEFAULT, None);
        let read: Volume = serde_json::from_str(&text).unwrap();
        assert_eq!(
            serde_json::to_value(read).unwrap(),
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        );
    }
}
