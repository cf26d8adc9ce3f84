//! The label `azure.workload.identity/use`, and what it decides.

use crate::value::parse::Choice;

/// The label's value on a pod or a ServiceAccount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UseLabel {
    /// No such label.
    Absent,
    /// Exactly `"true"`.
    True,
    /// Exactly `"false"`.
    False,
    /// Anything else: is ignored, and gets a warning.
    Other(String),
}

impl From<Option<&str>> for UseLabel {
    fn from(value: Option<&str>) -> Self {
        match value {
            None => Self::Absent,
            Some("true") => Self::True,
            Some("false") => Self::False,
            Some(other) => Self::Other(other.to_owned()),
        }
    }
}

/// Whose label decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The ServiceAccount's; the pod can only decline.
    ServiceAccount,
    /// The pod's, as with the webhook since v1.0.
    Pod,
    /// Either of them; the pod can decline.
    Any,
}

impl Trigger {
    /// Whether the pod gets an identity:
    ///
    /// | trigger | injects when |
    /// |---|---|
    /// | `ServiceAccount` | SA = `"true"` and pod ≠ `"false"` |
    /// | `Pod` | pod = `"true"` |
    /// | `Any` | pod = `"true"`, or SA = `"true"` and pod ≠ `"false"` |
    #[must_use]
    pub(crate) fn injects(self, pod: &UseLabel, service_account: &UseLabel) -> bool {
        let by_pod = *pod == UseLabel::True;
        let by_service_account = *service_account == UseLabel::True && *pod != UseLabel::False;
        match self {
            Self::ServiceAccount => by_service_account,
            Self::Pod => by_pod,
            Self::Any => by_pod || by_service_account,
        }
    }

    /// Whether the pod's label alone says that there is nothing to inject, so that no look-up is needed.
    #[must_use]
    pub(crate) fn is_settled_by(self, pod: &UseLabel) -> bool {
        !self.injects(pod, &UseLabel::True)
    }
}

impl Choice for Trigger {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("ServiceAccount", Self::ServiceAccount), ("Pod", Self::Pod), ("Any", Self::Any)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decides_as_the_table_says() {
        use Trigger::{Any, Pod, ServiceAccount};
        let label = |text| match text {
            "-" => UseLabel::Absent,
            text => UseLabel::from(Some(text)),
        };
        let pods = ["-", "true", "false", "True"];
        for (trigger, service_account, expected) in [
            (ServiceAccount, "true", [true, true, false, true]),
            (ServiceAccount, "false", [false; 4]),
            (ServiceAccount, "-", [false; 4]),
            (ServiceAccount, "yes", [false; 4]),
            (Pod, "true", [false, true, false, false]),
            (Pod, "false", [false, true, false, false]),
            (Pod, "-", [false, true, false, false]),
            (Any, "true", [true, true, false, true]),
            (Any, "false", [false, true, false, false]),
            (Any, "-", [false, true, false, false]),
            (Any, "True", [false, true, false, false]),
        ] {
            let decided = pods.map(|pod| trigger.injects(&label(pod), &label(service_account)));
            assert_eq!(decided, expected, "{trigger:?}, ServiceAccount {service_account}, pods {pods:?}");
        }
    }

    #[test]
    fn asks_nobody_where_the_pod_alone_decides() {
        assert!(Trigger::Pod.is_settled_by(&UseLabel::Absent));
        for trigger in [Trigger::Any, Trigger::Pod, Trigger::ServiceAccount] {
            assert!(trigger.is_settled_by(&UseLabel::False));
            assert!(!trigger.is_settled_by(&UseLabel::True));
        }
        assert!(!Trigger::Any.is_settled_by(&UseLabel::Absent));
    }
}
