//! The entries that are written into a pod, as JSON.
//!
//! The fields of `k8s-openapi`'s `EnvVar`, `Volume`, `ProjectedVolumeSource` and `VolumeProjection` that are ours; a test
//! reads them into those types. The whole types would bring every kind of volume, and a calendar for their claims, into
//! the module: 200 KB.

use k8s_openapi::api::core::v1::{ServiceAccountTokenProjection, VolumeMount};
use serde::Serialize;

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
    to_json(&VolumeMount {
        name: place.volume.clone(),
        mount_path: place.mount_path.clone(),
        read_only: Some(true),
        ..VolumeMount::default()
    })
}

/// The entry of `volumes`.
pub(crate) fn volume(
    place: &Place,
    audience: &Audience,
    expiration: TokenExpiration,
    endpoint: Option<&TokenEndpoint>,
) -> String {
    let token = to_json(&ServiceAccountTokenProjection {
        audience: Some(audience.as_str().to_owned()),
        expiration_seconds: Some(expiration.seconds()),
        path: place.token_path.clone(),
    });
    let source =
        endpoint.and_then(TokenEndpoint::source).map(|source| format!(",{source}")).unwrap_or_default();
    let sources = format!("[{{\"serviceAccountToken\":{token}}}{source}]");
    format!("{{\"name\":{},\"projected\":{{\"sources\":{sources}}}}}", json_string(&place.volume))
}

/// The JSON of a type that always has one.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::{EnvVar, Volume};

    #[test]
    fn writes_what_kubernetes_types_read() {
        let read: EnvVar = serde_json::from_str(&variable("A", "\"\n")).unwrap();
        assert_eq!((read.name.as_str(), read.value.as_deref()), ("A", Some("\"\n")));
        let place = Place { volume: "v".to_owned(), mount_path: "/v".to_owned(), token_path: "t".to_owned() };
        let text = volume(&place, &Audience::default(), TokenExpiration::DEFAULT, None);
        let read: Volume = serde_json::from_str(&text).unwrap();
        assert_eq!(
            serde_json::to_value(read).unwrap(),
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        );
    }
}
