//! Case after case: the same, explained by a deviation, or a failure.

use anyhow::{Result, bail};
use azwi_policy::host::Module;
use laws::pods::Case;
use serde_json::Value;
use similar::TextDiff;

use crate::{
    compare::{self, Answer, Outcome, said},
    configurations::Configuration,
    deviations::{DEVIATIONS, sorted},
};

/// A difference that nothing explains.
#[derive(Debug)]
pub struct Failure {
    /// Which comparison it is of.
    pub pass: Pass,
    /// The configuration's name.
    pub configuration: &'static str,
    /// What both were asked.
    pub case: Case,
}

/// The three comparisons of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// What each makes of the pod.
    First,
    /// What the policy makes of the webhook's pod.
    PolicyAfterWebhook,
    /// What the webhook makes of the policy's pod.
    WebhookAfterPolicy,
}

/// The outcome of all cases.
#[derive(Debug)]
pub struct Tally {
    /// Cases compared.
    pub cases: usize,
    /// Of them, those in which both say the same.
    pub same: usize,
    /// Cases that each deviation explained, in their order.
    pub explained: Vec<usize>,
    /// The webhook's pods that were put through the policy.
    pub after_webhook: usize,
    /// The policy's pods that were put through the webhook.
    pub after_policy: usize,
    /// What nothing explains.
    pub failures: Vec<Failure>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            cases: 0,
            same: 0,
            explained: vec![0; DEVIATIONS.len()],
            after_webhook: 0,
            after_policy: 0,
            failures: Vec::new(),
        }
    }
}

fn is_same(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Admitted(one), Outcome::Admitted(other)) => said(one) == said(other),
        (Outcome::Refused(_), Outcome::Refused(_)) => true,
        (Outcome::Admitted(_) | Outcome::Refused(_), _) => false,
    }
}

/// Whether both outcomes are the same, apart from fields that the types of 1.6.0 do not have, and from the order of entries with the same
/// name, which the current webhook changes.
#[must_use]
pub fn is_same_but_for_order(one: &Outcome, other: &Outcome) -> bool {
    match (one, other) {
        (Outcome::Admitted(one), Outcome::Admitted(other)) => {
            let plain = |pod: &Value| said(&sorted(&compare::without_future(pod)));
            plain(one) == plain(other)
        }
        (Outcome::Refused(_), Outcome::Refused(_)) => true,
        (Outcome::Admitted(_) | Outcome::Refused(_), _) => false,
    }
}

fn explanation(case: &Case, webhook: &Outcome, policy: &Outcome) -> Option<usize> {
    DEVIATIONS.iter().position(|deviation| deviation.explains(case, webhook, policy))
}

fn is_explained(case: &Case, webhook: &Outcome, policy: &Outcome) -> bool {
    is_same(webhook, policy) || explanation(case, webhook, policy).is_some()
}

/// The case again, with the resulting pod.
#[must_use]
pub fn again(case: &Case, pod: &Value) -> Case {
    let mut again = case.clone();
    if let Some(object) = again.request.get_mut("object") {
        object.clone_from(pod);
    }
    again
}

impl Tally {
    /// Compares what both make of a case, and puts the webhook's pod through the policy. Returns the policy's pod as
    /// the case for the webhook's second pass, where there is one.
    ///
    /// # Errors
    /// The module can't run, or the webhook's patch does not fit.
    pub fn judge(
        &mut self,
        module: &Module,
        configuration: &Configuration,
        case: &Case,
        answer: &Answer,
    ) -> Result<Option<Case>> {
        self.cases += 1;
        let theirs = compare::webhook(case, answer)?;
        let ours = compare::policy(module, &configuration.settings, case)?;
        if is_same(&theirs, &ours) {
            self.same += 1;
        } else if let Some(index) = explanation(case, &theirs, &ours) {
            if let Some(explained) = self.explained.get_mut(index) {
                *explained += 1;
            }
        } else {
            self.fail(Pass::First, configuration, case.clone());
        }
        if !compare::is_selected(case) {
            return Ok(None);
        }
        if let Outcome::Admitted(pod) = &theirs {
            self.after_webhook += 1;
            let case = again(case, pod);
            let ours = compare::policy(module, &configuration.settings, &case)?;
            if !is_explained(&case, &theirs, &ours) {
                self.fail(Pass::PolicyAfterWebhook, configuration, case);
            }
        }
        Ok(match ours {
            Outcome::Admitted(pod) => Some(again(case, &compare::without_future(&pod))),
            Outcome::Refused(_) => None,
        })
    }

    /// Compares the policy's pod, which is that of `case`, with what the webhook makes of it.
    ///
    /// # Errors
    /// The webhook's patch does not fit.
    pub fn judge_again(&mut self, configuration: &Configuration, case: &Case, answer: &Answer) -> Result<()> {
        self.after_policy += 1;
        let theirs = compare::webhook(case, answer)?;
        // The webhook refuses what it would have refused of the first pod too; that was compared already.
        if matches!(theirs, Outcome::Refused(_)) {
            return Ok(());
        }
        let before = Outcome::Admitted(case.request.get("object").cloned().unwrap_or_default());
        if !is_explained(case, &theirs, &before) {
            self.fail(Pass::WebhookAfterPolicy, configuration, case.clone());
        }
        Ok(())
    }

    fn fail(&mut self, pass: Pass, configuration: &Configuration, case: Case) {
        self.failures.push(Failure { pass, configuration: configuration.name, case });
    }

    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.same += other.same;
        self.after_webhook += other.after_webhook;
        self.after_policy += other.after_policy;
        self.explained.iter_mut().zip(other.explained).for_each(|(own, other)| *own += other);
        self.failures.extend(other.failures);
    }

    /// How many cases the deviation called `name` explained.
    #[must_use]
    pub fn explained_by(&self, name: &str) -> usize {
        let explained = DEVIATIONS.iter().zip(&self.explained);
        explained.filter(|(deviation, _)| deviation.name == name).map(|(_, number)| number).sum()
    }

    /// The report: how many cases, and how many each deviation explained.
    #[must_use]
    pub fn report(&self) -> String {
        let mut lines = vec![format!("{} cases compared, {} the same", self.cases, self.same)];
        let explained = DEVIATIONS.iter().zip(&self.explained);
        lines.extend(
            explained
                .filter(|(_, number)| **number > 0)
                .map(|(deviation, number)| format!("{number:6} {}", deviation.name)),
        );
        lines.push(format!(
            "{} of the webhook's pods put through the policy, {} of the policy's through the webhook",
            self.after_webhook, self.after_policy
        ));
        lines.push(format!("{} differences that nothing explains\n", self.failures.len()));
        lines.join("\n")
    }
}

/// How a comparison fails: a smaller case must fail in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    webhook_admits: bool,
    policy_admits: bool,
}

/// How a case fails in this comparison; a case that can't be asked does not.
pub fn fails(
    pass: Pass,
    module: &Module,
    configuration: &Configuration,
    case: &Case,
    mut ask: impl FnMut(&Case) -> Result<Answer>,
) -> Option<Way> {
    let (webhook, policy) = outcomes(pass, module, configuration, case, &mut ask).ok()?;
    let admits = |outcome: &Outcome| matches!(outcome, Outcome::Admitted(_));
    let way = Way { webhook_admits: admits(&webhook), policy_admits: admits(&policy) };
    (!is_explained(case, &webhook, &policy)).then_some(way)
}

/// What each says in a comparison, and where it differs.
///
/// # Errors
/// One of them can't be asked.
pub fn explain(
    pass: Pass,
    module: &Module,
    configuration: &Configuration,
    case: &Case,
    mut ask: impl FnMut(&Case) -> Result<Answer>,
) -> Result<String> {
    let (webhook, policy) = outcomes(pass, module, configuration, case, &mut ask)?;
    let input = Outcome::Admitted(case.request.get("object").cloned().unwrap_or_default());
    Ok(format!(
        "{pass:?}, configuration {}\ninput\n{}\ninput → webhook\n{}\ninput → policy\n{}\nwebhook → policy\n{}",
        configuration.name,
        serde_json::to_string_pretty(case)?,
        diff(&input, &webhook),
        diff(&input, &policy),
        diff(&webhook, &policy)
    ))
}

/// How each pass changes the pod of `case`, up to the last pass.
fn outcomes(
    pass: Pass,
    module: &Module,
    configuration: &Configuration,
    case: &Case,
    ask: &mut dyn FnMut(&Case) -> Result<Answer>,
) -> Result<(Outcome, Outcome)> {
    let settings = &configuration.settings;
    Ok(match pass {
        Pass::First => (compare::webhook(case, &ask(case)?)?, compare::policy(module, settings, case)?),
        Pass::PolicyAfterWebhook => {
            let theirs = compare::webhook(case, &ask(case)?)?;
            let Outcome::Admitted(pod) = &theirs else { bail!("the webhook refuses it") };
            let ours = compare::policy(module, settings, &again(case, pod))?;
            (theirs, ours)
        }
        Pass::WebhookAfterPolicy => {
            let ours = compare::policy(module, settings, case)?;
            let Outcome::Admitted(pod) = &ours else { bail!("the policy refuses it") };
            let second = again(case, &compare::without_future(pod));
            (compare::webhook(&second, &ask(&second)?)?, Outcome::Admitted(compare::without_future(pod)))
        }
    })
}

fn diff(one: &Outcome, other: &Outcome) -> String {
    let text = |outcome: &Outcome| match outcome {
        Outcome::Admitted(pod) => serde_json::to_string_pretty(&said(pod)).unwrap_or_default(),
        Outcome::Refused(refused) => format!("refused: {}", refused.message),
    };
    TextDiff::from_lines(text(one), text(other)).unified_diff().context_radius(4).to_string()
}
