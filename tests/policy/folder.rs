//! A folder of manifests for `check`, and manifests to put into it.

use std::process::Command;

use crate::common::{POLICY, RUNNER};

/// Manifests in a folder of their own, and the configuration beside them.
pub(crate) struct Folder(pub(crate) std::path::PathBuf);

impl Folder {
    pub(crate) fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("azwi-{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn check(&self, arguments: &[&str]) -> (String, String, i32) {
        let output = Command::new(RUNNER)
            .current_dir(&self.0)
            .args(["check", "--policy", POLICY])
            .args(arguments)
            .output()
            .unwrap();
        (
            crate::engine::text(output.stdout),
            crate::engine::text(output.stderr),
            output.status.code().unwrap(),
        )
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) const SETTINGS: &str = "tenantId: 2f1d7a90-51c6-4e0b-9a77-3b8f6d20c4e1\n";

pub(crate) fn account(name: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n  namespace: team\n{more}  annotations:\n    azure.workload.identity/client-id: 6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa\n"
    )
}

pub(crate) const LABEL: &str = "  labels: {azure.workload.identity/use: \"true\"}\n";

pub(crate) fn deployment(account: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: team}}\nspec:\n  template:\n    spec: {{{account}containers: [{{name: web, image: x}}]}}\n"
    )
}
