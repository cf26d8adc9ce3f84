//! The webhook itself, as a process: `conformance/oracle`.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::{Serialize, de::DeserializeOwned};

use crate::{compare::Answer, configurations::Configuration};
use laws::pods::Case;

/// A running webhook with one configuration.
pub struct Oracle {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts `program` with a configuration, and nothing else in its environment.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(program: &Path, configuration: &Configuration) -> Result<Self> {
        Self::with_environment(program, configuration.environment.iter().copied())
    }

    /// Starts `program` with these variables and no others.
    ///
    /// # Errors
    /// It can't be started.
    pub fn with_environment(
        program: &Path,
        environment: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self> {
        let mut child = Command::new(program)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start the oracle {}", program.display()))?;
        let stdin = child.stdin.take().context("the oracle has no standard input")?;
        let stdout = BufReader::new(child.stdout.take().context("the oracle has no standard output")?);
        Ok(Self { child, stdin, stdout })
    }

    /// What the webhook answers to `cases`, in their order.
    ///
    /// # Errors
    /// It ended, or wrote something else than an answer.
    pub fn ask(&mut self, cases: &[Case]) -> Result<Vec<Answer>> {
        self.ask_json(cases)
    }

    /// What it answers to `cases`, each a line of JSON, in their order.
    ///
    /// # Errors
    /// It ended, or wrote something else than an answer.
    pub fn ask_json<Q: Serialize + Sync, A: DeserializeOwned>(&mut self, cases: &[Q]) -> Result<Vec<A>> {
        let (stdin, stdout) = (&mut self.stdin, &mut self.stdout);
        // Written and read at once: either pipe would fill up while the other waits.
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| -> Result<()> {
                for case in cases {
                    let mut line = serde_json::to_vec(case)?;
                    line.push(b'\n');
                    stdin.write_all(&line)?;
                }
                Ok(())
            });
            let answers = cases
                .iter()
                .map(|_| {
                    let mut line = String::new();
                    ensure!(stdout.read_line(&mut line)? > 0, "the oracle ended early");
                    serde_json::from_str(&line).with_context(|| format!("no answer of an oracle: {line}"))
                })
                .collect::<Result<Vec<A>>>();
            match writer.join() {
                Ok(written) => written.context("the oracle does not read")?,
                Err(_) => anyhow::bail!("writing to the oracle failed"),
            }
            answers
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
